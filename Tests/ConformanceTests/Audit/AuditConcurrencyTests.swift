import Holdfast
import HoldfastEngine
import HoldfastTesting
import NIOConcurrencyHelpers
import Testing

@Suite(.timeLimit(.minutes(5))) struct AuditConcurrencyTests {
  /// Goal: writers do not fight for the log. On PostgreSQL each session has a chain of its own, so
  /// that eight at once need no second attempt; on SQLite they share one.
  ///
  /// Method: after one record each, which makes the chains, eight writers record forty times each
  /// with another write beside it, every fifth rolled back; the bodies that ran are counted. The
  /// database is the test's own, for others' transactions would make these run again.
  @Test(arguments: Engines.available)
  func `eight writers record without trying again`(on engine: TestEngine) async throws {
    try await withOwnServer(on: engine, stores: 1) { stores in
      let store = stores[0]
      let runs = NIOLockedValueBox(0)
      @Sendable func write(_ writer: Int, _ round: Int) async throws {
        let isFailing = round % 5 == 4
        do {
          try await store.transaction { tx in
            runs.withLockedValue { $0 += 1 }
            try tx.kv(.global).put("k\(writer)", .integer(Int64(round)))
            try tx.audit.record(AuditEntry(actor: "w\(writer)", action: "a"))
            if isFailing { throw OwnError(number: round) }
          }
          #expect(!isFailing)
        } catch is OwnError {
          #expect(isFailing)
        }
      }
      try await withThrowingTaskGroup { group in
        for writer in 0..<8 { group.addTask { try await write(writer, 0) } }
        try await group.waitForAll()
      }
      runs.withLockedValue { $0 = 0 }
      try await withThrowingTaskGroup { group in
        for writer in 0..<8 {
          group.addTask { for round in 0..<40 { try await write(writer, round) } }
        }
        try await group.waitForAll()
      }
      let attempts = runs.withLockedValue { $0 }
      // A session that comes later makes its chain then, and may meet another that does the same.
      #expect(attempts <= 320 + 8, "320 transactions ran \(attempts) bodies")
      let found = try await store.audit.verify()
      #expect(found.isValid && found.records == 8 + 8 * 32)
      #expect(engine == .sqlite ? found.chains == 1 : found.chains <= 8)
      for writer in 0..<8 {
        let query = AuditQuery(actor: "w\(writer)", limit: 1_000)
        #expect(try await store.audit.list(query).items.count == 33)
      }
    }
  }

  /// Goal: a chain that a closed store leaves is taken up by the next, so that their number stays
  /// that of the sessions; two stores at once never write to one.
  @Test(arguments: Engines.available)
  func `a chain is free again when its session ends`(on engine: TestEngine) async throws {
    try await withStore(on: engine, options: .oneSession()) { test in
      let one = test.store
      let two = try await test.openAnother()
      let first = try await one.audit.record(AuditEntry(action: "a")).chain
      let second = try await two.audit.record(AuditEntry(action: "a")).chain
      #expect(first == 1 && second == (engine == .sqlite ? 1 : 2))
      try await test.restart()
      let again = try await test.store.audit.record(AuditEntry(action: "a"))
      #expect(again.number == (engine == .sqlite ? 3 : 2))
      let found = try await test.store.audit.verify()
      #expect(found.isValid && found.records == 3)
    }
  }

  /// Goal: what a session noted does not outlive it, and a rollback does not take it away.
  @Test(arguments: Engines.available)
  func `a session keeps its chain through a rollback`(on engine: TestEngine) async throws {
    try await withStore(on: engine, options: .oneSession()) { test in
      _ = try? await test.store.transaction { tx in
        try tx.audit.record(AuditEntry(action: "a"))
        throw OwnError(number: 1)
      }
      for number: Int64 in 1...3 {
        let record = try await test.store.audit.record(AuditEntry(action: "a"))
        #expect(record.chain == 1 && record.number == number)
      }
    }
  }
}
