import Holdfast
import HoldfastTesting
import Testing

/// Gives a test stores on one database that nobody else uses at the same time, and checks it.
///
/// For tests that count how often transactions run again: while any other serializable transaction
/// of its server is open that has written, PostgreSQL takes those that queue for concurrent ones.
func withOwnServer(
  on engine: TestEngine, stores count: Int, _ body: ([Store]) async throws -> Void
) async throws {
  guard engine == .postgres else {
    return try await withStore(on: engine) { test in
      var stores = [test.store]
      while stores.count < count { stores.append(try await test.openAnother()) }
      try await body(stores)
    }
  }
  let server = try await PrivatePostgres.start(syncs: false)
  // The server ends with the last who holds it.
  defer { withExtendedLifetime(server) {} }
  let location = StoreLocation(try await server.freshURL())
  var stores: [Store] = []
  var failure: (any Error)?
  do {
    while stores.count < count {
      stores.append(try await Store.open(location, options: .testing()))
    }
    try await body(stores)
    #expect(try await stores[0].verify().problems == [])
  } catch {
    failure = error
  }
  for store in stores { await store.close() }
  if let failure { throw failure }
}
