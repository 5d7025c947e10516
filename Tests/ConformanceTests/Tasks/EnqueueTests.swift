import Holdfast
import HoldfastTesting
import Testing

@Suite(.timeLimit(.minutes(5))) struct EnqueueTests {
  /// Goal: a task begins pending, with what it was given and the defaults for the rest; an id is
  /// made where none is given.
  ///
  /// Method: enqueues with nothing and with everything; reads back before and after a restart.
  @Test(arguments: Engines.available)
  func `a task begins pending with what it was given`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    let options = StoreOptions.testing(time: time, ids: SeededIDSource(seed: 11))
    try await withStore(on: engine, options: options) { test in
      let tasks = test.store.tasks
      let plain = try await tasks.enqueue("send-email")
      #expect(plain.isNew && plain.task.id.utf8.count == 36)
      #expect(plain.task.queue == "default" && plain.task.priority == 0)
      #expect(plain.task.maxAttempts == 5 && plain.task.attempt == 0)
      #expect(plain.task.backOff == BackOff(base: .seconds(1), cap: .seconds(3_600)))
      #expect(plain.task.parameters == [:] && plain.task.run == nil && plain.task.caller == nil)
      #expect(plain.task.runAt == time.wallTime() && plain.task.createdAt == time.wallTime())
      #expect(plain.task.status == .pending && plain.task.fencingToken == 0)
      #expect(plain.task.result == nil && plain.task.error == nil && plain.task.progress == nil)
      #expect(plain.task.startedAt == nil && plain.task.completedAt == nil)
      var draft = TaskDraft("charge", parameters: ["card": [1, nil, 2.0]], queue: "é ☃", run: "42")
      draft.id = "a/b ☃"
      draft.priority = -100
      draft.caller = "agent"
      draft.responseChannel = "chat"
      draft.responseThread = "t-1"
      draft.uniqueKey = "once"
      draft.delay = .milliseconds(1_500)
      draft.maxAttempts = 1_000
      draft.backOff = BackOff(base: .zero, cap: .seconds(5))
      let task = try await tasks.enqueue(draft).task
      #expect(task.id == "a/b ☃" && task.queue == "é ☃" && task.priority == -100)
      #expect(task.parameters == ["card": [1, nil, 2.0]] && task.run == "42")
      #expect(task.caller == "agent" && task.uniqueKey == "once" && task.maxAttempts == 1_000)
      #expect(task.responseChannel == "chat" && task.responseThread == "t-1")
      #expect(task.runAt == time.wallTime() + .milliseconds(1_500))
      #expect(task.backOff == BackOff(base: .zero, cap: .seconds(5)))
      #expect(task.version > plain.task.version)
      #expect(try await tasks.get("a/b ☃") == task)
      #expect(try await test.restart().tasks.get("a/b ☃") == task)
      #expect(try await test.store.tasks.get("missing") == nil)
    }
  }

  /// Goal: the defaults are the store's to set.
  ///
  /// Method: opens with others.
  @Test(arguments: Engines.available)
  func `a store may have its own defaults for tasks`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    var options = StoreOptions.testing(time: time)
    options.tasks.queue = "work"
    options.tasks.priority = 7
    options.tasks.maxAttempts = 2
    options.tasks.backOff = BackOff(base: .seconds(2), cap: .seconds(9))
    options.tasks.lease = .seconds(5)
    try await withStore(on: engine, options: options) { test in
      let tasks = test.store.tasks
      let task = try await tasks.enqueue("a").task
      #expect(task.queue == "work" && task.priority == 7 && task.maxAttempts == 2)
      #expect(task.backOff == BackOff(base: .seconds(2), cap: .seconds(9)))
      let claimed = try #require(try await tasks.claim().first)
      #expect(claimed.record.leaseExpiresAt == time.wallTime() + .seconds(5))
    }
  }

  /// Goal: what cannot be is refused with `invalid`, and leaves nothing.
  ///
  /// Method: each field with what it cannot hold, at the limit and one past it.
  @Test(arguments: Engines.available)
  func `a task that cannot be leaves nothing`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let tasks = test.store.tasks
      let words = ["", "a\0", String(repeating: "i", count: 257)]
      let events = try await test.store.changes.made { () async throws in
        for word in words + [".", "..", "stats"] {
          await expectRefusal(.invalid) { try await tasks.enqueue(draft { $0.id = word }) }
          await expectRefusal(.invalid) { try await tasks.get(word) }
        }
        for word in words {
          await expectRefusal(.invalid) { try await tasks.enqueue(word) }
          await expectRefusal(.invalid) { try await tasks.enqueue(draft { $0.queue = word }) }
          await expectRefusal(.invalid) { try await tasks.enqueue(draft { $0.caller = word }) }
          await expectRefusal(.invalid) { try await tasks.enqueue(draft { $0.run = word }) }
          await expectRefusal(.invalid) { try await tasks.enqueue(draft { $0.uniqueKey = word }) }
          await expectRefusal(.invalid) {
            try await tasks.enqueue(draft { $0.responseThread = word })
          }
        }
        for number in [-101, 101, .max, .min] {
          await expectRefusal(.invalid, reason: "out_of_range") {
            try await tasks.enqueue(draft { $0.priority = number })
          }
        }
        for number in [0, -1, 1_001] {
          await expectRefusal(.invalid, reason: "out_of_range") {
            try await tasks.enqueue(draft { $0.maxAttempts = number })
          }
        }
        for delay in [Duration.microseconds(-1), .seconds(3_650 * 86_400) + .microseconds(1)] {
          await expectRefusal(.invalid, reason: "out_of_range") {
            try await tasks.enqueue(draft { $0.delay = delay })
          }
          await expectRefusal(.invalid, reason: "out_of_range") {
            try await tasks.enqueue(draft { $0.backOff = BackOff(base: delay, cap: .zero) })
          }
        }
        await expectRefusal(.invalid) {
          try await tasks.enqueue(
            draft {
              $0.delay = .seconds(1)
              $0.runAt = Instant(microseconds: 1)
            })
        }
        let error = await expectRefusal(.invalid) {
          try await tasks.enqueueMany([draft(), draft { $0.priority = 101 }])
        }
        #expect(error?.details["index"] == 1)
      }
      #expect(events.isEmpty)
      #expect(try await tasks.list().items.isEmpty)
      try await tasks.enqueue(
        draft {
          $0.id = String(repeating: "i", count: 256)
          $0.priority = 100
          $0.maxAttempts = 1_000
          $0.delay = .seconds(3_650 * 86_400)
        })
    }
  }

  /// Goal: an id is given once; a taken one is a `conflict` that a body may catch, and a batch with
  /// one writes nothing.
  ///
  /// Method: single, in a batch, twice in one batch, and caught inside a transaction.
  @Test(arguments: Engines.available)
  func `an id that is taken is a conflict`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let tasks = test.store.tasks
      let first = try await tasks.enqueue(draft { $0.id = "1" }).task
      await expectRefusal(.conflict) { try await tasks.enqueue(draft { $0.id = "1" }) }
      let error = await expectRefusal(.conflict) {
        try await tasks.enqueueMany([draft { $0.id = "2" }, draft { $0.id = "1" }])
      }
      #expect(error?.details["index"] == 1 && error?.details["task"] == "1")
      await expectRefusal(.conflict) {
        try await tasks.enqueueMany([draft { $0.id = "2" }, draft { $0.id = "2" }])
      }
      #expect(try await tasks.list().items == [first])
      try await test.store.transaction { tx in
        do {
          try tx.tasks.enqueueMany([draft { $0.id = "2" }, draft { $0.id = "1" }])
          Issue.record("a taken id was accepted")
        } catch StoreError.Code.conflict {
          try tx.tasks.enqueue(draft { $0.id = "3" })
        }
      }
      #expect(try await tasks.list().items.map(\.id) == ["3", "1"])
    }
  }

  /// Goal: a refusal beside a task with the same unique key names that task only to those of its
  /// run.
  ///
  /// Method: a task of a run; others of the same run, of another and of none are saved and
  /// requeued.
  @Test(arguments: Engines.available)
  func `a twin is named inside its run only`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let tasks = test.store.tasks
      func unique(_ run: String?) -> TaskDraft {
        draft {
          $0.uniqueKey = "k"
          $0.run = run
        }
      }
      let runs: [String?] = ["a", "b", nil]
      var ended: [(run: String?, id: String)] = []
      for run in runs {
        let id = try await tasks.save(unique(run), status: .failed, error: "no").id
        ended.append((run, id))
      }
      let first = try await tasks.enqueue(unique("a")).task
      for (run, id) in ended {
        let named: Value? = run == "a" ? .string(first.id) : Value?.none
        let saved = await expectRefusal(.conflict) { try await tasks.save(unique(run)) }
        #expect(saved?.details["task"] == named)
        let requeued = await expectRefusal(.conflict) { try await tasks.requeue(id) }
        #expect(requeued?.details["task"] == named)
      }
    }
  }

  /// Goal: while an unfinished task of a queue has a unique key, enqueueing it again gives that one
  /// and says so; another queue, or the end of the first, makes it free.
  ///
  /// Method: singly, in one batch, together with an id that is taken, and after each kind of end.
  @Test(arguments: Engines.available)
  func `a unique key is enqueued once until its task is finished`(
    on engine: TestEngine
  ) async throws {
    try await withStore(on: engine) { test in
      let tasks = test.store.tasks
      let unique = draft { $0.uniqueKey = "k" }
      let first = try await tasks.enqueue(unique)
      let events = try await test.store.changes.made { () async throws in
        let second = try await tasks.enqueue(
          draft("other") {
            $0.uniqueKey = "k"
            $0.id = first.task.id
          })
        #expect(!second.isNew && second.task == first.task)
      }
      #expect(first.isNew && events.isEmpty)
      let elsewhere = draft {
        $0.uniqueKey = "k"
        $0.queue = "elsewhere"
      }
      #expect(try await tasks.enqueue(elsewhere).isNew)
      let many = try await tasks.enqueueMany([
        unique, draft { $0.uniqueKey = "m" }, draft { $0.uniqueKey = "m" }, draft(),
      ])
      #expect(many.map(\.isNew) == [false, true, false, true])
      #expect(many[0].task == first.task && many[2].task == many[1].task)
      for status in [TaskStatus.completed, .failed, .cancelled] {
        let before = try await tasks.enqueue(unique)
        #expect(!before.isNew)
        try await tasks.updateStatus(before.task.id, to: .running)
        #expect(try await !tasks.enqueue(unique).isNew)
        try await tasks.updateStatus(before.task.id, to: status)
        #expect(try await tasks.enqueue(unique).isNew)
      }
    }
  }

  /// Goal: two who enqueue one unique key at once get one task.
  ///
  /// Method: twenty at once.
  @Test(arguments: Engines.available)
  func `a unique key makes one task however many ask at once`(
    on engine: TestEngine
  ) async throws {
    try await withStore(on: engine) { test in
      let store = test.store
      let answers = try await withThrowingTaskGroup(of: EnqueuedTask.self) { group in
        for _ in 0..<20 {
          group.addTask { try await store.tasks.enqueue(draft { $0.uniqueKey = "k" }) }
        }
        return try await group.reduce(into: [EnqueuedTask]()) { $0.append($1) }
      }
      #expect(answers.count { $0.isNew } == 1)
      #expect(Set(answers.map(\.task.id)).count == 1)
      #expect(try await store.tasks.list().items.count == 1)
    }
  }

  /// Goal: tasks are enqueued with other writes, all or nothing, and an idempotency key answers
  /// again with the first.
  ///
  /// Method: a transaction that throws, one that does not; the same key twice, and with another
  /// request.
  @Test(arguments: Engines.available)
  func `tasks are enqueued with other writes or not at all`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let store = test.store
      await #expect(throws: OwnError(number: 7)) {
        try await store.transaction { tx in
          try tx.kv(.global).put("k", 1)
          try tx.tasks.enqueue("a")
          #expect(try tx.tasks.list().items.count == 1)
          throw OwnError(number: 7)
        }
      }
      #expect(try await store.tasks.list().items.isEmpty)
      let task = try await store.transaction { tx in
        try tx.kv(.global).put("k", 1)
        return try tx.tasks.enqueue("a", run: "42").task
      }
      #expect(try await store.kv(.global).getEntry("k")?.version == task.version)
      let draft = draft { $0.backOff = BackOff(base: .seconds(2), cap: .seconds(3)) }
      let first = try await store.tasks.enqueue(draft, with: .idempotent("e-1"))
      #expect(try await store.tasks.enqueue(draft, with: .idempotent("e-1")) == first)
      await expectRefusal(.conflict) {
        try await store.tasks.enqueue("other", with: .idempotent("e-1"))
      }
      #expect(try await store.tasks.list().items.count == 2)
      #expect(try await store.tasks.enqueueMany([]).isEmpty)
    }
  }
}

/// A draft with what a test sets on it.
func draft(_ command: String = "work", _ change: (inout TaskDraft) -> Void = { _ in }) -> TaskDraft
{
  var draft = TaskDraft(command)
  change(&draft)
  return draft
}
