import HoldfastCore
import Testing

@Suite struct KeyTests {
  /// Goal: a key is any Unicode but NUL, and exact.
  ///
  /// Method: keys that other stores trim, fold, split or refuse.
  @Test(arguments: [
    "a", " ", "../x", ".", "..", "path/to/key", "😀", "\n", "\u{7F}", "a:b", #"a\b"#, "%00",
    "_holdfast",
    "_Holdfast/x", "x_holdfast/", "\u{301}", "null",
  ])
  func `ordinary keys pass`(key: String) throws { try Key.check(key, Limits()) }

  /// Goal: a key that is none is refused with the reason, and not repeated.
  ///
  /// Method: each reason.
  @Test(arguments: [
    ("", "empty"), ("secret\0", "nul"), ("\0", "nul"), ("_holdfast/", "reserved"),
    ("_holdfast/secret", "reserved"),
  ])
  func `other keys are refused`(key: String, expected: String) throws {
    let error = try #require(refusal { try Key.check(key, Limits()) })
    #expect(error.code == .invalid)
    #expect(error.details["reason"] == .string(expected))
    #expect(!error.description.contains("secret"))
  }

  /// Goal: a key has at most 1 024 bytes of UTF-8, not characters.
  ///
  /// Method: at the limit and one past it, in one byte a character and in two; another limit.
  @Test func `keys are bounded in bytes`() throws {
    try Key.check(String(repeating: "k", count: 1_024), Limits())
    try Key.check(String(repeating: "é", count: 512), Limits())
    let error = refusal { try Key.check(String(repeating: "é", count: 512) + "k", Limits()) }
    #expect(error?.details == ["reason": "too_long", "limit": 1_024])
    var limits = Limits()
    limits.keyBytesMax = 1
    try Key.check("k", limits)
    #expect(reason { try Key.check("kk", limits) } == "too_long")
  }
}

@Suite struct CheckTests {
  /// Goal: an identifier is not empty, not too long, has no NUL and is not `.` or `..`.
  ///
  /// Method: each, at the limit and one past it.
  @Test func `identifiers are checked`() throws {
    let limits = Limits()
    for fits in ["42", "...", ".a", "a/b:c", " ", String(repeating: "i", count: 256)] {
      try Checks.id(fits, "run id", limits)
    }
    for (id, expected) in [
      ("", "empty"), (".", "dots"), ("..", "dots"), ("a\0", "nul"),
      (String(repeating: "i", count: 257), "too_long"),
    ] {
      let error = refusal { try Checks.id(id, "run id", limits) }
      #expect(error?.code == .invalid)
      #expect(error?.details["reason"] == .string(expected))
      #expect(error?.message.contains("run id") == true)
    }
  }

  /// Goal: a run or bot whose identifier passes has a namespace.
  ///
  /// Method: the longest that leaves room for `run:`, with and without escapes, and one past it.
  @Test func `runs and bots have room for their namespace`() throws {
    let limits = Limits()
    for (fits, tooLong) in [("r", 252, 253), (":", 126, 127)].map({ letter, fits, tooLong in
      (String(repeating: letter, count: fits), String(repeating: letter, count: tooLong))
    }) {
      try Checks.runID(fits, limits)
      try Checks.botID(fits, limits)
      #expect(reason { try Checks.runID(tooLong, limits) } == "too_long")
      #expect(reason { try Checks.botID(tooLong, limits) } == "too_long")
    }
    #expect(reason { try Checks.runID("..", limits) } == "dots")
    #expect(reason { try Checks.botID("", limits) } == "empty")
  }

  /// Goal: an idempotency key has 1 to 256 bytes and no NUL, and may be `.`.
  ///
  /// Method: at the limits and one past them.
  @Test func `idempotency keys are checked`() throws {
    let limits = Limits()
    try Checks.idempotencyKey(".", limits)
    try Checks.idempotencyKey(String(repeating: "k", count: 256), limits)
    #expect(reason { try Checks.idempotencyKey("", limits) } == "empty")
    #expect(reason { try Checks.idempotencyKey("\0", limits) } == "nul")
    #expect(
      reason { try Checks.idempotencyKey(String(repeating: "k", count: 257), limits) } == "too_long"
    )
  }

  /// Goal: a description may be empty, has at most 4 KiB and no NUL.
  ///
  /// Method: at the limit and one past it.
  @Test func `descriptions are checked`() throws {
    try Checks.description("", Limits())
    try Checks.description(String(repeating: "d", count: 4_096), Limits())
    let error = refusal { try Checks.description(String(repeating: "d", count: 4_097), Limits()) }
    #expect(error?.code == .tooLarge)
    #expect(error?.details == ["field": "description", "reason": "too_long", "limit": 4_096])
    #expect(reason { try Checks.description("a\0b", Limits()) } == "nul")
    #expect(reason { try Checks.text("a\0b", "reason", bytesMax: 10) } == "nul")
  }

  /// Goal: a word has the article that it is spoken with, and a text names its field.
  ///
  /// Method: words of each kind.
  @Test func `what is refused is named properly`() throws {
    let words: [(StaticString, String)] = [
      ("action", "An action "), ("owner", "An owner "), ("id", "An id "), ("error", "An error "),
      ("queue", "A queue "), ("user", "A user "), ("unique key", "A unique key "),
    ]
    for (word, beginning) in words {
      for text in ["", "..", "\0", String(repeating: "x", count: 999)] {
        let error = refusal { try Checks.id(text, word, Limits()) }
        #expect(error?.message.hasPrefix(beginning) == true, "\(word)")
      }
    }
    for text in ["\0", "xx"] {
      let error = refusal { try Checks.text(text, "last error", bytesMax: 1) }
      #expect(error?.details["field"] == "last_error")
    }
    #expect(refusal { try Checks.pageLimit(0, Limits()) }?.details["field"] == "limit")
  }

  /// Goal: what is cut keeps as many whole characters as fit.
  ///
  /// Method: texts at, before and past the bound, with characters of many bytes.
  @Test func `a text is cut at a character`() {
    for (text, kept) in [
      ("", ""), ("abcd", "abcd"), ("abcde", "abcd"), ("abc\u{E9}", "abc"),
      ("ab\u{E9}c", "ab\u{E9}"), ("abe\u{301}x", "abe\u{301}"), ("abce\u{301}", "abc"),
      ("\u{1F468}\u{200D}\u{1F469}", ""),
    ] {
      #expect(Bytewise.equal(Checks.cut(text, bytesMax: text == "abe\u{301}x" ? 5 : 4), kept))
    }
  }

  /// Goal: a time to live is from 1 ms to 10 years.
  ///
  /// Method: at the limits, one past them, zero, negative and absurd.
  @Test func `lifetimes are checked`() throws {
    try Checks.lifetime(.milliseconds(1), Limits())
    try Checks.lifetime(.seconds(3_650 * 86_400), Limits())
    for bad: Duration in [
      .zero, .microseconds(999), .seconds(-1), .seconds(3_650 * 86_400) + .microseconds(1),
      .seconds(Int64.max),
    ] {
      #expect(reason { try Checks.lifetime(bad, Limits()) } == "out_of_range")
    }
  }

  /// Goal: a page holds 1 to 1 000 items.
  ///
  /// Method: at the limits and one past them.
  @Test func `page limits are checked`() throws {
    try Checks.pageLimit(1, Limits())
    try Checks.pageLimit(1_000, Limits())
    for bad in [0, -1, 1_001, .max, .min] {
      #expect(reason { try Checks.pageLimit(bad, Limits()) } == "out_of_range")
    }
  }
}
