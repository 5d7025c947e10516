import HoldfastCore
import Testing

@Suite struct JSONWritingTests {
  /// Goal: the compact text has nothing that JSON does not need.
  ///
  /// Method: a table of values, each read back from its text.
  @Test(
    arguments: [
      (nil, "null"), (true, "true"), (false, "false"), (0, "0"), (-7, "-7"),
      (.integer(.min), "-9223372036854775808"), (.integer(.max), "9223372036854775807"),
      ("", #""""#), ("a/b", #""a/b""#), ("é漢😀", #""é漢😀""#),
      ("\u{7F}\u{2028}", "\"\u{7F}\u{2028}\""),
      ("\"\\\u{8}\u{C}\n\r\t", #""\"\\\b\f\n\r\t""#), ("\0\u{1}\u{1F}", #""\u0000\u0001\u001f""#),
      ([], "[]"), ([:], "{}"), ([1, [2], []], "[1,[2],[]]"),
      (["b": 1, "a": ["c": nil]], #"{"b":1,"a":{"c":null}}"#), (["a\n": 1], #"{"a\n":1}"#),
      (.bytes([]), #"{"$bytes":""}"#), (.bytes([0, 255, 1, 2]), #"{"$bytes":"AP8BAg=="}"#),
      (.double(.infinity), #"{"$f64":"+Inf"}"#), (.double(-.infinity), #"{"$f64":"-Inf"}"#),
      (.double(-0.0), #"{"$f64":"-0.0"}"#),
    ] as [(Value, String)])
  func `the compact text is the shortest`(value: Value, text: String) throws {
    #expect(value.json == text)
    #expect(value.jsonBytes == Array(text.utf8))
    #expect(try Value(json: text).isIdentical(to: value))
  }

  /// Goal: NaN has a text, and comes back as NaN, which equals nothing.
  ///
  /// Method: write and read.
  @Test func `not a number survives`() throws {
    #expect(Value.double(.nan).json == #"{"$f64":"NaN"}"#)
    let back = try Value(json: #"{"$f64":"NaN"}"#)
    #expect(back.doubleValue?.isNaN == true)
    #expect(back != back)
  }

  /// Goal: a double always has a point or an exponent, and the fewest digits that read back as it.
  ///
  /// Method: the bounds between the ways to lay it out.
  @Test(arguments: [
    (0.0, "0.0"), (1.0, "1.0"), (-1.0, "-1.0"), (0.1, "0.1"), (1.5, "1.5"), (100.0, "100.0"),
    (123456.789, "123456.789"), (1e15, "1000000000000000.0"), (1e16, "10000000000000000.0"),
    (9_007_199_254_740_992.0, "9007199254740992.0"),
    (9_007_199_254_740_994.0, "9007199254740994.0"),
    (1e20, "100000000000000000000.0"), (123456789012345680000.0, "123456789012345680000.0"),
    (1e21, "1e+21"), (-1.5e21, "-1.5e+21"), (1e100, "1e+100"),
    (0.000001, "0.000001"), (0.0000012, "0.0000012"), (1e-7, "1e-7"), (1.25e-7, "1.25e-7"),
    (0.5, "0.5"), (0.05, "0.05"), (.leastNonzeroMagnitude, "5e-324"),
    (1.7976931348623157e308, "1.7976931348623157e+308"),
  ])
  func `doubles are short and told from integers`(double: Double, text: String) throws {
    #expect(Value.double(double).json == text)
    #expect(try Value(json: text) == .double(double))
  }

  /// Goal: an object of the user's that looks like a `$` form survives, and every other `$` name
  /// stands for itself.
  ///
  /// Method: a table, written and read back.
  @Test(
    arguments: [
      (["$bytes": 5], #"{"$$bytes":5}"#), (["$bytes": "AA=="], #"{"$$bytes":"AA=="}"#),
      (["$f64": "NaN"], #"{"$$f64":"NaN"}"#), (["$$bytes": 1], #"{"$$$bytes":1}"#),
      (["$$": 1], #"{"$$$":1}"#), (["$$x": 1], #"{"$$$x":1}"#),
      (["$$\u{301}": 1], "{\"$$$\u{301}\":1}"),
      (["$ref": "#/a"], ##"{"$ref":"#/a"}"##), (["$": 1], #"{"$":1}"#),
      (["$Bytes": 1], #"{"$Bytes":1}"#),
      (["$bytes": 5, "a": 1], #"{"$bytes":5,"a":1}"#),
      (["a": 1, "$bytes": 5], #"{"a":1,"$bytes":5}"#),
      (["$f64": "NaN", "$bytes": "AA=="], #"{"$f64":"NaN","$bytes":"AA=="}"#),
      (["$$x": 1, "a": 2], #"{"$$x":1,"a":2}"#),
      (["$bytes": ["$bytes": 1]], #"{"$$bytes":{"$$bytes":1}}"#),
      (["a": .bytes([1])], #"{"a":{"$bytes":"AQ=="}}"#),
    ] as [(Value, String)])
  func `what looks like a dollar form survives`(value: Value, text: String) throws {
    #expect(value.json == text)
    #expect(String(decoding: value.canonical, as: UTF8.self).utf8.count == text.utf8.count)
    #expect(try Value(json: text) == value)
  }

  /// Goal: one `$` more is taken off wherever it stands, even where nothing needed it.
  ///
  /// Method: a text that no writer of ours makes.
  @Test func `an escape that was not needed is undone`() throws {
    #expect(try Value(json: #"{"$$ref":1}"#) == ["$ref": 1])
    #expect(try Value(json: #"{"$$":1}"#) == ["$": 1])
  }

  /// Goal: what claims to be bytes or a special double and is not is refused.
  ///
  /// Method: other kinds, bad base64, other words.
  @Test(arguments: [
    #"{"$bytes":5}"#, #"{"$bytes":null}"#, #"{"$bytes":[1]}"#, #"{"$bytes":{}}"#,
    #"{"$bytes":"A"}"#,
    #"{"$bytes":"AA"}"#, #"{"$bytes":"AA="}"#, #"{"$bytes":"AB=="}"#, #"{"$bytes":"A A="}"#,
    #"{"$bytes":"AA==\n"}"#, #"{"$bytes":"_-__"}"#, #"{"$bytes":"===="}"#, #"{"$f64":"nan"}"#,
    #"{"$f64":"Inf"}"#, #"{"$f64":"1.5"}"#, #"{"$f64":1.5}"#, #"{"$f64":""}"#, #"{"$f64":"0.0"}"#,
  ])
  func `a broken dollar form is refused`(text: String) {
    #expect(reason { try Value(json: text) } == "dollar_form")
    #expect(reason { try Value(json: "[0,\(text)]") } == "dollar_form")
    #expect(refusal { try Value(json: text) }?.code == .invalid)
  }

  /// Goal: the form for people reads back as the same value, a member or item a line.
  ///
  /// Method: one value with every kind of container.
  @Test func `the pretty text is for people`() throws {
    let value: Value = [
      "a": [1, 2.0, []], "b": [:], "c": ["d": nil], "e": .bytes([1]), "f": ["$bytes": 1],
    ]
    let text = """
      {
        "a": [
          1,
          2.0,
          []
        ],
        "b": {},
        "c": {
          "d": null
        },
        "e": {"$bytes":"AQ=="},
        "f": {
          "$$bytes": 1
        }
      }
      """
    #expect(value.jsonPretty == text)
    #expect(try Value(json: text) == value)
  }
}
