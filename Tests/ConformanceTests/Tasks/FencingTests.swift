import Holdfast
import HoldfastTesting
import Testing

@Suite(.timeLimit(.minutes(5))) struct FencingTests {
  /// What a worker can say of its task.
  private func writes(_ task: ClaimedTask) -> [(String, () async throws -> Void)] {
    [
      ("heartbeat", { try await task.heartbeat() }),
      ("progress", { try await task.progress(0.5) }),
      ("step", { _ = try await task.step("s") { 1 } }),
      ("transaction", { _ = try await task.transaction("t") { _ in 1 } }),
      ("complete", { try await task.complete(1) }),
      ("fail", { try await task.fail("no") }),
      ("release", { try await task.release() }),
    ]
  }

  /// Goal: a worker whose task was taken gets `fenced` from everything, and nothing of it lands.
  ///
  /// Method: a lease that runs out is claimed by another; the first worker then tries everything.
  @Test(arguments: Engines.available)
  func `a worker whose task was taken is fenced`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let tasks = test.store.tasks
      try await tasks.enqueue("a")
      let old = try #require(try await tasks.claim(lease: .seconds(30), owner: "old").first)
      time.advance(by: .seconds(30))
      let new = try #require(try await tasks.claim(owner: "new").first)
      #expect(new.id == old.id && new.token == 2 && new.record.attempt == 2)
      let events = try await test.store.changes.made { () async throws in
        for (name, write) in writes(old) {
          await expectRefusal(.fenced, "\(name)") { try await write() }
        }
      }
      #expect(events.isEmpty)
      #expect(try await tasks.get(old.id) == new.record)
      #expect(try await tasks.steps(old.id).isEmpty)
      #expect(try await new.complete("done").result == "done")
    }
  }

  /// Goal: a lease that ran out still counts until somebody took the task.
  ///
  /// Method: long after the end of the lease the worker does everything, each on a task of its own.
  @Test(arguments: Engines.available)
  func `a lease that ran out counts until the task is taken`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let tasks = test.store.tasks
      let count = 7
      try await tasks.enqueueMany((0..<count).map { _ in draft() })
      let claimed = try await tasks.claim(limit: count, lease: .seconds(1))
      time.advance(by: .seconds(3_600))
      for (place, task) in claimed.enumerated() { try await writes(task)[place].1() }
      let beating = try #require(try await tasks.get(claimed[0].id))
      #expect(beating.leaseExpiresAt == time.wallTime() + .seconds(1))
      #expect(beating.fencingToken == 1 && beating.status == .running)
    }
  }

  /// Goal: a leased task takes its writes only with the token: a missing, old or future one is
  /// `fenced`; a plainly running task needs none, and a token for it is of a lease that is lost.
  ///
  /// Method: every write with every token.
  @Test(arguments: Engines.available)
  func `a leased task takes its writes only with its token`(
    on engine: TestEngine
  ) async throws {
    try await withStore(on: engine) { test in
      let tasks = test.store.tasks
      try await tasks.enqueue(draft { $0.id = "leased" })
      let leased = try #require(try await tasks.claim().first)
      try await tasks.save(draft { $0.id = "plain" }, status: .running)
      func refused(_ id: String, _ token: Int64?) async {
        await expectRefusal(.fenced) { try await tasks.complete(id, token: token) }
        await expectRefusal(.fenced) { try await tasks.fail(id, error: "e", token: token) }
        await expectRefusal(.fenced) { try await tasks.progress(id, 1, token: token) }
        await expectRefusal(.fenced) { try await tasks.release(id, token: token) }
        await expectRefusal(.fenced) {
          try await tasks.updateStatus(id, to: .waiting, token: token)
        }
        await expectRefusal(.fenced) {
          try await test.store.transaction { tx in
            try tx.tasks.recordStep("s", of: id, result: 1, token: token)
          }
        }
      }
      for token: Int64? in [nil, 0, 2, -1, .max] { await refused("leased", token) }
      await refused("plain", 1)
      await expectRefusal(.fenced) { try await tasks.heartbeat("plain", token: 0) }
      #expect(try await tasks.get("leased") == leased.record)
      #expect(try await tasks.progress("plain", 1).progress == 1)
      #expect(try await tasks.complete("plain").status == .completed)
      #expect(try await tasks.complete("leased", token: 1).status == .completed)
      await expectRefusal(.fenced) { try await tasks.complete("leased", token: 1) }
      await expectRefusal(.invalidState) { try await tasks.complete("leased") }
      await expectRefusal(.notFound) { try await tasks.complete("missing") }
      await expectRefusal(.fenced) { try await tasks.heartbeat("missing", token: 1) }
    }
  }

  /// Goal: cancelling is final at once, whoever works on the task; its worker's next call is
  /// `fenced`.
  ///
  /// Method: cancels a claimed task without a token.
  @Test(arguments: Engines.available)
  func `cancelling is final at once`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let tasks = test.store.tasks
      try await tasks.enqueue("a")
      let claimed = try #require(try await tasks.claim().first)
      time.advance(by: .seconds(1))
      let cancelled = try await tasks.cancel(claimed.id, reason: "not needed")
      #expect(cancelled.status == .cancelled && cancelled.error == "not needed")
      #expect(cancelled.completedAt == time.wallTime() && cancelled.leaseOwner == nil)
      for (name, write) in writes(claimed) {
        await expectRefusal(.fenced, "\(name)") { try await write() }
      }
      await expectRefusal(.invalidState) { try await tasks.cancel(claimed.id) }
      #expect(try await tasks.get(claimed.id) == cancelled)
      #expect(try await tasks.claim().isEmpty)
    }
  }

  /// Goal: heartbeats extend the lease and, like progress, tell the feed nothing and leave the
  /// version.
  ///
  /// Method: keeps a task through many lease times.
  @Test(arguments: Engines.available)
  func `a heartbeat keeps the task`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let tasks = test.store.tasks
      try await tasks.enqueue("a")
      let claimed = try #require(try await tasks.claim(lease: .seconds(10)).first)
      let events = try await test.store.changes.made { () async throws in
        for round in 0..<10 {
          time.advance(by: .seconds(9))
          let beating = try await claimed.heartbeat(lease: .seconds(10))
          #expect(beating.leaseExpiresAt == time.wallTime() + .seconds(10))
          let told = try await claimed.progress(["round": .integer(Int64(round))])
          #expect(told.progress == ["round": .integer(Int64(round))])
          #expect(told.version == claimed.record.version && told.updatedAt == time.wallTime())
          #expect(try await tasks.claim().isEmpty)
        }
      }
      #expect(events.isEmpty)
      #expect(try await claimed.complete().attempt == 1)
    }
  }

  /// Goal: after a leap of the store's time nobody's lease is taken for half a minute, for the
  /// workers had no time to renew it.
  ///
  /// Method: sets the wall clock an hour ahead, then lets half a minute pass.
  @Test(arguments: Engines.available)
  func `no lease is taken right after a leap of time`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let tasks = test.store.tasks
      try await tasks.enqueue("a")
      let claimed = try #require(try await tasks.claim(lease: .seconds(30)).first)
      time.jumpWall(by: .seconds(3_600))
      #expect(try await tasks.claim().isEmpty)
      #expect(try await tasks.failStuck() == 0)
      time.advance(by: .seconds(29))
      #expect(try await tasks.claim().isEmpty)
      time.advance(by: .seconds(1))
      let taken = try #require(try await tasks.claim().first)
      #expect(taken.id == claimed.id && taken.token == 2)
    }
  }
}
