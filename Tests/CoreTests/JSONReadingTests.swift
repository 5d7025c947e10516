import HoldfastCore
import Testing

@Suite struct JSONReadingTests {
  /// Goal: every kind of JSON becomes the value of that kind, with white space wherever it may be.
  ///
  /// Method: a table of texts.
  @Test(
    arguments: [
      ("null", .null), ("true", true), ("false", false), ("0", 0), ("-12", -12), ("1.0", 1.0),
      (#""""#, ""), (#""text""#, "text"), ("[]", []), ("{}", [:]), (" [ 1 , 2 ] ", [1, 2]),
      ("\t\r\n{ \"a\" : [ { } ] , \"b\" : null }\n", ["a": [[:]], "b": nil]),
      (#"{"":1}"#, ["": 1]),
    ] as [(String, Value)])
  func `each kind is read`(text: String, value: Value) throws {
    #expect(try Value(json: text) == value)
    #expect(try Value(json: text.utf8) == value)
    #expect(try Value(json: AnyCollection(Array(text.utf8))) == value)
  }

  /// Goal: what is not JSON is refused with the reason and the place, never with the text.
  ///
  /// Method: a table of texts, each with one fault.
  @Test(arguments: [
    ("", "truncated", 0), ("  ", "truncated", 2), ("nul", "truncated", 3), ("[1", "truncated", 2),
    (#"{"a":"#, "truncated", 5), (#""abc"#, "truncated", 4), (#""\"#, "truncated", 2),
    (#""\u12"#, "truncated", 5), ("-", "truncated", 1), ("1.", "truncated", 2),
    ("1e", "truncated", 2),
    (#""\ud800"#, "truncated", 7),
    ("nule", "unexpected", 3), ("None", "unexpected", 0), ("[1 2]", "unexpected", 3),
    ("[1,]", "unexpected", 3), ("[,1]", "unexpected", 1), (#"{"a" 1}"#, "unexpected", 5),
    (#"{"a":1,}"#, "unexpected", 7), ("{a:1}", "unexpected", 1),
    (#"{"a":1 "b":2}"#, "unexpected", 7),
    (#"{"a":1,"b"}"#, "unexpected", 10), ("+1", "unexpected", 0), (".5", "unexpected", 0),
    ("'a'", "unexpected", 0), ("NaN", "unexpected", 0), ("\u{FEFF}1", "unexpected", 0),
    ("/* */1", "unexpected", 0), ("]", "unexpected", 0), ("\u{A0}1", "unexpected", 0),
    ("1 2", "trailing", 2), ("{}{}", "trailing", 2), ("1]", "trailing", 1), ("0x10", "trailing", 1),
    ("01", "number", 0), ("-01", "number", 0), ("1.e5", "number", 0), ("1ea", "number", 0),
    ("-a", "number", 0), ("1e+", "truncated", 3), ("1e+-1", "number", 0),
    ("\"a\u{1}\"", "control", 2), ("\"a\nb\"", "control", 2), ("\"\\n\u{1F}\"", "control", 3),
    (#""\x""#, "escape", 1), (#""\u12G4""#, "escape", 1), (#""\U0041""#, "escape", 1),
    (#""\ud800""#, "surrogate", 1), (#""\udc00""#, "surrogate", 1), (#""\ud800x""#, "surrogate", 1),
    (#""\ud800\n""#, "surrogate", 1), (#""\ud800\ud800""#, "surrogate", 1),
    (#""\ud800\u0041""#, "surrogate", 1), (#""ab\udfff""#, "surrogate", 3),
    (#"{"a":1,"a":2}"#, "duplicate", 7), (#"{"a":1,"\u0061":2}"#, "duplicate", 7),
    (#"[{"b":{},"c":1,"b":{}}]"#, "duplicate", 15),
  ])
  func `what is not JSON is refused`(text: String, reason: String, offset: Int64) throws {
    let error = try #require(refusal { try Value(json: text) })
    #expect(error.code == .invalid)
    #expect(error.details == ["reason": .string(reason), "offset": .integer(offset)])
    #expect(error.message.hasSuffix("at byte \(offset)."))
  }

  /// Goal: text that is not UTF-8 never becomes a value, nor a replacement character.
  ///
  /// Method: every kind of broken sequence, in a plain string, in one with escapes and in a name.
  @Test(
    arguments: [
      [0x80], [0xC3], [0xC3, 0x41], [0xC0, 0xAF], [0xC1, 0xBF], [0xE0, 0x80, 0xAF], [0xE2, 0x82],
      [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF], [0xF0, 0x80, 0x80, 0x80], [0xF0, 0x9F, 0x98],
      [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xFE], [0xFF],
    ] as [[UInt8]])
  func `broken UTF-8 is refused`(sequence: [UInt8]) {
    let quote = [UInt8(ascii: "\"")]
    let padded = Array("more than eight bytes".utf8)
    #expect(reason { try Value(json: quote + sequence + quote) } == "encoding")
    #expect(reason { try Value(json: quote + padded + sequence + padded + quote) } == "encoding")
    #expect(reason { try Value(json: quote + sequence + Array(#"\n"#.utf8) + quote) } == "encoding")
    #expect(reason { try Value(json: quote + Array(#"\n"#.utf8) + sequence + quote) } == "encoding")
    #expect(
      reason { try Value(json: [UInt8(ascii: "{")] + quote + sequence + Array("\":1}".utf8)) }
        == "encoding")
    #expect(reason { try Value(json: sequence) } == "unexpected")
  }

  /// Goal: every escape means its character.
  ///
  /// Method: all short escapes, `\u` in both cases, pairs of surrogates and non-characters.
  @Test(arguments: [
    (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{C}\n\r\t"), (#""\u0041\u00e9\u00E9""#, "Aéé"),
    (#""\ud83d\ude00""#, "😀"), (#""\uD83D\uDE00x""#, "😀x"), (#""\u0000""#, "\0"),
    (#""\uffff\ufdcf""#, "\u{FFFF}\u{FDCF}"), (#""\udbff\udfff""#, "\u{10FFFF}"),
    (#""é\u20ac漢字 and much more text\t.""#, "é€漢字 and much more text\t."),
    ("\"\u{7F}\u{80}\u{2028}\"", "\u{7F}\u{80}\u{2028}"),
  ])
  func `escapes are read`(text: String, expected: String) throws {
    #expect(try Value(json: text) == .string(expected))
  }

  /// Goal: the search for the end of a string is right at every place in a word of eight bytes.
  ///
  /// Method: strings of 0 to 40 bytes with each of the special bytes at each place, beside the
  /// bytes that differ from them by a borrow, which the search is known to confuse above a true
  /// match.
  @Test func `a special byte is found at every place`() throws {
    for length in 0..<40 {
      for place in 0...length {
        for special in ["\\\"", "\\\\", "\\n", "é", "!", "#", "]", "[", "\u{7F}"] {
          let before = String(repeating: "a", count: place)
          let after = String(repeating: "!", count: length - place)
          let value = try Value(json: "\"\(before)\(special)\(after)\"")
          let meaning = ["\\\"": "\"", "\\\\": "\\", "\\n": "\n"][special] ?? special
          #expect(value == .string(before + meaning + after))
        }
        let control = Array("\"\(String(repeating: "a", count: place))\u{1F}\"".utf8)
        #expect(reason { try Value(json: control) } == "control")
      }
    }
  }

  /// Goal: names are compared byte by byte: two that only look the same are two members.
  ///
  /// Method: `é` composed and decomposed, in a small object and in one with an index.
  @Test(arguments: [0, 20]) func `names that only look the same are two`(others: Int) throws {
    let more = (0..<others).map { #","k\#($0)":0"# }.joined()
    let value = try Value(json: "{\"\u{E9}\":1,\"e\u{301}\":2\(more)}")
    #expect(value["\u{E9}"] == 1)
    #expect(value["e\u{301}"] == 2)
    #expect(reason { try Value(json: "{\"\u{E9}\":1\(more),\"\u{E9}\":2}") } == "duplicate")
  }

  /// Goal: large objects take time in proportion to their size.
  ///
  /// Method: a hundred thousand members; were each compared with all before it, this would take
  /// minutes.
  @Test func `an object of many members is read`() throws {
    let text = "{" + (0..<100_000).map { "\"key-\($0)\":\($0)" }.joined(separator: ",") + "}"
    let value = try Value(json: text)
    #expect(value.objectValue?.count == 100_000)
    #expect(value["key-99999"] == 99_999)
    #expect(value.json == text)
  }
}

@Suite struct JSONLimitTests {
  /// Goal: arrays and objects nest as deeply as the limit says and no deeper.
  ///
  /// Method: at the limit and one past it, for arrays, objects and both in turn.
  @Test func `nesting is bounded`() throws {
    for (open, close) in [("[", "]"), (#"{"a":"#, "}")] {
      func nested(_ depth: Int, _ inner: String) -> String {
        String(repeating: open, count: depth) + inner + String(repeating: close, count: depth)
      }
      _ = try Value(json: nested(128, "1"))
      #expect(reason { try Value(json: nested(129, "1")) } == "too_deep")
      #expect(refusal { try Value(json: nested(129, "1")) }?.code == .invalid)
      #expect(reason { try Value(json: nested(128, "[]")) } == "too_deep")
      #expect(reason { try Value(json: nested(128, "{}")) } == "too_deep")
      #expect(reason { try Value(json: nested(100_000, "")) } == "too_deep")
      #expect(reason { try Value(json: String(repeating: open, count: 100_000)) } == "too_deep")
    }
  }

  /// Goal: no setting lets a text exhaust the stack.
  ///
  /// Method: an absurd limit; a thousand levels pass every recursion there is, one more does not.
  @Test func `the limit of nesting has a limit`() throws {
    var limits = Limits()
    limits.nestingMax = .max
    let text = String(repeating: "[", count: 1_000) + String(repeating: "]", count: 1_000)
    let value = try Value(json: text, limits: limits)
    #expect(try value.json(within: limits) == text)
    #expect(value == (try Value(json: value.canonical, limits: limits)))
    #expect(try ValueEncoder(limits: limits).encode([value]) == [value])
    #expect(reason { try Value(json: "[\(text)]", limits: limits) } == "too_deep")
    #expect(reason { try Value.array([value]).json(within: limits) } == "too_deep")
  }

  /// Goal: bytes and special doubles are scalars and add no depth, whatever they look like in JSON.
  ///
  /// Method: each inside arrays at the limit; what only begins like one is still too deep.
  @Test func `dollar forms add no depth`() throws {
    func nested(_ inner: String, depth: Int = 128) -> String {
      String(repeating: "[", count: depth) + inner + String(repeating: "]", count: depth)
    }
    for inner in [#"{"$bytes":"AAEC"}"#, #"{"$f64":"NaN"}"#] {
      let value = try Value(json: nested(inner))
      #expect(value.json == nested(inner))
      #expect(reason { try Value(json: nested(inner, depth: 129)) } == "too_deep")
    }
    #expect(reason { try Value(json: nested(#"{"$bytes":"AAEC","a":1}"#)) } == "too_deep")
    #expect(reason { try Value(json: nested(#"{"$bytes":[]}"#)) } == "dollar_form")
    #expect(reason { try Value(json: nested(#"{"$$bytes":1}"#)) } == "too_deep")
  }

  /// Goal: no string, name or run of bytes is longer than the limit, which counts what is kept and
  /// not how it is written.
  ///
  /// Method: at the limit and one past it; written with escapes and as base64 the text is longer.
  @Test func `strings are bounded`() throws {
    var limits = Limits()
    limits.stringBytesMax = 10
    for fits in [
      #""0123456789""#, #""\u0030\u0031\u0032\u0033\u0034\u0035\u0036\u0037\u0038\u0039""#,
      #"{"0123456789":1}"#, #"{"$bytes":"MDEyMzQ1Njc4OQ=="}"#, #""ééééé""#,
    ] {
      _ = try Value(json: fits, limits: limits)
    }
    for large in [
      #""0123456789a""#, #""\u0030\u0031\u0032\u0033\u0034\u0035\u0036\u0037\u0038\u0039a""#,
      #"{"0123456789a":1}"#, #"{"$bytes":"MDEyMzQ1Njc4OWE="}"#, #""éééééa""#,
      #"{"$bytes":"MDEyMzQ1Njc4OQ==","a":1}"#, #""\n0123456789""#,
    ] {
      let error = refusal { try Value(json: large, limits: limits) }
      #expect(error?.code == .tooLarge, "\(large)")
    }
  }

  /// Goal: no text is longer than the limit.
  ///
  /// Method: at the limit and one past it, with white space that means nothing.
  @Test func `texts are bounded`() throws {
    var limits = Limits()
    limits.valueBytesMax = 10
    #expect(try Value(json: "\"01234567\"", limits: limits) == "01234567")
    let error = refusal { try Value(json: "\"01234567\" ", limits: limits) }
    #expect(error?.code == .tooLarge)
    #expect(error?.details == ["reason": "text_too_large", "offset": 10])
  }

  /// Goal: the limits as they stand are those that the documentation promises.
  ///
  /// Method: a string of 16 MiB passes both ways, one byte more does not.
  @Test func `a string of sixteen mebibytes passes`() throws {
    let large = String(repeating: "x", count: 16 << 20)
    let text = try Value.string(large).json(within: Limits())
    #expect(try Value(json: text) == .string(large))
    #expect(refusal { try Value.string(large + "x").json(within: Limits()) }?.code == .tooLarge)
    #expect(refusal { try Value(json: "\"\(large)x\"") }?.code == .tooLarge)
  }

  /// Goal: a value made in Swift keeps the same limits before it is stored as one that came as
  /// text.
  ///
  /// Method: depth, strings, bytes, names and the whole, each at its limit and one past it.
  @Test func `a value that is written keeps the limits`() throws {
    var limits = Limits()
    limits.stringBytesMax = 4
    limits.valueBytesMax = 21
    limits.nestingMax = 2
    for fits: Value in [
      "1234", .bytes([1, 2, 3, 4]), ["1234": "1234"], [[1]], [["a": 1]], "é\u{E9}",
      ["1234", "1234", "123"], .double(1.5), nil, true, 1,
    ] {
      #expect(try fits.json(within: limits) == fits.json)
    }
    for large: Value in [
      "12345", .bytes([1, 2, 3, 4, 5]), ["12345": 1], ["1234", "1234", "1234"],
      ["1234", "1234", "1234", "1234", "1234", "1234"], [.bytes([1, 2]), .bytes([1, 2])],
    ] {
      #expect(refusal { try large.json(within: limits) }?.code == .tooLarge)
    }
    for deep: Value in [[[[]]], [["a": [:]]]] {
      let error = refusal { try deep.json(within: limits) }
      #expect(error?.code == .invalid)
      #expect(error?.details == ["reason": "too_deep", "limit": 2])
    }
    #expect(
      refusal { try Value.string("12345").json(within: limits) }?.details
        == ["reason": "string_too_large", "limit": 4])
  }
}
