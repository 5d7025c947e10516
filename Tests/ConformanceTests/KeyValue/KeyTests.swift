import Holdfast
import HoldfastTesting
import Testing

@Suite(.timeLimit(.minutes(5))) struct KeyTests {
  /// Goal: a key is exact: nothing is trimmed, folded, normalised or taken for a path.
  ///
  /// Method: puts keys that differ only in what careless stores change, each with its own value; each
  /// must come back with its own value, and the count must be theirs.
  @Test(arguments: Engines.available)
  func `a key is exact`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let kv = test.store.kv(.global)
      let keys = [
        "../x", "x", " ", "  ", "\t", "\n", "path/to/key", "/path/to/key", "path/to/key/", "😀",
        "Key", "key", "KEY", "é", "e\u{301}", "%2F", "+", "a+b", "a b", "a%20b", ".", "..", "'",
        "\"", "\\", ":", "*", "%", "_", "_holdfast", "null", "\u{FEFF}", "\u{200B}", "\u{10FFFF}",
        "ß", "SS", "ı", "i", "İ", "0", "00", "-", "\u{1}", "\u{7F}",
      ]
      for (number, key) in keys.enumerated() { try await kv.put(key, .integer(Int64(number))) }
      for (number, key) in keys.enumerated() {
        #expect(try await kv.get(key) == .integer(Int64(number)), "\(key.debugDescription)")
        #expect(try await kv.getEntry(key)?.key.utf8.elementsEqual(key.utf8) == true)
      }
      #expect(try await kv.count() == keys.count)
    }
  }

  /// Goal: keys are ordered by their bytes, on both databases alike.
  ///
  /// Method: puts keys whose order depends on that, in another order, and lists them both ways.
  @Test(arguments: Engines.available)
  func `keys are ordered by their bytes`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let kv = test.store.kv(.global)
      let keys = [
        "B", "a", "A", "b", "aa", "a\u{1}", "é", "e\u{301}", "z", "Z", "_", "-", " ", "\u{FFFF}",
        "\u{10000}", "😀", "\u{E000}", "10", "9", "ä", "\u{10FFFF}", "\u{10FFFF}\u{10FFFF}",
      ]
      let sorted = keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
      for key in keys { try await kv.put(key, nil) }
      // Swift takes two spellings of one letter for equal; their bytes are not.
      let bytes = sorted.map { Array($0.utf8) }
      let listed = try await kv.list().items.map { Array($0.key.utf8) }
      #expect(listed == bytes)
      let reversed = try await kv.list(KeyQuery(isReversed: true)).items.map { Array($0.key.utf8) }
      #expect(reversed == bytes.reversed())
    }
  }

  /// Goal: a key that cannot be is refused with the reason, and nothing happens.
  ///
  /// Method: gives every operation each kind of bad key; then the store must be as empty as before,
  /// and the feed too.
  @Test(arguments: Engines.available)
  func `a bad key is refused by every operation`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let kv = test.store.kv(.global)
      let bad = [
        ("", "empty"), (String(repeating: "k", count: 1_025), "too_long"),
        (String(repeating: "é", count: 513), "too_long"), ("a\u{0}b", "nul"), ("\u{0}", "nul"),
        ("_holdfast/x", "reserved"), ("_holdfast/", "reserved"),
      ]
      let events = try await test.store.changes.made {
        for (key, reason) in bad {
          await expectRefusal(.invalid, reason: reason) { try await kv.get(key) }
          await expectRefusal(.invalid, reason: reason) { try await kv.getMany(["a", key]) }
          await expectRefusal(.invalid, reason: reason) { try await kv.exists(key) }
          await expectRefusal(.invalid, reason: reason) { try await kv.put(key, 1) }
          await expectRefusal(.invalid, reason: reason) {
            try await kv.put(key, 1, if: .value(1))
          }
          await expectRefusal(.invalid, reason: reason) {
            try await kv.putMany([Put("fine", 1), Put(key, 1)])
          }
          await expectRefusal(.invalid, reason: reason) { try await kv.delete(key) }
          await expectRefusal(.invalid, reason: reason) { try await kv.deleteMany(["a", key]) }
          await expectRefusal(.invalid, reason: reason) { try await kv.increment(key) }
          await expectRefusal(.invalid, reason: reason) {
            try await kv.expire(key, after: .seconds(1))
          }
          await expectRefusal(.invalid, reason: reason) { try await kv.persist(key) }
        }
      }
      #expect(events.isEmpty)
      #expect(try await kv.count() == 0)
    }
  }

  /// Goal: a key may have 1 024 bytes, counted as UTF-8, and not one more.
  ///
  /// Method: the longest keys of one-byte and of four-byte characters; one more byte is refused.
  @Test(arguments: Engines.available)
  func `a key of 1024 bytes passes and one more does not`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let kv = test.store.kv(.global)
      for key in [String(repeating: "k", count: 1_024), String(repeating: "😀", count: 256)] {
        try await kv.put(key, "here")
        #expect(try await kv.get(key) == "here")
        let error = await expectRefusal(.invalid, reason: "too_long") {
          try await kv.put(key + "k", 1)
        }
        #expect(error?.details["limit"] == 1_024)
      }
      #expect(try await kv.list().items.count == 2)
      #expect(try await kv.list(KeyQuery(isReversed: true)).items.count == 2)
    }
  }

  /// Goal: the same key in two namespaces never meets.
  ///
  /// Method: one key in namespaces that look alike; each keeps its own value, and a delete in one
  /// leaves the others.
  @Test(arguments: Engines.available)
  func `the same key in two namespaces never meets`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let namespaces = try [
        Namespace.global, .run("42"), .bot("42"), Namespace("users:u1"), Namespace("users:u1:x"),
        Namespace("users"), Namespace("Users"), Namespace(segments: ["users:u1"]),
        Namespace(segments: ["run", "4\\2"]), Namespace("run:42:sub"), Namespace("é"),
        Namespace("e\u{301}"),
      ]
      for namespace in namespaces {
        try await test.store.kv(namespace).put("k", .string(namespace.text))
      }
      try await test.store.kv(.run("42")).delete("k")
      for namespace in namespaces where namespace != .run("42") {
        #expect(try await test.store.kv(namespace).get("k") == .string(namespace.text))
      }
      #expect(try await test.store.kv(.run("42")).get("k") == nil)
    }
  }
}
