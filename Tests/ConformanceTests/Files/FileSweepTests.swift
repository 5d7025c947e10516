import Holdfast
import HoldfastEngine
import HoldfastTesting
import NIOConcurrencyHelpers
import Testing

@Suite(.timeLimit(.minutes(5))) struct FileSweepTests {
  private static let chunks = "SELECT COUNT(*) FROM chunks"
  private static let orphans = "SELECT COUNT(*) FROM orphan_chunks"

  /// Goal: the same content under ten names is stored once, and goes with the last of them.
  ///
  /// Method: ten names and namespaces; nine deleted, then the tenth.
  @Test(arguments: Engines.available)
  func `the same content under ten names is stored once`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let store = test.store
      let content = bytes(3_000_000)
      for number in 0..<10 {
        let place: Namespace = number % 2 == 0 ? .global : .run("1")
        try await store.files(place).save("file-\(number)", content)
      }
      #expect(try await store.number(Self.chunks) == 23)
      for number in 0..<9 {
        let place: Namespace = number % 2 == 0 ? .global : .run("1")
        try await store.files(place).delete("file-\(number)")
      }
      try await store.sweepFiles()
      time.advance(by: .seconds(86_400))
      try await store.sweepFiles()
      #expect(try await store.number(Self.chunks) == 23)
      #expect(try await store.number(Self.orphans) == 0)
      #expect(try await store.files(.run("1")).read("file-9") == content)
      try await store.files(.run("1")).delete("file-9")
      try await store.sweepFiles()
      time.advance(by: .seconds(86_399))
      try await store.sweepFiles()
      #expect(try await store.number(Self.chunks) == 23)
      time.advance(by: .seconds(1))
      try await store.sweepFiles()
      #expect(try await store.number(Self.chunks) == 0)
      #expect(try await store.number("SELECT COUNT(*) FROM files") == 0)
    }
  }

  /// Goal: upkeep by itself removes content that no file has, and not before it is a day old.
  ///
  /// Method: a file is deleted; upkeep's own slices run at once, a second before the day is full,
  /// and then.
  @Test(arguments: Engines.available)
  func `upkeep collects chunks after a day`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let store = test.store
      try await store.files().save("a", bytes(300_000))
      let saved = try await store.number(Self.chunks)
      #expect(saved > 0)
      try await store.files().delete("a")
      try await store.sweep()
      #expect(try await store.number("SELECT COUNT(*) FROM file_versions") == 0)
      #expect(try await store.number(Self.orphans) == saved)
      time.advance(by: .seconds(86_399))
      try await store.sweep()
      #expect(try await store.number(Self.chunks) == saved)
      time.advance(by: .seconds(1))
      try await store.sweep()
      #expect(try await store.number(Self.chunks) == 0)
      #expect(try await store.number(Self.orphans) == 0)
    }
  }

  /// Goal: a chunk that is found again counts as new.
  ///
  /// Method: content is left by a broken stream; 23 hours later another stream with it breaks off
  /// too; what is a day old by the first, and not by the second, stays. Then a save takes it.
  @Test(arguments: Engines.available)
  func `a chunk found again counts as new`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let store = test.store
      let content = bytes(3_000_000)
      let broken = Pieces(content: content, breaksAt: 2_900_000)
      for _ in 0..<2 {
        await #expect(throws: OwnError.self) {
          try await store.files().save("a", contentsOf: broken)
        }
        time.advance(by: .seconds(23 * 3_600))
        try await store.sweepFiles()
      }
      let left = try await store.number(Self.chunks)
      #expect(left > 0)
      time.advance(by: .seconds(3_599))
      try await store.files().save("a", content)
      time.advance(by: .seconds(86_400))
      try await store.sweepFiles()
      #expect(try await store.files().read("a") == content)
      #expect(try await store.number(Self.orphans) == 0)
    }
  }

  /// Goal: a collector and a save that want the same chunk at once never both have it.
  ///
  /// Method: chunks that are due lie there; in each round a save of them and a collection begin at
  /// once, on two stores, several times over. Whatever came first, the file is whole, and no chunk
  /// is left without being noted.
  @Test(arguments: Engines.available)
  func `a collector never takes a chunk from a save`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let (store, other) = (test.store, try await test.openAnother())
      var collected = 0
      for round in 0..<25 {
        let content = bytes(400_000, seed: UInt64(round + 1))
        try await store.files().save("old", content)
        try await store.files().delete("old")
        _ = try await store.transaction { tx in try FileSweeper.removeVersions(in: tx) }
        try await store.tamper("UPDATE orphan_chunks SET since = 0")
        async let saving = store.files().save("a", content)
        async let collecting = other.transaction { tx in
          try FileSweeper.collectChunks(in: tx, limit: 2)
            + FileSweeper.collectChunks(in: tx, limit: 2)
        }
        let (saved, taken) = try await (saving, collecting)
        collected += taken
        #expect(saved.size == 400_000)
        #expect(try await other.files().read("a") == content, "round \(round)")
      }
      let problems = try await store.verify().problems
      #expect(problems.isEmpty)
      #expect(collected > 0)
    }
  }

  /// Goal: whichever of the two commits second sees what the first did, even where both looked
  /// before either wrote.
  ///
  /// Method: the collection of a chunk that is due is held after it has run, before its commit,
  /// while a save of the same content comes and commits; then it goes on.
  @Test(arguments: Engines.available)
  func `a held collection gives way to a save`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let (store, other) = (test.store, try await test.openAnother())
      let content = bytes(100_000)
      try await store.files().save("old", content)
      try await store.files().delete("old")
      _ = try await store.transaction { tx in try FileSweeper.removeVersions(in: tx) }
      try await store.tamper("UPDATE orphan_chunks SET since = 0")
      let (looks, looked) = AsyncStream.makeStream(of: Void.self)
      let isFirst = NIOLockedValueBox(true)
      // On SQLite the save waits for its turn; the collector must not wait for it.
      async let collecting = store.transaction { tx in
        let taken = try FileSweeper.collectChunks(in: tx)
        let holds = isFirst.withLockedValue { first in
          defer { first = false }
          return first
        }
        if holds {
          looked.yield()
          if engine == .postgres { Self.waitForSave(tx) }
        }
        return taken
      }
      var iterator = looks.makeAsyncIterator()
      _ = await iterator.next()
      let saved = try await other.files().save("a", content)
      _ = try await collecting
      #expect(saved.number == 1)
      #expect(try await other.files().read("a") == content)
      #expect(try await store.verify().isValid)
    }
  }

  private static let waiters = Statement(
    "SELECT COUNT(*) FROM pg_locks WHERE NOT granted AND locktype IN ('transactionid', 'tuple')")
  private static let pause = Statement("SELECT 1 FROM pg_sleep(0.01)")

  /// Waits inside the body until somebody waits for a row of it: the save is under way then.
  ///
  /// Two seconds at most: a save that waits for nothing has committed by then.
  private static func waitForSave(_ transaction: Transaction) {
    guard let connection = try? transaction.reading() else { return }
    for _ in 0..<200 {
      guard let found = try? connection.first(waiters, [], { $0.integer(0) }), found == 0,
        (try? connection.first(pause, [], { $0.integer(0) })) != nil
      else { return }
    }
  }

  /// Goal: a run's files go with it at once, a bot's too, and their contents in slices.
  ///
  /// Method: two runs and a bot share content; one run and the bot are deleted.
  @Test(arguments: Engines.available)
  func `files go with their run or bot`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let store = test.store
      let content = bytes(500_000)
      for place: Namespace in [.run("1"), .run("10"), .bot("1")] {
        for name in ["a", "b"] {
          for _ in 0..<3 { try await store.files(place).save(name, content) }
        }
      }
      try await store.files(.run("1")).save("own", bytes(300_000, seed: 7))
      try await store.runs.delete("1")
      #expect(try await store.bots.delete("1"))
      for place: Namespace in [.run("1"), .bot("1")] {
        #expect(try await store.files(place).list().items.isEmpty)
        await expectRefusal(.notFound) { try await store.files(place).read("a", number: 1) }
      }
      #expect(try await store.number("SELECT COUNT(*) FROM file_versions") == 19)
      let slice = try await store.transaction { tx in
        try FileSweeper.removeVersions(in: tx, limit: 2)
      }
      #expect(slice > 0)
      #expect(try await store.number("SELECT COUNT(*) FROM file_versions") == 17)
      try await store.sweepFiles()
      #expect(try await store.number("SELECT COUNT(*) FROM file_versions") == 6)
      time.advance(by: .seconds(86_400))
      try await store.sweepFiles()
      #expect(try await store.number(Self.chunks) == 4)
      #expect(try await store.files(.run("10")).read("a") == content)
      #expect(try await store.number("SELECT COUNT(*) FROM file_numbers") == 2)
      #expect(try await store.health().rows["files"] == 2)
    }
  }

  /// Goal: no list, read or sweep goes through a whole table.
  ///
  /// Method: ask either database how it would run each statement.
  @Test(arguments: Engines.available)
  func `every statement uses an index`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let store = test.store
      for statement in FileSweeper.planned {
        var text = statement.text(for: engine == .sqlite ? .sqlite : .postgres)
        if engine == .postgres {
          // Nothing is planned with open parameters: any value of the type will do.
          for number in 1...6 {
            text.replace("$\(number)", with: Self.sample(number, of: statement))
          }
        }
        let explain = engine == .sqlite ? "EXPLAIN QUERY PLAN " : "EXPLAIN "
        let count = (1...6).last { text.contains("$\($0)") } ?? 0
        let values = Array(repeating: Bound.integer(1), count: count)
        let answer = try await store.engine.write(
          WriteOptions(), [Step(Statement(explain + text), values)])
        let plan = answer[0].rows.compactMap { $0.last?.text }
        #expect(!plan.isEmpty)
        for line in plan {
          let isScan =
            line.contains("SCAN ") && !line.contains("USING")
            && !line.contains("CONSTANT ROW")
          #expect(!isScan && !line.contains("TEMP B-TREE FOR ORDER BY"), "\(text)\n\(plan)")
          #expect(!line.contains("Seq Scan"), "\(text)\n\(plan)")
        }
      }
    }
  }

  private static func sample(_ number: Int, of statement: Statement) -> String {
    let text = statement.postgres
    if text.contains("digest = $\(number)") { return "'\\x00'::bytea" }
    if text.contains("namespace = $\(number)") || text.contains("name = $\(number)")
      || text.contains("name > $\(number)")
    {
      return "'x'"
    }
    return "1"
  }
}
