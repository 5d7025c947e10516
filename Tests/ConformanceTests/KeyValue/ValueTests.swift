import Holdfast
import HoldfastEngine
import HoldfastTesting
import Testing

@Suite(.timeLimit(.minutes(5))) struct ValueTests {
  /// Goal: missing is not null.
  ///
  /// Method: a key that holds null is there for every operation; one that was never put is not.
  @Test(arguments: Engines.available)
  func `missing is not null`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let kv = test.store.kv(.global)
      try await kv.put("null", nil)
      let stored: Value? = try await kv.get("null")
      #expect(stored == .some(.null))
      #expect(try await kv.getEntry("null")?.value == .null)
      #expect(try await kv.exists("null"))
      let missing: Value? = try await kv.get("missing")
      #expect(missing == nil)
      #expect(try await kv.getEntry("missing") == nil)
      #expect(try await !kv.exists("missing"))
      let many = try await kv.getMany(["null", "missing"])
      #expect(many.count == 2 && many[0]?.value == .null && many[1] == nil)
    }
  }

  /// Goal: empty is not absent.
  ///
  /// Method: lists of nothing are empty lists, and empty values stay the empty values they were.
  @Test(arguments: Engines.available)
  func `empty is not absent`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let kv = test.store.kv(.global)
      #expect(try await kv.list() == Page(items: [], next: nil))
      #expect(try await kv.getMany([]).isEmpty)
      #expect(try await kv.putMany([]).isEmpty)
      #expect(try await kv.deleteMany([]) == 0)
      #expect(try await kv.keys().all().isEmpty)
      #expect(try await test.store.namespaces.list() == Page(items: [], next: nil))
      #expect(try await test.store.runs.list() == Page(items: [], next: nil))
      #expect(try await test.store.bots.list() == Page(items: [], next: nil))
      for empty: Value in ["", [], [:], .bytes([])] {
        try await kv.put("k", empty)
        #expect(try await kv.get("k") == .some(empty))
      }
    }
  }

  /// Goal: every kind of value survives the round trip exactly, integers past 2^53, every double and
  /// bytes included.
  ///
  /// Method: values of each kind and many at random; each must come back identical through get,
  /// getMany and list, before and after the store was opened anew.
  @Test(arguments: Engines.available)
  func `every value survives the round trip`(on engine: TestEngine) async throws {
    let seed: UInt64 = 0x5EED_1001
    var generator = SeededGenerator(seed: seed)
    var values: [Value] = [
      .integer(.max), .integer(.min), .integer(9_007_199_254_740_993), 1, 1.0, -0.0, .double(.nan),
      .double(.infinity), true, false, "1", .bytes(Array(0...255)), ["$bytes": "AA=="],
      ["$f64": "NaN"], ["$$bytes": 1], ["$ref": "x"], ["a": ["b": [1, [:], []]]],
      .string("a\u{0}b"),
    ]
    for _ in 0..<150 { values.append(.random(using: &generator)) }
    let puts = values.enumerated().map { Put("k\(1_000 + $0.offset)", $0.element) }
    try await withStore(on: engine) { test in
      try await test.store.kv(.global).putMany(puts)
      for restarts in [false, true] {
        if restarts { try await test.restart() }
        let kv = test.store.kv(.global)
        let many = try await kv.getMany(puts.map(\.key))
        let listed = try await kv.entries().all()
        #expect(listed.count == values.count)
        for (place, value) in values.enumerated() {
          #expect(value.isIdentical(to: many[place]?.value), "seed \(seed), value \(place)")
          #expect(value.isIdentical(to: listed[place].value), "seed \(seed), value \(place)")
          let one = try await kv.get(puts[place].key)
          #expect(value.isIdentical(to: one), "seed \(seed), value \(place)")
        }
      }
    }
  }

  /// Goal: 1 is not 1.0, a string is not bytes, NaN is not NaN, the order of names means nothing.
  ///
  /// Method: a condition on the value tells what the store takes for equal.
  @Test(arguments: Engines.available)
  func `equality is that of values, not of texts`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let kv = test.store.kv(.global)
      let different: [(Value, Value)] = [
        (1, 1.0), ("AQ==", .bytes([1])), (.double(.nan), .double(.nan)), (0, false), (nil, "null"),
        ([1, 2], [2, 1]), (["a": 1], ["a": 1.0]), ("é", "e\u{301}"),
      ]
      for (stored, asked) in different {
        try await kv.put("k", stored)
        await expectRefusal(.conflict, "\(stored) and \(asked)") {
          try await kv.put("k", "changed", if: .value(asked))
        }
      }
      let equal: [(Value, Value)] = [
        (-0.0, 0.0), (["a": 1, "b": 2], ["b": 2, "a": 1]), (.bytes([]), .bytes([])), (nil, nil),
      ]
      for (stored, asked) in equal {
        try await kv.put("k", stored)
        try await kv.put("k", "changed", if: .value(asked))
        #expect(try await kv.get("k") == "changed")
      }
    }
  }

  /// Goal: who opens a row with an SQL tool sees the JSON text.
  ///
  /// Method: puts a value and reads the column as the tool would, in the table and in the view of
  /// what lives.
  @Test(arguments: Engines.available)
  func `a row shows the JSON text`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      try await test.store.kv(.run("42")).put("plan", ["step": 1, "done": [true, nil, 0.5]])
      let text = #"{"step":1,"done":[true,null,0.5]}"#
      let row = try await test.store.engine.read(
        Step(Statement("SELECT namespace, key, value FROM live_kv")))
      #expect(row.rows == [[.text("run:42"), .text("plan"), .text(text)]])
    }
  }

  /// Goal: types of one's own go in and come out.
  ///
  /// Method: a `Codable` type with optional, nested and empty parts; and a value that does not fit.
  @Test(arguments: Engines.available)
  func `a Codable type goes in and comes out`(on engine: TestEngine) async throws {
    struct Plan: Codable, Equatable {
      struct Part: Codable, Equatable { var name: String, weight: Double }
      var step: Int, note: String?, parts: [Part], flags: [String: Bool]
    }
    try await withStore(on: engine) { test in
      let kv = test.store.kv(.global)
      let plan = Plan(step: 3, note: nil, parts: [.init(name: "é", weight: 1)], flags: [:])
      try await kv.put("plan", encoding: plan)
      #expect(try await kv.get("plan", as: Plan.self) == plan)
      #expect(try await kv.get("missing", as: Plan.self) == nil)
      try await kv.put("other", "text")
      await expectRefusal(.invalid) { try await kv.get("other", as: Plan.self) }
      let inside = try await test.store.transaction { tx in
        try tx.kv(.global).put("again", encoding: plan)
        return try tx.kv(.global).get("again", as: Plan.self)
      }
      #expect(inside == plan)
    }
  }

  /// Goal: every limit of a value holds at the limit and refuses one past it.
  ///
  /// Method: small limits given at open; strings, bytes, whole values and depth at and past each.
  @Test(arguments: Engines.available)
  func `values at the limit pass and one past it do not`(on engine: TestEngine) async throws {
    var options = StoreOptions.testing()
    options.limits.stringBytesMax = 100
    options.limits.valueBytesMax = 400
    options.limits.nestingMax = 5
    try await withStore(on: engine, options: options) { test in
      let kv = test.store.kv(.global)
      let nested: @Sendable (Int) -> Value = { depth in
        (0..<depth).reduce(Value.null) { inner, _ in [inner] }
      }
      // Four strings of 96 bytes with quotes and commas, and a last one that fills it up.
      let whole: @Sendable (Int) -> Value = { bytes in
        let rest = bytes - 2 - 3 * 99 - 2
        return .array(
          (0..<3).map { _ in .string(String(repeating: "x", count: 96)) }
            + [.string(String(repeating: "y", count: rest))])
      }
      let fitting: [Value] = [
        .string(String(repeating: "s", count: 100)), .bytes(Array(repeating: 7, count: 100)),
        nested(5), whole(400), [String(repeating: "n", count: 100): 1],
      ]
      for value in fitting {
        try await kv.put("k", value)
        #expect(try await kv.get("k") == value)
      }
      let tooLarge: [Value] = [
        .string(String(repeating: "s", count: 101)), .string(String(repeating: "é", count: 51)),
        .bytes(Array(repeating: 7, count: 101)), whole(401),
        [String(repeating: "n", count: 101): 1],
      ]
      for value in tooLarge {
        await expectRefusal(.tooLarge) { try await kv.put("big", value) }
      }
      await expectRefusal(.invalid, reason: "too_deep") { try await kv.put("big", nested(6)) }
      #expect(try await kv.keys().all() == ["k"])
    }
  }

  /// Goal: values of megabytes are stored whole.
  ///
  /// Method: strings and bytes of some megabytes, read back after the store was opened anew.
  @Test(arguments: Engines.available)
  func `large values are stored whole`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let text = String(repeating: "0123456789abcdef", count: 256 * 1_024)
      let bytes = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
      try await test.store.kv(.global).put("text", .string(text))
      try await test.store.kv(.global).put("bytes", .bytes(bytes))
      let kv = try await test.restart().kv(.global)
      #expect(try await kv.get("text")?.stringValue?.utf8.count == text.utf8.count)
      #expect(try await kv.get("bytes") == .bytes(bytes))
    }
  }

  /// Goal: a description that is too long or holds NUL is refused, and one at the limit is kept.
  ///
  /// Method: 4 096 bytes, 4 097, and a NUL.
  @Test(arguments: Engines.available)
  func `descriptions keep their limit and hold no NUL`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let kv = test.store.kv(.global)
      let longest = String(repeating: "d", count: 4_096)
      try await kv.put("k", 1, description: longest)
      #expect(try await kv.getEntry("k")?.description == longest)
      await expectRefusal(.tooLarge) { try await kv.put("k", 2, description: longest + "d") }
      await expectRefusal(.invalid, reason: "nul") { try await kv.put("k", 2, description: "\0") }
      #expect(try await kv.get("k") == 1)
    }
  }
}
