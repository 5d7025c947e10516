import Foundation
import HoldfastTesting
import Testing

/// The verbs of files.
@Suite(.timeLimit(.minutes(5))) struct FileVerbs {
  /// Goal: a file goes through its verbs, locally and through a server alike.
  ///
  /// Method: put from a file and from standard input, look at it in every way, and delete it.
  @Test(arguments: Engines.available, [false, true])
  func `a file goes through its verbs`(on engine: TestEngine, isRemote: Bool) async throws {
    let place = try await Place(engine)
    let server = isRemote ? try await place.serve() : nil
    let way = server?.environment ?? [:]
    let source = try place.file("source.txt", "one\ntwo\n")
    let saved = try await place.done(
      "file", "put", "run:1", "a.txt", source, "--media-type", "text/plain", environment: way)
    #expect(saved.contains("number\t1\n") && saved.contains("size\t8\n"))
    let again = try await place.done(
      "file", "put", "run:1", "a.txt", input: "one\n2\n", environment: way)
    #expect(again.contains("number\t2\n") && again.contains("media_type\ttext/plain\n"))
    #expect(try await place.done("file", "get", "run:1", "a.txt", environment: way) == "one\n2\n")
    let output = place.folder + "/output.txt"
    try await place.done(
      "file", "get", "run:1", "a.txt", "--number", "1", "--output", output, environment: way)
    #expect(try String(contentsOfFile: output, encoding: .utf8) == "one\ntwo\n")
    let diff = try await place.done("file", "diff", "run:1", "a.txt", environment: way)
    #expect(diff.hasSuffix("@@ -1,2 +1,2 @@\n one\n-two\n+2\n"))
    let versions = try await place.done("file", "versions", "run:1", "a.txt", environment: way)
    #expect(versions.split(separator: "\n").map { $0.prefix(1) } == ["2", "1"])
    let restored = try await place.done(
      "file", "restore", "run:1", "a.txt", "1", environment: way)
    #expect(restored.contains("number\t3\n"))
    try await place.done("file", "rename", "run:1", "a.txt", "b.txt", environment: way)
    let listed = try await place.done("file", "list", "run:1", environment: way)
    #expect(listed.hasPrefix("b.txt\t8\t3\ttext/plain\t"))
    try await place.done("file", "set-indexed", "run:1", "b.txt", environment: way)
    let known = try await place.done("file", "metadata", "run:1", "b.txt", environment: way)
    #expect(known.contains("indexed\ttrue\n") && known.contains("number\t3\n"))
    try await place.done("file", "set-indexed", "run:1", "b.txt", "--off", environment: way)
    #expect(
      try await place.done("file", "metadata", "run:1", "b.txt", environment: way)
        .contains("indexed\tfalse\n"))
    try await place.done(
      "file", "trim", "run:1", "b.txt", "--keep", "1", "--yes", environment: way)
    let left = try await place.done("file", "versions", "run:1", "b.txt", environment: way)
    #expect(left.split(separator: "\n").count == 1)
    try await place.done("file", "delete", "run:1", "b.txt", "--yes", environment: way)
    let codes: [(Int32, [String])] = [
      (66, ["get", "run:1", "b.txt"]), (66, ["delete", "run:1", "b.txt", "--yes"]),
      (66, ["put", "run:1", "b.txt", source, "--must-exist"]), (66, ["diff", "run:1", "b.txt"]),
      (66, ["put", "run:1", "x", place.folder + "/none"]), (64, ["put", "run:1", "..", source]),
      (64, ["put", "users:1", "x", source]), (64, ["delete", "run:1", "b.txt"]),
    ]
    for (code, arguments) in codes {
      let outcome = try await run(place, ["file"] + arguments, way)
      #expect(outcome.code == code, "\(arguments): \(outcome.errors)")
      #expect(outcome.output.isEmpty)
    }
    #expect(try await place.done("file", "list", "run:1", environment: way).isEmpty)
  }

  /// Goal: a file of 50 MiB goes in and comes back the same, and the server's memory grows by less
  /// than 8 MiB.
  ///
  /// Method: after a small one each way, the most memory that the server's process ever had is
  /// measured anew for each direction. Under the thread sanitizer a process keeps a multiple of
  /// what it uses.
  @Test(
    .disabled(if: ProcessInfo.processInfo.environment["TSAN_OPTIONS"] != nil),
    arguments: Engines.available)
  func `fifty MiB go both ways in little memory`(on engine: TestEngine) async throws {
    let place = try await Place(engine)
    let server = try await place.serve()
    let way = server.environment
    let small = place.folder + "/small"
    try Self.content(3 << 20, seed: 1).write(to: URL(filePath: small))
    let large = place.folder + "/large"
    let content = Self.content(52_428_800, seed: 2)
    try content.write(to: URL(filePath: large))
    try await place.done("file", "put", "global", "small", small, environment: way)
    try await place.done(
      "file", "get", "global", "small", "--output", small, environment: way)
    for direction in ["put", "get"] {
      try server.tool.forgetPeak()
      let before = server.tool.memory.now
      let output = direction == "get" ? ["--output", large + ".back"] : [large]
      let outcome = try await run(
        place, ["file", direction, "global", "large"] + output, way)
      #expect(outcome.code == 0, "\(outcome.errors)")
      let grown = server.tool.memory.peak - before
      print("\(engine.rawValue), \(direction): \(before >> 20) MiB, grown by \(grown >> 10) KiB")
      #expect(grown < 8 << 20, "\(direction)")
    }
    #expect(try Data(contentsOf: URL(filePath: large + ".back")) == content)
    let over = large + ".over"
    try (content + Data([1])).write(to: URL(filePath: over))
    let refused = try await run(place, ["file", "put", "global", "over", over], way)
    #expect(refused.code == 65)
    #expect(
      try await run(place, ["file", "get", "global", "over"], way).code == 66)
  }

  private func run(
    _ place: Place, _ arguments: [String], _ environment: [String: String]
  ) async throws -> Tool.Outcome {
    try await Tool.run(
      .holdfast, arguments,
      environment: ["HOLDFAST_STORE": place.store].merging(environment) { $1 },
      folder: place.folder)
  }

  private static func content(_ count: Int, seed: UInt64) -> Data {
    var generator = SeededGenerator(seed: seed)
    var content = Data(capacity: count)
    while content.count < count {
      withUnsafeBytes(of: generator.next()) { content.append(contentsOf: $0) }
    }
    return content.prefix(count)
  }
}
