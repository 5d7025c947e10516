import Holdfast
import HoldfastTesting
import NIOConcurrencyHelpers
import Testing

@Suite(.timeLimit(.minutes(5))) struct ClaimTests {
  /// Goal: a task is never in two hands.
  ///
  /// Method: fifty workers of two stores claim from one hundred tasks at once, some one at a time
  /// and some several. Together they must hold each task exactly once.
  @Test(arguments: Engines.available)
  func `fifty workers never share a task`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let stores = [test.store, try await test.openAnother()]
      let made = try await test.store.tasks.enqueueMany((0..<100).map { _ in draft() })
      let held = try await withThrowingTaskGroup(of: [ClaimedTask].self) { group in
        for worker in 0..<50 {
          group.addTask {
            var held: [ClaimedTask] = []
            while true {
              let claimed = try await stores[worker % 2].tasks.claim(
                limit: worker % 3 + 1, lease: .seconds(3_600), owner: "worker-\(worker)")
              guard !claimed.isEmpty else { return held }
              #expect(claimed.count <= worker % 3 + 1)
              #expect(claimed.allSatisfy { $0.record.leaseOwner == "worker-\(worker)" })
              held += claimed
            }
          }
        }
        return try await group.reduce(into: [ClaimedTask]()) { $0 += $1 }
      }
      #expect(held.count == 100)
      #expect(Set(held.map(\.id)) == Set(made.map(\.task.id)))
      #expect(held.allSatisfy { $0.token == 1 && $0.record.attempt == 1 })
    }
  }

  /// Goal: the highest priority goes first, then who may run since the longest, then who came
  /// first; what is not due stays.
  ///
  /// Method: tasks in every order of the three, claimed one by one and all at once.
  @Test(arguments: Engines.available, [1, 3, 1_000])
  func `tasks are claimed by priority then time then order`(
    on engine: TestEngine, limit: Int
  ) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let tasks = test.store.tasks
      let now = time.wallTime()
      var generator = SeededGenerator(seed: 3)
      var expected: [(priority: Int, runAt: Instant, place: Int, id: String)] = []
      for place in 0..<40 {
        let priority = [-100, 0, 0, 5, 100].randomElement(using: &generator) ?? 0
        let runAt = now + .microseconds(Int64.random(in: -3...1, using: &generator))
        let task = try await tasks.enqueue(
          draft {
            $0.priority = priority
            $0.runAt = runAt
          }
        ).task
        if runAt <= now { expected.append((priority, runAt, place, task.id)) }
      }
      expected.sort { ($1.priority, $0.runAt, $0.place) < ($0.priority, $1.runAt, $1.place) }
      var claimed: [String] = []
      while true {
        let some = try await tasks.claim(limit: limit, lease: .seconds(60))
        guard !some.isEmpty else { break }
        claimed += some.map(\.id)
      }
      #expect(claimed == expected.map(\.id))
      time.advance(by: .microseconds(1))
      let rest = try await tasks.claim(limit: 1_000)
      #expect(rest.count == 40 - expected.count)
    }
  }

  /// Goal: several queues count as one, and others are left alone.
  ///
  /// Method: three queues, claimed from two.
  @Test(arguments: Engines.available)
  func `several queues are claimed from as one`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let tasks = test.store.tasks
      for (queue, priority) in [("a", 1), ("b", 2), ("c", 3), ("a", 2), ("b", 1)] {
        try await tasks.enqueue(
          draft("\(queue)\(priority)") {
            $0.queue = queue
            $0.priority = priority
          })
      }
      let claimed = try await tasks.claim(from: ["b", "a", "b"], limit: 3)
      #expect(claimed.map(\.record.command) == ["b2", "a2", "a1"])
      #expect(try await tasks.claim(from: ["a", "b"], limit: 3).map(\.record.command) == ["b1"])
      #expect(try await tasks.claim().isEmpty)
      #expect(try await tasks.claim(from: ["c"]).map(\.record.command) == ["c3"])
    }
  }

  /// Goal: a claim says who has the task and until when, counts the attempt, raises the token, and
  /// tells the feed.
  ///
  /// Method: one claim, and one after a hand-back.
  @Test(arguments: Engines.available)
  func `a claim gives a lease with a token`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let tasks = test.store.tasks
      let id = try await tasks.enqueue("a").task.id
      time.advance(by: .seconds(1))
      let events = try await test.store.changes.made { () async throws in
        let claimed = try #require(try await tasks.claim(owner: "w").first)
        #expect(claimed.record.status == .running && claimed.record.leaseOwner == "w")
        #expect(claimed.record.leaseExpiresAt == time.wallTime() + .seconds(30))
        #expect(claimed.record.startedAt == time.wallTime() && claimed.record.attempt == 1)
        #expect(claimed.token == 1 && claimed.record.fencingToken == 1)
        #expect(try await tasks.get(id) == claimed.record)
        let released = try await claimed.release()
        #expect(released.status == .pending && released.attempt == 0)
        #expect(released.leaseOwner == nil && released.leaseExpiresAt == nil)
      }
      #expect(events == ["claim \(id)", "release \(id)"])
      let again = try #require(try await tasks.claim().first)
      #expect(again.token == 2 && again.record.attempt == 1)
      #expect(again.record.leaseOwner == "library")
    }
  }

  /// Goal: limits and leases out of range are refused, at the limit they pass.
  ///
  /// Method: zero, a year, and both ends.
  @Test(arguments: Engines.available)
  func `a lease is from one second to a day`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let tasks = test.store.tasks
      let task = try await tasks.enqueue("a").task
      let bad: [Duration] = [
        .zero, .milliseconds(999), .seconds(86_401), .seconds(365 * 86_400), .seconds(-1),
      ]
      for lease in bad {
        await expectRefusal(.invalid, reason: "out_of_range") {
          try await tasks.claim(lease: lease)
        }
        await expectRefusal(.invalid, reason: "out_of_range") {
          try await tasks.heartbeat(task.id, token: 1, lease: lease)
        }
      }
      for limit in [0, -1, 1_001] {
        await expectRefusal(.invalid, reason: "out_of_range") {
          try await tasks.claim(limit: limit)
        }
      }
      await expectRefusal(.invalid) { try await tasks.claim(from: []) }
      await expectRefusal(.invalid) { try await tasks.claim(from: ["a\0"]) }
      await expectRefusal(.invalid) { try await tasks.claim(owner: "") }
      #expect(try await tasks.get(task.id) == task)
      let claimed = try #require(
        try await tasks.claim(limit: 1_000, lease: .seconds(86_400)).first)
      try await claimed.heartbeat(lease: .seconds(1))
    }
  }

  /// Goal: a claim that may wait returns as soon as a task is enqueued, by whichever store.
  ///
  /// Method: waits on one store, enqueues on another once the first sleeps.
  @Test(arguments: Engines.available)
  func `a claim waits for a task`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let store = test.store
      let other = try await test.openAnother()
      async let waiting = store.tasks.claim(owner: "w", wait: .seconds(60))
      try await time.sleepers(atLeast: 1)
      let task = try await other.tasks.enqueue("a").task
      #expect(try await waiting.map(\.id) == [task.id])
    }
  }

  /// Goal: a claim that waits takes a task at the moment at which it is due, and gives up when its
  /// time is over.
  ///
  /// Method: a task that is due in ten seconds, and none.
  @Test(arguments: Engines.available)
  func `a claim waits until a task is due or its time is over`(
    on engine: TestEngine
  ) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let store = test.store
      try await store.tasks.enqueue(draft { $0.delay = .seconds(10) })
      async let waiting = store.tasks.claim(lease: .seconds(3_600), wait: .seconds(60))
      try await time.sleepers(atLeast: 1)
      time.advance(by: .seconds(10))
      #expect(try await waiting.count == 1)
      async let nothing = store.tasks.claim(wait: .seconds(60))
      try await time.sleepers(atLeast: 1)
      time.advance(by: .seconds(60))
      #expect(try await nothing.isEmpty)
    }
  }

  /// Goal: who is cancelled while waiting holds nothing.
  ///
  /// Method: cancels a waiting claim, enqueues, and claims again.
  @Test(arguments: Engines.available)
  func `a cancelled wait claims nothing`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let store = test.store
      let waiting = Task { try await store.tasks.claim(wait: .seconds(60)) }
      try await time.sleepers(atLeast: 1)
      waiting.cancel()
      if case .success(let claimed) = await waiting.result { #expect(claimed.isEmpty) }
      try await store.tasks.enqueue("a")
      #expect(try await store.tasks.claim().count == 1)
    }
  }

  /// Goal: tasks of a deleted run never stand before a claim, and a worker that has one is
  /// `fenced`.
  ///
  /// Method: deletes a run with a pending and a running task.
  @Test(arguments: Engines.available)
  func `tasks go with their run`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let store = test.store
      try await store.runs.begin("42")
      try await store.tasks.enqueue("a", run: "42")
      let running = try #require(try await store.tasks.claim().first)
      try await running.step("s") { 1 }
      try await store.tasks.enqueue("b", run: "42")
      let other = try await store.tasks.enqueue("c").task
      await expectRefusal(.invalidState) { try await store.runs.apply(.archive, to: "42") }
      try await store.runs.delete("42")
      #expect(try await store.tasks.list().items == [other])
      await expectRefusal(.fenced) { try await running.heartbeat() }
      await expectRefusal(.fenced) { try await running.complete() }
      await expectRefusal(.notFound) { try await store.tasks.cancel(running.id) }
      #expect(try await store.tasks.steps(running.id).isEmpty)
      #expect(try await store.tasks.claim(limit: 9).map(\.id) == [other.id])
      await expectRefusal(.invalidState) { try await store.tasks.enqueue("a", run: "42") }
      await expectRefusal(.invalidState) {
        try await store.tasks.save(draft { $0.run = "42" }, status: .completed)
      }
    }
  }

  /// Goal: under an archived run nothing is enqueued, requeued or replayed; under a paused or
  /// finished one and one never begun everything is.
  ///
  /// Method: each of them.
  @Test(arguments: Engines.available)
  func `an archived run takes no tasks`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let store = test.store
      for run in ["never", "paused", "finished", "archived"] {
        if run != "never" { try await store.runs.begin(run) }
        if run == "paused" { try await store.runs.apply(.pause, to: run) }
        if run == "finished" { try await store.runs.apply(.complete, to: run) }
        let task = try await store.tasks.enqueue("a", run: run).task
        try await store.tasks.cancel(task.id)
        guard run == "archived" else { continue }
        try await store.runs.apply(.archive, to: run)
        await expectRefusal(.invalidState) { try await store.tasks.enqueue("a", run: run) }
        await expectRefusal(.invalidState) { try await store.tasks.requeue(task.id) }
        await expectRefusal(.invalidState) { try await store.tasks.replay(task.id) }
        #expect(try await store.tasks.get(task.id)?.status == .cancelled)
      }
    }
  }
}
