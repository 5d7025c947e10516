import Holdfast
import HoldfastTesting
import Testing

@Suite(.timeLimit(.minutes(5))) struct PutTests {
  /// Goal: a put keeps the time of creation, moves the time of update and draws a new version.
  ///
  /// Method: two puts of one key with the clock moved between them, the second with the same value.
  @Test(arguments: Engines.available)
  func `a put keeps created, moves updated and draws a version`(on engine: TestEngine) async throws
  {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let kv = test.store.kv(.global)
      let start = time.wallTime()
      let first = try await kv.put("k", 1)
      #expect(first.isNew)
      #expect(first.entry.createdAt == start && first.entry.updatedAt == start)
      #expect(first.entry.expiresAt == nil && first.entry.description == nil)
      time.advance(by: .microseconds(7))
      let second = try await kv.put("k", 1)
      #expect(!second.isNew)
      #expect(second.entry.createdAt == start)
      #expect(second.entry.updatedAt == start + .microseconds(7))
      #expect(second.entry.version > first.entry.version)
      #expect(try await kv.getEntry("k") == second.entry)
    }
  }

  /// Goal: without `description` the old one stays, an empty one clears it.
  ///
  /// Method: sets, keeps, replaces and clears a description.
  @Test(arguments: Engines.available)
  func `a description stays until it is replaced or cleared`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let kv = test.store.kv(.global)
      try await kv.put("k", 1, description: "first")
      #expect(try await kv.put("k", 2).entry.description == "first")
      #expect(try await kv.put("k", 3, description: "second").entry.description == "second")
      #expect(try await kv.put("k", 4, description: "").entry.description == nil)
      #expect(try await kv.put("k", 5).entry.description == nil)
      #expect(try await kv.getEntry("k")?.description == nil)
    }
  }

  /// Goal: without `ttl` a put removes an old expiry.
  ///
  /// Method: a key that would expire is put again without, and outlives its old time.
  @Test(arguments: Engines.available)
  func `a put without a time to live removes the old one`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let kv = test.store.kv(.global)
      let expiring = try await kv.put("k", 1, ttl: .seconds(1))
      #expect(expiring.entry.expiresAt == time.wallTime() + .seconds(1))
      #expect(try await kv.put("k", 2).entry.expiresAt == nil)
      time.advance(by: .seconds(10))
      #expect(try await kv.get("k") == 2)
    }
  }

  /// Goal: every write has one event, and what finds nothing to do has none, and no version.
  ///
  /// Method: looks at the feed after each kind of write; the version of the untouched key stays.
  @Test(arguments: Engines.available)
  func `each write makes one event and nothing makes none`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let kv = test.store.kv(.global)
      let changes = test.store.changes
      let writes: [@Sendable () async throws -> Void] = [
        { try await kv.put("k", 1) }, { try await kv.put("k", 1) }, { try await kv.increment("k") },
        { try await kv.expire("k", after: .seconds(99)) }, { try await kv.persist("k") },
      ]
      for write in writes {
        let events = try await changes.made(by: write)
        #expect(events == ["put k"])
      }
      let untouched = try await kv.getEntry("k")
      let idle = try await changes.made {
        try await kv.persist("k")
        #expect(try await kv.delete("missing") == false)
        #expect(try await kv.deleteMany(["missing", "other"]) == 0)
      }
      #expect(idle.isEmpty)
      #expect(try await kv.getEntry("k") == untouched)
      let cleared = try await changes.made { try await kv.clear() }
      #expect(cleared == ["clear global"])
      try await kv.put("k", 1)
      let none = try await changes.made { () async throws in
        let other = test.store.kv(.bot("7"))
        #expect(try await other.clear() == 0)
        #expect(try await other.delete("k") == false)
        #expect(try await kv.putMany([]).isEmpty)
        await expectRefusal(.conflict) { try await kv.put("k", 2, if: .absent) }
        await expectRefusal(.notFound) { try await kv.persist("missing") }
        await expectRefusal(.notFound) { try await kv.expire("missing", after: .seconds(1)) }
      }
      #expect(none.isEmpty)
      let deleted = try await changes.made { try await kv.delete("k") }
      #expect(deleted == ["delete k"])
    }
  }

  /// Goal: versions of one key only grow, whatever happens to it, and match the feed's revisions.
  ///
  /// Method: puts, deletes, clears and expires one key; collects the versions and the revisions.
  @Test(arguments: Engines.available)
  func `versions of a key only grow`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let kv = test.store.kv(.global)
      let cursor = try await test.store.changes.cursor()
      var versions: [Int64] = []
      for round in 0..<6 {
        versions.append(try await kv.put("k", 1, ttl: .seconds(5)).entry.version)
        versions.append(try await kv.incrementEntry("k").version)
        if round % 3 == 0 { try await kv.delete("k") }
        if round % 3 == 1 { try await kv.clear() }
        if round % 3 == 2 { time.advance(by: .seconds(6)) }
      }
      #expect(zip(versions, versions.dropFirst()).allSatisfy { $0 < $1 })
      let events = try await test.store.changes.all(since: cursor)
      #expect(events.filter { $0.operation == "put" }.map(\.revision) == versions)
      let revisions = events.map(\.revision)
      #expect(zip(revisions, revisions.dropFirst()).allSatisfy { $0 <= $1 })
    }
  }

  /// Goal: expire sets an expiry, persist removes it, both say `not_found` for a missing key.
  ///
  /// Method: sets, replaces and removes; value and description must not be touched.
  @Test(arguments: Engines.available)
  func `expire and persist change the expiry alone`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let kv = test.store.kv(.global)
      let put = try await kv.put("k", "value", description: "about").entry
      time.advance(by: .seconds(1))
      let expiring = try await kv.expire("k", after: .seconds(30))
      #expect(expiring.expiresAt == time.wallTime() + .seconds(30))
      #expect(expiring.value == "value" && expiring.description == "about")
      #expect(expiring.createdAt == put.createdAt && expiring.version > put.version)
      let shorter = try await kv.expire("k", after: .seconds(5))
      #expect(shorter.expiresAt == time.wallTime() + .seconds(5))
      let kept = try await kv.persist("k")
      #expect(kept.expiresAt == nil && kept.version > shorter.version)
      #expect(try await kv.persist("k") == kept)
      time.advance(by: .seconds(60))
      #expect(try await kv.getEntry("k") == kept)
      await expectRefusal(.notFound) { try await kv.expire("missing", after: .seconds(1)) }
      await expectRefusal(.notFound) { try await kv.persist("missing") }
    }
  }

  /// Goal: delete says whether the key existed, and takes a condition.
  ///
  /// Method: deletes a key, a missing one, and one under conditions that hold and that do not.
  @Test(arguments: Engines.available)
  func `delete says whether the key existed`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let kv = test.store.kv(.global)
      try await kv.put("k", nil)
      #expect(try await kv.delete("k"))
      #expect(try await !kv.delete("k"))
      let version = try await kv.put("k", 5).entry.version
      let error = await expectRefusal(.conflict) {
        try await kv.delete("k", if: .version(version - 1))
      }
      #expect(error?.details["version"] == .integer(version))
      await expectRefusal(.conflict) { try await kv.delete("k", if: .value(6)) }
      await expectRefusal(.conflict) { try await kv.delete("k", if: .absent) }
      #expect(try await kv.get("k") == 5)
      #expect(try await kv.delete("k", if: .value(5)))
      await expectRefusal(.conflict) { try await kv.delete("k", if: .version(version)) }
      #expect(try await !kv.delete("k", if: .absent))
    }
  }
}
