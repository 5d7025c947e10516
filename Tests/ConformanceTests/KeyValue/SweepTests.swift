import Holdfast
import HoldfastEngine
import HoldfastTesting
import Testing

@Suite(.timeLimit(.minutes(5))) struct SweepTests {
  /// How many rows of keys the database holds, dead ones included.
  private func rows(_ store: Store) async throws -> Int64? {
    try await store.engine.read(Step(Statement("SELECT COUNT(*) FROM kv"))).rows[0][0].integer
  }

  /// Goal: the feed says `expired` exactly once, at the sweep, and the row is gone.
  ///
  /// Method: sweeps before, at and after the time, twice each; looks at the feed and at the table.
  @Test(arguments: Engines.available)
  func `a sweep says expired exactly once`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let kv = test.store.kv(.run("42"))
      let upkeep = Upkeep(store: test.store)
      try await kv.put("k", 1, ttl: .seconds(1))
      try await kv.put("stays", 1, ttl: .seconds(99))
      let cursor = try await test.store.changes.cursor()
      #expect(try await upkeep.slice() == 0)
      time.advance(by: .seconds(1))
      #expect(try await upkeep.slice() == 1)
      #expect(try await upkeep.slice() == 0)
      time.advance(by: .seconds(1))
      #expect(try await upkeep.slice() == 0)
      let events = try await test.store.changes.all(since: cursor)
      #expect(events.map(\.summary) == ["expired k"])
      #expect(events[0].namespace == "run:42" && events[0].kind == "kv" && !events[0].below)
      #expect(events[0].time >= time.wallTime() + .seconds(-1))
      #expect(try await rows(test.store) == 1)
    }
  }

  /// Goal: a write over an expired key says `expired` just before its own event, and the sweep does
  /// not say it again.
  ///
  /// Method: each kind of write over an expired key; a write that is refused says nothing.
  @Test(arguments: Engines.available)
  func `a write over an expired key says expired first`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let kv = test.store.kv(.global)
      let upkeep = Upkeep(store: test.store)
      let changes = test.store.changes
      let writes: [@Sendable () async throws -> Void] = [
        { try await kv.put("k", 1) }, { try await kv.put("k", 1, if: .absent) },
        { try await kv.increment("k") }, { try await kv.putMany([Put("k", 1)]) },
        { try await test.store.transaction { tx in _ = try tx.kv(.global).put("k", 2) } },
        { try await kv.put("k", 1, with: .idempotent("once")) },
      ]
      for (number, write) in writes.enumerated() {
        try await kv.put("k", 0, ttl: .seconds(1))
        time.advance(by: .seconds(1))
        let refused = try await changes.made { () async throws in
          await expectRefusal(.conflict) { try await kv.put("k", 1, if: .version(1)) }
          await expectRefusal(.notFound) { try await kv.persist("k") }
          #expect(try await !kv.delete("k"))
        }
        #expect(refused.isEmpty, "write \(number)")
        let made = try await changes.made {
          try await write()
          while try await upkeep.slice() > 0 {}
        }
        #expect(made == ["expired k", "put k"], "write \(number)")
      }
    }
  }

  /// Goal: an event of `expired` comes exactly once, whoever is first: sweeps of two nodes and
  /// writes at once.
  ///
  /// Method: many expired keys; two nodes sweep while others write over half of them.
  @Test(arguments: Engines.available)
  func `expired comes once however many sweep and write`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let nodes = [test.store, try await test.openAnother()]
      let keys = (0..<300).map { "k\(1_000 + $0)" }
      try await test.store.kv(.global).putMany(keys.map { Put($0, 1, ttl: .seconds(1)) })
      let cursor = try await test.store.changes.cursor()
      time.advance(by: .seconds(1))
      try await withThrowingTaskGroup(of: Void.self) { group in
        for node in nodes {
          group.addTask {
            let upkeep = Upkeep(store: node)
            while try await upkeep.slice() > 0 {}
          }
          group.addTask {
            for key in keys.prefix(150) { try await node.kv(.global).put(key, 2) }
          }
        }
        try await group.waitForAll()
      }
      while try await Upkeep(store: test.store).slice() > 0 { time.advance(by: .seconds(60)) }
      time.advance(by: .seconds(60))
      while try await Upkeep(store: test.store).slice() > 0 {}
      let events = try await test.store.changes.all(since: cursor)
      #expect(events.count { $0.operation == "expired" } == 300)
      #expect(Set(events.filter { $0.operation == "expired" }.map(\.subject)).count == 300)
      #expect(events.count { $0.operation == "put" } == 300)
      #expect(try await rows(test.store) == 150)
    }
  }

  /// Goal: sweeping goes in small slices.
  ///
  /// Method: more expired keys than a slice takes; each slice removes a bounded number.
  @Test(arguments: Engines.available)
  func `sweeping goes in small slices`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let kv = test.store.kv(.global)
      try await kv.putMany((0..<1_200).map { Put("k\($0)", 1, ttl: .seconds(1)) })
      time.advance(by: .seconds(1))
      let upkeep = Upkeep(store: test.store)
      var slices: [Int] = []
      repeat { slices.append(try await upkeep.slice()) } while slices.last != 0
      #expect(slices == [500, 500, 200, 0])
      #expect(try await rows(test.store) == 0)
    }
  }

  /// Goal: a clear costs one step however many keys there are; upkeep removes the old rows in
  /// slices, and a little namespace's at once.
  ///
  /// Method: clears many keys and few; looks at the table, at once and after sweeps.
  @Test(arguments: Engines.available)
  func `cleared keys are removed in slices or at once`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let kv = test.store.kv(.global)
      let upkeep = Upkeep(store: test.store)
      try await kv.putMany((0..<30).map { Put("k\($0)", 1) })
      #expect(try await kv.clear() == 1)
      #expect(try await rows(test.store) == 0)
      try await kv.putMany((0..<1_700).map { Put("k\($0)", 1) })
      let events = try await test.store.changes.made { try await kv.clear() }
      #expect(events == ["clear global"])
      #expect(try await kv.count() == 0)
      #expect(try #require(try await rows(test.store)) >= 1_200)
      // The namespace has a new row for its keys: what is put now is not swept.
      try await kv.put("k1", "new")
      let swept = try await test.store.changes.made {
        while try await upkeep.slice() > 0 {}
      }
      #expect(swept.isEmpty)
      #expect(try await rows(test.store) == 1)
      #expect(try await kv.get("k1") == "new")
      let left = try await test.store.engine.read(
        Step(Statement("SELECT COUNT(*) FROM namespaces WHERE cleared_at IS NOT NULL")))
      #expect(left.rows == [[.integer(0)]])
    }
  }

  /// Goal: a part of upkeep that fails holds up no other, and the failure is told.
  ///
  /// Method: the row of an approval is made unreadable; an approval, a lease and a key are due.
  @Test(arguments: Engines.available)
  func `a part that fails holds up no other`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    let place = try await engine.makePlace()
    defer { place.remove() }
    let store = try await Store.open(place.location, options: .testing(time: time))
    try await store.kv(.global).put("k", 1, ttl: .seconds(1))
    try await store.tasks.enqueue("work")
    _ = try await store.tasks.claim(lease: .seconds(1))
    try await store.approvals.request(ApprovalRequest("a", ttl: .seconds(1)))
    _ = try await store.engine.write(
      WriteOptions(), [Step(Statement("UPDATE approvals SET history = '{'"))])
    time.advance(by: .seconds(1))
    let upkeep = Upkeep(store: store)
    #expect(try await upkeep.slice() == 2)
    #expect(try await store.tasks.stats().byStatus[.pending] == 1)
    await expectRefusal(.corrupt) { try await upkeep.slice() }
    await store.close()
  }

  /// Goal: one process or node at a time does the upkeep, and another takes over when it is gone.
  ///
  /// Method: two nodes; while the lease of the first runs, the second does nothing; afterwards it
  /// does.
  @Test(arguments: Engines.available)
  func `one node at a time sweeps`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let first = Upkeep(store: test.store)
      let second = Upkeep(store: try await test.openAnother())
      let kv = test.store.kv(.global)
      try await kv.putMany([Put("a", 1, ttl: .seconds(1)), Put("b", 1, ttl: .seconds(2))])
      time.advance(by: .seconds(1))
      #expect(try await first.slice() == 1)
      time.advance(by: .seconds(1))
      #expect(try await second.slice() == 0)
      time.advance(by: .seconds(30))
      #expect(try await second.slice() == 1)
    }
  }

  /// Goal: upkeep, started by `Store.open`, says `expired` by itself.
  ///
  /// Method: a store with upkeep on the system's clock, and a key that lives a moment: the watcher
  /// gets the event without anybody asking.
  @Test(arguments: Engines.available)
  func `upkeep runs by itself`(on engine: TestEngine) async throws {
    var options = StoreOptions.testing()
    options.runsUpkeep = true
    try await withStore(on: engine, options: options) { test in
      let cursor = try await test.store.changes.cursor()
      try await test.store.kv(.global).put("k", 1, ttl: .milliseconds(5))
      let events = try await test.store.kv(.global).watch(since: cursor).next(2)
      #expect(events.map(\.summary) == ["put k", "expired k"])
      #expect(try await rows(test.store) == 0)
    }
  }

  /// Goal: upkeep wakes when the next thing is due, though nobody commits: for a key, for a lease
  /// and for an approval.
  ///
  /// Method: they are there before a store with upkeep is opened beside, so that nothing wakes it
  /// but its clock. The clock is moved by seconds, each time when upkeep rests; the feed tells
  /// after how many of them each was swept. Upkeep rests for a second after each look.
  @Test(arguments: Engines.available)
  func `upkeep wakes when something is due`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let store = test.store
      try await store.kv(.global).put("k", 1, ttl: .seconds(5))
      try await store.tasks.enqueue("work")
      _ = try await store.tasks.claim(lease: .seconds(10))
      try await store.approvals.request(ApprovalRequest("a", ttl: .seconds(15)))
      let cursor = try await store.changes.cursor()
      var options = StoreOptions.testing(time: time)
      options.runsUpkeep = true
      _ = try await test.openAnother(options)
      var seen: [String: Int] = [:]
      try await time.sleepers(atLeast: 1)
      for second in 1...16 {
        time.advance(by: .seconds(1))
        try await time.sleepers(atLeast: 1)
        for event in try await store.changes.all(since: cursor) where seen[event.kind] == nil {
          seen[event.kind] = second
        }
      }
      for (kind, due) in [("kv", 5), ("task", 10), ("approval", 15)] {
        #expect((due...due + 1).contains(seen[kind] ?? 0), "\(kind): \(seen)")
      }
    }
  }

  /// Goal: what was swept leaves the file too.
  ///
  /// Method: five megabytes of keys that expire, and a pass of upkeep. The store is opened anew
  /// before each look at its size: closing it brings the log into the file.
  @Test func `a pass gives the space back`() async throws {
    let time = ManualTimeSource()
    try await withStore(on: .sqlite, options: .testing(time: time)) { test in
      let value = Value.string(String(repeating: "x", count: 100_000))
      try await test.store.kv(.global).putMany(
        (0..<50).map { Put("k\($0)", value, ttl: .seconds(1)) })
      let full = try await test.restart()
      let bytes = try await full.size()
      #expect(bytes > 5_000_000)
      time.advance(by: .seconds(1))
      _ = await Upkeep(store: full).pass(slicesMax: 10)
      #expect(try await rows(full) == 0)
      #expect(try await full.health().details["pages_free"] == .integer(0))
      let swept = try await test.restart()
      #expect(try await swept.size() < bytes / 2)
    }
  }

  /// Goal: where there is always something to sweep, the rest of upkeep gets its turn too.
  ///
  /// Method: a pass that may sweep one slice of many, in a store with a task past its retention.
  @Test(arguments: Engines.available)
  func `a pass without end runs retention too`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let store = test.store
      try await store.tasks.save(TaskDraft("work"), status: .completed)
      try await store.kv(.global).putMany(
        (0..<1_200).map { Put("k\($0)", 1, ttl: .seconds(1)) })
      time.advance(by: .seconds(31 * 86_400))
      let pause = await Upkeep(store: store).pass(slicesMax: 1)
      #expect(pause > .zero)
      #expect(try await rows(store) == 700)
      #expect(try await store.tasks.list().items.isEmpty)
    }
  }
}
