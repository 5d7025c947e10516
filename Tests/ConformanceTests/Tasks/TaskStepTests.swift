import Holdfast
import HoldfastTesting
import NIOConcurrencyHelpers
import Testing

@Suite(.timeLimit(.minutes(5))) struct TaskStepTests {
  /// What a step gives.
  private struct Receipt: Codable, Equatable, Sendable {
    var number: Int
    var parts: [String]
  }

  /// Goal: a step that has a record answers from it and is not done again, in this run or the next.
  ///
  /// Method: does a step twice, fails, and does it in the next run.
  @Test(arguments: Engines.available)
  func `a finished step is not repeated`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let calls = NIOLockedValueBox(0)
      try await test.store.tasks.enqueue("a")
      for run in 0..<3 {
        let task = try #require(try await test.store.tasks.claim().first)
        for _ in 0..<2 {
          let receipt: Receipt = try await task.step("charge") {
            calls.withLockedValue { $0 += 1 }
            return Receipt(number: run, parts: ["é"])
          }
          #expect(receipt == Receipt(number: 0, parts: ["é"]))
        }
        let nothing: Int? = try await task.step("null") { nil }
        #expect(nothing == nil)
        try await task.fail("again", retry: .after(.zero))
        try await test.restart()
      }
      #expect(calls.withLockedValue { $0 } == 1)
    }
  }

  /// Goal: a step whose closure throws leaves no record, and its error comes out as it went in.
  ///
  /// Method: throws once, then succeeds.
  @Test(arguments: Engines.available)
  func `a step that throws leaves no record`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      try await test.store.tasks.enqueue("a")
      let task = try #require(try await test.store.tasks.claim().first)
      await #expect(throws: OwnError(number: 3)) {
        let _: Int = try await task.step("s") { throw OwnError(number: 3) }
      }
      await #expect(throws: OwnError(number: 4)) {
        let _: Int = try await task.transaction("t") { tx in
          try tx.kv(.global).put("k", 1)
          throw OwnError(number: 4)
        }
      }
      #expect(try await test.store.tasks.steps(task.id).isEmpty)
      #expect(try await test.store.kv(.global).get("k") == nil)
      #expect(try await task.step("s") { 5 } == 5)
    }
  }

  /// Goal: what breaks off between a step's closure and its record leaves no record, so the closure
  /// is done again in the next run.
  ///
  /// Method: the record's commit fails; the store is opened afresh, and another run does the step.
  @Test(arguments: Engines.available)
  func `a step without its record is repeated`(on engine: TestEngine) async throws {
    let (time, faults, calls) = (ManualTimeSource(), FaultInjection(), NIOLockedValueBox(0))
    var options = StoreOptions.testing(time: time)
    options.inject(faults)
    try await withStore(on: engine, options: options) { test in
      let id = try await test.store.tasks.enqueue("a").task.id
      let first = try #require(try await test.store.tasks.claim().first)
      await #expect(throws: StoreError.self) {
        try await first.step("charge") {
          faults.fail(.beforeCommit, times: 1_000, with: StoreError(.unavailable, "Injected."))
          return calls.withLockedValue { calls in
            calls += 1
            return calls
          }
        }
      }
      faults.clear()
      let store = try await test.restart()
      #expect(try await store.tasks.steps(id).isEmpty)
      time.advance(by: .seconds(30))
      let second = try #require(try await store.tasks.claim().first)
      for _ in 0..<2 {
        let kept = try await second.step("charge") {
          calls.withLockedValue { calls in
            calls += 1
            return calls
          }
        }
        #expect(kept == 2)
      }
      #expect(try await store.tasks.steps(id).map(\.result) == [2])
    }
  }

  /// Goal: `transaction` keeps effect and record together: exactly once, however often the task
  /// runs, and not at all for a worker that lost it.
  ///
  /// Method: counts in three runs; a worker whose task was taken tries too.
  @Test(arguments: Engines.available)
  func `a transaction of a task takes effect exactly once`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let store = test.store
      try await store.tasks.enqueue("a")
      let old = try #require(try await store.tasks.claim().first)
      time.advance(by: .seconds(30))
      for _ in 0..<3 {
        let task = try #require(try await store.tasks.claim().first)
        await expectRefusal(.fenced) {
          try await old.transaction("count") { try $0.kv(.global).increment("n") }
        }
        for _ in 0..<2 {
          let count = try await task.transaction("count") { tx in
            try tx.kv(.global).increment("n")
          }
          #expect(count == 1)
        }
        try await task.release()
      }
      #expect(try await store.kv(.global).get("n") == 1)
    }
  }

  /// Goal: steps are listed in the order in which they were recorded, with what they gave; the feed
  /// tells of each once, and the task's version moves.
  ///
  /// Method: three steps, one of them twice, inside transactions.
  @Test(arguments: Engines.available)
  func `steps are kept in their order`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let store = test.store
      try await store.tasks.enqueue("a")
      let task = try #require(try await store.tasks.claim().first)
      let (id, token) = (task.id, task.token)
      let events = try await store.changes.made { () async throws in
        for (name, value) in [("z", 1), ("a", nil), ("é", ["x": 1.5]), ("z", 9)]
          as [(String, Value)]
        {
          try await store.transaction { tx in
            let known = try tx.tasks.step(name, of: id, token: token)
            let recorded = try tx.tasks.recordStep(name, of: id, result: value, token: token)
            #expect(recorded.isNew == (known == nil))
            #expect(try tx.tasks.step(name, of: id, token: token) == recorded.step)
          }
        }
      }
      #expect(events == Array(repeating: "step \(id)", count: 3))
      let steps = try await store.tasks.steps(id)
      #expect(steps.map(\.name) == ["z", "a", "é"] && steps.map(\.position) == [1, 2, 3])
      #expect(steps.map(\.result) == [1, nil, ["x": 1.5]])
      #expect(steps.allSatisfy { $0.recordedAt == time.wallTime() })
      let stepped = try #require(try await store.tasks.get(id))
      #expect(stepped.version > task.record.version)
      for name in ["", "a\0", String(repeating: "s", count: 257)] {
        await expectRefusal(.invalid) { try await task.step(name) { 1 } }
      }
      try await task.complete()
      await expectRefusal(.fenced) { try await task.step("z") { 1 } }
      await expectRefusal(.invalidState) {
        try await store.transaction { try $0.tasks.recordStep("n", of: id, result: 1) }
      }
      #expect(try await store.tasks.steps(id) == steps)
      #expect(try await store.tasks.steps("missing").isEmpty)
    }
  }

  /// Goal: a replay is a new task that points at its source: from the start nothing is kept, from a
  /// step the records before it are.
  ///
  /// Method: both, of a task with three steps; of one that is not finished, and from unknown steps.
  @Test(arguments: Engines.available)
  func `a replay goes from the start or from a step`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let store = test.store
      let made = try await store.tasks.enqueue(
        draft("ship") {
          $0.parameters = ["n": 1]
          $0.queue = "q"
          $0.run = "42"
          $0.priority = 5
          $0.caller = "c"
          $0.uniqueKey = "k"
          $0.maxAttempts = 2
        }
      ).task
      await expectRefusal(.invalidState) { try await store.tasks.replay(made.id) }
      let task = try #require(try await store.tasks.claim(from: ["q"]).first)
      for (place, name) in ["pick", "pack", "send"].enumerated() {
        _ = try await task.step(name) { place }
      }
      try await task.complete("sent")
      let whole = try await store.tasks.replay(made.id)
      #expect(whole.id != made.id && whole.source == made.id && whole.status == .pending)
      #expect(whole.command == "ship" && whole.parameters == ["n": 1] && whole.queue == "q")
      #expect(whole.run == "42" && whole.priority == 5 && whole.caller == "c")
      #expect(whole.maxAttempts == 2 && whole.attempt == 0 && whole.uniqueKey == nil)
      #expect(whole.result == nil)
      #expect(try await store.tasks.steps(whole.id).isEmpty)
      let part = try await store.tasks.replay(made.id, from: "send")
      #expect(try await store.tasks.steps(part.id).map(\.name) == ["pick", "pack"])
      let first = try await store.tasks.replay(made.id, from: "pick")
      #expect(try await store.tasks.steps(first.id).isEmpty)
      await expectRefusal(.notFound) { try await store.tasks.replay(made.id, from: "other") }
      await expectRefusal(.notFound) { try await store.tasks.replay("missing") }
      #expect(try await store.tasks.get(made.id)?.result == "sent")
      let again = try #require(
        try await store.tasks.claim(from: ["q"], limit: 3).first { $0.id == part.id })
      #expect(try await again.step("pack") { 9 } == 1)
      #expect(try await again.step("send") { 9 } == 9)
    }
  }
}
