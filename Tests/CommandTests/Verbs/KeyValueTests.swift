import Foundation
import HoldfastTesting
import Testing

/// The verbs of `holdfast kv` on a store of their own.
@Suite(.timeLimit(.minutes(5))) struct KeyValueVerbs {
  /// Goal: what is put is what is got, to the last digit.
  ///
  /// Method: values of every kind are put and got again; the JSON that comes out is the one that
  /// went in, and so it is inside of `--json`.
  @Test(arguments: [
    "null", "true", "-0.5", "1", "1.0", "9223372036854775807", #""1""#, #""""#, "[]", "{}",
    #"{"a":[1,2.0,{"b":null}],"é":"😀"}"#, #"{"$bytes":"AAEC/w=="}"#, #"{"$f64":"NaN"}"#,
    #""\u001b[31m\u0000""#,
  ])
  func `a value survives the command line exactly`(value: String) async throws {
    let place = try await Place()
    try await place.done("kv", "put", "run:1", "key", "--", value)
    #expect(try await place.done("kv", "get", "run:1", "key") == value + "\n")
    let whole = try await place.done("kv", "get", "run:1", "key", "--json")
    #expect(whole.hasPrefix(#"{"key":"key","value":\#(value),"version":"#))
  }

  /// Goal: a value argument is JSON if it is JSON, else a string, from wherever it comes.
  ///
  /// Method: text, a file and standard input give what they hold; JSON that cannot be a value is
  /// refused instead of becoming a string.
  @Test func `a value is read as JSON or as a string`() async throws {
    let place = try await Place()
    try await place.done("kv", "put", "run:1", "text", "hello world")
    #expect(try await place.done("kv", "get", "run:1", "text") == "\"hello world\"\n")
    #expect(try await place.done("kv", "get", "run:1", "text", "--raw") == "hello world")
    let file = try place.file("value.json", #"{"from": "a file"}"# + "\n")
    try await place.done("kv", "put", "run:1", "file", "@" + file)
    #expect(try await place.done("kv", "get", "run:1", "file") == #"{"from":"a file"}"# + "\n")
    try await place.done("kv", "put", "run:1", "input", "-", input: "two\nlines\n")
    #expect(try await place.done("kv", "get", "run:1", "input") == #""two\nlines\n""# + "\n")
    for wrong in ["123456789012345678901", #"{"a":1,"a":2}"#, #"{"$bytes":5}"#] {
      let outcome = try await place.holdfast("kv", "put", "run:1", "wrong", wrong)
      #expect(outcome.code == 64, "\(wrong)")
    }
    #expect(try await place.holdfast("kv", "put", "run:1", "wrong", "@nowhere").code == 66)
    #expect(try await place.holdfast("kv", "get", "run:1", "wrong").code == 66)
  }

  /// Goal: missing is told from null, and by the exit code alone.
  ///
  /// Method: a null is printed; a missing key prints nothing, says so on standard error and exits
  /// 66.
  @Test(arguments: Engines.available)
  func `a missing key prints nothing and exits 66`(on engine: TestEngine) async throws {
    let place = try await Place(engine)
    try await place.done("kv", "put", "run:1", "null", "null")
    #expect(try await place.done("kv", "get", "run:1", "null") == "null\n")
    for verb in ["get", "delete", "persist"] {
      let words = ["kv", verb, "run:1", "missing"] + (verb == "delete" ? ["--yes"] : [])
      let outcome = try await Tool.run(
        .holdfast, words, environment: ["HOLDFAST_STORE": place.store], folder: place.folder)
      #expect(outcome.code == 66)
      #expect(outcome.output.isEmpty)
      #expect(outcome.errors.contains("There is no such key."))
    }
  }

  /// Goal: a write happens only where its condition holds.
  ///
  /// Method: --if-absent and --if-version let the first through and refuse the second with 75; the
  /// refusal names the version to go on from.
  @Test(arguments: Engines.available)
  func `a condition that does not hold exits 75`(on engine: TestEngine) async throws {
    let place = try await Place(engine)
    let line = try await place.done("kv", "put", "run:1", "key", "1", "--if-absent")
    let version = try #require(line.split(separator: "\t").dropFirst().first.map(String.init))
    let second = try await place.holdfast("kv", "put", "run:1", "key", "2", "--if-absent")
    #expect(second.code == 75)
    #expect(second.errors.contains("version: \(version)"))
    try await place.done("kv", "put", "run:1", "key", "3", "--if-version", version)
    let stale = try await place.holdfast(
      "kv", "delete", "run:1", "key", "--if-version", version, "--yes")
    #expect(stale.code == 75)
    #expect(try await place.done("kv", "get", "run:1", "key") == "3\n")
  }

  /// Goal: a write with an idempotency key is done once.
  ///
  /// Method: an increment is sent twice with one key; the second gives the first answer.
  @Test(arguments: Engines.available)
  func `an idempotency key makes a write safe to repeat`(on engine: TestEngine) async throws {
    let place = try await Place(engine)
    for _ in 0..<2 {
      let sum = try await place.done(
        "kv", "increment", "run:1", "n", "--by", "-5", "--idempotency-key", "once")
      #expect(sum == "-5\n")
    }
    #expect(try await place.done("kv", "increment", "run:1", "n") == "-4\n")
  }

  /// Goal: a list is a line a key in a pipe, page by page or whole.
  ///
  /// Method: five keys are listed in pages, as one and in reverse; a page that is not the last says
  /// so on standard error; counting and prefixes agree.
  @Test func `a list goes through its pages`() async throws {
    let place = try await Place()
    for key in ["a", "b/1", "b/2", "b/3", "c"] {
      try await place.done("kv", "put", "run:1", key, "1")
    }
    let keys = { (text: String) in
      text.split(separator: "\n").compactMap { $0.split(separator: "\t").first.map(String.init) }
    }
    let first = try await place.holdfast("kv", "list", "run:1", "--limit", "2")
    #expect(keys(first.output) == ["a", "b/1"])
    #expect(first.errors.contains("--after 'b/1'"))
    let rest = try await place.done("kv", "list", "run:1", "--after", "b/1")
    #expect(keys(rest) == ["b/2", "b/3", "c"])
    let all = try await place.done("kv", "list", "run:1", "--limit", "2", "--all", "--reverse")
    #expect(keys(all) == ["c", "b/3", "b/2", "b/1", "a"])
    let some = try await place.done("kv", "list", "run:1", "--prefix", "b/", "--values")
    #expect(some.split(separator: "\n").allSatisfy { $0.hasSuffix("\t1") })
    #expect(try await place.done("kv", "count", "run:1", "--prefix", "b/") == "3\n")
    #expect(try await place.holdfast("kv", "list", "run:1", "--limit", "1001").code == 64)
  }

  /// Goal: expiry can be set, seen and taken away.
  ///
  /// Method: a key is put with a time to live, extended and made to stay; a time out of range exits
  /// 64.
  @Test func `keys expire and persist`() async throws {
    let place = try await Place()
    try await place.done(
      "kv", "put", "run:1", "key", "1", "--ttl", "1h", "--description", "a draft")
    #expect(try await place.done("kv", "list", "run:1").contains("a draft"))
    try await place.done("kv", "expire", "run:1", "key", "2d")
    #expect(
      try await !place.done("kv", "get", "run:1", "key", "--json").contains(#""expires_at":null"#))
    try await place.done("kv", "persist", "run:1", "key")
    #expect(
      try await place.done("kv", "get", "run:1", "key", "--json").contains(#""expires_at":null"#))
    for wrong in ["0s", "11000d", "soon", "5"] {
      #expect(
        try await place.holdfast("kv", "expire", "run:1", "key", wrong).code == 64, "\(wrong)")
    }
    try await place.done("kv", "delete", "run:1", "key", "--yes")
    #expect(try await place.holdfast("kv", "expire", "run:1", "key", "1h").code == 66)
  }

  /// Goal: nothing is destroyed by a slip.
  ///
  /// Method: a clear and a delete without --yes and without a terminal are refused; with it exactly
  /// the namespace goes, and with --below what lies under it.
  @Test func `a clear and a delete want a yes`() async throws {
    let place = try await Place()
    for namespace in ["run:1", "run:1:x", "run:2"] {
      try await place.done("kv", "put", namespace, "key", "1")
    }
    for arguments in [["clear", "run:1"], ["delete", "run:1", "key"]] {
      let refused = try await Tool.run(
        .holdfast, ["kv"] + arguments, environment: ["HOLDFAST_STORE": place.store])
      #expect(refused.code == 64)
      #expect(refused.errors.contains("--yes"))
    }
    try await place.done("kv", "clear", "run:1", "--yes")
    #expect(try await place.done("kv", "namespaces") == "run:1:x\nrun:2\n")
    try await place.done("kv", "clear", "run:1", "--below", "--yes")
    #expect(try await place.done("kv", "namespaces", "--count") == "run:2\t1\n")
  }

  /// Goal: any key can be named, and none can write to the terminal.
  ///
  /// Method: keys that URLs and shells trip over are put, got, counted up and listed; what is not
  /// printable is escaped in the list.
  @Test(arguments: [
    ".", "..", "a/b", "a//b/", "100%", "a+b c", "%2F", "ключ", "tab\tkey", "\u{9B}31m",
  ])
  func `any key goes through`(key: String) async throws {
    let place = try await Place()
    try await place.done("kv", "put", "run:1", key, "1")
    #expect(try await place.done("kv", "get", "run:1", key) == "1\n")
    #expect(try await place.done("kv", "increment", "run:1", key) == "2\n")
    try await place.done("kv", "expire", "run:1", key, "1h")
    let listed = try await place.done("kv", "list", "run:1")
    #expect(listed.split(separator: "\t").count >= 3)
    #expect(!listed.unicodeScalars.contains("\u{9B}"))
    try await place.done("kv", "delete", "run:1", key, "--yes")
    #expect(try await place.done("kv", "count", "run:1") == "0\n")
  }
}
