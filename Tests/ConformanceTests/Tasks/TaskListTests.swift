import Holdfast
import HoldfastTesting
import Testing

@Suite(.timeLimit(.minutes(5))) struct TaskListTests {
  /// Goal: tasks are listed by status, queue, command, caller, run and time, newest or oldest
  /// first, in pages, and counted when asked for.
  ///
  /// Method: tasks of every kind, several in one microsecond; every query against a filter over an
  /// array, in pages of every size.
  @Test(arguments: Engines.available)
  func `tasks are listed by every filter in either order`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let tasks = test.store.tasks
      var all: [TaskRecord] = []
      let statuses: [TaskStatus] = [.pending, .running, .completed, .failed, .waiting]
      for number in 0..<30 {
        if number % 4 == 0 { time.advance(by: .seconds(1)) }
        all.append(
          try await tasks.save(
            draft("c\(number % 3)") {
              $0.id = "task-\(number)"
              $0.queue = "q\(number % 2)"
              $0.caller = number % 5 == 0 ? nil : "a\(number % 2)"
              $0.run = number < 10 ? "42" : nil
            }, status: statuses[number % 5]))
      }
      let middle = all[14].createdAt
      var queries: [TaskQuery] = TaskStatus.allCases.map { TaskQuery(status: $0) }
      queries += [
        TaskQuery(), TaskQuery(queue: "q1"), TaskQuery(command: "c2"), TaskQuery(caller: "a0"),
        TaskQuery(run: "42"), TaskQuery(run: "none"), TaskQuery(since: middle),
        TaskQuery(until: middle), TaskQuery(since: middle, until: middle),
        TaskQuery(status: .pending, queue: "q0", command: "c0", caller: "a0", run: "42"),
        TaskQuery(status: .completed, queue: "q1", until: middle),
        TaskQuery(command: "c1", caller: "a1", since: middle),
        TaskQuery(queue: "q0", since: middle, until: middle + .seconds(2)),
        TaskQuery(run: "42", since: all[5].createdAt),
      ]
      for query in queries {
        for order in TaskQuery.Order.allCases {
          var query = query
          query.order = order
          let expected = expected(query, of: all)
          for limit in [1, 7, 1_000] {
            let listed = try await walk(query, limit: limit, tasks, total: expected.count)
            #expect(listed == expected, "\(query)")
          }
        }
      }
    }
  }

  private func expected(_ query: TaskQuery, of all: [TaskRecord]) -> [TaskRecord] {
    let matching = all.filter { task in
      (query.status.map { $0 == task.status } ?? true)
        && (query.queue.map { $0 == task.queue } ?? true)
        && (query.command.map { $0 == task.command } ?? true)
        && (query.caller.map { $0 == task.caller } ?? true)
        && (query.run.map { $0 == task.run } ?? true)
        && (query.since.map { task.createdAt >= $0 } ?? true)
        && (query.until.map { task.createdAt < $0 } ?? true)
    }
    return query.order == .newest ? matching.reversed() : matching
  }

  private func walk(
    _ query: TaskQuery, limit: Int, _ tasks: Tasks, total: Int
  ) async throws -> [TaskRecord] {
    var query = query
    query.limit = limit
    var listed: [TaskRecord] = []
    repeat {
      query.counts = query.after == nil
      let page = try await tasks.list(query)
      #expect(page.items.count <= limit)
      #expect(page.total == (query.counts ? total : nil))
      listed += page.items
      query.after = page.next
    } while query.after != nil
    return listed
  }

  /// Goal: a filter, limit or cursor that cannot be is refused on both databases alike.
  ///
  /// Method: each.
  @Test(arguments: Engines.available)
  func `a list that cannot be is refused`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let tasks = test.store.tasks
      for query in [
        TaskQuery(queue: "a\0"), TaskQuery(command: ""), TaskQuery(caller: "a\0"),
        TaskQuery(run: ".."), TaskQuery(after: "x"), TaskQuery(order: .oldest, after: "x"),
        TaskQuery(limit: 0), TaskQuery(limit: 1_001),
      ] {
        await expectRefusal(.invalid, "\(query)") { try await tasks.list(query) }
      }
      await expectRefusal(.invalid) { try await tasks.stats(queue: "") }
    }
  }

  /// Goal: the numbers say how many tasks stand where, how long they took, and what waits.
  ///
  /// Method: a few tasks whose times are known.
  @Test(arguments: Engines.available)
  func `the numbers of tasks are right`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let tasks = test.store.tasks
      let empty = try await tasks.stats()
      #expect(empty.byStatus.values.allSatisfy { $0 == 0 } && empty.byStatus.count == 7)
      #expect(empty.byCommand.isEmpty && empty.byQueue.isEmpty)
      for seconds in [2, 4] {
        try await tasks.enqueue("send")
        let task = try #require(try await tasks.claim().first)
        time.advance(by: .seconds(seconds))
        try await task.complete()
      }
      try await tasks.enqueue("send", queue: "other")
      time.advance(by: .seconds(5))
      try await tasks.enqueue(
        draft {
          $0.queue = "other"
          $0.delay = .seconds(60)
        })
      try await tasks.save(draft(), status: .running)
      let stats = try await tasks.stats()
      #expect(stats.byStatus[.completed] == 2 && stats.byStatus[.pending] == 2)
      #expect(stats.byStatus[.running] == 1 && stats.byStatus[.failed] == 0)
      let send = try #require(stats.command("send"))
      #expect(send.count == 3 && send.finished == 2 && send.durationAverage == .seconds(3))
      #expect(send.durationMax == .seconds(4) && send.durationTotal == .seconds(6))
      #expect(stats.command("work")?.durationAverage == nil)
      let other = try #require(stats.queue("other"))
      #expect(other.pending == 2 && other.due == 1 && other.running == 0)
      #expect(other.oldestDueAge == .seconds(5))
      #expect(stats.queue("default")?.oldestDueAge == nil)
      let one = try await tasks.stats(queue: "other")
      #expect(one.byQueue.map(\.name) == ["other"] && one.byStatus[.completed] == 0)
      #expect(try await test.store.health().rows["tasks"] == 5)
    }
  }
}
