import Holdfast
import HoldfastEngine
import HoldfastTesting
import Testing

@Suite(.timeLimit(.minutes(5))) struct ExpiryTests {
  /// Goal: an expired entry is absent from its microsecond on, for every read.
  ///
  /// Method: looks with every read one microsecond before and exactly at the time, unswept, through
  /// the store, a transaction, a snapshot, and a second node; the map of hot entries is warm.
  @Test(arguments: Engines.available)
  func `an entry is absent from its microsecond on`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let nodes = [test.store, try await test.openAnother()]
      let kv = test.store.kv(.global)
      try await kv.put("stays", 1)
      let entry = try await kv.put("k", 7, ttl: .milliseconds(1), description: "about").entry
      #expect(entry.expiresAt == time.wallTime() + .milliseconds(1))
      for node in nodes { #expect(try await node.kv(.global).get("k") == 7) }
      for step: Duration in [.microseconds(999), .microseconds(1), .seconds(3_600)] {
        time.advance(by: step)
        let isThere = step == .microseconds(999)
        for store in nodes {
          let kv = store.kv(.global)
          #expect(try await kv.getEntry("k") == (isThere ? entry : nil))
          #expect(try await kv.exists("k") == isThere)
          #expect(try await kv.getMany(["k", "stays"]).map { $0 != nil } == [isThere, true])
          #expect(try await kv.count() == (isThere ? 2 : 1))
          let expected = isThere ? ["k", "stays"] : ["stays"]
          #expect(try await kv.list().items.keys == expected)
          #expect(try await kv.list(KeyQuery(isReversed: true)).items.keys == expected.reversed())
          #expect(try await kv.list(KeyQuery(order: .updated)).items.keys == expected)
          #expect(try await kv.keys().all() == expected)
          let inside = try await store.transaction { tx in
            (try tx.kv(.global).exists("k"), try tx.kv(.global).count())
          }
          #expect(inside == (isThere, isThere ? 2 : 1))
          let counted = try await store.namespaces.list(NamespaceQuery(counts: true))
          #expect(counted.items.map(\.count) == [isThere ? 2 : 1])
        }
      }
    }
  }

  /// Goal: for every write an expired entry is absent: `absent` holds, `version` and `value` do
  /// not, a put creates anew, an increment starts at 0.
  ///
  /// Method: an expired, unswept key with a description, and each write over it in turn.
  @Test(arguments: Engines.available)
  func `a write over an expired entry creates anew`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let kv = test.store.kv(.global)
      func makeExpired() async throws -> Entry {
        try await kv.delete("k")
        let entry = try await kv.put("k", 7, ttl: .seconds(1), description: "old").entry
        time.advance(by: .seconds(1))
        return entry
      }
      let old = try await makeExpired()
      let error = await expectRefusal(.conflict) {
        try await kv.put("k", 8, if: .version(old.version))
      }
      #expect(error?.details["version"] == .null)
      await expectRefusal(.conflict) { try await kv.put("k", 8, if: .value(7)) }
      await expectRefusal(.conflict) { try await kv.delete("k", if: .version(old.version)) }
      await expectRefusal(.notFound) { try await kv.expire("k", after: .seconds(1)) }
      await expectRefusal(.notFound) { try await kv.persist("k") }
      #expect(try await !kv.delete("k"))
      #expect(try await kv.deleteMany(["k"]) == 0)
      let put = try await kv.put("k", 9, if: .absent)
      #expect(put.isNew && put.entry.createdAt == time.wallTime())
      #expect(put.entry.description == nil && put.entry.expiresAt == nil)
      #expect(put.entry.version > old.version)

      _ = try await makeExpired()
      let plain = try await kv.put("k", 10)
      #expect(plain.isNew && plain.entry.createdAt == time.wallTime())
      #expect(plain.entry.description == nil && plain.entry.expiresAt == nil)

      _ = try await makeExpired()
      let batch = try await kv.putMany([Put("k", 11, if: .absent)])
      #expect(batch.map(\.isNew) == [true] && batch[0].entry.description == nil)

      _ = try await makeExpired()
      #expect(try await kv.increment("k", by: 3) == 3)
      let counted = try #require(try await kv.getEntry("k"))
      #expect(counted.expiresAt == nil && counted.description == nil)
      #expect(counted.createdAt == time.wallTime())
    }
  }

  /// Goal: a time to live is from 1 ms to ten years, at the bounds and not past them.
  ///
  /// Method: puts, batches and `expire` with times at the bounds, past them and absurd.
  @Test(arguments: Engines.available)
  func `times to live keep their bounds`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let kv = test.store.kv(.global)
      let longest = Duration.seconds(3_650 * 86_400)
      for ttl in [Duration.milliseconds(1), longest, .microseconds(1_500)] {
        let put = try await kv.put("k", 1, ttl: ttl).entry
        #expect(put.expiresAt == time.wallTime() + ttl)
        #expect(try await kv.expire("k", after: ttl).expiresAt == put.expiresAt)
      }
      let bad: [Duration] = [
        .zero, .microseconds(999), .seconds(-1), .seconds(Int64.max), .seconds(Int64.min),
        longest + .nanoseconds(1), longest + .seconds(1),
      ]
      for ttl in bad {
        await expectRefusal(.invalid, reason: "out_of_range", "\(ttl)") {
          try await kv.put("k", 2, ttl: ttl)
        }
        await expectRefusal(.invalid, reason: "out_of_range") {
          try await kv.putMany([Put("k", 2, ttl: ttl)])
        }
        await expectRefusal(.invalid, reason: "out_of_range") {
          try await kv.expire("k", after: ttl)
        }
        await expectRefusal(.invalid, reason: "out_of_range") {
          try await kv.expire("missing", after: ttl)
        }
      }
      #expect(try await kv.get("k") == 1)
    }
  }

  /// Goal: a wall clock that jumps back neither resurrects what expired nor reorders what is
  /// written.
  ///
  /// Method: lets a key expire, sets the wall clock an hour back, looks, writes, lets time pass,
  /// and opens the store anew with the clock still behind. Upkeep does what it does once a second.
  @Test(arguments: Engines.available)
  func `a clock that jumps back resurrects nothing`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      var kv = test.store.kv(.global)
      try await kv.put("short", 1, ttl: .seconds(10))
      try await kv.put("long", 1, ttl: .seconds(60))
      time.advance(by: .seconds(20))
      let before = try await kv.put("first", 1).entry
      #expect(try await kv.get("short") == nil)
      time.jumpWall(by: .seconds(-3_600))
      #expect(try await kv.get("short") == nil)
      #expect(try await kv.get("long") == 1)
      let after = try await kv.put("second", 1).entry
      #expect(after.updatedAt >= before.updatedAt && after.version > before.version)
      // Time goes on although the wall clock is behind.
      time.advance(by: .seconds(40))
      #expect(try await kv.get("long") == nil)
      try await test.store.sweep()
      try await test.store.engine.maintain()
      kv = try await test.restart().kv(.global)
      #expect(try await kv.get("short") == nil)
      #expect(try await kv.get("long") == nil)
      let later = try await kv.put("third", 1).entry
      #expect(later.updatedAt >= after.updatedAt && later.version > after.version)
      #expect(
        try await kv.list(KeyQuery(order: .updated)).items.keys.prefix(3)
          == ["third", "second", "first"])
    }
  }

  /// Goal: the store's time follows the wall clock forwards.
  ///
  /// Method: the wall clock jumps a day ahead; what lives an hour is gone.
  @Test(arguments: Engines.available)
  func `a clock that jumps ahead expires`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let kv = test.store.kv(.global)
      try await kv.put("k", 1, ttl: .seconds(3_600))
      time.jumpWall(by: .seconds(86_400))
      #expect(try await kv.get("k") == nil)
      #expect(try await kv.put("k", 2).isNew)
    }
  }

  /// Goal: a time to live survives a restart.
  ///
  /// Method: opens the store anew before and after the time.
  @Test(arguments: Engines.available)
  func `a time to live survives a restart`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let entry = try await test.store.kv(.global).put("k", 1, ttl: .seconds(60)).entry
      time.advance(by: .seconds(59))
      #expect(try await test.restart().kv(.global).getEntry("k") == entry)
      time.advance(by: .seconds(1))
      #expect(try await test.restart().kv(.global).getEntry("k") == nil)
    }
  }

  /// Goal: a put with a time to live in a transaction expires by the time of its commit's body, and
  /// a snapshot of reads is of one time.
  ///
  /// Method: sets, reads and moves the clock inside one body.
  @Test(arguments: Engines.available)
  func `one transaction has one time`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let kv = test.store.kv(.global)
      try await kv.put("k", 1, ttl: .milliseconds(10))
      let times = try await test.store.transaction { tx in
        let first = try tx.kv(.global).put("a", 1).entry.updatedAt
        time.advance(by: .milliseconds(10))
        let second = try tx.kv(.global).put("b", 1).entry.updatedAt
        return [first, second]
      }
      #expect(times[0] == times[1])
      #expect(try await kv.get("k") == nil)
    }
  }
}
