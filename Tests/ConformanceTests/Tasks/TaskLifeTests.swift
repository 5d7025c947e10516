import Holdfast
import HoldfastTesting
import Testing

@Suite(.timeLimit(.minutes(5))) struct TaskLifeTests {
  /// Goal: the whole table of states, the plain way: every step that is allowed leads where it
  /// should, every other is `invalid_state` and changes nothing (`invalid` for waiting for an
  /// approval, which its request alone begins); every final state sets `completed` and keeps result
  /// or error.
  ///
  /// Method: from every status to every status, on a fresh task that was saved there.
  @Test(arguments: Engines.available)
  func `every step of a task is allowed or refused as the table says`(
    on engine: TestEngine
  ) async throws {
    let allowed: [TaskStatus: Set<TaskStatus>] = [
      .pending: [.running, .failed, .cancelled],
      .running: [.completed, .failed, .cancelled, .waiting, .pending],
      .waiting: [.pending, .failed, .cancelled],
      .awaitingApproval: [.pending, .failed, .cancelled],
      .completed: [], .failed: [.pending], .cancelled: [.pending],
    ]
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let tasks = test.store.tasks
      for status in TaskStatus.allCases {
        for next in TaskStatus.allCases {
          for way in ["update", "save"] {
            let id = "\(status)-\(next)-\(way)"
            let before = try await saved(id, status, test.store)
            #expect(before.status == status && before.attempt == (hasRun(status) ? 1 : 0))
            time.advance(by: .seconds(1))
            let error: String? = next == .failed ? "broken" : nil
            let result: Value? = next == .completed ? ["n": 1] : nil
            let outcome = try await outcome {
              guard way == "save" else {
                return try await tasks.updateStatus(id, to: next, result: result, error: error)
              }
              return try await tasks.save(
                draft("ignored") { $0.id = id }, status: next, result: result, error: error)
            }
            switch outcome {
            case .success(let after):
              #expect(allowed[status]?.contains(next) == true, "\(id)")
              #expect(after.status == next && after.command == "work")
              #expect(after.version > before.version && after.updatedAt == time.wallTime())
              #expect(after.createdAt == before.createdAt)
              #expect(after.completedAt == (next.isFinal ? time.wallTime() : nil), "\(id)")
              #expect(after.result == result && after.error == expectedError(next), "\(id)")
              #expect(try await tasks.get(id) == after)
            case .failure(let refusal):
              #expect(
                refusal.code == (next == .awaitingApproval ? .invalid : .invalidState), "\(id)")
              #expect(allowed[status]?.contains(next) == false, "\(id)")
              #expect(try await tasks.get(id) == before)
            }
          }
        }
      }
    }
  }

  private func saved(
    _ id: String, _ status: TaskStatus, _ store: Store
  ) async throws -> TaskRecord {
    guard status == .awaitingApproval else {
      return try await store.tasks.save(draft { $0.id = id }, status: status)
    }
    try await store.tasks.save(draft { $0.id = id })
    return try await store.transaction { try $0.tasks.awaitApproval(id) }
  }

  private func hasRun(_ status: TaskStatus) -> Bool {
    status == .running || status == .completed || status == .failed
  }

  private func expectedError(_ status: TaskStatus) -> String? {
    switch status {
    case .failed: "broken"
    case .cancelled: "cancelled"
    default: nil
    }
  }

  /// Goal: a new id takes status and times as given; an error never ends as completed.
  ///
  /// Method: saves tasks that ended long ago, and such that cannot be.
  @Test(arguments: Engines.available)
  func `a saved task takes status and times as given`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let tasks = test.store.tasks
      let old = Instant(microseconds: 1_600_000_000_000_000)
      let done = try await tasks.save(
        draft { $0.id = "done" }, status: .completed, result: [1, "é"], createdAt: old,
        startedAt: old + .seconds(1), completedAt: old + .seconds(3))
      #expect(done.status == .completed && done.result == [1, "é"] && done.error == nil)
      #expect(done.createdAt == old && done.startedAt == old + .seconds(1))
      #expect(done.completedAt == old + .seconds(3))
      #expect(try await tasks.get("done") == done)
      let failed = try await tasks.save(draft(), status: .failed)
      #expect(failed.completedAt == time.wallTime() && failed.error == "failed")
      let running = try await tasks.save(draft(), status: .running)
      #expect(running.startedAt == time.wallTime() && running.leaseExpiresAt == nil)
      let events = try await test.store.changes.made { () async throws in
        await expectRefusal(.invalid) {
          try await tasks.save(draft { $0.id = "x" }, status: .completed, error: "but")
        }
        await expectRefusal(.invalid) {
          try await tasks.updateStatus(running.id, to: .completed, error: "but")
        }
        await expectRefusal(.invalid) {
          try await tasks.save(draft { $0.id = "x" }, status: .pending, completedAt: old)
        }
        await expectRefusal(.invalid) {
          try await tasks.save(draft { $0.id = "x" }, status: .failed, error: "a\0")
        }
      }
      #expect(events.isEmpty)
      #expect(try await tasks.get("x") == nil)
    }
  }

  /// Goal: a task that is set running has no lease: no claim, no upkeep and no time takes it.
  ///
  /// Method: lets a day pass.
  @Test(arguments: Engines.available)
  func `a plainly running task never expires by itself`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let tasks = test.store.tasks
      let id = try await tasks.enqueue("a").task.id
      let running = try await tasks.updateStatus(id, to: .running)
      #expect(running.attempt == 1 && running.startedAt == time.wallTime())
      time.advance(by: .seconds(86_400))
      #expect(try await tasks.claim().isEmpty)
      #expect(try await test.store.transaction { try $0.tasks.recoverExpired(limit: 9) } == 0)
      #expect(try await tasks.get(id) == running)
      let failed = try await tasks.fail(id, error: "broken")
      #expect(failed.status == .failed && failed.error == "broken")
    }
  }

  /// Goal: requeueing takes a failed or cancelled task up again, with all its attempts, at once or
  /// later; beside an unfinished twin it is a `conflict`.
  ///
  /// Method: each kind of end; a unique key that another task has meanwhile.
  @Test(arguments: Engines.available)
  func `a failed or cancelled task is taken up again`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let tasks = test.store.tasks
      let unique = draft {
        $0.uniqueKey = "k"
        $0.maxAttempts = 1
      }
      let id = try await tasks.enqueue(unique).task.id
      let claimed = try #require(try await tasks.claim().first)
      try await claimed.step("kept") { 1 }
      #expect(try await claimed.fail("broken").status == .failed)
      time.advance(by: .seconds(60))
      let again = try await tasks.requeue(id, delay: .seconds(5))
      #expect(again.status == .pending && again.attempt == 0 && again.completedAt == nil)
      #expect(again.error == nil && again.runAt == time.wallTime() + .seconds(5))
      #expect(try await tasks.steps(id).map(\.name) == ["kept"])
      await expectRefusal(.invalidState) { try await tasks.requeue(id) }
      try await tasks.cancel(id)
      let twin = try await tasks.enqueue(unique).task
      let before = try await tasks.get(id)
      let requeues: [() async throws -> TaskRecord] = [
        { try await tasks.requeue(id) }, { try await tasks.updateStatus(id, to: .pending) },
      ]
      for requeue in requeues {
        let error = await expectRefusal(.conflict) { try await requeue() }
        #expect(error?.details["task"] == .string(twin.id))
      }
      await expectRefusal(.conflict) { try await tasks.save(unique, status: .waiting) }
      #expect(try await tasks.get(id) == before)
      #expect(try await tasks.save(unique, status: .completed).status == .completed)
      try await tasks.cancel(twin.id)
      #expect(try await tasks.requeue(id).runAt == time.wallTime())
    }
  }

  /// Goal: what approvals do moves the task, and its worker loses it; the run is not counted.
  ///
  /// Method: from pending and from running to awaiting, and back or to the end; twice does nothing.
  @Test(arguments: Engines.available)
  func `a task waits for an approval`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let store = test.store
      let id = try await store.tasks.enqueue("a").task.id
      let claimed = try #require(try await store.tasks.claim().first)
      try await store.transaction { _ = try $0.tasks.awaitApproval(id) }
      let waiting = try #require(try await store.tasks.get(id))
      #expect(waiting.status == .awaitingApproval && waiting.attempt == 0)
      #expect(waiting.leaseOwner == nil)
      await expectRefusal(.fenced) { try await claimed.complete() }
      #expect(try await store.tasks.claim().isEmpty)
      await expectRefusal(.invalidState) {
        try await store.transaction { _ = try $0.tasks.awaitApproval(id) }
      }
      try await test.restart()
      let events = try await test.store.changes.made { () async throws in
        for _ in 0..<2 {
          try await test.store.transaction { _ = try $0.tasks.resumeAfterApproval(id) }
        }
      }
      #expect(events == ["resume \(id)"])
      try await test.store.transaction { _ = try $0.tasks.awaitApproval(id) }
      for _ in 0..<2 {
        try await test.store.transaction {
          _ = try $0.tasks.cancelAfterApproval(id, reason: "denied")
        }
      }
      let ended = try #require(try await test.store.tasks.get(id))
      #expect(ended.status == .cancelled && ended.error == "denied" && ended.completedAt != nil)
      let missing = try await test.store.transaction {
        try $0.tasks.resumeAfterApproval("missing")
      }
      #expect(missing == nil)
    }
  }

  /// Goal: what is refused leaves a transaction whole, and it may go on.
  ///
  /// Method: catches each refusal inside one transaction.
  @Test(arguments: Engines.available)
  func `a refused step may be caught`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let store = test.store
      let id = try await store.tasks.enqueue("a").task.id
      try await store.transaction { tx in
        do {
          try tx.tasks.complete(id)
          Issue.record("a pending task was completed")
        } catch StoreError.Code.invalidState {
          try tx.tasks.updateStatus(id, to: .running)
          try tx.tasks.complete(id, result: "done")
        }
      }
      #expect(try await store.tasks.get(id)?.result == "done")
    }
  }
}
