import Holdfast
import HoldfastEngine
import HoldfastTesting
import Testing

@Suite(.timeLimit(.minutes(5))) struct FileVersionTests {
  /// Goal: restoring makes a new version with the old content, and stores none of it again.
  ///
  /// Method: restore the first of two versions; the flag goes with the old version.
  @Test(arguments: Engines.available)
  func `restoring makes a new version`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let files = test.store.files()
      let content = bytes(300_000)
      let first = try await files.save("a", content, mediaType: "image/png")
      try await files.save("a", [1], mediaType: "text/plain")
      #expect(try await files.setIndexed("a").isIndexed)
      let chunks = try await test.store.number("SELECT COUNT(*) FROM chunks")
      let restored = try await files.restore("a", number: 1)
      #expect(restored.number == 3 && restored.digest == first.digest && !restored.isIndexed)
      #expect(restored.mediaType == "image/png")
      #expect(try await files.read("a") == content)
      #expect(try await test.store.number("SELECT COUNT(*) FROM chunks") == chunks)
      await expectRefusal(.notFound) { try await files.restore("a", number: 9) }
      await expectRefusal(.notFound) { try await files.restore("b", number: 1) }
    }
  }

  /// Goal: the flag is set and taken away, and a new version has none.
  ///
  /// Method: set, set again, save, take away; setting what is set changes nothing.
  @Test(arguments: Engines.available)
  func `a new version is not indexed`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let files = test.store.files()
      try await files.save("a", [1])
      let set = try await files.setIndexed("a")
      #expect(try await files.setIndexed("a") == set)
      #expect(try await files.get("a")?.isIndexed == true)
      #expect(try await !files.save("a", [2]).isIndexed)
      try await files.setIndexed("a")
      #expect(try await !files.setIndexed("a", false).isIndexed)
      await expectRefusal(.notFound) { try await files.setIndexed("b") }
    }
  }

  /// Goal: deleting takes all versions, and numbers go on after it.
  ///
  /// Method: delete and save again, with and without a sweep in between.
  @Test(arguments: Engines.available)
  func `numbers go on after a delete`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let files = test.store.files(.bot("1"))
      try await files.save("a", [1])
      try await files.save("a", [2])
      #expect(try await files.delete("a"))
      #expect(try await !files.delete("a"))
      #expect(try await files.get("a") == nil)
      #expect(try await files.get("a", number: 1) == nil)
      await expectRefusal(.notFound) { try await files.read("a", number: 1) }
      let again = try await files.save("a", [3])
      #expect(again.number == 3 && again.versions == 1)
      await expectRefusal(.notFound) { try await files.read("a", number: 2) }
      try await files.delete("a")
      try await test.store.sweepFiles()
      #expect(try await test.store.number("SELECT COUNT(*) FROM files") == 0)
      #expect(try await files.save("a", [4]).number == 4)
      try await test.store.bots.delete("1")
      #expect(try await files.save("a", [5]).number == 5)
    }
  }

  /// Goal: a file gets another name with all its versions, unless that name is taken.
  ///
  /// Method: rename to a free, a taken, the same and a once deleted name.
  @Test(arguments: Engines.available)
  func `a file gets a name that is free`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let files = test.store.files()
      try await files.save("a", [1])
      try await files.save("a", [2])
      for _ in 0..<5 { try await files.save("old", [9]) }
      await expectRefusal(.conflict) { try await files.rename("a", to: "old") }
      await expectRefusal(.notFound) { try await files.rename("none", to: "x") }
      #expect(try await files.rename("a", to: "a").number == 2)
      try await files.delete("old")
      let renamed = try await files.rename("a", to: "old")
      #expect(renamed.name == "old" && renamed.number == 2 && renamed.versions == 2)
      #expect(try await files.get("a") == nil)
      #expect(try await files.read("old", number: 1) == [1])
      #expect(try await files.save("old", [3]).number == 6)
      #expect(try await files.versions(of: "old").items.map(\.number) == [6, 2, 1])
      #expect(try await files.save("a", [4]).number == 3)
    }
  }

  /// Goal: only the last versions are kept when that is asked for.
  ///
  /// Method: keep two of five, then one; then all files that have more than one, in slices.
  @Test(arguments: Engines.available)
  func `only the last versions are kept`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let (store, files) = (test.store, test.store.files())
      for number in 1...5 { try await files.save("a", bytes(200_000, seed: UInt64(number))) }
      #expect(try await files.keepVersions(2, of: "a") == 3)
      #expect(try await files.keepVersions(2, of: "a") == 0)
      #expect(try await files.versions(of: "a").items.map(\.number) == [5, 4])
      await expectRefusal(.notFound) { try await files.read("a", number: 3) }
      await expectRefusal(.notFound) { try await files.restore("a", number: 3) }
      await expectRefusal(.invalid) { try await files.keepVersions(0, of: "a") }
      await expectRefusal(.notFound) { try await files.keepVersions(1, of: "b") }
      try await store.sweepFiles()
      #expect(try await store.number("SELECT COUNT(*) FROM file_versions") == 2)
      #expect(try await files.save("a", [1]).number == 6)
      for name in ["b", "c"] {
        for number in 1...3 { try await store.files(.run("1")).save(name, [UInt8(number)]) }
      }
      let some = try await store.transaction { tx in
        try FileSweeper.trim(keeping: 1, in: .run("1"), limit: 1, transaction: tx)
      }
      #expect(some.files == 1 && some.versions == 2)
      let rest = try await store.transaction { tx in
        try FileSweeper.trim(keeping: 1, limit: 10, transaction: tx)
      }
      #expect(rest.files == 2 && rest.versions == 4)
      try await store.sweepFiles()
      #expect(try await store.number("SELECT COUNT(*) FROM file_versions") == 3)
    }
  }

  /// Goal: two texts are compared, and nothing else is.
  ///
  /// Method: a change in the middle; the version before by default; no text, too long, no version.
  @Test(arguments: Engines.available)
  func `two text versions are compared`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let files = test.store.files()
      let lines = (1...9).map { "line \($0)\n" }
      try await files.save("a", Array(lines.joined().utf8))
      var changed = lines
      changed[4] = "changed\n"
      changed.append("no end")
      try await files.save("a", Array(changed.joined().utf8))
      let diff = try await files.diff("a")
      #expect(diff.from == 1 && diff.to == 2)
      #expect(
        diff.text == """
          --- a\tversion 1
          +++ a\tversion 2
          @@ -2,8 +2,9 @@
           line 2
           line 3
           line 4
          -line 5
          +changed
           line 6
           line 7
           line 8
           line 9
          +no end
          \\ No newline at end of file

          """)
      #expect(try await files.diff("a", from: 2, to: 2).text.isEmpty)
      #expect(try await files.diff("a", from: 2, to: 1).text.contains("-changed\n+line 5\n"))
      try await files.save("a", [0xFF, 0x00])
      await expectRefusal(.invalidState) { try await files.diff("a") }
      await expectRefusal(.notFound) { try await files.diff("a", to: 1) }
      await expectRefusal(.notFound) { try await files.diff("a", from: 7, to: 1) }
      try await files.save("a", [UInt8](repeating: 65, count: 1 << 20))
      try await files.save("a", [UInt8](repeating: 66, count: 1 << 20))
      #expect(try await files.diff("a").text.utf8.count > 2 << 20)
      try await files.save("a", [UInt8](repeating: 66, count: 1 << 20 + 1))
      await expectRefusal(.tooLarge) { try await files.diff("a") }
    }
  }

  /// Goal: every change of a file is an event, and what changes nothing is none.
  ///
  /// Method: one of each, and what the feed says.
  @Test(arguments: Engines.available)
  func `every change of a file enters the feed`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let files = test.store.files(.run("1"))
      let events = try await test.store.changes.made {
        try await files.save("a", bytes(2_000_000))
        try await files.save("a", [2])
        try await files.setIndexed("a")
        try await files.setIndexed("a")
        try await files.restore("a", number: 1)
        try await files.keepVersions(1, of: "a")
        try await files.keepVersions(1, of: "a")
        try await files.rename("a", to: "b")
        try await files.delete("b")
        try await files.delete("b")
        try await test.store.sweepFiles()
      }
      #expect(
        events == [
          "save a", "save a", "index a", "restore a", "trim a", "rename a", "rename b",
          "delete b",
        ])
    }
  }
}
