import Holdfast
import HoldfastEngine
import HoldfastTesting

extension StoreOptions {
  /// Options for tests that look at a chain's numbers: one session of PostgreSQL, so one chain.
  static func oneSession(
    time: any TimeSource = SystemTimeSource(), key: MasterKey? = nil
  ) -> StoreOptions {
    var options = StoreOptions.testing(time: time)
    options.poolConnectionsMax = 1
    options.masterKey = key
    return options
  }
}

extension MasterKey {
  /// A key for tests.
  static func test(_ byte: UInt8 = 7) throws -> MasterKey {
    try MasterKey(bytes: [UInt8](repeating: byte, count: 32))
  }
}

extension Store {
  /// Does what somebody with an SQL tool could.
  func tamper(_ statements: [String]) async throws {
    for text in statements {
      _ = try await engine.write(WriteOptions(), [Step(Statement(text))])
    }
  }

  /// Lets the one session of the store write to a chain of the test's choice.
  func useChain(_ chain: Int64) async throws {
    try await engine.write(WriteOptions()) { connection in
      connection.notes["audit.chain"] = chain
    }
  }

  /// Adds records to a chain.
  func fill(_ chain: Int64, _ count: Int, _ action: String = "a") async throws {
    try await useChain(chain)
    for number in 0..<count {
      try await audit.record(
        AuditEntry(action: action, subject: "s\(number)", details: ["n": .integer(Int64(number))]))
    }
  }

  /// The faults that verify finds, as `chain:number reason`.
  func faults(against anchor: AuditAnchor? = nil) async throws -> [String] {
    try await audit.verify(against: anchor).faults.map(\.summary)
  }
}

extension AuditFault {
  /// The fault in a line.
  var summary: String { "\(chain):\(number) \(reason.rawValue)" }
}

/// Gives a test a store whose audit log it may spoil: nobody verifies it afterwards.
func withSpoiltStore(
  on engine: TestEngine, options: StoreOptions, _ body: (Store, StorePlace) async throws -> Void
) async throws {
  let place = try await engine.makePlace()
  defer { place.remove() }
  let store = try await Store.open(place.location, options: options)
  do {
    try await body(store, place)
  } catch {
    await store.close()
    throw error
  }
  await store.close()
}
