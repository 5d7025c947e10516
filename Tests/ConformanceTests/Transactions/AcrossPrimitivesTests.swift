import Holdfast
import HoldfastTesting
import Testing

@Suite(.timeLimit(.minutes(5))) struct AcrossPrimitivesTests {
  /// What an agent does in one turn, the append to the conversation last.
  private static func turn(_ tx: Transaction, item: Value = ["role": "user"]) throws {
    try tx.kv(.run("r")).put("plan", ["step": 1])
    try tx.tasks.enqueue("send", parameters: ["to": "a@b.example"], queue: "mail", run: "r")
    try tx.audit.record(AuditEntry(action: "mail.order", run: "r", result: "ok"))
    try tx.files(.run("r")).save("note.txt", Array("Hello".utf8), mediaType: "text/plain")
    try tx.sessions.append([item], to: "s")
  }

  private static func prepare(_ store: Store) async throws {
    try await store.runs.begin("r")
    try await store.sessions.save(SessionEntry("s", run: "r"))
    try await store.sessions.append([["role": "system"]], to: "s")
    try await store.audit.record(AuditEntry(action: "begin", run: "r"))
  }

  /// What the store holds of a turn, and what numbers come next.
  private struct Holding: Equatable {
    var plan: Value?
    var tasks: [String]
    var actions: [String]
    /// The places of the records, by chain: each connection of PostgreSQL's has its own.
    var records: [Int64: [Int64]]
    var positions: [Int64]
    var next: Int64?
    var itemCount: Int?
    var content: [UInt8]?

    init(_ store: Store) async throws {
      plan = try await store.kv(.run("r")).get("plan")
      tasks = try await store.tasks.list().items.map(\.command)
      let audit = try await store.audit.list().items
      actions = audit.map(\.action)
      records = Dictionary(grouping: audit, by: \.chain).mapValues { $0.map(\.number).sorted() }
      let session = try await store.sessions.get("s")
      positions = try await store.sessions.items(of: "s").items.map(\.position)
      next = session?.nextPosition
      itemCount = session?.itemCount
      if try await store.files(.run("r")).get("note.txt") != nil {
        content = try await store.files(.run("r")).read("note.txt")
      }
    }
  }

  /// The events of a turn, in its order.
  private static let events = ["kv", "task", "audit", "file", "item"]

  /// Expects a turn that follows what was prepared to be there, with nothing left out between.
  private static func expectTurn(
    _ before: Holding, _ store: Store, since cursor: ChangeCursor
  ) async throws {
    let after = try await Holding(store)
    #expect(after.plan == ["step": 1])
    #expect(after.tasks == ["send"])
    #expect(after.actions == ["mail.order"] + before.actions)
    for numbers in after.records.values { #expect(numbers == Array(1...Int64(numbers.count))) }
    #expect(after.positions == before.positions + [(before.positions.last ?? 0) + 1])
    #expect(after.itemCount == (before.itemCount ?? 0) + 1)
    #expect(after.content == Array("Hello".utf8))
    let events = try await store.changes.all(since: cursor)
    #expect(events.map(\.kind) == Self.events)
    #expect(Set(events.map(\.revision)).count == 1, "one transaction has one version")
    #expect(try await store.audit.verify().isValid)
    #expect(try await store.verify().problems == [])
  }

  /// Goal: writes to a key, a task, the audit log, a file and a conversation are one transaction;
  /// where its last part fails, none of them was.
  ///
  /// Method: the append is refused for an item that cannot be and for a session that is not there,
  /// and the body throws an error of its own behind it; each time nothing is there, and the turn
  /// that follows has the numbers and positions that the failed ones would have had.
  @Test(arguments: Engines.available)
  func `a failure in the last part leaves none of the parts`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let store = test.store
      try await Self.prepare(store)
      let before = try await Holding(store)
      let cursor = try await store.changes.cursor()
      await expectRefusal(.invalid) {
        try await store.transaction { tx in try Self.turn(tx, item: "no object") }
      }
      #expect(try await Holding(store) == before)
      await expectRefusal(.notFound) {
        try await store.transaction { tx in
          try Self.turn(tx)
          try tx.sessions.append([["role": "user"]], to: "nobody's")
        }
      }
      #expect(try await Holding(store) == before)
      await #expect(throws: OwnError(number: 7)) {
        try await store.transaction { tx in
          try Self.turn(tx)
          throw OwnError(number: 7)
        }
      }
      #expect(try await Holding(store) == before)
      #expect(try await store.changes.all(since: cursor).isEmpty)
      let claimed = try await store.tasks.claim(from: ["mail"])
      #expect(claimed.isEmpty)
      try await store.transaction { tx in try Self.turn(tx) }
      try await Self.expectTurn(before, store, since: cursor)
    }
  }

  /// Goal: wherever the database fails in such a transaction, nothing of it is there.
  ///
  /// Method: lets its first, second, … statement fail until it succeeds, then its COMMIT.
  @Test(arguments: Engines.available)
  func `a failure at any statement leaves none of the parts`(
    on engine: TestEngine
  ) async throws {
    let faults = FaultInjection()
    var options = StoreOptions.testing()
    options.inject(faults)
    try await withStore(on: engine, options: options) { test in
      let store = test.store
      try await Self.prepare(store)
      let before = try await Holding(store)
      let cursor = try await store.changes.cursor()
      let broken = StoreError(.unavailable, "Injected.")
      faults.fail(.beforeCommit, times: 1_000, with: broken)
      let commit = await refusal { try await store.transaction { tx in try Self.turn(tx) } }
      faults.clear()
      #expect([.unavailable, .uncertain].contains(commit?.code))
      #expect(try await Holding(store) == before)
      var failures = 0
      while true {
        faults.fail(.statement, after: failures, with: broken)
        let error = await refusal { try await store.transaction { tx in try Self.turn(tx) } }
        faults.clear()
        guard let error else { break }
        #expect(error.code == .unavailable)
        #expect(try await Holding(store) == before, "with \(failures) statements before it")
        failures += 1
        try #require(failures < 200)
      }
      #expect(failures > 5)
      try await Self.expectTurn(before, store, since: cursor)
    }
  }
}
