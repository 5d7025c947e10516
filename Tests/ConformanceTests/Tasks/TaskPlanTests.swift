import HoldfastEngine
import HoldfastTesting
import Testing

@testable import Holdfast

@Suite(.timeLimit(.minutes(5))) struct TaskPlanTests {
  /// Goal: every list, count, look-up and claim is served by an index.
  ///
  /// Method: asks both databases how they would go about each statement.
  @Test(arguments: Engines.available)
  func `an index stands behind every list and claim of tasks`(
    on engine: TestEngine
  ) async throws {
    try await withStore(on: engine) { test in
      let store = test.store
      let place: [Bound] = [.integer(5), .integer(5), .integer(9)]
      let lists: [(Statement, Statement, Statement, Int?)] = [
        (TaskListSQL.newestByTime, TaskListSQL.oldestByTime, TaskListSQL.countByTime, nil),
        (TaskListSQL.newestByStatus, TaskListSQL.oldestByStatus, TaskListSQL.countByStatus, 0),
        (TaskListSQL.newestByQueue, TaskListSQL.oldestByQueue, TaskListSQL.countByQueue, 1),
        (
          TaskListSQL.newestByCommand, TaskListSQL.oldestByCommand, TaskListSQL.countByCommand, 2
        ),
        (TaskListSQL.newestByCaller, TaskListSQL.oldestByCaller, TaskListSQL.countByCaller, 3),
        (TaskListSQL.newestByRun, TaskListSQL.oldestByRun, TaskListSQL.countByRun, 4),
      ]
      for (newest, oldest, count, lead) in lists {
        var filters = [Bound](repeating: .null, count: 5)
        // Of what is pending, and of nothing else, there is a partial index too.
        if let lead { filters[lead] = .text("failed") }
        for list in [newest, oldest] {
          try await expectIndexed(list, place + filters + [.integer(101)], on: store)
        }
        try await expectIndexed(count, [.integer(1), .integer(9)] + filters, on: store)
      }
      let queue = Bound.text("q")
      try await expectIndexed(TaskSQL.get, [queue], on: store)
      try await expectIndexed(TaskSQL.getTwin, [queue, queue], on: store)
      try await expectIndexed(TaskSQL.getStep, [queue, queue], on: store)
      try await expectIndexed(TaskSQL.listSteps, [queue], on: store)
      try await expectIndexed(TaskSQL.deleteOfRun, [queue], on: store)
      try await expectIndexed(TaskSQL.isUnfinished, [queue], on: store)
      try await expectIndexed(TaskClaimSQL.nextPriority, [queue, .integer(101)], on: store)
      try await expectIndexed(
        TaskClaimSQL.due, [queue, .integer(0), .integer(.min), .integer(.min), .integer(1)],
        on: store)
      try await expectIndexed(TaskClaimSQL.lost, [queue, .integer(1)], on: store)
      try await expectIndexed(TaskClaimSQL.nextLeasedQueue, [queue], on: store)
      try await expectIndexed(
        TaskClaimSQL.nextDue, [queue], on: store, besides: ["p", "present"])
      try await expectIndexed(
        TaskClaimSQL.stuck, [.null, .integer(1), .integer(1)], on: store)
      if engine == .postgres {
        try await expectIndexed(TaskClaimSQL.walk, [queue, .integer(1)], on: store)
      }
    }
  }

  /// Goal: a claim never visits what is not due.
  ///
  /// Method: 300 000 tasks of the highest priority that are due tomorrow stand before ten that are
  /// due now; the rows that the claim's statements visit are counted, and stay the same without the
  /// 300 000.
  @Test(arguments: Engines.available)
  func `a claim never visits what is not due`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let store = test.store
      for _ in 0..<10 { try await store.tasks.enqueue("small") }
      let before = try await visits(store)
      try await store.addTasks(300_000, priority: 100, dueIn: .seconds(86_400))
      let after = try await visits(store)
      #expect(after <= before + 500, "\(before) before, \(after) after")
      let claimed = try await store.tasks.claim(limit: 20)
      #expect(claimed.count == 10 && claimed.allSatisfy { $0.record.command == "small" })
      #expect(try await store.tasks.list(TaskQuery(limit: 1, counts: true)).total == 300_010)
    }
  }

  /// How much the statements of one claim visit: rows on PostgreSQL, machine steps on SQLite.
  private func visits(_ store: Store) async throws -> Int {
    let queue = Bound.text("default")
    guard store.engine.dialect == .sqlite else {
      return try await QueryPlan.rows(of: TaskClaimSQL.walk, [queue, .integer(20)], on: store)
        + QueryPlan.rows(of: TaskClaimSQL.lost, [queue, .integer(500)], on: store)
        + QueryPlan.rows(of: TaskClaimSQL.nextDue, [queue], on: store)
    }
    var visits = try await QueryPlan.steps(of: TaskClaimSQL.nextDue, [queue], on: store)
    for priority: Int64 in [101, 100, 0] {
      visits += try await QueryPlan.steps(
        of: TaskClaimSQL.nextPriority, [queue, .integer(priority)], on: store)
    }
    // What is due comes in no rows where nothing is; the count of it always comes in one.
    for priority: Int64 in [100, 0] {
      let counted = Statement("SELECT COUNT(*) FROM (\(TaskClaimSQL.due.sqlite))")
      visits += try await QueryPlan.steps(
        of: counted,
        [queue, .integer(priority), .integer(.min), .integer(.min), .integer(20)], on: store)
    }
    let lost = Statement("SELECT COUNT(*) FROM (\(TaskClaimSQL.lost.sqlite))")
    visits += try await QueryPlan.steps(of: lost, [queue, .integer(500)], on: store)
    return visits
  }
}

extension Store {
  /// Writes many pending tasks in one go, as no caller can.
  func addTasks(_ count: Int, priority: Int, dueIn delay: Duration) async throws {
    let bulk = Statement(
      sqlite: """
        WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
        INSERT INTO tasks (id, queue, command, status, priority, attempt, max_attempts, retry_base,
          retry_cap, run_at, fencing_token, version, created_at, updated_at, parameters)
        SELECT 'bulk-' || i, 'default', 'bulk', 'pending', $2, 0, 5, 0, 0, holdfast_now() + $3, 0,
          1, holdfast_now(), holdfast_now(), '{}'
        FROM n
        """,
      postgres: """
        INSERT INTO tasks (id, queue, command, status, priority, attempt, max_attempts, retry_base,
          retry_cap, run_at, fencing_token, version, created_at, updated_at, parameters)
        SELECT 'bulk-' || i, 'default', 'bulk', 'pending', CAST($2 AS BIGINT), 0, 5, 0, 0,
          c.now + CAST($3 AS BIGINT), 0, 1, c.now, c.now, '{}'
        FROM generate_series(1, CAST($1 AS BIGINT)) AS i
        CROSS JOIN (SELECT holdfast_now() AS now LIMIT 1) AS c
        """)
    _ = try await engine.write(
      WriteOptions(),
      [
        Step(
          bulk,
          [.integer(Int64(count)), .integer(Int64(priority)), .integer(delay.microseconds)])
      ])
  }
}
