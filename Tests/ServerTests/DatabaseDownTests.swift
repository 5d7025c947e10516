import HTTPTypes
import Holdfast
import HoldfastCore
import HoldfastServer
import HoldfastTesting
import Testing

@Suite(.timeLimit(.minutes(5))) struct DatabaseDownTests {
  /// Goal: a client learns that the database is down, and nothing of where it is, as whom it is
  /// asked, or that its password changed.
  ///
  /// Method: the server of the database stops under an open store; then it refuses the password.
  /// Readiness, which is open to everybody, a read and a write are asked for.
  @Test func `a client is not told where the database is`() async throws {
    guard Engines.available.contains(.postgres) else { return }
    let server = try await PrivatePostgres.start(syncs: false)
    var options = StoreOptions.testing()
    options.busyWaitMax = .seconds(1)
    let url = try await server.freshURL()
    let store = try await Store.open(StoreLocation(url), options: options)
    let client = LocalClient(store: store, user: "test")
    try await server.stop()
    let requests: [APIRequest] = [
      APIRequest(.get, "/readyz"), APIRequest(.get, "/v1/kv/a/b"),
      APIRequest(.put, "/v1/kv/a/b", body: Array(#"{"value":1}"#.utf8)),
    ]
    for request in requests { try await expectNothingTold(request, client, server) }
    try await server.resume()
    try await server.run("ALTER ROLE \(PrivatePostgres.user) PASSWORD 'changed'")
    try await server.run(
      "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity "
        + "WHERE application_name = 'holdfast'")
    for request in requests { try await expectNothingTold(request, client, server) }
    await store.close()
    // Who opens the store is told.
    let refused = await refusal {
      try await Store.open(StoreLocation(url), options: .testing())
    }
    #expect(refused?.code == .unauthenticated)
    #expect(refused?.message.contains("127.0.0.1:\(server.port)") == true)
  }

  private func expectNothingTold(
    _ request: APIRequest, _ client: LocalClient, _ server: PrivatePostgres
  ) async throws {
    let response = try await client.send(request)
    #expect(response.status == 503)
    let text = String(decoding: try await response.body.collect(upTo: 1 << 16), as: UTF8.self)
    for told in ["127.0.0.1", server.folder, String(server.port), PrivatePostgres.database + " "] {
      #expect(!text.contains(told), "\(text)")
    }
  }

  private func refusal(_ body: () async throws -> Store) async -> StoreError? {
    do {
      await (try await body()).close()
      return nil
    } catch {
      return error as? StoreError
    }
  }
}
