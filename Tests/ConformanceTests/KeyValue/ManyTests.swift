import Holdfast
import HoldfastTesting
import Testing

@Suite(.timeLimit(.minutes(5))) struct ManyTests {
  /// Goal: getMany keeps order and duplicates, one result a position.
  ///
  /// Method: asks for keys out of order, twice, and missing.
  @Test(arguments: Engines.available)
  func `getMany keeps order and duplicates`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let kv = test.store.kv(.global)
      try await kv.putMany([Put("a", 1), Put("b", 2), Put("c", nil)])
      let found = try await kv.getMany(["c", "x", "a", "b", "a"])
      #expect(found.map { $0?.value } == [.some(.null), nil, 1, 2, 1])
      #expect(found.map { $0?.key } == ["c", nil, "a", "b", "a"])
    }
  }

  /// Goal: putMany is atomic, has one version for all, and of two with one key the last wins.
  ///
  /// Method: a batch with a key that stands twice; positions, versions, values and events.
  @Test(arguments: Engines.available)
  func `putMany writes one version and the last duplicate wins`(on engine: TestEngine) async throws
  {
    try await withStore(on: engine) { test in
      let kv = test.store.kv(.global)
      try await kv.put("b", 0, description: "old")
      let events = try await test.store.changes.made {
        let results = try await kv.putMany([
          Put("a", 1, description: "lost"), Put("b", 2), Put("a", 3, ttl: .seconds(99)),
        ])
        #expect(results.map(\.entry.key) == ["a", "b", "a"])
        #expect(results.map(\.entry.value) == [3, 2, 3])
        #expect(results.map(\.isNew) == [true, false, true])
        #expect(Set(results.map(\.entry.version)).count == 1)
        #expect(results[0].entry.description == nil && results[1].entry.description == "old")
        #expect(results[0].entry.expiresAt != nil)
        #expect(try await kv.getEntry("a") == results[0].entry)
      }
      #expect(events.sorted() == ["put a", "put b"])
    }
  }

  /// Goal: one bad entry and nothing is written; the error says which.
  ///
  /// Method: a bad key, a bad time to live and a bad value at different places of a batch.
  @Test(arguments: Engines.available)
  func `one bad entry and nothing is written`(on engine: TestEngine) async throws {
    var options = StoreOptions.testing()
    options.limits.stringBytesMax = 10
    try await withStore(on: engine, options: options) { (test) async throws in
      let kv = test.store.kv(.global)
      let bad = [
        (Put("", 1), StoreError.Code.invalid), (Put("k", 1, ttl: .zero), .invalid),
        (Put("k", "longer than ten"), .tooLarge),
        (Put("k", 1, description: "\0"), .invalid), (Put("k", 1, if: .version(5)), .conflict),
      ]
      for (place, (put, code)) in bad.enumerated() {
        var batch = (0..<5).map { Put("fine\($0)", 1) }
        batch.insert(put, at: place)
        let error = await expectRefusal(code) { try await kv.putMany(batch) }
        #expect(error?.details["index"] == .integer(Int64(place)))
        // A duplicate that is overruled is checked all the same.
        if code != .conflict {
          await expectRefusal(code) { try await kv.putMany([put, Put(put.key, 1)]) }
        }
      }
      #expect(try await kv.count() == 0)
      #expect(try await test.store.namespaces.list().items.isEmpty)
    }
  }

  /// Goal: more than 1 000 entries are fine, up to the transaction's limit.
  ///
  /// Method: a batch of as many as a transaction holds, and one more, for put, get and delete.
  @Test(arguments: Engines.available)
  func `a batch may be as large as a transaction`(on engine: TestEngine) async throws {
    var options = StoreOptions.testing()
    options.limits.transactionOperationsMax = 1_500
    try await withStore(on: engine, options: options) { test in
      let kv = test.store.kv(.global)
      let puts = (0..<1_500).map { Put("k\(10_000 + $0)", .integer(Int64($0))) }
      await expectRefusal(.tooLarge) { try await kv.putMany(puts + [Put("more", 1)]) }
      #expect(try await kv.count() == 0)
      #expect(try await kv.putMany(puts).count == 1_500)
      #expect(try await kv.count() == 1_500)
      let found = try await kv.getMany(puts.map(\.key))
      #expect(found.map { $0?.value } == puts.map(\.value))
      await expectRefusal(.tooLarge) { try await kv.getMany(puts.map(\.key) + ["more"]) }
      await expectRefusal(.tooLarge) { try await kv.deleteMany(puts.map(\.key) + ["more"]) }
      #expect(try await kv.deleteMany(puts.map(\.key)) == 1_500)
      #expect(try await kv.count() == 0)
    }
  }

  /// Goal: deleteMany counts what existed.
  ///
  /// Method: a key that stands twice counts once, a missing one not at all.
  @Test(arguments: Engines.available)
  func `deleteMany counts what existed`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let kv = test.store.kv(.global)
      try await kv.putMany([Put("a", 1), Put("b", 2), Put("c", 3)])
      let events = try await test.store.changes.made { () async throws in
        #expect(try await kv.deleteMany(["a", "a", "missing", "b"]) == 2)
      }
      #expect(events.sorted() == ["delete a", "delete b"])
      #expect(try await kv.keys().all() == ["c"])
    }
  }

  /// Goal: of two entries with one key the last wins, and the conditions of both must hold.
  @Test(arguments: Engines.available)
  func `no condition of a batch is passed over`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let kv = test.store.kv(.global)
      let error = await expectRefusal(.conflict) {
        try await kv.putMany([Put("k", 1, if: .version(99)), Put("k", 2)])
      }
      #expect(error?.details["index"] == 0)
      #expect(try await kv.get("k") == nil)
      try await kv.putMany([Put("k", 1, if: .absent), Put("k", 2, if: .absent)])
      #expect(try await kv.get("k") == 2)
    }
  }
}
