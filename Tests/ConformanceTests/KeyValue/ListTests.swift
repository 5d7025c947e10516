import Holdfast
import HoldfastTesting
import Testing

@Suite(.timeLimit(.minutes(5))) struct ListTests {
  /// Goal: from includes, after excludes, at either end with `reverse`, and prefix bounds both.
  ///
  /// Method: every combination of bounds over a few keys, compared with the same filter over an
  /// array; the same through all pages of two.
  @Test(arguments: Engines.available)
  func `bounds include and exclude as they say`(on engine: TestEngine) async throws {
    let keys = ["a", "ab", "ab\u{1}", "abc", "b", "ba", "é", "😀", "\u{10FFFF}", "\u{10FFFF}x"]
    let bounds: [String?] = [nil, "a", "ab", "abb", "b", "z", "\u{10FFFF}"]
    try await withStore(on: engine) { test in
      try await test.store.kv(.global).putMany(keys.map { Put($0, .string($0)) })
      for reversed in [false, true] {
        for prefix in ["", "a", "ab", "abc", "é", "\u{10FFFF}", "none"] {
          for from in bounds {
            for after in bounds {
              let expected = keys.filter { key in
                let order = { (one: String, other: String) in
                  one.utf8.lexicographicallyPrecedes(other.utf8)
                }
                let before = { reversed ? order($1, $0) : order($0, $1) }
                return key.hasPrefix(prefix) && (from.map { !before(key, $0) } ?? true)
                  && (after.map { before($0, key) } ?? true)
              }
              let query = KeyQuery(
                prefix: prefix, from: from, after: after, limit: 2, isReversed: reversed)
              let listed = try await test.store.read { tx in
                var query = query
                var listed: [String] = []
                repeat {
                  let page = try tx.kv(.global).list(query)
                  listed += page.items.keys
                  query.after = page.next
                } while query.after != nil
                return listed
              }
              #expect(listed == (reversed ? expected.reversed() : expected), "\(query)")
            }
          }
        }
      }
    }
  }

  /// Goal: a page has at most `limit` keys, and `next` is its last key, or nil at the end.
  ///
  /// Method: five keys in pages of every size.
  @Test(arguments: Engines.available)
  func `next is the last key of a page that is not the last`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let kv = test.store.kv(.global)
      let keys = ["a", "b", "c", "d", "e"]
      try await kv.putMany(keys.map { Put($0, 1) })
      for limit in 1...6 {
        for reversed in [false, true] {
          let ordered = reversed ? keys.reversed() : keys
          let page = try await kv.list(KeyQuery(limit: limit, isReversed: reversed))
          #expect(page.items.keys == Array(ordered.prefix(limit)))
          #expect(page.next == (limit < 5 ? ordered[limit - 1] : nil))
        }
      }
    }
  }

  /// Goal: values come along only when they are asked for; all else always does.
  ///
  /// Method: lists a key with everything that an entry has, both ways.
  @Test(arguments: Engines.available)
  func `values come only when asked for`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let kv = test.store.kv(.global)
      try await kv.put("null", nil)
      let entry = try await kv.put("k", [1], ttl: .seconds(60), description: "about").entry
      let bare = try await kv.list().items
      #expect(bare.map(\.value) == [nil, nil])
      let full = try await kv.list(KeyQuery(includesValues: true)).items
      #expect(full.map(\.value) == [[1], .some(.null)])
      for item in [bare[0], full[0]] {
        #expect(item.key == "k" && item.version == entry.version)
        #expect(item.createdAt == entry.createdAt && item.updatedAt == entry.updatedAt)
        #expect(item.expiresAt == entry.expiresAt && item.description == "about")
      }
    }
  }

  /// Goal: the order of updates is newest first, ties by version, then key.
  ///
  /// Method: writes at the same and at different times; lists in pages of every size.
  @Test(arguments: Engines.available)
  func `the order of updates is newest first`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let kv = test.store.kv(.global)
      try await kv.put("old", 1)
      try await kv.putMany([Put("tie-b", 1), Put("tie-a", 1)])
      try await kv.put("same-time-later-version", 1)
      time.advance(by: .microseconds(1))
      try await kv.put("new", 1)
      try await kv.put("p-1", 1)
      time.advance(by: .seconds(1))
      try await kv.increment("old")
      let expected = ["old", "p-1", "new", "same-time-later-version", "tie-a", "tie-b"]
      for limit in [1, 2, 3, 6, 100] {
        var query = KeyQuery(limit: limit, includesValues: true, order: .updated)
        var listed: [ListedKey] = []
        repeat {
          let page = try await kv.list(query)
          #expect(page.items.count <= limit)
          listed += page.items
          query.after = page.next
        } while query.after != nil
        #expect(listed.keys == expected)
        #expect(listed.first?.value == 2)
      }
      let some = try await kv.list(KeyQuery(prefix: "tie", order: .updated))
      #expect(some.items.keys == ["tie-a", "tie-b"])
    }
  }

  /// Goal: a page ends early past its bound of bytes, with at least one item, and loses nothing.
  ///
  /// Method: a small bound, values larger than it, in both orders.
  @Test(arguments: Engines.available)
  func `a page of large values ends early and loses nothing`(on engine: TestEngine) async throws {
    var options = StoreOptions.testing()
    options.limits.pageBytesMax = 100
    try await withStore(on: engine, options: options) { test in
      let kv = test.store.kv(.global)
      let value = Value.string(String(repeating: "v", count: 60))
      try await kv.putMany((0..<7).map { Put("k\($0)", value) })
      try await kv.put("k9", .string(String(repeating: "w", count: 500)))
      for order in KeyQuery.Order.allCases {
        var query = KeyQuery(includesValues: true, order: order)
        var pages: [Int] = []
        repeat {
          let page = try await kv.list(query)
          pages.append(page.items.count)
          query.after = page.next
        } while query.after != nil
        #expect(pages.reduce(0, +) == 8)
        #expect(pages.allSatisfy { (1...2).contains($0) }, "\(pages)")
      }
      #expect(try await kv.list().items.count == 8)
      #expect(try await kv.entries().all().count == 8)
    }
  }

  /// Goal: limits and cursors that cannot be are refused.
  ///
  /// Method: limits 0, -1, 1 001 and absurd ones, cursors from elsewhere, NUL in bounds, and bounds
  /// that an order does not know.
  @Test(arguments: Engines.available)
  func `bad limits bounds and cursors are refused`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let kv = test.store.kv(.global)
      try await kv.putMany([Put("a", 1), Put("b", 1)])
      for limit in [0, -1, 1_001, .max, .min] {
        await expectRefusal(.invalid) { try await kv.list(KeyQuery(limit: limit)) }
        await expectRefusal(.invalid) {
          try await kv.list(KeyQuery(limit: limit, order: .updated))
        }
        await expectRefusal(.invalid) { try await test.store.runs.list(RunQuery(limit: limit)) }
        await expectRefusal(.invalid) { try await test.store.bots.list(limit: limit) }
        await expectRefusal(.invalid) {
          try await test.store.namespaces.list(NamespaceQuery(limit: limit))
        }
      }
      #expect(try await kv.list(KeyQuery(limit: 1_000)).items.count == 2)
      let page = try await kv.list(KeyQuery(limit: 1, order: .updated))
      let cursor = try #require(page.next)
      for bad in ["", "a", "%", "dS4x", cursor + "A", String(cursor.dropLast(4)), "\u{0}"] {
        await expectRefusal(.invalid, "\(bad.debugDescription)") {
          try await kv.list(KeyQuery(after: bad, order: .updated))
        }
        await expectRefusal(.invalid, "\(bad.debugDescription)") {
          try await test.store.runs.list(RunQuery(after: bad))
        }
      }
      await expectRefusal(.invalid) { try await test.store.runs.list(RunQuery(after: cursor)) }
      await expectRefusal(.invalid) { try await kv.list(KeyQuery(prefix: "\0")) }
      await expectRefusal(.invalid) { try await kv.list(KeyQuery(from: "a\0")) }
      await expectRefusal(.invalid) { try await kv.list(KeyQuery(after: "a\0")) }
      await expectRefusal(.invalid) { try await kv.count(prefix: "\0") }
      await expectRefusal(.invalid) { try await kv.list(KeyQuery(from: "a", order: .updated)) }
      await expectRefusal(.invalid) {
        try await kv.list(KeyQuery(isReversed: true, order: .updated))
      }
    }
  }

  /// Goal: keys and entries go through all pages: nothing is cut off.
  ///
  /// Method: more keys than the largest page holds, as an array and as a sequence.
  @Test(arguments: Engines.available)
  func `keys and entries go through all pages`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let kv = test.store.kv(.global)
      let keys = (0..<2_345).map { "k\(10_000 + $0)" }
      try await kv.putMany(keys.map { Put($0, .string($0)) })
      try await kv.put("other", 1)
      #expect(try await kv.keys(prefix: "k").all() == keys)
      let entries = try await kv.entries(prefix: "k").all()
      #expect(entries.keys == keys && entries.map(\.value) == keys.map { .string($0) })
      var walked: [String] = []
      for try await key in kv.keys() { walked.append(key) }
      #expect(walked == keys + ["other"])
      #expect(try await kv.count() == 2_346)
      #expect(try await kv.count(prefix: "k") == 2_345)
      #expect(try await kv.count(prefix: "k1") == 2_345)
      #expect(try await kv.list().items.count == 100)
    }
  }

  /// Goal: every key that stays is seen exactly once while others write.
  ///
  /// Method: four tasks put and delete other keys without a pause while the list is walked,
  /// forwards and backwards, in small pages.
  @Test(arguments: Engines.available)
  func `every key that stays is seen once while others write`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let kv = test.store.kv(.global)
      let staying = (0..<200).map { "k\(1_000 + $0)-stays" }
      try await kv.putMany(staying.map { Put($0, 1) })
      try await withThrowingTaskGroup(of: Void.self) { group in
        for task in 0..<4 {
          group.addTask {
            var generator = SeededGenerator(seed: UInt64(task))
            while !Task.isCancelled {
              let key = "k\(1_000 + generator.next() % 200)-comes"
              if generator.next() % 2 == 0 {
                try await kv.put(key, 1)
              } else {
                try await kv.delete(key)
              }
              try await kv.put(staying[Int(generator.next() % 200)], 2)
            }
          }
        }
        for reversed in [false, true, false] {
          var query = KeyQuery(limit: 7, isReversed: reversed)
          var seen: [String] = []
          repeat {
            let page = try await kv.list(query)
            seen += page.items.keys
            query.after = page.next
          } while query.after != nil
          #expect(
            seen.filter { $0.hasSuffix("stays") }
              == (reversed ? staying.reversed() : staying))
          #expect(Set(seen).count == seen.count)
        }
        group.cancelAll()
        while let result = await group.nextResult() {
          // A task that was cancelled before its call began says so; nothing else may fail.
          if case .failure(let error) = result {
            #expect((error as? StoreError)?.cause is CancellationError)
          }
        }
      }
    }
  }

  /// Goal: a cursor of another list is refused: there it would pass keys over.
  ///
  /// Method: the cursor of a list by update, in another namespace and with another prefix.
  @Test(arguments: Engines.available)
  func `a cursor of another namespace is refused`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let (one, other) = (test.store.kv(.global), test.store.kv(try Namespace("users")))
      try await one.putMany([Put("a", 1), Put("b", 1)])
      try await other.putMany([Put("a", 1), Put("b", 1)])
      let next = try #require(try await one.list(KeyQuery(limit: 1, order: .updated)).next)
      await expectRefusal(.invalid, reason: "cursor") {
        try await other.list(KeyQuery(after: next, order: .updated))
      }
      await expectRefusal(.invalid, reason: "cursor") {
        try await one.list(KeyQuery(prefix: "a", after: next, order: .updated))
      }
      #expect(try await one.list(KeyQuery(after: next, order: .updated)).items.count == 1)
    }
  }

  /// Goal: a walk goes through all keys whatever a page may hold.
  @Test(arguments: Engines.available)
  func `a walk keeps to the limit of pages`(on engine: TestEngine) async throws {
    var options = StoreOptions.testing()
    options.limits.pageItemsMax = 5
    options.limits.pageItemsDefault = 5
    try await withStore(on: engine, options: options) { test in
      let kv = test.store.kv(.global)
      let keys = (10..<30).map { "k\($0)" }
      try await kv.putMany(keys.map { Put($0, 1) })
      #expect(try await kv.keys().all() == keys)
      var walked: [String] = []
      for try await entry in kv.entries() { walked.append(entry.key) }
      #expect(walked == keys)
    }
  }
}
