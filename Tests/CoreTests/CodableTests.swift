import HoldfastCore
import Testing

/// One of everything that the compiler can make `Codable`.
private struct Everything: Codable, Equatable {
  enum Mood: String, Codable { case calm, tense }
  enum Step: Codable, Equatable {
    case call(tool: String, times: Int)
    case done
  }
  struct Inner: Codable, Equatable { var a: [Int?], b: [String: [Bool]] }

  var flag = true
  var small = Int8.min
  var large = Int64.max
  var unsigned = UInt64(Int64.max)
  var half = 0.5
  var third: Float = 1 / 3
  var text = "é"
  var bytes: [UInt8] = [0, 255]
  var present: Int? = 3
  var absent: Int?
  var inner = Inner(a: [1, nil, 3], b: ["x": [true], "y": []])
  var byNumber = [1: "one"]
  var mood = Mood.tense
  var steps = [Step.call(tool: "search", times: 2), .done]
  var time = Instant(microseconds: 1)
  var status = RunStatus.paused
  var value: Value = ["n": nil, "b": .bytes([1]), "d": 1.0, "$bytes": 1]
  var object: Object = ["$bytes": 5]
}

private struct Order: Decodable {
  struct Line: Decodable { var price: Int }
  var lines: [Line]
  var note: String
  var at: Instant?
}

@Suite struct CodableTests {
  /// Goal: a type survives, and its value is what a reader of JSON expects.
  ///
  /// Method: encodes one of everything, looks at the members, decodes it; once more through text.
  @Test func `a type survives`() throws {
    let everything = Everything()
    let value = try ValueEncoder().encode(everything)
    #expect(value["flag"] == true)
    #expect(value["small"] == -128)
    #expect(value["large"] == .integer(.max))
    #expect(value["unsigned"] == .integer(.max))
    #expect(value["half"] == 0.5)
    #expect(value["third"] == .double(Double(Float(1) / 3)))
    #expect(value["bytes"] == .bytes([0, 255]))
    #expect(value["absent"] == nil)
    #expect(value["inner"] == ["a": [1, nil, 3], "b": ["x": [true], "y": []]])
    #expect(value["byNumber"] == ["1": "one"])
    #expect(value["mood"] == "tense")
    #expect(value["steps"] == [["call": ["tool": "search", "times": 2]], ["done": [:]]])
    #expect(value["time"] == "1970-01-01T00:00:00.000001Z")
    #expect(value["status"] == "paused")
    #expect(value["value"] == everything.value)
    #expect(value["object"] == ["$bytes": 5])
    #expect(try ValueDecoder().decode(Everything.self, from: value) == everything)
    #expect(try ValueDecoder().decode(from: Value(json: value.json)) == everything)
  }

  /// Goal: what is no object can stand at the top too.
  ///
  /// Method: scalars, lists, optionals and values.
  @Test func `anything can stand at the top`() throws {
    let encoder = ValueEncoder()
    let decoder = ValueDecoder()
    #expect(try encoder.encode(5) == 5)
    #expect(try encoder.encode("a") == "a")
    #expect(try encoder.encode([1, 2]) == [1, 2])
    #expect(try encoder.encode([String]()) == [])
    #expect(try encoder.encode([UInt8]()) == .bytes([]))
    #expect(try encoder.encode(Int?.none) == nil)
    #expect(try encoder.encode(Int?.some(1)) == 1)
    #expect(try encoder.encode(Value.bytes([1])) == .bytes([1]))
    #expect(try encoder.encode([[UInt8]]([[1], []])) == [.bytes([1]), .bytes([])])
    #expect(try decoder.decode(Int?.self, from: nil) == nil)
    #expect(try decoder.decode([Int?].self, from: [1, nil]) == [1, nil])
    #expect(try decoder.decode([UInt8].self, from: [1, 255]) == [1, 255])
    #expect(try decoder.decode(Value.self, from: nil) == nil)
    #expect(try decoder.decode([Value].self, from: [nil, 1.0]) == [nil, 1.0])
  }

  /// Goal: every double and float survives, those without a word in JSON included.
  ///
  /// Method: the rare ones; the bits of a NaN's sign and payload do not count.
  @Test func `every double survives`() throws {
    for number in [
      0.1, -0.0, .infinity, -.infinity, .greatestFiniteMagnitude, .leastNonzeroMagnitude,
    ] {
      let value = try ValueEncoder().encode([number])
      let back = try ValueDecoder().decode([Double].self, from: Value(json: value.json))
      #expect(back[0].bitPattern == number.bitPattern)
    }
    for number: Float in [
      0.1, -0.0, .infinity, -.infinity, .greatestFiniteMagnitude, .leastNonzeroMagnitude,
    ] {
      let value = try ValueEncoder().encode([number])
      let back = try ValueDecoder().decode([Float].self, from: Value(json: value.json))
      #expect(back[0].bitPattern == number.bitPattern)
    }
    #expect(try ValueDecoder().decode(Double.self, from: ValueEncoder().encode(Double.nan)).isNaN)
    #expect(try ValueDecoder().decode(Float.self, from: ValueEncoder().encode(Float.nan)).isNaN)
  }

  /// Goal: a number is taken exactly or refused.
  ///
  /// Method: an integer for a double, one that no double holds, and numbers that do not fit.
  @Test func `numbers fit or are refused`() throws {
    let decoder = ValueDecoder()
    #expect(try decoder.decode(Double.self, from: 1) == 1.0)
    #expect(try decoder.decode(Float.self, from: 1) == 1.0)
    #expect(reason { try decoder.decode(Double.self, from: 9_007_199_254_740_993) } == "type")
    #expect(reason { try decoder.decode(Int.self, from: 1.0) } == "type")
    #expect(reason { try decoder.decode(Int8.self, from: 128) } == "type")
    #expect(reason { try decoder.decode(UInt.self, from: -1) } == "type")
    #expect(reason { try decoder.decode(Float.self, from: 1e300) } == "type")
    #expect(reason { try decoder.decode([UInt8].self, from: [1, 256]) } == "type")
    #expect(reason { try ValueEncoder().encode(UInt64(Int64.max) + 1) } == "unsupported")
    // Swift's own coders of 128 bits are never asked, not even for numbers that would fit.
    #expect(reason { try ValueEncoder().encode(Int128(1)) } == "unsupported")
    #expect(reason { try ValueEncoder().encode([UInt128(1)]) } == "unsupported")
    #expect(reason { try decoder.decode(Int128.self, from: 1) } != nil)
  }

  /// Goal: an error names the place and the reason, and never holds the value.
  ///
  /// Method: one fault of each kind, deep inside; the values say "secret".
  @Test func `an error names the place`() throws {
    #expect(
      try fault(["lines": [["price": 1], ["price": "secret"]]]) == ("lines[1].price", "type"))
    #expect(try fault(["lines": [["secret price": 1]]]) == ("lines[0].price", "missing"))
    #expect(try fault(["lines": [nil]]) == ("lines[0]", "null"))
    #expect(try fault(["lines": [], "note": nil]) == ("note", "null"))
    #expect(try fault(["lines": [], "note": "", "at": "secret"]) == ("at", "malformed"))
    #expect(try fault(["lines": "secret"]) == ("lines", "type"))
    #expect(try fault(["secret"]) == ("", "type"))
    let error = refusal { try ValueEncoder().encode(["a": [UInt64.max]]) }
    #expect(error?.details == ["reason": "unsupported", "path": "a[0]"])
    #expect(error?.cause == nil)
  }

  private func fault(_ value: Value) throws -> (String?, String?) {
    let error = try #require(refusal { try ValueDecoder().decode(Order.self, from: value) })
    #expect(error.code == .invalid)
    #expect(error.cause == nil)
    #expect(!"\(error) \(Value.object(error.details).json)".contains("secret"))
    return (error.details["path"]?.stringValue, error.details["reason"]?.stringValue)
  }

  /// Goal: an error that a type's own code throws reaches the caller.
  ///
  /// Method: a `StoreError` as it is, another one as the cause.
  @Test func `a type's own error is kept`() throws {
    struct Own: Error {}
    struct Thrower: Codable {
      var error: any Error = Own()
      init() {}
      init(from decoder: any Decoder) throws { throw Own() }
      func encode(to encoder: any Encoder) throws { throw error }
    }
    var thrower = Thrower()
    #expect(refusal { try ValueEncoder().encode(thrower) }?.cause is Own)
    #expect(refusal { try ValueDecoder().decode(Thrower.self, from: nil) }?.cause is Own)
    #expect(reason { try ValueEncoder().encode(thrower) } == "thrown")
    thrower.error = StoreError(.tooLarge, "")
    #expect(refusal { try ValueEncoder().encode(thrower) }?.code == .tooLarge)
  }

  /// Goal: a value nested too deeply is refused before it can exhaust the stack.
  ///
  /// Method: a chain of a hundred thousand links, and one that the limit just allows.
  @Test func `endless nesting is refused`() throws {
    final class Link: Codable {
      var next: Link?
    }
    func chain(_ length: Int) -> Link {
      let first = Link()
      var last = first
      for _ in 1..<length {
        let link = Link()
        last.next = link
        last = link
      }
      return first
    }
    _ = try ValueEncoder().encode(chain(128)).json(within: Limits())
    var long: Link? = chain(10_000)
    #expect(reason { try ValueEncoder().encode(long) } == "unsupported")
    // Taken apart by hand: the chain's own end would recurse as deeply as the encoder must not.
    while let link = long {
      long = link.next
      link.next = nil
    }
    var limits = Limits()
    limits.nestingMax = 1
    #expect(reason { try ValueEncoder(limits: limits).encode([[[1]]]) } == "unsupported")
  }

  /// Goal: what a caller gives along reaches the types.
  ///
  /// Method: a type that encodes and decodes nothing but that.
  @Test func `user info reaches the types`() throws {
    struct Teller: Codable {
      static let key = CodingUserInfoKey(rawValue: "word")
      var word: String?
      init() {}
      init(from decoder: any Decoder) {
        word = Self.key.flatMap { decoder.userInfo[$0] as? String }
      }
      func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(Self.key.flatMap { encoder.userInfo[$0] as? String })
      }
    }
    let key = try #require(Teller.key)
    var encoder = ValueEncoder()
    encoder.userInfo = [key: "hello"]
    #expect(try encoder.encode([Teller()]) == ["hello"])
    var decoder = ValueDecoder()
    decoder.userInfo = [key: "hello"]
    #expect(try decoder.decode([Teller].self, from: [nil])[0].word == "hello")
  }
}

@Suite struct CodingContainerTests {
  /// Goal: containers may be nested by hand, in every way that the protocols offer.
  ///
  /// Method: a type that uses each way once, both to encode and to decode.
  @Test func `containers nest by hand`() throws {
    let value = try ValueEncoder().encode(ByHand())
    let expected: Value = [
      "object": ["a": 1, "b": [true, nil]], "list": [1, nil, ["b": 2], ["x", "y"], "above"],
      "null": nil,
      "super": "whole", "named": "part",
    ]
    #expect(value == expected)
    _ = try ValueDecoder().decode(ByHand.self, from: value)
  }

  /// Goal: a class and its superclass encode side by side.
  ///
  /// Method: the way that the compiler's own code goes, and a superclass that encoded nothing.
  @Test func `a superclass has its own place`() throws {
    let value = try ValueEncoder().encode(Derived())
    #expect(value == ["own": 2, "super": ["base": 1]])
    let back = try ValueDecoder().decode(Derived.self, from: value)
    #expect(back.base == 1 && back.own == 2)
    #expect(reason { try ValueDecoder().decode(Derived.self, from: ["own": 2]) } == "null")
  }

  /// Goal: a type that asks for two kinds of container at one place gets an error, not a crash.
  ///
  /// Method: each pair.
  @Test func `two kinds of container are refused`() throws {
    struct Twice: Encodable {
      let body: @Sendable (any Encoder) throws -> Void
      func encode(to encoder: any Encoder) throws { try body(encoder) }
    }
    let misuses: [@Sendable (any Encoder) throws -> Void] = [
      { encoder in
        var keyed = encoder.container(keyedBy: Letter.self)
        try keyed.encode(1, forKey: .a)
        var list = encoder.unkeyedContainer()
        try list.encode(1)
        #expect(list.count == 0)
      },
      { encoder in
        var list = encoder.unkeyedContainer()
        try list.encode(1)
        var keyed = encoder.container(keyedBy: Letter.self)
        try keyed.encode(1, forKey: .a)
      },
      { encoder in
        var single = encoder.singleValueContainer()
        try single.encode(1)
        try single.encode(2)
      },
    ]
    for misuse in misuses {
      #expect(reason { try ValueEncoder().encode([Twice(body: misuse)]) } == "unsupported")
    }
    #expect(try ValueEncoder().encode(Twice { _ in }) == [:])
    let twice = Twice { encoder in
      for letter in [Letter.a, .b, .a] {
        var keyed = encoder.container(keyedBy: Letter.self)
        try keyed.encode(letter.stringValue, forKey: letter)
      }
    }
    #expect(try ValueEncoder().encode(twice) == ["a": "a", "b": "b"])
  }

  /// Goal: an item that did not fit may be tried as another type, and the end is an error.
  ///
  /// Method: a list with a string where a number was tried first.
  @Test func `an item may be tried again`() throws {
    struct Mixed: Decodable, Equatable {
      var found: [String] = []
      init(from decoder: any Decoder) throws {
        var list = try decoder.unkeyedContainer()
        while !list.isAtEnd {
          if try list.decodeNil() {
            found.append("null")
          } else if let number = try? list.decode(Int.self) {
            found.append("number \(number)")
          } else {
            found.append(try list.decode(String.self))
          }
        }
        #expect(list.count == list.currentIndex)
        #expect(throws: DecodingError.self) { try list.decode(Int.self) }
        #expect(throws: DecodingError.self) { try list.decodeNil() }
      }
    }
    let mixed = try ValueDecoder().decode(Mixed.self, from: [1, "two", nil])
    #expect(mixed.found == ["number 1", "two", "null"])
  }
}

private enum Letter: String, CodingKey { case a, b }

private struct ByHand: Codable {
  enum Key: String, CodingKey { case object, list, null, named }

  init() {}

  func encode(to encoder: any Encoder) throws {
    var keyed = encoder.container(keyedBy: Key.self)
    var object = keyed.nestedContainer(keyedBy: Letter.self, forKey: .object)
    try object.encode(1, forKey: .a)
    var inner = keyed.nestedUnkeyedContainer(forKey: .list)
    try inner.encode(1)
    try inner.encodeNil()
    var item = inner.nestedContainer(keyedBy: Letter.self)
    try item.encode(2, forKey: .b)
    var words = inner.nestedUnkeyedContainer()
    try words.encode(contentsOf: ["x", "y"])
    try "above".encode(to: inner.superEncoder())
    try keyed.encodeNil(forKey: .null)
    try "whole".encode(to: keyed.superEncoder())
    try "part".encode(to: keyed.superEncoder(forKey: .named))
    // A container that was left before may be gone on with.
    var late = object.nestedUnkeyedContainer(forKey: .b)
    try late.encode(true)
    try late.encodeNil()
  }

  init(from decoder: any Decoder) throws {
    let keyed = try decoder.container(keyedBy: Key.self)
    #expect(Set(keyed.allKeys) == [.object, .list, .null, .named])
    let object = try keyed.nestedContainer(keyedBy: Letter.self, forKey: .object)
    #expect(object.codingPath.map(\.stringValue) == ["object"])
    #expect(try object.decode(Int.self, forKey: .a) == 1)
    #expect(object.contains(.b))
    #expect(try object.decode([Bool?].self, forKey: .b) == [true, nil])
    var list = try keyed.nestedUnkeyedContainer(forKey: .list)
    #expect(try list.decode(Int.self) == 1)
    #expect(try list.decodeNil())
    let item = try list.nestedContainer(keyedBy: Letter.self)
    #expect(item.codingPath.map(\.stringValue) == ["list", "2"])
    #expect(try item.decode(Int.self, forKey: .b) == 2)
    var words = try list.nestedUnkeyedContainer()
    #expect(words.codingPath.count == 2)
    #expect(try words.decode(String.self) == "x")
    #expect(try String(from: list.superDecoder()) == "above")
    #expect(try keyed.decodeNil(forKey: .null))
    #expect(try keyed.decodeIfPresent(Int.self, forKey: .null) == nil)
    #expect(try String(from: keyed.superDecoder()) == "whole")
    let part = try keyed.superDecoder(forKey: .named)
    #expect(try String(from: part) == "part")
    #expect(try part.singleValueContainer().codingPath.map(\.stringValue) == ["named"])
    #expect(!item.contains(.a))
    #expect(try item.decodeIfPresent(Int.self, forKey: .a) == nil)
    #expect(throws: DecodingError.self) { try item.decode(Int.self, forKey: .a) }
    #expect(throws: DecodingError.self) { try item.decodeNil(forKey: .a) }
  }
}

private class Base: Codable {
  var base = 1
}

private final class Derived: Base {
  enum Key: CodingKey { case own }
  var own = 2

  override init() { super.init() }

  required init(from decoder: any Decoder) throws {
    let keyed = try decoder.container(keyedBy: Key.self)
    own = try keyed.decode(Int.self, forKey: .own)
    try super.init(from: keyed.superDecoder())
  }

  override func encode(to encoder: any Encoder) throws {
    var keyed = encoder.container(keyedBy: Key.self)
    try keyed.encode(own, forKey: .own)
    try super.encode(to: keyed.superEncoder())
  }
}
