import Foundation
import HoldfastTesting
import Testing

/// The verbs that open a store themselves, and what all verbs have in common.
@Suite(.timeLimit(.minutes(5))) struct StoreVerbs {
  /// Goal: migrating can be looked at before, and is done once.
  ///
  /// Method: a dry run on nothing names the first migration and makes no file; the real run names
  /// the same ones; the next has nothing to do.
  @Test func `a migration can be tried dry`() async throws {
    let place = try await Place()
    let planned = try await place.done("migrate", "--dry-run")
    #expect(planned.hasPrefix("1\t"))
    #expect(!FileManager.default.fileExists(atPath: place.store))
    #expect(try await place.done("migrate") == planned)
    #expect(try await place.done("migrate", "--dry-run").isEmpty)
    #expect(try await place.done("migrate", "--json") == "{\"applied\":[]}\n")
  }

  /// Goal: verify finds damage, and says nothing of a sound store.
  ///
  /// Method: a sound store is valid on both engines; a page in the middle of a file is overwritten,
  /// and verify exits 74.
  @Test(arguments: Engines.available)
  func `verify tells a sound store from a damaged one`(on engine: TestEngine) async throws {
    let place = try await Place(engine)
    for key in ["a", "b", "c"] {
      let value = String(repeating: key, count: 20_000)
      try await place.done("kv", "put", "run:1", key, value)
    }
    #expect(try await place.done("verify") == "valid\n")
    #expect(try await place.done("verify", "--json") == #"{"valid":true,"problems":[]}"# + "\n")
    guard engine == .sqlite else { return }
    let handle = try FileHandle(forWritingTo: URL(filePath: place.store))
    let size = try handle.seekToEnd()
    for offset in stride(from: size / 2, to: size, by: 4_096) {
      try handle.seek(toOffset: offset)
      try handle.write(contentsOf: Data(repeating: 0xAA, count: 512))
    }
    try handle.close()
    let outcome = try await place.holdfast("verify")
    #expect(outcome.code == 74)
    // One that cannot be opened any more is told in the same words.
    try FileHandle(forWritingTo: URL(filePath: place.store)).truncate(atOffset: 2_000)
    let cut = try await place.holdfast("verify", "--json")
    #expect(cut.code == 74 && cut.errors.isEmpty)
    #expect(cut.output.hasPrefix(#"{"valid":false,"problems":["#) && cut.output.hasSuffix("]}\n"))
    #expect(try await place.holdfast("verify").output.hasPrefix("invalid\n"))
  }

  /// Goal: how a store is can be asked of a file and of a server.
  @Test func `health tells how a store is`() async throws {
    let place = try await Place()
    try await place.done("kv", "put", "run:1", "a", "1")
    #expect(try await place.done("health").contains("status\tok\n"))
    let server = try await place.serve()
    let told = try await place.done("health", "--json", environment: server.environment)
    #expect(try await server.get("/v1/health").contains(#""kv":1"#) && told.contains(#""kv":1"#))
  }

  /// Goal: who looks a store through sees how far it has come.
  ///
  /// Method: in a pipe every step is a plain line, numbered through to the last; on a terminal a
  /// bar grows in one line, which is empty again at the end; `--json` says nothing of it.
  @Test func `verify tells how far it has come`() async throws {
    let place = try await Place()
    try await place.done("kv", "put", "run:1", "key", "1")
    let plain = try await place.holdfast("verify")
    let lines = plain.errors.split(separator: "\n").dropFirst()
    let count = lines.count
    #expect(count > 2)
    for (number, line) in zip(1..., lines) { #expect(line.hasPrefix("\(number) of \(count): ")) }
    let bar = try await place.holdfast("verify", streams: .terminal(columns: 60))
    let steps = bar.output.split(separator: "\r").filter { $0.contains(" of \(count)") }
    #expect(steps.count == count)
    let lengths = steps.map { step in step.count { $0 == "█" } }
    #expect(lengths == lengths.sorted() && lengths.first == 0 && lengths.last ?? 0 > 0)
    #expect(bar.output.contains("\u{1B}[K\u{1B}[32mvalid"))
    #expect(try await place.holdfast("verify", "--json").errors.isEmpty)
  }

  /// Goal: reading makes nothing, and writing only what was asked for.
  ///
  /// Method: reading verbs on a missing file exit 66 and leave none; so does verify; writing into a
  /// missing folder is refused; the default store gets its folder.
  @Test func `reading makes no file`() async throws {
    let place = try await Place()
    let reads = [
      ["kv", "get", "run:1", "a"], ["kv", "list", "run:1"], ["kv", "namespaces"],
      ["kv", "watch", "run:1"], ["run", "list"], ["bot", "list"], ["token", "list"], ["verify"],
      ["kv", "delete", "run:1", "a", "--yes"],
    ]
    for arguments in reads {
      let outcome = try await Tool.run(
        .holdfast, arguments, environment: ["HOLDFAST_STORE": place.store], folder: place.folder)
      #expect(outcome.code == 66, "\(arguments)")
      #expect(outcome.output.isEmpty)
    }
    #expect(!FileManager.default.fileExists(atPath: place.store))
    let lost = try await place.holdfast(
      "kv", "put", "run:1", "a", "1", "--store", place.folder + "/nowhere/store.db")
    #expect(lost.code == 66)
    let put = try await Tool.run(.holdfast, ["kv", "put", "run:1", "a", "1"], folder: place.folder)
    #expect(put.code == 0)
    #expect(FileManager.default.fileExists(atPath: place.folder + "/holdfast-data/holdfast.db"))
  }

  /// Goal: who needs help gets it.
  ///
  /// Method: every verb has a --help with an example; what is no verb exits 64 and prints nothing.
  @Test func `every verb has help with an example`() async throws {
    let nouns = [
      "kv": [
        "get", "put", "delete", "list", "count", "increment", "expire", "persist", "clear", "watch",
        "namespaces",
      ],
      "run": [
        "begin", "get", "list", "update", "complete", "fail", "cancel", "pause", "resume",
        "archive", "delete",
      ],
      "bot": ["create", "get", "list", "update", "delete"],
      "token": ["create", "list", "revoke"],
    ]
    var all = [[], ["serve"], ["health"], ["migrate"], ["verify"], ["version"]]
    for (noun, verbs) in nouns { all += [[noun]] + verbs.map { [noun, $0] } }
    for words in all {
      let outcome = try await Tool.run(.holdfast, words + ["--help"])
      #expect(outcome.code == 0)
      let example = "EXAMPLE\n  " + (["holdfast"] + words).joined(separator: " ")
      #expect(outcome.output.contains(example), "\(words)")
    }
    #expect(try await Tool.run(.holdfast, ["version"]).output.hasPrefix("holdfast "))
    for wrong in [
      ["nonsense"], ["kv", "frobnicate"], ["kv", "get"], ["kv", "get", "a", "b", "c"],
    ] {
      let outcome = try await Tool.run(.holdfast, wrong)
      #expect(outcome.code == 64)
      #expect(outcome.output.isEmpty)
    }
  }

  /// Goal: at a terminal a person sees a table and is asked; no stored text reaches the terminal
  /// raw.
  ///
  /// Method: a list on a terminal of forty columns has headings and lines that fit; a key with
  /// escape sequences comes out escaped; NO_COLOR takes the colour away; a clear is done only after
  /// a y.
  @Test func `a terminal gets a table and questions`() async throws {
    let place = try await Place()
    try await place.done("kv", "put", "run:1", "evil\u{1B}]0;title\u{7}", "1")
    try await place.done("kv", "put", "run:1", "plain", "2")
    let terminal = Tool.Streams.terminal(columns: 40)
    let coloured = try await place.holdfast("kv", "list", "run:1", streams: terminal)
    #expect(coloured.output.contains("KEY"))
    #expect(coloured.output.contains("\u{1B}[2m"))
    #expect(!coloured.output.contains("\u{1B}]0;"))
    let plain = try await place.holdfast(
      "kv", "list", "run:1", environment: ["NO_COLOR": "1"], streams: terminal)
    #expect(!plain.output.contains("\u{1B}"))
    #expect(plain.output.contains(#"evil\u{1B}"#))
    #expect(plain.output.split(separator: "\r\n").allSatisfy { $0.count <= 40 })
    for (answer, left) in [("n\n", "2\n"), ("y\n", "0\n")] {
      let asked = try Tool(
        .holdfast, ["kv", "clear", "run:1"], environment: ["HOLDFAST_STORE": place.store],
        folder: place.folder, streams: terminal)
      #expect(await asked.writes("[y/N]"))
      asked.type(answer)
      #expect(await asked.finish().code == (answer == "y\n" ? 0 : 1))
      #expect(try await place.done("kv", "count", "run:1") == left)
    }
  }
}
