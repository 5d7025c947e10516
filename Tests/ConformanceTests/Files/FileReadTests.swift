import Holdfast
import HoldfastEngine
import HoldfastTesting
import Testing

@Suite(.timeLimit(.minutes(5))) struct FileReadTests {
  /// Goal: a range gives exactly its bytes.
  ///
  /// Method: ranges around the edges of chunks and of the file, whole and as a stream.
  @Test(arguments: Engines.available)
  func `a range gives exactly its bytes`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let files = test.store.files()
      let content = bytes(400_000)
      try await files.save("a", content)
      let all = try await files.content("a")
      for range in [
        0..<0, 0..<1, 0..<400_000, 131_071..<131_073, 131_072..<262_144, 131_072..<131_073,
        399_999..<400_000, 399_999..<900_000, 400_000..<400_001, 5..<393_217,
      ] {
        let expected = Array(content[range.clamped(to: 0..<400_000)])
        #expect(try await files.read("a", range: range) == expected, "\(range)")
        var streamed: [UInt8] = []
        for try await piece in try await files.content("a", range: range) { streamed += piece }
        #expect(streamed == expected, "\(range)")
        var part: [UInt8] = []
        for try await piece in all.part(range) { part += piece }
        #expect(part == expected, "\(range)")
      }
      await expectRefusal(.invalid, reason: "out_of_range") {
        try await files.read("a", range: 400_001..<400_002)
      }
      await expectRefusal(.invalid) { try await files.read("a", range: -1..<2) }
      try await files.save("empty", [])
      #expect(try await files.read("empty", range: 0..<10).isEmpty)
      await expectRefusal(.notFound) { try await files.read("b") }
      await expectRefusal(.notFound) { try await files.content("a", number: 9) }
    }
  }

  /// Goal: content that somebody changed behind the store's back is never given as what was saved.
  ///
  /// Method: a chunk is edited, replaced whole with another's, removed, and the list of chunks
  /// shortened; reads say `corrupt`, whole and in part, and verify names each.
  @Test(arguments: Engines.available)
  func `a chunk edited behind the store's back is corrupt`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let (store, files) = (test.store, test.store.files())
      let content = bytes(300_000)
      try await files.save("a", content)
      let last = Array(content[262_144...])
      func isCorrupt(_ range: Range<Int>? = nil) async {
        await expectRefusal(.corrupt) { try await files.read("a", range: range) }
        await expectRefusal(.corrupt) {
          for try await _ in try await files.content("a", range: range) {}
        }
      }
      var edited = last
      edited[10] ^= 1
      let size = Int64(last.count)
      let edit = "UPDATE chunks SET content = $1 WHERE size = $2"
      try await store.tamper(edit, [.blob(edited), .integer(size)])
      await isCorrupt()
      await isCorrupt(299_999..<300_000)
      #expect(try await files.read("a", range: 0..<1_000) == Array(content[..<1_000]))
      #expect(try await store.verify().problems.count == 2)
      try await store.tamper(edit, [.blob(last), .integer(size)])
      #expect(try await store.verify().isValid)
      try await reverseChunks(store)
      await isCorrupt()
      #expect(try await store.verify().problems.count == 1)
      try await reverseChunks(store)
      try await store.tamper("DELETE FROM chunks WHERE size = $1", [.integer(size)])
      await isCorrupt()
      #expect(try await !store.verify().isValid)
      try await files.save("b", content)
      #expect(try await files.read("a") == content)
      try await store.tamper("DELETE FROM file_chunks WHERE position = 2")
      await isCorrupt()
      try await store.tamper("DELETE FROM file_chunks")
      try await store.tamper("DELETE FROM chunks")
      try await store.tamper("DELETE FROM file_versions")
      try await store.tamper("DELETE FROM files")
    }
  }

  /// Turns the order of a version's three chunks round, never two at one position.
  private func reverseChunks(_ store: Store) async throws {
    try await store.tamper("UPDATE file_chunks SET position = 12 - position")
    try await store.tamper("UPDATE file_chunks SET position = position - 10")
  }

  /// Goal: a stream that was begun is read to its end, whatever becomes of the file.
  ///
  /// Method: the file is deleted, swept and replaced after the first piece.
  @Test(arguments: Engines.available)
  func `a deleted file is read to its end by who began`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let files = test.store.files()
      let content = bytes(600_000)
      try await files.save("a", content)
      var iterator = try await files.content("a").makeAsyncIterator()
      var read = try await iterator.next() ?? []
      try await files.delete("a")
      try await test.store.sweepFiles()
      try await files.save("a", [1])
      while let piece = try await iterator.next() { read += piece }
      #expect(read == content)
    }
  }

  /// Goal: files are listed by name, and versions from the newest, in pages that miss none.
  ///
  /// Method: pages of two, and bad cursors and limits.
  @Test(arguments: Engines.available)
  func `files are listed by name and versions from the newest`(
    on engine: TestEngine
  ) async throws {
    try await withStore(on: engine) { test in
      let files = test.store.files(.run("1"))
      for name in ["b", "a", "é", "B", "a.txt"] { try await files.save(name, Array(name.utf8)) }
      try await test.store.files(.run("2")).save("c", [1])
      var names: [String] = []
      var after: String?
      repeat {
        let page = try await files.list(after: after, limit: 2)
        names += page.items.map(\.name)
        after = page.next
      } while after != nil
      #expect(names == ["B", "a", "a.txt", "b", "é"])
      for number in 2...5 { try await files.save("a", [UInt8(number)]) }
      var numbers: [Int64] = []
      repeat {
        let page = try await files.versions(of: "a", after: after, limit: 2)
        numbers += page.items.map(\.number)
        after = page.next
      } while after != nil
      #expect(numbers == [5, 4, 3, 2, 1])
      await expectRefusal(.notFound) { try await files.versions(of: "none") }
      await expectRefusal(.invalid) { try await files.versions(of: "a", after: "x") }
      await expectRefusal(.invalid) { try await files.versions(of: "a", limit: 0) }
      await expectRefusal(.invalid) { try await files.list(limit: 1_001) }
      #expect(try await test.store.files(.bot("none")).list().items.isEmpty)
    }
  }
}
