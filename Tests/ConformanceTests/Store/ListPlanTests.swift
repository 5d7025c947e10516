import HoldfastEngine
import HoldfastTesting
import Testing

@testable import Holdfast

/// No list goes through a whole table, and none sorts what it lists.
@Suite(.timeLimit(.minutes(5))) struct ListPlanTests {
  private static let limit = Bound.integer(101)
  /// Where the newest record of all stands, and the earliest time.
  private static let place: [Bound] = [.integer(.max), .integer(.max), .integer(.min)]

  /// Goal: a page of keys costs as much as it shows, however many keys the namespace has.
  ///
  /// Method: the plan of each list of keys on both databases.
  @Test(arguments: Engines.available)
  func `an index gives every page of keys in its order`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let range: [Bound] = [.text("run:1"), .text("a"), .text("b")]
      let isWithValues = Bound.integer(1)
      let updated: [Bound] = [isWithValues, .integer(.max), .integer(.max), .text("")]
      let statements: [(Statement, [Bound])] = [
        (KeyValueSQL.list, range + [Self.limit]),
        (KeyValueSQL.listWithValues, range + [Self.limit]),
        (KeyValueSQL.listReversed, range + [Self.limit, isWithValues]),
        (KeyValueSQL.listByUpdate, range + [Self.limit] + updated),
        (KeyValueSQL.count, range), (KeyValueSQL.get, [.text("run:1"), .text("a")]),
      ]
      for (statement, bindings) in statements {
        try await expectIndexed(statement, bindings, on: test.store)
      }
    }
  }

  /// Goal: every list of runs, bots, namespaces and tokens is served by an index.
  ///
  /// Method: the plan of each statement with what the operation binds.
  @Test(arguments: Engines.available)
  func `an index stands behind every list of runs and bots and namespaces`(
    on engine: TestEngine
  ) async throws {
    try await withStore(on: engine) { test in
      func runs(
        _ status: String? = nil, archived: Bool = false, parent: String? = nil,
        tag: String? = nil
      ) -> [Bound] {
        Self.place + [Bound(status), Bound(archived), Bound(parent), Bound(tag), Self.limit]
      }
      let tree: [Bound] = [.text("run:"), .text("run;")]
      let statements: [(Statement, [Bound])] = [
        (RunSQL.get, [.text("r")]), (RunSQL.listByTime, runs()),
        (RunSQL.listByTime, runs(archived: true)),
        (RunSQL.listByStatus, runs("active", archived: true)),
        (RunSQL.listByParent, runs(parent: "p")),
        (RunSQL.listByParent, runs("active", archived: true, parent: "p", tag: "t")),
        (RunSQL.listByTag, runs(tag: "t")),
        (RunSQL.listByTag, runs("active", archived: true, tag: "t")),
        (BotSQL.get, [.text("b")]), (BotSQL.getBySlug, [.text("b")]),
        (BotSQL.list, [.text(""), Self.limit]),
        (NamespacesTransaction.page, tree + [Self.limit]), (NamespacesTransaction.count, tree),
        (TokenSQL.list, [.text(""), Self.limit]), (TokenSQL.find, [.blob([1])]),
        (TokenSQL.findLive, [.blob([1])]),
      ]
      for (statement, bindings) in statements {
        try await expectIndexed(statement, bindings, on: test.store)
      }
    }
  }

  /// Goal: no list of the audit log looks at a record that it does not show: each has its index.
  ///
  /// Method: the plan of the statement that answers a query, for each field that can lead it.
  @Test(arguments: Engines.available)
  func `an index stands behind every list of the audit log`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let queries: [(String, AuditQuery)] = [
        ("time", AuditQuery()), ("actor", AuditQuery(actor: "x")),
        ("action", AuditQuery(action: "x")), ("subject", AuditQuery(subject: "x")),
        ("bot", AuditQuery(bot: "x")), ("run", AuditQuery(run: "x")),
        ("memory", AuditQuery(memory: "x")),
      ]
      let place: [Bound] = [.integer(.max), .integer(.max), .integer(.max), .integer(.min)]
      for (lead, query) in queries {
        let texts = [
          query.actor, query.action, query.subject, query.bot, query.run, query.memory,
        ]
        let filters: [Bound] = texts.map { Bound($0) }
        let statement = AuditListSQL.statement(for: query)
        let bindings = place + filters + [Self.limit]
        try await expectIndexed(statement, bindings, on: test.store)
        let lines = try await QueryPlan.lines(of: statement, bindings, on: test.store)
        #expect(lines.contains { $0.contains("audit_by_\(lead)") }, "\(lead): \(lines)")
      }
      let chain: [Bound] = [.integer(1), .integer(5)]
      try await expectIndexed(AuditSQL.walk, chain + [Self.limit], on: test.store)
      try await expectIndexed(AuditSQL.get, chain, on: test.store)
    }
  }

  /// Goal: providers are listed in the order in which they are called, along an index.
  ///
  /// Method: the plan of the list and of the look at one, among some that are there.
  @Test(arguments: Engines.available)
  func `an index stands behind the list of providers`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      for number in 0..<50 { try await test.store.providers.put("p\(number)") }
      let place: [Bound] = [.integer(0), .integer(5), .text("a")]
      try await expectIndexed(ProviderSQL.list, place + [Self.limit], on: test.store)
      try await expectIndexed(ProviderSQL.get, [.text("p1")], on: test.store)
    }
  }

  /// Goal: an idle store's upkeep costs a look into a few indexes, whatever the store holds.
  ///
  /// Method: the plans of what upkeep asks each time, where some approvals wait. What it may walk
  /// is small by its nature: an index of what is to be swept, whose first row is the answer, and
  /// the index of the tasks that are leased at this moment.
  @Test(arguments: Engines.available)
  func `indexes tell upkeep what is due`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      for _ in 0..<50 { try await test.store.approvals.request(ApprovalRequest("a")) }
      // While PostgreSQL knows nothing of a table, any of its indexes may look as good.
      if engine == .postgres { try await test.store.tamper("ANALYZE approvals") }
      let small = [
        "namespaces_cleared", "session_clearings", "files_unswept", "tasks_leased",
        // The first row of an index of what will expire is what is next.
        "Scan using kv_expiring on kv k", "Scan using approvals_due on approvals a",
      ]
      let statements: [(Statement, [Bound])] = [
        (UpkeepSQL.due, [.integer(86_400_000_000)]), (UpkeepSQL.nextDue, []),
        (UpkeepSQL.retentionIsKept, [.text("x")]),
      ]
      for (statement, bindings) in statements {
        let lines = try await QueryPlan.lines(of: statement, bindings, on: test.store)
        let dialect = test.store.engine.dialect
        let faults = QueryPlan.faults(in: lines, dialect, besides: ["n"])
          .filter { line in !small.contains { line.contains($0) } }
        #expect(!lines.isEmpty)
        #expect(faults.isEmpty, "\(statement.text(for: dialect))\n\(lines)")
      }
    }
  }
}
