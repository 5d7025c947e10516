import HoldfastCore
import Testing

@testable import HoldfastEngine

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// What the engine says when the system or the file around it does not go along.
@Suite(.timeLimit(.minutes(5))) struct SQLiteRefusalTests {
  private static let next = Migration(
    number: SQLiteFixture.migrations.count + 1, name: "next",
    sqlite: "CREATE TABLE next (a INTEGER) STRICT;", postgres: "")

  private func migrate(_ fixture: SQLiteFixture) async throws {
    let engine = try await SQLiteEngine.open(
      path: fixture.path, options: EngineOptions(),
      migrations: SQLiteFixture.migrations + [Self.next])
    await engine.close()
  }

  /// Goal: where the copy of an older store cannot be made, the store is not migrated, and no half
  /// of a copy stays.
  ///
  /// Method: something else stands under the copy's name, and under that of its making.
  @Test(arguments: ["", ".part"])
  func `without its copy an older store is not migrated`(_ ending: String) async throws {
    let fixture = try SQLiteFixture()
    try await fixture.with { try await $0.put("k", 1) }
    let copy = "store.db.before-\(Self.next.number)"
    #expect(mkdir("\(fixture.folder)/\(copy)\(ending)", 0o700) == 0)
    let error = await expectError(.unavailable) { try await migrate(fixture) }
    #expect(error?.hint.isEmpty == false)
    #expect(!fixture.exists(copy + (ending.isEmpty ? ".part" : "")))
    try await fixture.with { engine in
      try await engine.expect("k", is: 1)
      #expect(try await engine.health().migration == SQLiteFixture.migrations.count)
    }
    #expect(rmdir("\(fixture.folder)/\(copy)\(ending)") == 0)
    try await migrate(fixture)
    #expect(fixture.exists(copy))
  }

  /// Goal: an open store neither reads nor writes a file that went back to an older version.
  ///
  /// Method: the version in the file is set back under it, and set right again.
  @Test func `a file that went back is neither read nor written`() async throws {
    let fixture = try SQLiteFixture()
    let engine = try await fixture.open()
    try await engine.put("k", 1)
    try await engine.expect("k", is: 1)
    try fixture.foreign("PRAGMA user_version = 1")
    let writing = await expectError(.incompatible) { try await engine.put("k", 2) }
    #expect(writing?.details["store"] == 1)
    await expectError(.incompatible) { try await engine.get("k") }
    try fixture.foreign("PRAGMA user_version = \(SQLiteFixture.migrations.count)")
    try await engine.put("k", 3)
    try await engine.expect("k", is: 3)
    await engine.close()
  }

  /// Goal: a read that waits too long for a connection is told so, and harms nobody.
  ///
  /// Method: a pool of one connection is asked for another inside of a read.
  @Test func `a read without a connection is unavailable`() async throws {
    let fixture = try SQLiteFixture()
    try await fixture.with { engine in
      try await engine.put("k", 1)
      let opening = SQLiteOpening(
        path: fixture.path, clock: SQLiteClock(source: SystemTimeSource()),
        options: EngineOptions())
      let wal = try WALIndex(of: try opening.connect(.copier))
      let pool = try SnapshotPool(
        readersMax: 1, ageMax: .seconds(60), waitMax: .milliseconds(1)
      ) { () throws(StoreError) in
        SnapshotReader(
          try opening.connect(.reader), wal: wal,
          migration: Int64(SQLiteFixture.migrations.count))
      }
      defer { pool.close() }
      func number(
        inside work: () throws(StoreError) -> Void = {}
      ) throws(StoreError) -> Int64? {
        try pool.read({ reader throws(StoreError) in
          try work()
          return try reader.connection.result(of: Step(SQL.get, [.text("k")])).rows.first?[0]
            .integer
        }) { $0 }
      }
      let found = try number {
        do throws(StoreError) {
          _ = try number()
          Issue.record("a pool of one lent two")
        } catch {
          #expect(error.code == .unavailable)
        }
      }
      #expect(found == 1)
      #expect(try number() == 1)
      #expect(pool.figures.connections == 1 && pool.figures.inUseMost == 1)
    }
  }

  /// Goal: a reading connection that cannot be opened costs its caller an error, and the next one
  /// nothing.
  ///
  /// Method: the file is away while a second reader is needed.
  @Test func `a reader that cannot be opened is not counted`() async throws {
    let fixture = try SQLiteFixture()
    try await fixture.with({ $0.readersMax = 2 }) { engine in
      try await engine.put("k", 1)
      let gate = Gate()
      async let held = engine.read(.scan) { connection in
        gate.wait()
        return try connection.row(SQL.get, [.text("k")]) { $0.integer(0) }
      }
      await gate.visited()
      let away = fixture.path + ".away"
      for _ in 0..<3 {
        #expect(rename(fixture.path, away) == 0)
        await expectError(.unavailable) { try await engine.get("k") }
        #expect(rename(away, fixture.path) == 0)
      }
      try await engine.expect("k", is: 1)
      gate.open()
      #expect(try await held == 1)
    }
  }

  /// Goal: a transaction that SQLite itself takes back costs only the write that was at fault.
  ///
  /// Method: an insert that rolls the whole transaction back, as steps and in a body, by itself and
  /// among many others.
  @Test func `a transaction that SQLite drops costs one write`() async throws {
    let drop = Statement("INSERT OR ROLLBACK INTO meta (name, value) VALUES ('incarnation', '')")
    try await SQLiteFixture().with { engine in
      await expectError(.internal) {
        try await engine.write(
          WriteOptions(), [Step(SQL.put, [.text("a"), .integer(1)]), Step(drop)])
      }
      await expectError(.internal) {
        try await engine.write(WriteOptions()) { connection in
          try connection.run([Step(SQL.put, [.text("a"), .integer(1)]), Step(drop)])
        }
      }
      try await engine.expect("a", is: nil)
      let refused = try await withThrowingTaskGroup(of: Bool.self) { group in
        for number in 0..<60 {
          group.addTask {
            guard number % 10 == 9 else {
              try await engine.put("k\(number)", Int64(number))
              return false
            }
            await expectError(.internal) { try await engine.write(WriteOptions(), [Step(drop)]) }
            return true
          }
        }
        return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
      }
      #expect(refused == 6)
      #expect(try await engine.read(Step(SQL.count)).rows.first?.first == .integer(54))
    }
  }

  /// Goal: an engine that nobody closed lets go of the file by itself.
  ///
  /// Method: an engine goes out of scope; its file is opened, written and closed by another.
  @Test func `an engine that is let go of closes itself`() async throws {
    let fixture = try SQLiteFixture()
    func use() async throws { try await fixture.open().put("k", 1) }
    try await use()
    try await fixture.with { engine in
      try await engine.expect("k", is: 1)
      try await engine.put("k", 2)
    }
  }

  /// Goal: without its lock file a store is not opened.
  @Test func `a store whose lock file cannot be opened is unavailable`() async throws {
    let fixture = try SQLiteFixture()
    #expect(mkdir(fixture.path + "-holdfast", 0o700) == 0)
    await expectError(.unavailable) { try await fixture.open() }
    #expect(!fixture.exists("store.db"))
  }

  /// Goal: verify names a row that refers to nothing.
  ///
  /// Method: another program adds a table with a reference, and a row that breaks it.
  @Test func `a broken reference is found`() async throws {
    let fixture = try SQLiteFixture()
    await (try await fixture.open()).close()
    try fixture.foreign(
      "CREATE TABLE child (parent TEXT REFERENCES meta (name)); INSERT INTO child VALUES ('none')")
    let engine = try await fixture.open()
    let faults = try await engine.verify()
    #expect(faults == ["A row of child refers to one of meta that is not there."])
    await engine.close()
  }

  /// Goal: a statement without a text is a fault of Holdfast's, and says so.
  @Test func `a statement without a text is internal`() async throws {
    try await SQLiteFixture().with { engine in
      await expectError(.internal) { try await engine.read(Step(Statement(""))) }
    }
  }
}
