import Holdfast
import HoldfastTesting
import Testing

/// The tools themselves, without which no other result here means anything.
@Suite(.timeLimit(.minutes(5))) struct ToolTests {
  /// Goal: the generator is SplitMix64.
  ///
  /// Method: the first numbers of the reference implementation for the seed 1234567.
  @Test func `the generator gives the reference numbers`() {
    var generator = SeededGenerator(seed: 1_234_567)
    let numbers = (0..<5).map { _ in generator.next() }
    #expect(
      numbers == [
        6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
        4_593_380_528_125_082_431, 16_408_922_859_458_223_821,
      ])
  }

  /// Goal: seeded identifiers repeat, never come twice, and are in order.
  ///
  /// Method: two sources of one seed, and one of another; a thousand identifiers of one moment.
  @Test func `seeded identifiers repeat and never come twice`() {
    let now = Instant(microseconds: 1_767_225_600_000_000)
    let first = SeededIDSource(seed: 1)
    let second = SeededIDSource(seed: 1)
    let ids = (0..<1_000).map { _ in first.makeID(at: now) }
    #expect(ids == (0..<1_000).map { _ in second.makeID(at: now) })
    #expect(Set(ids).count == 1_000 && ids == ids.sorted())
    #expect(ids.allSatisfy { $0.utf8.count == 36 && Array($0)[14] == "7" })
    #expect(ids.allSatisfy { "89ab".contains(Array($0)[19]) })
    #expect(SeededIDSource(seed: 2).makeID(at: now) != ids[0])
    #expect((0..<100).allSatisfy { _ in (3...5).contains(first.random(in: 3...5)) })
  }

  /// Goal: a sleeper wakes when the clock has passed its time and not before.
  ///
  /// Method: sleepers of several lengths; the clock is moved up to, and past, each.
  @Test func `sleepers wake when their time has passed`() async throws {
    let time = ManualTimeSource()
    let (woken, waking) = AsyncStream.makeStream(of: Int.self)
    let tasks = [1, 2, 3].map { seconds in
      Task {
        try await time.sleep(for: .seconds(seconds))
        waking.yield(seconds)
      }
    }
    try await time.sleepers(atLeast: 3)
    time.advance(by: .microseconds(999_999))
    #expect(time.sleeperCount == 3)
    time.advance(by: .microseconds(1))
    var events = woken.makeAsyncIterator()
    #expect(await events.next() == 1)
    #expect(time.sleeperCount == 2)
    time.jumpWall(by: .seconds(3_600))
    #expect(time.sleeperCount == 2)
    time.advance(by: .seconds(10))
    #expect(await Set([events.next(), events.next()]) == [2, 3])
    for task in tasks { try await task.value }
    try await time.sleep(for: .zero)
    #expect(time.monotonicTime() == .seconds(11))
    #expect(time.wallTime() - ManualTimeSource().wallTime() == .seconds(3_611))
  }

  /// Goal: a cancelled sleeper, and who waits for sleepers, end at once.
  ///
  /// Method: cancels each while it waits, and before.
  @Test func `cancelled sleepers end at once`() async throws {
    let time = ManualTimeSource()
    let sleeper = Task { try await time.sleep(for: .seconds(1)) }
    let observer = Task { try await time.sleepers(atLeast: 2) }
    try await time.sleepers(atLeast: 1)
    sleeper.cancel()
    observer.cancel()
    await #expect(throws: CancellationError.self) { try await sleeper.value }
    await #expect(throws: CancellationError.self) { try await observer.value }
    #expect(time.sleeperCount == 0)
    let late = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      try await time.sleep(for: .seconds(1))
    }
    await #expect(throws: CancellationError.self) { try await late.value }
  }

  /// Goal: a fault comes at the visit that was asked for, and as often.
  ///
  /// Method: lets as many visits pass as one put makes, then one fail; the first put succeeds, the
  /// second does not, the third does.
  @Test(arguments: Engines.available)
  func `a fault comes where it was put`(on engine: TestEngine) async throws {
    let faults = FaultInjection()
    var options = StoreOptions.testing()
    options.inject(faults)
    try await withStore(on: engine, options: options) { test in
      let kv = test.store.kv(.global)
      try await kv.put("k", 1)
      let before = faults.visits(of: .statement)
      try await kv.put("k", 1)
      let visits = faults.visits(of: .statement) - before
      #expect(visits > 0)
      faults.fail(.statement, after: visits, with: StoreError(.exhausted, "Full."))
      try await kv.put("k", 2)
      await expectRefusal(.exhausted) { try await kv.put("k", 3) }
      try await kv.put("k", 4)
      #expect(try await kv.get("k") == 4)
    }
  }

  /// Goal: a store of a test is fresh, its own, and opened again on the same data.
  ///
  /// Method: two stores at once do not see each other; a restart and a second node do.
  @Test(arguments: Engines.available)
  func `a test's store is its own`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      try await test.store.kv(.global).put("k", 1)
      let stranger = try await engine.open()
      #expect(try await stranger.kv(.global).get("k") == nil)
      await stranger.close()
      #expect(try await test.openAnother().kv(.global).get("k") == 1)
      #expect(try await test.restart().kv(.global).get("k") == 1)
    }
  }

  /// Goal: a store that does not fit together fails the test that left it so.
  ///
  /// Method: breaks a value behind the store's back and expects the issue to be recorded.
  @Test(arguments: Engines.available)
  func `a broken store fails its test`(on engine: TestEngine) async throws {
    try await withKnownIssue {
      try await withStore(on: engine) { test in
        try await test.store.kv(.global).put("k", 1)
        try await test.store.breakValues()
      }
    } matching: { issue in
      issue.comments.contains { $0.rawValue.contains("verify found") }
    }
  }
}
