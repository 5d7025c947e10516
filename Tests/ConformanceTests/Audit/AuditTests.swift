import Holdfast
import HoldfastTesting
import Testing

@Suite(.timeLimit(.minutes(5))) struct AuditTests {
  @Test(arguments: Engines.available)
  func `a record carries what was given and its place`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    var options = StoreOptions.testing(time: time)
    options.actor = "someone"
    options.poolConnectionsMax = 1
    try await withStore(on: engine, options: options) { test in
      let audit = test.store.audit
      let plain = try await audit.record(AuditEntry(action: "plan.advance"))
      #expect(plain.chain == 1 && plain.number == 1 && plain.id == "1:1")
      #expect(plain.actor == "someone" && plain.time == time.wallTime())
      #expect(plain.subject == nil && plain.details == [:] && plain.importedAt == nil)
      let details: Value = ["a": 1, "b": [1.5, nil, .bytes([1, 2])], "c": .double(.infinity)]
      let full = try await audit.record(
        AuditEntry(
          actor: "bob", action: "plan.end", subject: "run:42", bot: "b", run: "42", memory: "m",
          result: "done", details: details))
      #expect(full.number == 2 && full.actor == "bob" && full.result == "done")
      #expect(full.subject == "run:42" && full.bot == "b" && full.run == "42")
      #expect(full.memory == "m" && full.details == details)
      #expect(try await audit.get(chain: 1, number: 2) == full)
      #expect(try await audit.get(chain: 1, number: 3) == nil)
      #expect(try await audit.list().items == [full, plain])
    }
  }

  @Test(arguments: Engines.available)
  func `several records stand one behind the other`(on engine: TestEngine) async throws {
    try await withStore(on: engine, options: .oneSession()) { test in
      let audit = test.store.audit
      let none: [AuditEntry] = []
      #expect(try await audit.record(none).isEmpty)
      let records = try await audit.record((1...5).map { AuditEntry(action: "a\($0)") })
      #expect(records.map(\.number) == [1, 2, 3, 4, 5])
      #expect(records.map(\.action) == ["a1", "a2", "a3", "a4", "a5"])
      await expectRefusal(.invalid) {
        try await audit.record([AuditEntry(action: "fine"), AuditEntry(action: "")])
      }
      #expect(try await audit.list().items.count == 5)
    }
  }

  /// Goal: a transaction that throws leaves no gap in a chain.
  @Test(arguments: Engines.available)
  func `numbers have no gaps when transactions roll back`(on engine: TestEngine) async throws {
    try await withStore(on: engine, options: .oneSession()) { test in
      for round in 0..<6 {
        let failing = round % 2 == 0
        let numbers = try? await test.store.transaction { tx in
          let first = try tx.audit.record(AuditEntry(action: "a"))
          let second = try tx.audit.record(AuditEntry(action: "b"))
          if failing { throw OwnError(number: round) }
          return [first.number, second.number]
        }
        #expect((numbers == nil) == failing)
      }
      let numbers = try await test.store.audit.list().items.map(\.number)
      #expect(numbers == [6, 5, 4, 3, 2, 1])
    }
  }

  @Test(arguments: Engines.available)
  func `records enter the feed under the namespace of their run or bot`(
    on engine: TestEngine
  ) async throws {
    try await withStore(on: engine) { test in
      let store = test.store
      let cursor = try await store.changes.cursor()
      try await store.audit.record(AuditEntry(action: "a", bot: "b", run: "42"))
      try await store.audit.record(AuditEntry(action: "a", bot: "b"))
      try await store.audit.record(AuditEntry(action: "a"))
      let events = try await store.changes.all(since: cursor)
      #expect(events.map(\.kind) == ["audit", "audit", "audit"])
      #expect(events.map(\.namespace) == ["run:42", "bot:b", "global"])
      #expect(events.allSatisfy { $0.operation == "record" })
      let ids = try await store.audit.list().items.map(\.id)
      #expect(events.map(\.subject) == ids.reversed())
    }
  }
}
