import Holdfast
import HoldfastTesting
import Testing

@Suite(.timeLimit(.minutes(5))) struct AuditListTests {
  @Test(arguments: Engines.available)
  func `records are listed newest first by every field`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .oneSession(time: time)) { test in
      let audit = test.store.audit
      func add(_ entry: AuditEntry) async throws {
        time.advance(by: .seconds(1))
        try await audit.record(entry)
      }
      let start = time.wallTime()
      try await add(AuditEntry(actor: "al", action: "x", subject: "s", run: "r", result: "1"))
      try await add(AuditEntry(actor: "bo", action: "x", subject: "t", bot: "b", result: "2"))
      try await add(AuditEntry(actor: "al", action: "y", subject: "s", bot: "b", result: "3"))
      try await add(AuditEntry(memory: "m", .share, bot: "b", actor: "al", result: "4"))
      try await add(AuditEntry(memory: "m", .merge, bot: "c", actor: "bo", result: "5"))

      func list(_ query: AuditQuery) async throws -> String {
        try await audit.list(query).items.map { $0.result ?? "" }.joined()
      }
      #expect(try await list(AuditQuery()) == "54321")
      #expect(try await list(AuditQuery(actor: "al")) == "431")
      #expect(try await list(AuditQuery(action: "x")) == "21")
      #expect(try await list(AuditQuery(action: "memory.share")) == "4")
      #expect(try await list(AuditQuery(subject: "s")) == "31")
      #expect(try await list(AuditQuery(bot: "b")) == "432")
      #expect(try await list(AuditQuery(memory: "m")) == "54")
      #expect(try await list(AuditQuery(run: "r")) == "1")
      #expect(try await list(AuditQuery(actor: "bo", memory: "m")) == "5")
      #expect(try await list(AuditQuery(actor: "al", action: "x", subject: "s", run: "r")) == "1")
      #expect(try await list(AuditQuery(actor: "bo", bot: "b")) == "2")
      #expect(try await list(AuditQuery(actor: "nobody")) == "")
      #expect(try await list(AuditQuery(since: start + .seconds(4))) == "54")
      #expect(try await list(AuditQuery(until: start + .seconds(2))) == "1")
      let window = AuditQuery(
        bot: "b", since: start + .seconds(2), until: start + .seconds(4))
      #expect(try await list(window) == "32")
    }
  }

  /// Goal: a memory's life is told by five actions, each under its own name.
  ///
  /// Method: all of them, listed by action, by memory and by bot.
  @Test(arguments: Engines.available)
  func `each action on a memory is found`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .oneSession(time: time)) { test in
      let audit = test.store.audit
      let names = ["memory.add", "memory.delete", "memory.share", "memory.revoke", "memory.merge"]
      for action: MemoryAction in [.add, .delete, .share, .revoke, .merge] {
        try await audit.record(AuditEntry(memory: "m", action, bot: "b"))
        time.advance(by: .seconds(1))
      }
      #expect(MemoryAction.allCases.map(\.name) == names)
      for name in names {
        let found = try await audit.list(AuditQuery(action: name)).items
        #expect(found.map(\.memory) == ["m"] && found.map(\.bot) == ["b"], "\(name)")
      }
      #expect(
        try await audit.list(AuditQuery(memory: "m")).items.map(\.action) == names.reversed())
      #expect(
        try await audit.list(AuditQuery(bot: "b")).items.map(\.action) == names.reversed())
    }
  }

  /// Goal: pages show each record once, records of one time and of several chains too.
  @Test(arguments: Engines.available)
  func `pages show every record once`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .oneSession(time: time)) { test in
      for chain: Int64 in [1, 2, 1, 3, 2] { try await test.store.fill(chain, 3) }
      for query in [AuditQuery(limit: 4), AuditQuery(action: "a", limit: 1)] {
        var query = query
        var ids: [String] = []
        repeat {
          let page = try await test.store.audit.list(query)
          ids += page.items.map(\.id)
          query.after = page.next
        } while query.after != nil
        #expect(
          ids == [
            "3:3", "3:2", "3:1", "2:6", "2:5", "2:4", "2:3", "2:2", "2:1", "1:6", "1:5", "1:4",
            "1:3", "1:2", "1:1",
          ])
      }
      await expectRefusal(.invalid, reason: "cursor") {
        try await test.store.audit.list(AuditQuery(after: "nonsense"))
      }
      for limit in [0, -1, 1_001] {
        await expectRefusal(.invalid) { try await test.store.audit.list(AuditQuery(limit: limit)) }
      }
    }
  }
}

@Suite(.timeLimit(.minutes(5))) struct AuditInputTests {
  @Test(arguments: Engines.available)
  func `what cannot be recorded is refused and leaves nothing`(
    on engine: TestEngine
  ) async throws {
    try await withStore(on: engine) { test in
      let audit = test.store.audit
      let long = String(repeating: "x", count: 257)
      let bad = [
        AuditEntry(action: ""), AuditEntry(action: long), AuditEntry(action: "a\0b"),
        AuditEntry(actor: "", action: "a"), AuditEntry(actor: long, action: "a"),
        AuditEntry(action: "a", subject: "\0"), AuditEntry(action: "a", bot: ""),
        AuditEntry(action: "a", bot: "\0"), AuditEntry(action: "a", run: ""),
        AuditEntry(action: "a", run: ".."), AuditEntry(action: "a", memory: "m\0"),
        AuditEntry(action: "a", result: "\0"), AuditEntry(action: "a", details: nil),
        AuditEntry(action: "a", details: []), AuditEntry(action: "a", details: "text"),
      ]
      for entry in bad {
        await expectRefusal(.invalid, "\(entry)") { try await audit.record(entry) }
      }
      for (most, make) in [
        (1_024, { AuditEntry(action: "a", subject: $0) }),
        (1_024, { AuditEntry(action: "a", memory: $0) }),
        (4_096, { AuditEntry(action: "a", result: $0) }),
      ] as [(Int, (String) -> AuditEntry)] {
        try await audit.record(make(String(repeating: "x", count: most)))
        let entry = make(String(repeating: "x", count: most + 1))
        await expectRefusal(.tooLarge) { try await audit.record(entry) }
      }
      #expect(try await audit.list().items.count == 3)
    }
  }

  @Test(arguments: Engines.available)
  func `a read records nothing`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      await expectRefusal(.invalidState) {
        try await test.store.read { tx in try tx.audit.record(AuditEntry(action: "a")) }
      }
    }
  }

  @Test(arguments: Engines.available)
  func `a record that is sent twice under a key is written once`(
    on engine: TestEngine
  ) async throws {
    try await withStore(on: engine) { test in
      let entry = AuditEntry(action: "a", details: ["n": 1])
      let first = try await test.store.audit.record(entry, with: .idempotent("k"))
      let again = try await test.store.audit.record(entry, with: .idempotent("k"))
      #expect(first == again)
      await expectRefusal(.conflict) {
        try await test.store.audit.record(AuditEntry(action: "b"), with: .idempotent("k"))
      }
      #expect(try await test.store.audit.list().items == [first])
    }
  }

  /// Goal: records about what is archived or deleted are taken, and outlive it.
  @Test(arguments: Engines.available)
  func `records outlive their subjects`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let store = test.store
      try await store.runs.begin("old")
      try await store.runs.begin("gone")
      let bot = try await store.bots.create("Bot", slug: "bot").id
      try await store.audit.record(AuditEntry(action: "a", bot: bot, run: "gone"))
      try await store.runs.apply(.complete, to: "old")
      try await store.runs.apply(.archive, to: "old")
      try await store.runs.delete("gone")
      try await store.bots.delete(bot)
      try await store.audit.record(AuditEntry(action: "b", run: "old"))
      try await store.audit.record(AuditEntry(action: "b", bot: bot, run: "gone"))
      #expect(try await store.audit.list(AuditQuery(run: "gone")).items.count == 2)
      #expect(try await store.audit.list(AuditQuery(bot: bot)).items.count == 2)
      #expect(try await store.audit.list(AuditQuery(run: "old")).items.count == 1)
    }
  }

  @Test(arguments: Engines.available)
  func `the store records tokens that are made and revoked`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let secret = try await test.store.tokens.create("alice", role: .agent).secret
      try await test.store.tokens.acting(as: "root").revoke("alice")
      #expect(try await test.store.tokens.revoke("alice") == false)
      let records = try await test.store.audit.list().items
      #expect(records.map(\.action) == [AuditAction.tokenRevoke, AuditAction.tokenCreate])
      #expect(records.map(\.actor) == ["root", "library"])
      #expect(records.allSatisfy { $0.subject == "token:alice" })
      #expect(!"\(records)".contains(secret))
    }
  }
}
