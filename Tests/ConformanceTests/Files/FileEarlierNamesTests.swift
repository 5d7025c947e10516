import Holdfast
import HoldfastTesting
import Testing

/// For people who come from the older stores: each test bears the old names of files.
@Suite(.timeLimit(.minutes(5))) struct FileEarlierNamesTests {
  /// Goal: `save_file`, `get_file`, `list_files` and `delete_file` are save, get, list and delete.
  ///
  /// Method: one file of a bot's through all four.
  @Test(arguments: Engines.available)
  func `save_file get_file list_files and delete_file`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let files = test.store.files(.bot("7"))
      try await files.save("notes.md", Array("# Notes".utf8), mediaType: "text/markdown")
      #expect(try await files.get("notes.md")?.mediaType == "text/markdown")
      #expect(try await files.read("notes.md") == Array("# Notes".utf8))
      #expect(try await files.list().items.map(\.name) == ["notes.md"])
      #expect(try await files.delete("notes.md"))
      #expect(try await files.get("notes.md") == nil)
    }
  }

  /// Goal: `update_file` is a save that must find the file, and not found where it does not.
  ///
  /// Method: before and after the first save.
  @Test(arguments: Engines.available)
  func `update_file is save with mustExist`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let files = test.store.files(.bot("7"))
      await expectRefusal(.notFound) { try await files.save("a", [1], mustExist: true) }
      try await files.save("a", [1])
      #expect(try await files.save("a", [2], mustExist: true).number == 2)
    }
  }

  /// Goal: `save_version` is save, and `get_versions` is versions, the newest first.
  ///
  /// Method: three saves; the older stores kept a version only where they were asked to.
  @Test(arguments: Engines.available)
  func `save_version and get_versions`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let files = test.store.files(.bot("7"))
      for number in 1...3 { try await files.save("a", [UInt8(number)]) }
      #expect(try await files.versions(of: "a").items.map(\.number) == [3, 2, 1])
      #expect(try await files.read("a", number: 2) == [2])
    }
  }
}
