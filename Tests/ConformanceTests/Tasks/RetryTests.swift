import Holdfast
import HoldfastTesting
import Testing

@Suite(.timeLimit(.minutes(5))) struct RetryTests {
  /// Goal: a run that failed is tried again after a delay that is drawn evenly below a bound which
  /// doubles up to a cap, and at most so often as the task may run.
  ///
  /// Method: fails a task until it is spent, with a seeded source of chance.
  @Test(arguments: Engines.available)
  func `a failed task is tried again with growing delays`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    let options = StoreOptions.testing(time: time, ids: SeededIDSource(seed: 5))
    try await withStore(on: engine, options: options) { test in
      let tasks = test.store.tasks
      let id = try await tasks.enqueue(
        draft {
          $0.maxAttempts = 6
          $0.backOff = BackOff(base: .seconds(10), cap: .seconds(60))
        }
      ).task.id
      var delays: [Duration] = []
      for (attempt, bound) in [10, 20, 40, 60, 60].enumerated() {
        let claimed = try #require(try await tasks.claim().first)
        #expect(claimed.record.attempt == attempt + 1)
        let failed = try await claimed.fail("no \(attempt)")
        #expect(failed.status == .pending && failed.error == "no \(attempt)")
        #expect(failed.completedAt == nil && failed.attempt == attempt + 1)
        let delay = failed.runAt - time.wallTime()
        #expect(delay >= .zero && delay <= .seconds(bound))
        delays.append(delay)
        if delay > .zero { #expect(try await tasks.claim().isEmpty) }
        time.advance(by: delay)
      }
      #expect(Set(delays).count > 3)
      let last = try #require(try await tasks.claim().first)
      let spent = try await last.fail("for good")
      #expect(spent.status == .failed && spent.error == "for good" && spent.attempt == 6)
      #expect(spent.completedAt == time.wallTime())
      #expect(try await tasks.get(id) == spent)
    }
  }

  /// Goal: a spent task leaves a dead letter, given up, in the same transaction; so does one whose
  /// error says not to try again, and one whose last lease was lost; a plainly failed one does not.
  ///
  /// Method: each of them, and a transaction that throws afterwards.
  @Test(arguments: Engines.available)
  func `a spent task leaves a dead letter`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let store = test.store
      func letters() async throws -> [DeadLetter] { try await store.deadLetters.list().items }
      let once = draft("ship") {
        $0.maxAttempts = 1
        $0.run = "42"
      }
      try await store.tasks.enqueue(once)
      let spent = try #require(try await store.tasks.claim().first)
      let (id, token) = (spent.id, spent.token)
      await #expect(throws: OwnError(number: 1)) {
        try await store.transaction { tx in
          try tx.tasks.fail(id, error: "broken", token: token)
          throw OwnError(number: 1)
        }
      }
      #expect(try await letters().isEmpty)
      let failed = try await spent.fail("broken")
      let letter = try #require(try await letters().first)
      #expect(letter.task == id && letter.source == "task:\(id)" && letter.run == "42")
      #expect(letter.status == .givenUp && letter.error == "broken")
      #expect(letter.retryCount == 1 && letter.version == failed.version)
      try await store.tasks.enqueue(draft())
      let hopeless = try #require(try await store.tasks.claim().first)
      try await hopeless.fail("never", retry: .never)
      try await store.tasks.enqueue(once)
      let lost = try #require(try await store.tasks.claim().first)
      time.advance(by: .seconds(30))
      #expect(try await store.tasks.claim().isEmpty)
      let buried = try await letters().map(\.task)
      #expect(Set(buried) == [id, hopeless.id, lost.id])
      let plain = try await store.tasks.save(draft(), status: .running)
      try await store.tasks.fail(plain.id, error: "e")
      #expect(try await letters().count == 3)
    }
  }

  /// Goal: who cancels, requeues or replays a task is in the audit log, in the same transaction.
  ///
  /// Method: each once.
  @Test(arguments: Engines.available)
  func `who steps in from outside is in the audit log`(on engine: TestEngine) async throws {
    var options = StoreOptions.testing()
    options.actor = "ada"
    try await withStore(on: engine, options: options) { test in
      let store = test.store
      let id = try await store.tasks.enqueue("a", run: "42").task.id
      let cancelled = try await store.tasks.cancel(id, reason: "twice")
      try await store.tasks.requeue(id)
      try await store.tasks.cancel(id)
      let replayed = try await store.tasks.replay(id)
      let records = try await store.audit.list().items
      #expect(
        records.map(\.action) == ["task.replay", "task.cancel", "task.requeue", "task.cancel"])
      #expect(records.allSatisfy { $0.actor == "ada" && $0.run == "42" })
      #expect(records.last?.details["reason"] == "twice" && cancelled.error == "twice")
      #expect(records.first?.subject == "task:\(replayed.id)")
      await expectRefusal(.invalidState) { try await store.tasks.replay(replayed.id) }
      #expect(try await store.audit.list().items.count == 4)
    }
  }

  /// Goal: an error may say when the task is tried again, or that it is not.
  ///
  /// Method: both, on the first of five attempts; bad delays.
  @Test(arguments: Engines.available)
  func `an error says when to try again`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let tasks = test.store.tasks
      try await tasks.enqueueMany([draft(), draft()])
      let claimed = try await tasks.claim(limit: 2)
      await expectRefusal(.invalid, reason: "out_of_range") {
        try await claimed[0].fail("later", retry: .after(.seconds(-1)))
      }
      await expectRefusal(.invalid) { try await claimed[0].fail("a\0") }
      let later = try await claimed[0].fail("later", retry: .after(.seconds(90)))
      #expect(later.status == .pending && later.runAt == time.wallTime() + .seconds(90))
      let never = try await claimed[1].fail("never", retry: .never)
      #expect(never.status == .failed && never.attempt == 1 && never.error == "never")
    }
  }

  /// Goal: the attempt counts runs that failed or lost their lease and the one going on, never a
  /// wake-up from a wait, an approval or a hand-back.
  ///
  /// Method: a task that may run twice goes through all of them before its two runs are counted.
  @Test(arguments: Engines.available)
  func `waits approvals and hand-backs are not counted`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let tasks = test.store.tasks
      let id = try await tasks.enqueue(draft { $0.maxAttempts = 2 }).task.id
      for _ in 0..<5 {
        let slept = try #require(try await tasks.claim().first)
        #expect(slept.record.attempt == 1)
        try await tasks.updateStatus(id, to: .waiting, token: slept.token)
        #expect(try await tasks.updateStatus(id, to: .pending).attempt == 0)
        try await #require(try await tasks.claim().first).release()
        let asking = try #require(try await tasks.claim().first)
        #expect(asking.record.attempt == 1)
        try await test.store.transaction { tx in
          try tx.tasks.awaitApproval(id)
          #expect(try tx.tasks.resumeAfterApproval(id)?.attempt == 0)
        }
      }
      _ = try #require(try await tasks.claim().first)
      time.advance(by: .seconds(30))
      let second = try #require(try await tasks.claim().first)
      #expect(second.record.attempt == 2 && second.record.error == "lease_expired")
      time.advance(by: .seconds(30))
      #expect(try await tasks.claim().isEmpty)
      let spent = try #require(try await tasks.get(id))
      #expect(spent.status == .failed && spent.error == "lease_expired")
      #expect(spent.completedAt == time.wallTime())
    }
  }

  /// Goal: a lost lease is recovered by a claim of its queue, and by the sweep in any queue, in
  /// slices.
  ///
  /// Method: leases of three queues run out.
  @Test(arguments: Engines.available)
  func `lost leases are recovered in every queue`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let store = test.store
      for queue in ["a", "b", "c"] {
        try await store.tasks.enqueueMany((0..<4).map { _ in draft { $0.queue = queue } })
        #expect(try await store.tasks.claim(from: [queue], limit: 3).count == 3)
      }
      func recover(_ limit: Int) async throws -> Int {
        try await store.transaction { try $0.tasks.recoverExpired(limit: limit) }
      }
      #expect(try await recover(9) == 0)
      time.advance(by: .seconds(30))
      let events = try await store.changes.made { () async throws in
        #expect(try await recover(5) == 5)
        #expect(try await recover(5) == 4)
        #expect(try await recover(5) == 0)
      }
      #expect(events.count == 9 && events.allSatisfy { $0.hasPrefix("recover ") })
      let counts = try await store.tasks.stats()
      #expect(counts.byStatus[.pending] == 12 && counts.byStatus[.running] == 0)
    }
  }

  /// Goal: however many leases were lost, a claim takes back a few of its own queues', and claims.
  ///
  /// Method: more lost leases in each of several queues than one transaction may write; a claim of
  /// some of them, in a store whose transactions are small, and upkeep for the rest.
  @Test(arguments: Engines.available)
  func `a claim takes back few of many lost leases`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    var options = StoreOptions.testing(time: time)
    options.limits.transactionOperationsMax = 160
    try await withStore(on: engine, options: options) { test in
      let store = test.store
      let queues = (0..<4).map { "q\($0)" }
      for queue in queues {
        try await store.tasks.enqueueMany((0..<60).map { _ in draft { $0.queue = queue } })
        #expect(try await store.tasks.claim(from: [queue], limit: 60).count == 60)
      }
      time.advance(by: .seconds(30))
      let events = try await store.changes.made { () async throws in
        #expect(try await store.tasks.claim(from: Array(queues[..<3]), limit: 10).count == 10)
      }
      #expect(events.count { $0.hasPrefix("recover ") } == 50)
      #expect(events.count { $0.hasPrefix("claim ") } == 10)
      #expect(try await store.tasks.stats().queue("q3")?.running == 60)
      let upkeep = Upkeep(store: store)
      while try await upkeep.slice() > 0 {}
      let counts = try await store.tasks.stats()
      #expect(counts.byStatus[.running] == 10 && counts.byStatus[.pending] == 230)
    }
  }

  /// Goal: `failStuck` fails what a dead owner left, or every running task without a living lease,
  /// with the error `stuck_on_startup`, and says how many.
  ///
  /// Method: tasks of two owners, one plainly running, one whose lease ran out; with and without an
  /// owner.
  @Test(arguments: Engines.available)
  func `stuck tasks are failed and counted`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let tasks = test.store.tasks
      try await tasks.enqueueMany((0..<5).map { _ in draft() })
      let dead = try await tasks.claim(limit: 2, lease: .seconds(600), owner: "dead")
      let lost = try #require(try await tasks.claim(lease: .seconds(1), owner: "alive").first)
      let held = try #require(try await tasks.claim(lease: .seconds(600), owner: "alive").first)
      let plain = try await tasks.save(draft(), status: .running)
      time.advance(by: .seconds(2))
      #expect(try await tasks.failStuck(owner: "nobody") == 0)
      #expect(try await tasks.failStuck(owner: "dead") == 2)
      for task in dead {
        let failed = try #require(try await tasks.get(task.id))
        #expect(failed.status == .failed && failed.error == "stuck_on_startup")
        #expect(failed.completedAt == time.wallTime())
        await expectRefusal(.fenced) { try await task.complete() }
      }
      #expect(try await tasks.failStuck() == 2)
      for id in [lost.id, plain.id] {
        #expect(try await tasks.get(id)?.error == "stuck_on_startup")
      }
      #expect(try await tasks.get(held.id) == held.record)
      #expect(try await tasks.failStuck() == 0)
      #expect(try await tasks.list(TaskQuery(status: .pending)).items.count == 1)
      await expectRefusal(.invalid) { try await tasks.failStuck(owner: "") }
    }
  }
}
