import HoldfastCore
import Testing

@Suite struct NamespaceTests {
  /// Goal: the written form and the segments say the same, colons and backslashes included.
  ///
  /// Method: a table, read and put together.
  @Test(arguments: [
    ("global", ["global"]), ("run:42", ["run", "42"]),
    ("users:u1:memories", ["users", "u1", "memories"]),
    (#"a\:b"#, ["a:b"]), (#"a\\:b"#, [#"a\"#, "b"]), (#"a\\\:b"#, [#"a\:b"#]), (#"\:"#, [":"]),
    (#"\\"#, [#"\"#]),
    ("a/b:../x: ", ["a/b", "../x", " "]), ("漢:😀", ["漢", "😀"]), ("*:**", ["*", "**"]),
    ("1:2:3:4:5:6:7:8", ["1", "2", "3", "4", "5", "6", "7", "8"]),
  ])
  func `text and segments say the same`(text: String, segments: [String]) throws {
    let read = try Namespace(text)
    let made = try Namespace(segments: segments)
    #expect(read.segments == segments)
    #expect(read.text == text)
    #expect(made.text == text)
    #expect(read == made)
    #expect("\(read)" == text)
    #expect(try Namespace(stored: text) == read)
  }

  /// Goal: what is no namespace is refused with the reason, and never repeated in the error.
  ///
  /// Method: a table of texts.
  @Test(arguments: [
    ("", "empty"), (":", "empty_segment"), ("a:", "empty_segment"), (":a", "empty_segment"),
    ("secret::b", "empty_segment"), (#"a\"#, "escape"), (#"a\b"#, "escape"), (#"a\:\"#, "escape"),
    (#"\n"#, "escape"), ("a\0b", "nul"), ("_holdfast", "reserved"), ("_holdfast/x", "reserved"),
    ("_holdfast:x", "reserved"), ("_holdfasts", "reserved"),
    ("1:2:3:4:5:6:7:8:9", "too_many_segments"),
  ])
  func `what is no namespace is refused`(text: String, expected: String) throws {
    let error = try #require(refusal { try Namespace(text) })
    #expect(error.code == .invalid)
    #expect(error.details["reason"] == .string(expected))
    #expect(!error.description.contains("secret"))
    #expect(refusal { try NamespacePattern(text) }?.details["reason"] == .string(expected))
  }

  /// Goal: the store's own prefix is reserved where a namespace begins and nowhere else.
  ///
  /// Method: names that only contain it.
  @Test func `only the beginning is reserved`() throws {
    _ = try Namespace("a:_holdfast")
    _ = try Namespace("holdfast")
    _ = try Namespace("_hold")
    #expect(reason { try Namespace(segments: ["_holdfast/a"]) } == "reserved")
  }

  /// Goal: a namespace has at most 256 bytes and 8 segments, by the limits of the store.
  ///
  /// Method: at the limit and one past it; an escape counts as it is written.
  @Test func `length and depth are bounded`() throws {
    _ = try Namespace(String(repeating: "a", count: 256))
    #expect(reason { try Namespace(String(repeating: "a", count: 257)) } == "too_long")
    #expect(refusal { try Namespace(String(repeating: "a", count: 257)) }?.details["limit"] == 256)
    _ = try Namespace(segments: [String(repeating: ":", count: 128)])
    #expect(reason { try Namespace(segments: [String(repeating: ":", count: 129)]) } == "too_long")
    #expect(reason { try Namespace(segments: []) } == "empty")
    #expect(reason { try Namespace(segments: ["a", ""]) } == "empty_segment")
    var limits = Limits()
    limits.namespaceBytesMax = 3
    limits.namespaceSegmentsMax = 1
    #expect(try Namespace("abc", limits: limits).text == "abc")
    #expect(reason { try Namespace("abcd", limits: limits) } == "too_long")
    #expect(reason { try Namespace("a:b", limits: limits) } == "too_many_segments")
    #expect(reason { try Namespace("a:b").check(limits) } == "too_many_segments")
  }

  /// Goal: `.run("42")` is `run:42`, and an identifier that cannot be one is refused at use.
  ///
  /// Method: ordinary, escaped and impossible identifiers.
  @Test func `runs and bots have namespaces`() throws {
    #expect(Namespace.global.text == "global")
    #expect(try Namespace.run("42") == Namespace("run:42"))
    #expect(try Namespace.bot("a:b") == Namespace(#"bot:a\:b"#))
    #expect(Namespace.run("a:b").segments == ["run", "a:b"])
    #expect(reason { try Namespace.run("").check(Limits()) } == "empty_segment")
    #expect(reason { try Namespace.bot("a\0").check(Limits()) } == "nul")
    #expect(
      reason { try Namespace.run(String(repeating: "r", count: 253)).check(Limits()) } == "too_long"
    )
    try Namespace.run(String(repeating: "r", count: 252)).check(Limits())
    try Namespace.global.check(Limits())
  }

  /// Goal: a namespace knows the run or bot that it belongs to.
  ///
  /// Method: the run's own, one below it, and what only looks like one.
  @Test(
    arguments: [
      ("run:42", "42", nil), ("run:42:notes:a", "42", nil), (#"run:a\:b"#, "a:b", nil),
      ("run", nil, nil), ("runs:42", nil, nil), ("a:run:42", nil, nil), ("Run:42", nil, nil),
      ("bot:7", nil, "7"), ("bot:7:x", nil, "7"), ("bot", nil, nil), ("global", nil, nil),
    ] as [(String, String?, String?)])
  func `a namespace knows its run and bot`(text: String, run: String?, bot: String?) throws {
    let namespace = try Namespace(text)
    #expect(namespace.runID == run)
    #expect(namespace.botID == bot)
  }

  /// Goal: what lies below a namespace is exactly what a range scan over its prefix finds.
  ///
  /// Method: for all pairs of a list with tricky neighbours, the segments, `isBelow` and the range
  /// must agree.
  @Test func `below is a range`() throws {
    let all = try [
      "a", "a:b", "a:b:c", "a:c", "ab", "ab:c", #"a\:b"#, #"a\\"#, #"a\\:b"#, #"a\\:b:c"#, "a;",
      "a;:b", "a9", "a!",
      "A:b", "b", "é", "é:b",
    ].map { text throws(StoreError) in try Namespace(text) }
    for one in all {
      for other in all {
        let count = other.segments.count
        let expected =
          one.segments.count > count && Array(one.segments.prefix(count)) == other.segments
        #expect(one.isBelow(other) == expected, "\(one) below \(other)")
        let text = Bytewise(one.text)
        let inRange = text >= Bytewise(other.prefixBelow) && text < Bytewise(other.endBelow)
        #expect(inRange == expected, "\(one) below \(other)")
      }
    }
  }

  /// Goal: namespaces are equal, ordered and hashed by their bytes.
  ///
  /// Method: two that Swift's strings take for equal.
  @Test func `namespaces are compared by bytes`() throws {
    let composed = try Namespace("\u{E9}")
    let decomposed = try Namespace("e\u{301}")
    #expect(composed != decomposed)
    #expect(Set([composed, decomposed, composed]).count == 2)
    #expect(decomposed < composed)
    #expect(try Namespace.global < Namespace("globals"))
  }

  /// Goal: a namespace in the database that is none is damage, not the caller's mistake.
  ///
  /// Method: a broken escape; limits do not matter, for they may have been other ones.
  @Test func `a stored namespace is not checked again`() throws {
    #expect(refusal { try Namespace(stored: #"a\"#) }?.code == .corrupt)
    #expect(try Namespace(stored: String(repeating: "a", count: 300)).segments.count == 1)
  }
}

@Suite struct NamespacePatternTests {
  /// Goal: a pattern matches what the documentation's table says, and nothing inside a segment.
  ///
  /// Method: that table and more, with namespaces that match and some that do not.
  @Test(arguments: [
    ("users:u1", ["users:u1"], ["users", "users:u2", "users:u1:x", "Users:u1"]),
    (
      "users:*", ["users:u1", "users:u2", "users:*"],
      ["users", "users:u1:x", "user:u1", "usersx:u1"]
    ),
    (
      "users:**", ["users:u1", "users:u1:x", "users:1:2:3:4:5:6:7"],
      ["users", "user:u1", "usersx:u1"]
    ),
    ("*", ["global", "a", "*"], ["a:b", "run:42"]),
    ("**", ["global", "a:b", "run:42:x"], []),
    (#"a\:b:*"#, [#"a\:b:c"#], ["a:b:c", "a:b"]),
    ("\u{E9}:*", ["\u{E9}:a"], ["e\u{301}:a"]),
  ])
  func `a pattern matches whole segments`(text: String, match: [String], differ: [String]) throws {
    let pattern = try NamespacePattern(text)
    #expect("\(pattern)" == text)
    for namespace in match { #expect(try pattern.matches(Namespace(namespace)), "\(namespace)") }
    for namespace in differ { #expect(try !pattern.matches(Namespace(namespace)), "\(namespace)") }
  }

  /// Goal: a wildcard that is not the whole last segment is refused rather than taken literally.
  ///
  /// Method: at the beginning, in the middle, and within a segment.
  @Test(arguments: [
    "*:a", "**:a", "a:*:b", "a:**:*", "*:*", "**:**", "user*", "run:4*", "a:*b", "a*b:c", "***",
    "*a:**",
  ])
  func `a wildcard stands last and alone`(text: String) {
    #expect(reason { try NamespacePattern(text) } == "wildcard")
  }

  /// Goal: patterns keep the limits of namespaces, the wildcard counted.
  ///
  /// Method: eight segments and nine; 256 bytes and 257.
  @Test func `patterns are bounded`() throws {
    _ = try NamespacePattern("1:2:3:4:5:6:7:**")
    #expect(reason { try NamespacePattern("1:2:3:4:5:6:7:8:*") } == "too_many_segments")
    _ = try NamespacePattern(String(repeating: "a", count: 254) + ":*")
    #expect(
      reason { try NamespacePattern(String(repeating: "a", count: 255) + ":*") } == "too_long")
  }

  /// Goal: patterns are equal and hashed by their bytes.
  ///
  /// Method: two that Swift's strings take for equal.
  @Test func `patterns are compared by bytes`() throws {
    let patterns = try Set([
      NamespacePattern("\u{E9}"), NamespacePattern("e\u{301}"), NamespacePattern("\u{E9}"),
    ])
    #expect(patterns.count == 2)
  }
}
