import Holdfast
import HoldfastTesting
import Testing

@Suite(.timeLimit(.minutes(5))) struct TaskEdgeTests {
  /// Goal: names are exact: two that a reader takes for the same have numbers of their own.
  ///
  /// Method: "é" as one scalar and as two, as queue and as command.
  @Test(arguments: Engines.available)
  func `the numbers keep names apart that look the same`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let tasks = test.store.tasks
      let (one, two) = ("\u{E9}", "e\u{301}")
      try await tasks.enqueueMany([
        draft(one) { $0.queue = one }, draft(two) { $0.queue = two },
        draft(two) { $0.queue = two },
      ])
      let stats = try await tasks.stats()
      #expect(stats.command(one)?.count == 1 && stats.command(two)?.count == 2)
      #expect(stats.queue(one)?.pending == 1 && stats.queue(two)?.pending == 2)
      #expect(stats.byCommand.map { Array($0.name.utf8) } == [two, one].map { Array($0.utf8) })
      #expect(try await tasks.stats(queue: one).byQueue.count == 1)
      #expect(try await tasks.claim(from: [two], limit: 9).count == 2)
    }
  }

  /// Goal: a heartbeat that says no length keeps that of the claim, or of the heartbeat before; one
  /// that says a length has it, even where it is shorter.
  ///
  /// Method: a lease far longer than the default.
  @Test(arguments: Engines.available)
  func `a heartbeat keeps the length of the lease`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let tasks = test.store.tasks
      try await tasks.enqueue("a")
      let claimed = try #require(try await tasks.claim(lease: .seconds(600)).first)
      for (lease, expected) in [(nil, 600), (60, 60), (nil, 60), (700, 700), (nil, 700)] {
        time.advance(by: .seconds(10))
        let beating = try await claimed.heartbeat(lease: lease.map { .seconds($0) })
        #expect(beating.leaseExpiresAt == time.wallTime() + .seconds(expected))
      }
      try await claimed.release()
      let again = try #require(try await tasks.claim().first)
      time.advance(by: .seconds(10))
      #expect(try await again.heartbeat().leaseExpiresAt == time.wallTime() + .seconds(30))
    }
  }

  /// Goal: no time of a task is one that cannot be: none outside of the years that text can write,
  /// no end before its beginning, none that is yet to come.
  ///
  /// Method: each; then the numbers, which subtract them.
  @Test(arguments: Engines.available)
  func `times that cannot be are refused`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let tasks = test.store.tasks
      let now = time.wallTime()
      for end in [Instant(microseconds: .min), Instant(microseconds: .max)] {
        let saves: [(String, () async throws -> Void)] = [
          ("run_at", { try await tasks.enqueue(draft { $0.runAt = end }) }),
          ("run_at", { try await tasks.save(draft { $0.runAt = end }) }),
          ("created_at", { try await tasks.save(draft(), createdAt: end) }),
          ("started_at", { try await tasks.save(draft(), status: .running, startedAt: end) }),
          (
            "completed_at",
            { try await tasks.save(draft(), status: .completed, completedAt: end) }
          ),
        ]
        for (field, save) in saves {
          let error = await expectRefusal(.invalid, reason: "out_of_range") { try await save() }
          #expect(error?.details["field"] == .string(field))
        }
      }
      let early = now + .seconds(-9)
      let orders: [(Instant?, Instant?)] = [
        (now, early), (now + .seconds(1), nil), (nil, now + .seconds(1)),
      ]
      for (started, completed) in orders {
        await expectRefusal(.invalid, reason: "out_of_range") {
          try await tasks.save(
            draft(), status: .completed, startedAt: started, completedAt: completed)
        }
      }
      await expectRefusal(.invalid, reason: "out_of_range") {
        try await tasks.save(draft(), status: .running, startedAt: now + .seconds(1))
      }
      await expectRefusal(.invalid, reason: "out_of_range") {
        try await tasks.save(draft(), startedAt: early)
      }
      #expect(try await tasks.list().items.isEmpty)
      try await tasks.enqueue(draft { $0.runAt = .textMin })
      #expect(try await tasks.stats().byQueue.first?.oldestDueAge == now - .textMin)
    }
  }

  /// Goal: the durations of tasks can be summed up however long they are.
  ///
  /// Method: two hundred tasks that each took two thousand years, whose microseconds do not fit
  /// into 64 bits together.
  @Test(arguments: Engines.available)
  func `the longest durations add up`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let now = time.wallTime()
      try await test.store.transaction { tx in
        for _ in 0..<200 {
          try tx.tasks.save(
            draft(), status: .completed, startedAt: .textMin, completedAt: now)
        }
      }
      let numbers = try #require(try await test.store.tasks.stats().command("work"))
      #expect(numbers.finished == 200 && numbers.durationAverage == now - .textMin)
      #expect(numbers.durationTotal == (now - .textMin) * 200)
    }
  }

  /// Goal: a task that is pending again has neither begun nor come any way: what ends unrun then is
  /// not counted as run.
  ///
  /// Method: each way back to pending, and a cancellation a week later.
  @Test(arguments: Engines.available)
  func `a task that is pending again has not begun`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let store = test.store
      let tasks = store.tasks
      let ways: [(String, @Sendable (ClaimedTask) async throws -> Void)] = [
        ("retry", { try await $0.fail("e", retry: .after(.zero)) }),
        ("release", { try await $0.release() }),
        (
          "resume",
          {
            try await tasks.updateStatus($0.id, to: .waiting, token: $0.token)
            try await tasks.updateStatus($0.id, to: .pending)
          }
        ),
        (
          "requeue",
          {
            try await $0.fail("e", retry: .never)
            try await tasks.requeue($0.id)
          }
        ),
        (
          "recover",
          { _ in
            time.advance(by: .seconds(30))
            _ = try await store.transaction { try $0.tasks.recoverExpired(limit: 1) }
          }
        ),
      ]
      for (name, back) in ways {
        let id = try await tasks.enqueue(name).task.id
        let claimed = try #require(try await tasks.claim().first)
        try await claimed.progress(0.5)
        try await back(claimed)
        let pending = try #require(try await tasks.get(id))
        #expect(pending.status == .pending, "\(name)")
        #expect(pending.startedAt == nil && pending.progress == nil, "\(name)")
        time.advance(by: .seconds(7 * 86_400))
        try await tasks.cancel(id)
        let numbers = try await tasks.stats().command(name)
        #expect(numbers?.count == 1 && numbers?.finished == 0, "\(name)")
      }
    }
  }

  /// Goal: a replay counts what it copies, so that no transaction grows past its limit; redriving
  /// many spreads over transactions.
  ///
  /// Method: dead tasks of 1 KiB, in a store whose transactions and pages are small.
  @Test(arguments: Engines.available)
  func `a replay counts what it copies`(on engine: TestEngine) async throws {
    var options = StoreOptions.testing()
    options.limits.transactionBytesMax = 8_000
    options.limits.pageBytesMax = 3_000
    try await withStore(on: engine, options: options) { test in
      let store = test.store
      let text = Value.string(String(repeating: "p", count: 1_000))
      for _ in 0..<9 {
        try await store.tasks.enqueue(draft { $0.parameters = text })
        let claimed = try #require(try await store.tasks.claim().first)
        for step in 0..<3 { try await claimed.step("s\(step)") { text } }
        try await claimed.fail("no", retry: .never)
      }
      let id = try #require(try await store.tasks.list().items.first).id
      await expectRefusal(.tooLarge) {
        try await store.transaction { tx in
          for _ in 0..<9 { try tx.tasks.replay(id) }
        }
      }
      await expectRefusal(.tooLarge) {
        try await store.transaction { tx in
          for _ in 0..<3 { try tx.tasks.replay(id, from: "s2") }
        }
      }
      #expect(try await store.tasks.stats().byStatus[.failed] == 9)
      #expect(try await store.tasks.stats().byStatus[.pending] == 0)
      var query = DeadLetterQuery(limit: 1_000)
      var pages: [Int] = []
      repeat {
        let asked = query
        let page = try await store.transaction { try $0.deadLetters.redriveAll(asked) }
        pages.append(page.items.count)
        query.after = page.next
      } while query.after != nil
      #expect(pages.reduce(0, +) == 9 && pages.allSatisfy { (1...3).contains($0) }, "\(pages)")
      let letters = try await store.deadLetters.list(DeadLetterQuery(status: .resolved))
      #expect(Set(letters.items.compactMap(\.replayedAs)).count == letters.items.count)
    }
  }

  /// Goal: a leased task that its worker sets failed is one that failed: it is tried again, and
  /// leaves a dead letter when its attempts are spent.
  ///
  /// Method: both plain ways, twice.
  @Test(arguments: Engines.available)
  func `a leased task that is set failed is tried again`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let tasks = test.store.tasks
      for way in ["update", "save"] {
        let plan = draft {
          $0.id = way
          $0.maxAttempts = 2
          $0.backOff = BackOff(base: .zero, cap: .zero)
        }
        try await tasks.enqueue(plan)
        for (attempt, status) in [(1, TaskStatus.pending), (2, .failed)] {
          let claimed = try #require(try await tasks.claim().first)
          let set =
            way == "save"
            ? try await tasks.save(plan, status: .failed, error: "e", token: claimed.token)
            : try await tasks.updateStatus(way, to: .failed, error: "e", token: claimed.token)
          #expect(set.status == status && set.attempt == attempt && set.error == "e")
        }
        let letters = try await test.store.deadLetters.list(
          DeadLetterQuery(source: "task:\(way)"))
        #expect(letters.items.map(\.error) == ["e"])
      }
    }
  }

  /// Goal: only an approval's request makes a task wait for it: else nothing would end its waiting.
  ///
  /// Method: both plain ways, for a new task and for one that is there.
  @Test(arguments: Engines.available)
  func `no task waits for an approval that nobody asked for`(
    on engine: TestEngine
  ) async throws {
    try await withStore(on: engine) { test in
      let tasks = test.store.tasks
      try await tasks.enqueue(draft { $0.id = "t" })
      for id in ["t", "new"] {
        let ways: [() async throws -> TaskRecord] = [
          { try await tasks.save(draft { $0.id = id }, status: .awaitingApproval) },
          { try await tasks.updateStatus(id, to: .awaitingApproval) },
        ]
        for way in ways {
          let error = await expectRefusal(.invalid) { try await way() }
          #expect(error?.details["field"] == "status")
        }
      }
      #expect(try await tasks.list().items.map(\.status) == [.pending])
    }
  }

  /// Goal: a failure is never refused for its length: what is kept of its text ends with a whole
  /// character.
  ///
  /// Method: texts around the limit, for every call that takes an error or a reason.
  @Test(arguments: Engines.available)
  func `a long error is cut`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let tasks = test.store.tasks
      let texts = [
        (String(repeating: "e", count: 4_096), 4_096),
        (String(repeating: "e", count: 90_000), 4_096),
        ("a" + String(repeating: "\u{E9}", count: 3_000), 4_095),
      ]
      for (text, count) in texts {
        try await tasks.enqueue("a")
        let claimed = try #require(try await tasks.claim().first)
        let failed = try await claimed.fail(text, retry: .never)
        let again = try await tasks.requeue(claimed.id)
        let cancelled = try await tasks.cancel(again.id, reason: text)
        let saved = try await tasks.save(draft(), status: .failed, error: text)
        for task in [failed, cancelled, saved] {
          #expect(task.error.map { text.hasPrefix($0) } == true)
          #expect(task.error?.utf8.count == count)
        }
      }
    }
  }
}
