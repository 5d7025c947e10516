@testable import Holdfast
import HoldfastTesting
import Testing

@Suite(.timeLimit(.minutes(5))) struct RetentionTests {
  private static let day = Duration.seconds(86_400)

  /// One of everything, finished or idle now.
  private static func fill(_ store: Store, run: String? = nil) async throws {
    try await store.tasks.save(TaskDraft("work", run: run), status: .completed)
    let approval = try await store.approvals.request(ApprovalRequest("pay", run: run)).id
    try await store.approvals.decide(approval, .deny)
    try await store.sessions.save(SessionEntry(run: run))
    let letter = try await store.deadLetters.save(
      DeadLetterEntry(source: "mail", message: "m", run: run))
    try await store.deadLetters.resolve(letter.id)
  }

  /// What no policy takes unless somebody says so, finished too.
  private static func fillForEver(_ store: Store) async throws {
    try await store.runs.begin("stays")
    try await store.runs.apply(.complete, to: "stays")
    try await store.bots.create("b", slug: "stays")
    for version: UInt8 in 1...3 { try await store.files().save("stays", [version]) }
  }

  private static func expectForEver(_ store: Store) async throws {
    #expect(try await store.runs.get("stays")?.status == .completed)
    #expect(try await store.bots.get(slug: "stays") != nil)
    #expect(try await store.files().list().items.map(\.versions) == [3])
    #expect(try await store.files().read("stays", number: 1) == [1])
  }

  private static func counts(_ report: RetentionReport) -> [RetentionKind: Int] {
    report.counts.filter { $0.value > 0 }
  }

  /// Goal: without a policy everything stays as long as it is told, and no longer.
  ///
  /// Method: one of each kind, and of those that nothing removes; runs just before the time of each
  /// and just after it. The newest of the feed's old rows stays.
  @Test(arguments: Engines.available)
  func `each kind goes at its time`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let store = test.store
      try await Self.fill(store)
      try await store.threads.upsert(channel: "c", thread: "t", sessionKey: "none")
      try await Self.fillForEver(store)
      try await store.kv(.global).put("k", 1, with: .idempotent("key"))
      let events = Int(try await store.rows(of: "changes"))
      let records = Int(try await store.rows(of: "audit_log"))
      #expect(events > 2 && records > 0)
      let times: [(Duration, [RetentionKind: Int])] = [
        (Self.day, [.sessions: 1, .deadLetters: 1, .idempotency: 1]),
        (Self.day * 6 - .milliseconds(1), [.tasks: 1, .threads: 1, .changes: events - 1]),
        (Self.day * 23 - .milliseconds(1), [.approvals: 1, .audit: records]),
      ]
      for (wait, expected) in times {
        time.advance(by: wait)
        var early = try await store.retention.run(dryRun: true)
        #expect(Self.counts(early).filter { expected[$0.key] != nil }.isEmpty)
        time.advance(by: .milliseconds(1))
        early = try await store.retention.run(dryRun: true)
        let report = try await store.retention.run()
        #expect(early.counts == report.counts && early.isDryRun && !report.isDryRun)
        for (kind, count) in expected { #expect(report.counts[kind] == count, "\(kind)") }
        #expect(try await store.retention.run(dryRun: true).total == 0)
      }
      #expect(try await store.kv(.global).get("k") == 1)
      #expect(try await store.tasks.list().items.isEmpty)
      #expect(try await store.approvals.list().items.isEmpty)
      try await Self.expectForEver(store)
    }
  }

  /// Goal: a conversation stays until a policy says otherwise, and so does a thread whose session
  /// has items.
  ///
  /// Method: a session with items and its thread, ten years later, without and with a policy.
  @Test(arguments: Engines.available)
  func `a conversation stays until a policy says otherwise`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let store = test.store
      try await store.sessions.save(SessionEntry("s"))
      try await store.sessions.append([["text": "hello"]], to: "s")
      try await store.threads.upsert(channel: "c", thread: "t", sessionKey: "s")
      time.advance(by: Self.day * 3_600)
      try await store.retention.run()
      #expect(try await store.sessions.get("s") != nil)
      #expect(try await store.threads.get(channel: "c", thread: "t") != nil)
      let policy = RetentionPolicy(keepFor: Self.day * 30)
      try await store.retention.setPolicy(policy, for: RetentionScope(.conversations))
      try await store.retention.run()
      #expect(try await store.sessions.get("s") == nil)
      try await store.sweep()
      #expect(try await store.retention.run().counts[.threads] == 1)
    }
  }

  /// Goal: relations stay whole: no task goes that somebody may redrive or decide about, and no
  /// approval for which a task waits.
  ///
  /// Method: a spent task with its letter, a cancelled one with an open approval, and a task that
  /// waits for two approvals of which one was used; a month later.
  @Test(arguments: Engines.available)
  func `relations stay whole`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let store = test.store
      var draft = TaskDraft("work")
      draft.maxAttempts = 1
      let spent = try await store.tasks.enqueue(draft).task.id
      let claimed = try await store.tasks.claim(limit: 1, lease: .seconds(30))
      try await store.tasks.fail(spent, error: "no", token: claimed.first?.record.fencingToken)
      let letter = try #require(try await store.deadLetters.list().items.first)
      let waiting = try await store.tasks.enqueue("wait").task.id
      let open = try await store.approvals.request(
        ApprovalRequest("pay", task: waiting, ttl: Self.day * 300))
      #expect(try await store.tasks.get(waiting)?.status == .awaitingApproval)
      time.advance(by: Self.day * 40)
      #expect(try await store.retention.run().counts[.tasks] == 0)
      #expect(try await store.tasks.get(spent) != nil)
      #expect(try await store.approvals.get(open.id) != nil)
      try await store.deadLetters.resolve(letter.id)
      time.advance(by: Self.day * 2)
      let report = try await store.retention.run()
      #expect(report.counts[.tasks] == 1 && report.counts[.deadLetters] == 1)
      #expect(try await store.tasks.get(waiting)?.status == .awaitingApproval)
    }
  }

  /// Goal: an approval that can still be used stays, however long ago it was decided.
  ///
  /// Method: one that waits for 60 days is approved at once; retention runs a month later, and when
  /// its time is over; policies that keep nothing change nothing of it.
  @Test(arguments: Engines.available)
  func `an approval stays while it can be used`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let store = test.store
      for id in ["used", "left"] {
        try await store.approvals.request(ApprovalRequest("pay", ttl: Self.day * 60, id: id))
        try await store.approvals.decide(id, .approve)
      }
      try await store.retention.setPolicy(
        RetentionPolicy(keepFor: Self.day, keepLast: 0), for: RetentionScope(.approvals))
      time.advance(by: Self.day * 40)
      #expect(try await store.retention.run().counts[.approvals] == 0)
      #expect(try await store.approvals.consume("used", ApprovalScope("pay")).status == .consumed)
      time.advance(by: Self.day * 20)
      try await store.retention.run()
      #expect(try await store.approvals.list().items.isEmpty)
    }
  }

  /// Goal: a bound of number takes nothing that it promises to keep.
  ///
  /// Method: one transaction finishes more tasks than are kept, so that all have one time; then one
  /// more comes behind them.
  @Test(arguments: Engines.available)
  func `what was finished at one moment stays whole`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let store = test.store
      try await store.transaction { tx in
        for _ in 0..<6 { try tx.tasks.save(TaskDraft("work"), status: .completed) }
      }
      let retention = store.retention
      try await retention.setPolicy(RetentionPolicy(keepLast: 3), for: RetentionScope(.tasks))
      #expect(try await retention.run().counts[.tasks] == 0)
      time.advance(by: .seconds(1))
      for _ in 0..<3 { try await store.tasks.save(TaskDraft("work"), status: .completed) }
      #expect(try await retention.run().counts[.tasks] == 6)
      #expect(try await store.tasks.list().items.count == 3)
    }
  }

  /// Goal: a policy bounds age, number and size; a namespace may have its own; over a size the
  /// stricter one holds.
  ///
  /// Method: tasks of two runs under each bound, dry run and run compared.
  @Test(arguments: Engines.available)
  func `policies bound age and number and size`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let store = test.store
      let retention = store.retention
      func finish(_ count: Int, run: String?) async throws {
        for _ in 0..<count {
          time.advance(by: .seconds(1))
          try await store.tasks.save(TaskDraft("work", run: run), status: .completed)
        }
      }
      func left(_ run: String?) async throws -> Int {
        try await store.tasks.list(TaskQuery(limit: 1_000)).items.filter { $0.run == run }.count
      }
      func sweep() async throws {
        let dry = try await retention.run(dryRun: true)
        #expect(try await retention.run().counts == dry.counts)
      }
      try await finish(10, run: nil)
      try await finish(10, run: "a")
      try await retention.setPolicy(RetentionPolicy(keepLast: 4), for: RetentionScope(.tasks))
      try await retention.setPolicy(
        RetentionPolicy(keepLast: 7), for: RetentionScope(.tasks, in: .run("a")))
      try await sweep()
      #expect(try await [left(nil), left("a")] == [4, 7])
      try await retention.setPolicy(
        RetentionPolicy(bytesMax: 1_000), for: RetentionScope(.tasks, in: .run("a")))
      try await sweep()
      #expect(try await [left(nil), left("a")] == [4, 3])
      try await retention.setPolicy(
        RetentionPolicy(keepFor: .seconds(2)), for: RetentionScope(.tasks, in: .global))
      time.advance(by: .seconds(1))
      try await sweep()
      #expect(try await [left(nil), left("a")] == [0, 3])
      try await retention.setPolicy(
        RetentionPolicy(keepLast: 1), for: RetentionScope(.tasks, overSize: true))
      try await sweep()
      #expect(try await left("a") == 3)
      try await retention.setSizeMax(1)
      #expect(try await retention.run(dryRun: true).isOverSize)
      try await sweep()
      #expect(try await left("a") == 1)
      try await retention.setPolicy(nil, for: RetentionScope(.tasks))
      try await retention.setSizeMax(nil)
      let rules = try await retention.policies()
      #expect(rules.sizeMax == nil)
      #expect(rules.items.first == RetentionRule.standard(.tasks))
      #expect(rules.items.count == RetentionKind.allCases.count + 3)
    }
  }

  /// Goal: what cannot be is refused, and changes nothing.
  ///
  /// Method: negative ages and numbers, namespaces without records and patterns, bounds that a kind
  /// lacks.
  @Test(arguments: Engines.available)
  func `bad policies are refused`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let retention = test.store.retention
      let before = try await retention.policies()
      let bad: [(RetentionPolicy, RetentionScope)] = [
        (RetentionPolicy(keepFor: .seconds(-1)), RetentionScope(.tasks)),
        (RetentionPolicy(keepFor: .zero), RetentionScope(.tasks)),
        (RetentionPolicy(keepFor: Self.day * 4_000), RetentionScope(.tasks)),
        (RetentionPolicy(keepLast: -1), RetentionScope(.tasks)),
        (RetentionPolicy(bytesMax: -1), RetentionScope(.tasks)),
        (RetentionPolicy(), RetentionScope(.audit, in: .global)),
        (RetentionPolicy(), RetentionScope(.changes, in: .run("a"))),
        (RetentionPolicy(), RetentionScope(.tasks, in: .bot("b"))),
        (RetentionPolicy(), RetentionScope(.tasks, in: .run("**"))),
        (RetentionPolicy(), RetentionScope(.files, in: .run("4*"))),
        (RetentionPolicy(keepLast: 0), RetentionScope(.files)),
        (RetentionPolicy(keepFor: .seconds(1)), RetentionScope(.files)),
        (RetentionPolicy(keepLast: 1), RetentionScope(.conversations)),
        (RetentionPolicy(bytesMax: 1), RetentionScope(.idempotency)),
      ]
      for (policy, scope) in bad {
        await expectRefusal(.invalid) { try await retention.setPolicy(policy, for: scope) }
      }
      await expectRefusal(.invalid) { try await retention.setSizeMax(-1) }
      #expect(try await retention.policies() == before)
      let standard = before.items.filter(\.isStandard)
      #expect(standard == before.items)
    }
  }

  /// Goal: the feed is cut at its front and says so; the newest of its old rows and the audit log's
  /// seals stay.
  ///
  /// Method: old and new events and records; cursors from before and behind the cut.
  @Test(arguments: Engines.available)
  func `the feed and the audit log go at their front`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let store = test.store
      let begin = try await store.changes.cursor()
      for number: Int64 in 0..<5 { try await store.kv(.global).put("k", .integer(number)) }
      try await store.audit.record(AuditEntry(action: "old"))
      time.advance(by: Self.day * 31)
      try await store.audit.record(AuditEntry(action: "new"))
      let dry = try await store.retention.run(dryRun: true)
      let report = try await store.retention.run()
      #expect(dry.counts == report.counts)
      #expect(report.counts[.audit] == 1 && report.counts[.changes] == 5)
      await expectRefusal(.trimmed) { try await store.changes.all(since: begin) }
      let actions = try await store.audit.list().items.map(\.action)
      #expect(actions == ["retention.run", "new"])
      #expect(try await store.audit.verify().isValid)
      time.advance(by: Self.day * 31)
      try await store.retention.run()
      time.advance(by: Self.day * 31)
      let cursor = try await store.changes.cursor()
      try await store.retention.run()
      let version = try await store.kv(.global).put("k", 9).entry.version
      #expect(version > 6)
      #expect(try await store.changes.all(since: cursor).contains { $0.operation == "put" })
    }
  }

  /// Goal: a run is recorded, what goes enters the feed, and what goes again is nothing.
  ///
  /// Method: the events and records of a run, and of upkeep's, once an hour on one node.
  @Test(arguments: Engines.available)
  func `upkeep runs it once an hour`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let store = test.store
      try await Self.fill(store, run: "r")
      let (one, two) = (Upkeep(store: store), Upkeep(store: try await test.openAnother()))
      #expect(try await one.retain() == false)
      time.advance(by: Self.day * 8)
      let cursor = try await store.changes.cursor()
      #expect(try await one.retain())
      #expect(try await two.retain() == false)
      let events = try await store.changes.all(since: cursor)
      let gone = events.filter { $0.operation == "expired" }
      #expect(Set(gone.map(\.kind)) == ["task", "session", "dead_letter"])
      #expect(gone.allSatisfy { $0.namespace == "run:r" })
      #expect(events.contains { $0.kind == "retention" && $0.operation == "run" })
      let record = try #require(
        try await store.audit.list(AuditQuery(action: "retention.run")).items.first)
      #expect(record.actor == "upkeep" && record.details["tasks"] == 1)
      time.advance(by: .seconds(3_600))
      let idle = try await store.changes.made { () async throws in
        #expect(try await two.retain() == false)
      }
      #expect(idle.isEmpty)
    }
  }

  /// Goal: a chain that was changed from outside stays, and keeps nothing else from going; the run
  /// is recorded with what went, and is tried again soon.
  ///
  /// Method: a record is edited; what went, the report and the record of it, and upkeep's next run.
  @Test(arguments: Engines.available)
  func `a damaged audit chain holds up nothing else`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    let options = try StoreOptions.oneSession(time: time, key: .test())
    try await withSpoiltStore(on: engine, options: options) { store, _ in
      try await store.fill(1, 4)
      try await Self.fill(store, run: "r")
      try await store.tamper(["UPDATE audit_log SET actor = 'x' WHERE number = 2"])
      let upkeep = Upkeep(store: store)
      time.advance(by: Self.day * 31)
      #expect(try await upkeep.retain())
      let query = AuditQuery(action: "retention.run")
      let record = try #require(try await store.audit.list(query).items.first)
      #expect(record.details["tasks"] == 1 && record.details["audit"] == 0)
      #expect(record.details["failures"] == ["audit": "corrupt"])
      #expect(record.details["complete"] == false)
      #expect(try await store.audit.list().items.count > 4)
      #expect(try await upkeep.retain() == false)
      time.advance(by: .seconds(60))
      #expect(try await upkeep.retain())
      time.advance(by: .seconds(60))
      #expect(try await upkeep.retain() == false)
      time.advance(by: .seconds(60))
      let report = try await store.retention.run()
      #expect(report.failures == [.audit: .corrupt] && !report.isComplete)
      #expect(try await store.audit.list(query).items.count == 3)
      // A run that took a while: its row ends later than this node's own pause, and keeps only
      // others away.
      try await store.tamper(["UPDATE leases SET expires_at = expires_at + 9000000"])
      #expect(try await Upkeep(store: store).retain() == false)
      #expect(try await upkeep.retain())
    }
  }

  /// Goal: a policy holds for its run, not for one whose name only looks the same.
  ///
  /// Method: two runs whose names are canonically equal, each with a policy of its own.
  @Test(arguments: Engines.available)
  func `names that look alike have policies of their own`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let store = test.store
      let runs = ["\u{E9}", "e\u{301}"]
      for (run, keep) in zip(runs, [Duration.seconds(1), .seconds(1_000)]) {
        try await store.tasks.save(TaskDraft("work", run: run), status: .completed)
        try await store.retention.setPolicy(
          RetentionPolicy(keepFor: keep), for: RetentionScope(.tasks, in: .run(run)))
      }
      time.advance(by: .seconds(2))
      try await store.retention.run()
      let left = try await store.tasks.list().items.compactMap(\.run)
      #expect(left.map { Array($0.utf8) } == [Array(runs[1].utf8)])
    }
  }
}

extension RetentionRule {
  /// The rule of a kind for which nobody set a policy.
  fileprivate static func standard(_ kind: RetentionKind) -> RetentionRule {
    RetentionRule(scope: RetentionScope(kind), policy: kind.standard, isStandard: true)
  }
}
