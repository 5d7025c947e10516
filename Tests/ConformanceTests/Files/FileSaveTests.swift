@testable import Holdfast
import HoldfastEngine
import HoldfastTesting
import Testing

@Suite(.timeLimit(.minutes(5))) struct FileSaveTests {
  /// Goal: a new name is version 1, saving again is one more, and the old ones stay.
  ///
  /// Method: three versions of a file, each read back by its number.
  @Test(arguments: Engines.available)
  func `saving again makes one version more`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let files = test.store.files(.run("42"))
      let first = try await files.save("a.txt", Array("one".utf8), mediaType: "text/plain")
      #expect(first.number == 1 && first.versions == 1 && first.size == 3 && !first.isIndexed)
      #expect(first.mediaType == "text/plain")
      #expect(first.digest == "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed")
      time.advance(by: .seconds(1))
      let second = try await files.save("a.txt", Array("two".utf8))
      #expect(second.number == 2 && second.versions == 2 && second.mediaType == "text/plain")
      #expect(second.createdAt == first.createdAt && second.updatedAt > first.updatedAt)
      #expect(second.version > first.version)
      try await files.save("a.txt", [], mediaType: "application/json")
      #expect(try await files.get("a.txt")?.number == 3)
      #expect(try await files.read("a.txt").isEmpty)
      #expect(try await files.read("a.txt", number: 1) == Array("one".utf8))
      #expect(try await files.read("a.txt", number: 2) == Array("two".utf8))
      let old = try await files.get("a.txt", number: 1)
      #expect(old?.mediaType == "text/plain" && old?.digest == first.digest)
      #expect(try await files.get("a.txt", number: 4) == nil)
      #expect(try await files.get("b.txt") == nil)
      #expect(try await test.store.files().get("a.txt") == nil)
      let unknown = try await test.store.files().save("x", [1])
      #expect(unknown.mediaType == "application/octet-stream")
    }
  }

  /// Goal: a save whose content is not all there any more keeps nothing, and neither does the
  /// transaction, whatever its body does with the error.
  ///
  /// Method: content is written ahead and a part of it removed; a body swallows the refusal.
  @Test(arguments: Engines.available)
  func `a save without all its content keeps nothing`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let store = test.store
      let content = (0..<20).flatMap { [UInt8](repeating: $0, count: 131_072) }
      let manifest = try await store.files().stage(Slices(bytes: content))
      _ = try await store.engine.write(
        WriteOptions(),
        [
          Step(Statement("DELETE FROM chunks WHERE digest IN (SELECT digest FROM chunks LIMIT 1)")),
          Step(Statement("DELETE FROM orphan_chunks")),
          Step(Statement("INSERT INTO orphan_chunks SELECT digest, holdfast_now() FROM chunks")),
        ])
      let events = try await store.changes.made {
        await expectRefusal(.unavailable) {
          try await store.transaction { tx in
            try tx.kv(.global).put("before", 1)
            let swallowed = #expect(throws: StoreError.self) {
              try tx.files().save("a", manifest, mediaType: nil, mustExist: false)
            }
            #expect(swallowed?.code == .unavailable)
          }
        }
      }
      #expect(events.isEmpty)
      #expect(try await store.rows(of: "file_versions") == 0)
      #expect(try await store.rows(of: "file_chunks") == 0)
    }
  }

  /// Goal: `mustExist` is for files that are there.
  ///
  /// Method: a missing one, one that is there, and a deleted one.
  @Test(arguments: Engines.available)
  func `a file that must exist and does not is not found`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let files = test.store.files()
      await expectRefusal(.notFound) { try await files.save("a", [1], mustExist: true) }
      try await files.save("a", [1])
      #expect(try await files.save("a", [2], mustExist: true).number == 2)
      try await files.delete("a")
      await expectRefusal(.notFound) { try await files.save("a", [3], mustExist: true) }
      #expect(try await test.store.number("SELECT COUNT(*) FROM files WHERE name = 'a'") == 0)
    }
  }

  /// Goal: a name is one segment of a path on every system.
  ///
  /// Method: each kind of bad name with its reason, by every operation that takes one; then odd
  /// names that are fine.
  @Test(arguments: Engines.available)
  func `odd names are fine and paths are not`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let files = test.store.files(.bot("7"))
      try await files.save("there", [1])
      let bad = [
        ("", "empty"), (".", "dots"), ("..", "dots"), ("a/b", "slash"), ("../x", "slash"),
        ("a\\b", "slash"), ("a\u{0}", "nul"), (String(repeating: "é", count: 128), "too_long"),
      ]
      for (name, reason) in bad {
        await expectRefusal(.invalid, reason: reason) { try await files.save(name, [1]) }
        await expectRefusal(.invalid, reason: reason) { try await files.get(name) }
        await expectRefusal(.invalid, reason: reason) { try await files.read(name) }
        await expectRefusal(.invalid, reason: reason) { try await files.delete(name) }
        await expectRefusal(.invalid, reason: reason) { try await files.versions(of: name) }
        await expectRefusal(.invalid, reason: reason) { try await files.restore(name, number: 1) }
        await expectRefusal(.invalid, reason: reason) { try await files.rename("there", to: name) }
      }
      let good = [
        "foo..bar", "...", " ", "a b", "%2e%2e", "é", "e\u{301}", "😀", "-", "x\n",
        String(repeating: "x", count: 255), "'; DROP TABLE files; --",
      ]
      for (place, name) in good.enumerated() {
        try await files.save(name, [UInt8(place)])
      }
      for (place, name) in good.enumerated() {
        #expect(try await files.read(name) == [UInt8(place)], "\(name)")
      }
      await expectRefusal(.invalid) { try await files.save("m", [], mediaType: "text/\nplain") }
      await expectRefusal(.invalid) { try await files.save("m", [], mediaType: "") }
    }
  }

  /// Goal: files lie in global, of a run or of a bot, and nowhere else.
  ///
  /// Method: other namespaces, by a write and a read.
  @Test(arguments: Engines.available)
  func `files lie with nobody, a run or a bot`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      for text in ["users:u1", "run:1:sub", "bot:1:a:b", "run", "bot", "global:x"] {
        let files = test.store.files(try Namespace(text))
        await expectRefusal(.invalid, reason: "place") { try await files.save("a", [1]) }
        await expectRefusal(.invalid, reason: "place") { try await files.list() }
      }
      let run = try Namespace("run:4\\:2")
      try await test.store.files(run).save("a", [1])
      #expect(try await test.store.files(.run("4:2")).read("a") == [1])
    }
  }

  /// Goal: content streams in, whatever the lengths of its pieces, and is the same when it comes
  /// back.
  ///
  /// Method: lengths around those of chunks and of what is written ahead, in pieces of odd lengths.
  @Test(
    arguments: Engines.available,
    [0, 1, 131_071, 131_072, 131_073, 1_048_576, 1_179_648, 1_179_649, 2_500_001])
  func `content streams in and comes back`(on engine: TestEngine, length: Int) async throws {
    try await withStore(on: engine) { test in
      let files = test.store.files()
      let content = bytes(length)
      for piece in [9_973, 400_000] {
        let saved = try await files.save("a", contentsOf: Pieces(content: content, length: piece))
        #expect(saved.size == length)
        #expect(try await files.read("a") == content)
        var read: [UInt8] = []
        for try await piece in try await files.content("a") {
          #expect(piece.count <= 131_072)
          read += piece
        }
        #expect(read == content)
      }
      let rows = try await test.store.number("SELECT COUNT(*) FROM chunks")
      #expect(Int(rows) == (length + 131_071) / 131_072)
      #expect(try await test.store.number("SELECT COUNT(*) FROM orphan_chunks") == 0)
    }
  }

  /// Goal: a stream that breaks off leaves no version, and what it wrote ahead goes.
  ///
  /// Method: streams that throw before and after chunks were written ahead; the own error comes
  /// out; a day later nothing is left.
  @Test(arguments: Engines.available)
  func `a stream that breaks off leaves nothing`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let files = test.store.files()
      try await files.save("kept", [1])
      for end in [0, 100_000, 3_000_000] {
        await #expect(throws: OwnError.self) {
          try await files.save(
            "a", contentsOf: Pieces(content: bytes(4_000_000), breaksAt: end))
        }
        await #expect(throws: OwnError.self) {
          try await files.save(
            "kept", contentsOf: Pieces(content: bytes(4_000_000), breaksAt: end))
        }
      }
      #expect(try await files.get("a") == nil)
      #expect(try await files.get("kept")?.number == 1)
      #expect(try await test.store.number("SELECT COUNT(*) FROM file_versions") == 1)
      #expect(try await test.store.number("SELECT COUNT(*) FROM chunks") > 1)
      time.advance(by: .seconds(86_399))
      try await test.store.sweepFiles()
      #expect(try await test.store.number("SELECT COUNT(*) FROM chunks") > 1)
      time.advance(by: .seconds(1))
      try await test.store.sweepFiles()
      #expect(try await test.store.number("SELECT COUNT(*) FROM chunks") == 1)
      #expect(try await test.store.number("SELECT COUNT(*) FROM orphan_chunks") == 0)
    }
  }

  /// Goal: 52 428 800 bytes pass, and one more does not.
  ///
  /// Method: both, as bytes and as a stream.
  @Test(arguments: Engines.available)
  func `a file of fifty MiB passes and one byte more does not`(
    on engine: TestEngine
  ) async throws {
    try await withStore(on: engine) { test in
      let files = test.store.files()
      #expect(Limits().fileBytesMax == 52_428_800)
      let content = Self.distinctChunks(52_428_800)
      let longer = content + [1]
      await expectRefusal(.tooLarge) { try await files.save("a", longer) }
      await expectRefusal(.tooLarge) {
        try await files.save("a", contentsOf: Pieces(content: longer, length: 1 << 20))
      }
      #expect(try await files.get("a") == nil)
      let saved = try await files.save("a", content)
      #expect(saved.size == 52_428_800)
      #expect(try await files.read("a") == content)
    }
  }

  /// Content of which no two chunks are the same, made faster than at random.
  private static func distinctChunks(_ count: Int) -> [UInt8] {
    var content = [UInt8](repeating: 7, count: count)
    for place in stride(from: 0, to: count - 1, by: 131_072) {
      content[place] = UInt8(truncatingIfNeeded: place / 131_072)
      content[place + 1] = UInt8((place / 131_072) >> 8)
    }
    return content
  }

  /// Goal: a repeated save gives its first answer, and another content with the same key does not.
  ///
  /// Method: the same key three times.
  @Test(arguments: Engines.available)
  func `a save with a key happens once`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let files = test.store.files()
      let content = bytes(2_000_000)
      let first = try await files.save("a", content, with: .idempotent("k"))
      let again = try await files.save(
        "a", contentsOf: Pieces(content: content), with: .idempotent("k"))
      #expect(again == first)
      await expectRefusal(.conflict) {
        try await files.save("a", bytes(2_000_000, seed: 2), with: .idempotent("k"))
      }
      #expect(try await files.get("a")?.number == 1)
    }
  }

  /// Goal: a file is saved with other writes, all or nothing.
  ///
  /// Method: a transaction that puts a key and saves a file and one that throws after both.
  @Test(arguments: Engines.available)
  func `a file is saved in one transaction with other writes`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let store = test.store
      let content = bytes(300_000)
      try await store.transaction { tx in
        try tx.kv(.run("1")).put("k", 1)
        try tx.files(.run("1")).save("a", content)
        #expect(try tx.files(.run("1")).read("a") == content)
      }
      await #expect(throws: OwnError.self) {
        try await store.transaction { tx in
          try tx.kv(.run("1")).put("k", 2)
          try tx.files(.run("1")).save("a", [1])
          try tx.files(.run("1")).save("b", bytes(500_000, seed: 9))
          throw OwnError(number: 1)
        }
      }
      #expect(try await store.kv(.run("1")).get("k") == 1)
      #expect(try await store.files(.run("1")).list().items.map(\.number) == [1])
      #expect(try await store.files(.run("1")).read("a") == content)
      #expect(try await store.number("SELECT COUNT(*) FROM chunks") == 3)
    }
  }

  /// Goal: what may not be written under a run may not be written as a file either.
  ///
  /// Method: every write under an archived and a deleted run; the archived one stays readable.
  @Test(arguments: Engines.available)
  func `an archived run takes no files and stays readable`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let store = test.store
      let files = store.files(.run("1"))
      try await store.runs.begin("1")
      try await files.save("a", [1])
      try await store.runs.apply(.archive, to: "1")
      await expectRefusal(.invalidState) { try await files.save("a", [2]) }
      await expectRefusal(.invalidState) { try await files.restore("a", number: 1) }
      await expectRefusal(.invalidState) { try await files.rename("a", to: "b") }
      await expectRefusal(.invalidState) { try await files.setIndexed("a") }
      await expectRefusal(.invalidState) { try await files.keepVersions(1, of: "a") }
      await expectRefusal(.invalidState) { try await files.delete("a") }
      #expect(try await files.read("a") == [1])
      try await store.runs.delete("1")
      #expect(try await files.get("a") == nil)
      await expectRefusal(.invalidState) { try await files.save("a", [2]) }
    }
  }

  /// Goal: a save whose answer was lost gives that answer, whatever has become of its run.
  @Test(arguments: Engines.available)
  func `a repeated save gives its first answer`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let files = test.store.files(.run("1"))
      try await test.store.runs.begin("1")
      let first = try await files.save("a", [1], with: .idempotent("k"))
      try await test.store.runs.apply(.archive, to: "1")
      #expect(try await files.save("a", [1], with: .idempotent("k")) == first)
      await expectRefusal(.invalidState) {
        try await files.save("a", [1], with: .idempotent("other"))
      }
    }
  }
}
