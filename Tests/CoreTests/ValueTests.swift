import HoldfastCore
import Testing

@Suite struct ValueTests {
  /// Goal: equality is exact.
  ///
  /// Method: pairs that other stores take for equal, and pairs that are.
  @Test func `equality is exact`() {
    let different: [(Value, Value)] = [
      (1, 1.0), (0, false), (nil, false), ("", nil), ([], [:]), ("a", .bytes([97])),
      (.double(.nan), .double(.nan)),
      ("\u{E9}", "e\u{301}"), ([1, 2], [2, 1]), (["a": 1], ["a": 1, "b": 2]), (["a": 1], ["b": 1]),
      (["a": nil], [:]),
      ("1", 1), (.bytes([1]), [1]),
    ]
    for (one, other) in different { #expect(one != other) }
    let same: [(Value, Value)] = [
      (.double(-0.0), 0.0), (["a": 1, "b": 2], ["b": 2, "a": 1]), (nil, nil), (true, true),
      ("é", "é"), ([[1]], [[1]]),
      (.bytes([1]), .bytes([1])), (["\u{E9}": 1, "e\u{301}": 2], ["e\u{301}": 2, "\u{E9}": 1]),
    ]
    for (one, other) in same { #expect(one == other) }
  }

  /// Goal: a value gives what it holds as its own kind and as no other.
  ///
  /// Method: every kind against every accessor.
  @Test func `a value is of one kind`() {
    let values: [Value] = [nil, true, 1, 1.5, "a", .bytes([1]), [1], ["a": 1]]
    for (place, value) in values.enumerated() {
      #expect(value.isNull == (place == 0))
      #expect(value.boolValue == (place == 1 ? true : nil))
      #expect(value.integerValue == (place == 2 ? 1 : nil))
      #expect(value.doubleValue == (place == 3 ? 1.5 : nil))
      #expect(value.stringValue == (place == 4 ? "a" : nil))
      #expect(value.bytesValue == (place == 5 ? [1] : nil))
      #expect(value.arrayValue == (place == 6 ? [1] : nil))
      #expect(value.objectValue == (place == 7 ? ["a": 1] : nil))
      #expect(value["a"] == (place == 7 ? 1 : nil))
      #expect(value["b"] == nil)
    }
  }
}

@Suite struct ObjectTests {
  /// Goal: members keep their order, whatever happens to them.
  ///
  /// Method: set, replace and remove, in a small object and in one with an index.
  @Test(arguments: [0, 30]) func `members keep their order`(others: Int) {
    var object: Object = ["b": 1, "a": 2]
    for number in 0..<others { object["k\(number)"] = .integer(Int64(number)) }
    object["c"] = 3
    object["b"] = nil
    object["a"] = 4
    object["missing"] = nil
    let more = (0..<others).map { "k\($0)" }
    #expect(object.names == ["a"] + more + ["c"])
    #expect(object["a"] == 4)
    #expect(object["b"] == nil)
    #expect(object["c"] == 3)
    #expect(object.map(\.name) == object.names)
    #expect(object.count == others + 2)
    #expect(object[object.count - 1].value == 3)
    for number in 0..<others { #expect(object["k\(number)"] == .integer(Int64(number))) }
    for name in object.names { object[name] = nil }
    #expect(object.isEmpty && object == [:])
  }

  /// Goal: of two members with one name the last holds, except where a name must be new.
  ///
  /// Method: a literal, a sequence and `insert`.
  @Test func `the last of one name holds`() {
    let literal: Object = ["a": 1, "b": 2, "a": 3]
    #expect(literal.names == ["a", "b"])
    #expect(literal["a"] == 3)
    var object = Object([("a", 1)])
    let isNew = (object.insert("b", 2), object.insert("a", 9))
    #expect(isNew == (true, false))
    #expect(object == ["a": 1, "b": 2])
  }

  /// Goal: bytes decide whether texts are equal and which comes first, not Unicode.
  ///
  /// Method: texts that Swift takes for equal, with equal and with different lengths, small and
  /// large.
  @Test func `texts are compared by bytes`() {
    let long = String(repeating: "x", count: 100)
    #expect(Bytewise("\u{E9}") != Bytewise("e\u{301}"))
    #expect(Bytewise("\u{1E0B}\u{323}") != Bytewise("\u{1E0D}\u{307}"))
    #expect(Bytewise("") == Bytewise(""))
    #expect(Bytewise(long + "a") == Bytewise(long + "a"))
    #expect(Bytewise(long + "a") != Bytewise(long + "b"))
    #expect(Bytewise("Z") < Bytewise("a"))
    #expect(Bytewise("a") < Bytewise("aa"))
    #expect(Set([Bytewise("\u{E9}"), Bytewise("e\u{301}"), Bytewise("\u{E9}")]).count == 2)
  }
}

@Suite struct LimitTests {
  /// Goal: the limits are those that the documentation promises.
  ///
  /// Method: looks at each.
  @Test func `the limits are those of the documentation`() {
    let limits = Limits()
    #expect(limits.keyBytesMax == 1_024)
    #expect(limits.namespaceBytesMax == 256)
    #expect(limits.namespaceSegmentsMax == 8)
    #expect(limits.stringBytesMax == 16_777_216)
    #expect(limits.valueBytesMax == 33_554_432)
    #expect(limits.nestingMax == 128)
    #expect(limits.transactionOperationsMax == 10_000)
    #expect(limits.transactionBytesMax == 67_108_864)
    #expect(limits.descriptionBytesMax == 4_096)
    #expect(limits.pageItemsMax == 1_000 && limits.pageItemsDefault == 100)
    #expect(limits.requestBytesMax == 67_108_864)
  }
}
