import Holdfast
import HoldfastTesting
import Testing

/// What a namespace's files should be, kept in the plainest way.
private struct FileModel {
  struct Item: Equatable {
    var versions: [Int64: [UInt8]] = [:]
    var isIndexed = false
    var number: Int64 { versions.keys.max() ?? 0 }
  }

  var items: [String: Item] = [:]
  var lastNumbers: [String: Int64] = [:]

  mutating func save(_ name: String, _ content: [UInt8]) {
    let number = max(items[name]?.number ?? 0, lastNumbers[name] ?? 0) + 1
    items[name, default: Item()].versions[number] = content
    items[name]?.isIndexed = false
  }

  mutating func forget(_ name: String) -> Item? {
    guard let item = items.removeValue(forKey: name) else { return nil }
    lastNumbers[name] = max(lastNumbers[name] ?? 0, item.number)
    return item
  }
}

/// Random operations on a store and on the model, compared after each.
struct FileWalk: Walk {
  var store: Store
  private let time: ManualTimeSource
  private var generator: SeededGenerator
  private var model = FileModel()

  init(_ store: Store, _ time: ManualTimeSource, seed: UInt64) {
    self.store = store
    self.time = time
    generator = SeededGenerator(seed: seed)
  }

  private var files: Files { store.files(.run("walk")) }

  private mutating func name() -> String {
    ["a", "b", "c", "foo..bar", "é"].randomElement(using: &generator) ?? "a"
  }

  /// Does one thing on both sides; what it did, for the message of a failure.
  mutating func step() async throws -> String {
    let name = name()
    switch generator.next() % 12 {
    case 0...3:
      let length = [0, 1, 131_072, 150_000, 300_000].randomElement(using: &generator) ?? 0
      let content = bytes(length, seed: generator.next() % 3)
      let saved = try await files.save(name, contentsOf: Pieces(content: content, length: 70_000))
      model.save(name, content)
      #expect(saved.number == model.items[name]?.number)
      return "save \(name)"
    case 4:
      #expect(try await files.delete(name) == (model.forget(name) != nil))
      return "delete \(name)"
    case 5, 6: return try await stepRename(name)
    case 7: return try await stepRestore(name)
    case 8:
      let count = Int(generator.next() % 3) + 1
      switch try await outcome({ try await files.keepVersions(count, of: name) }) {
      case .success(let removed):
        let numbers = (model.items[name]?.versions.keys.sorted() ?? []).dropLast(count)
        #expect(removed == numbers.count)
        for number in numbers { model.items[name]?.versions[number] = nil }
      case .failure(let error): #expect(error.code == .notFound && model.items[name] == nil)
      }
      return "keep \(count) of \(name)"
    case 9:
      switch try await outcome({ try await files.setIndexed(name) }) {
      case .success: model.items[name]?.isIndexed = true
      case .failure(let error): #expect(error.code == .notFound && model.items[name] == nil)
      }
      return "index \(name)"
    case 10:
      time.advance(by: .seconds(50_000))
      return "advance"
    default:
      try await store.sweepFiles()
      return "sweep"
    }
  }

  private mutating func stepRename(_ name: String) async throws -> String {
    let other = self.name()
    switch try await outcome({ try await files.rename(name, to: other) }) {
    case .success:
      if other != name { model.items[other] = model.forget(name) }
    case .failure(let error):
      #expect(error.code == (model.items[name] == nil ? .notFound : .conflict))
      #expect(model.items[name] == nil || model.items[other] != nil)
    }
    return "rename \(name) to \(other)"
  }

  private mutating func stepRestore(_ name: String) async throws -> String {
    let number = Int64(generator.next() % 5) + 1
    let old = model.items[name]?.versions[number]
    switch try await outcome({ try await files.restore(name, number: number) }) {
    case .success: model.save(name, try #require(old))
    case .failure(let error): #expect(error.code == .notFound && old == nil)
    }
    return "restore \(number) of \(name)"
  }

  /// Compares everything that the store shows with the model.
  func compare(_ doing: Comment) async throws {
    let listed = try await files.list().items
    let names = model.items.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    #expect(listed.map(\.name) == names, doing)
    for file in listed {
      let item = try #require(model.items[file.name], doing)
      #expect(file.number == item.number && file.versions == item.versions.count, doing)
      #expect(file.isIndexed == item.isIndexed, doing)
      #expect(file.size == item.versions[item.number]?.count, doing)
      let versions = try await files.versions(of: file.name).items
      #expect(versions.map(\.number) == item.versions.keys.sorted(by: >), doing)
      for (number, content) in item.versions {
        #expect(try await files.read(file.name, number: number) == content, doing)
      }
    }
  }
}

@Suite(.timeLimit(.minutes(5))) struct FileModelTests {
  /// Goal: whatever is done in whatever order, the files are what a plain dictionary would hold.
  ///
  /// Method: random saves, renames, restores, trims, deletes and sweeps from printed seeds,
  /// compared with a model after each step; one walk closes the store and opens it again now and
  /// then.
  @Test(arguments: Engines.available, [1, 2, 3])
  func `files do what a plain model does`(on engine: TestEngine, number: UInt64) async throws {
    let seed = 0xF11E_0000 + number
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      var walk = FileWalk(test.store, time, seed: seed)
      try await walk.go(80, on: test, seed: seed) { number == 1 && $0 % 20 == 11 }
    }
  }
}
