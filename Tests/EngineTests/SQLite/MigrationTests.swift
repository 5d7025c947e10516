import HoldfastCore
import NIOConcurrencyHelpers
import Testing

@testable import HoldfastEngine

@Suite(.timeLimit(.minutes(5))) struct SQLiteMigrationTests {
  private static let first = SQLiteFixture.migrations[0]
  private static let second = Migration(
    number: 2, name: "second", sqlite: "CREATE TABLE second (a INTEGER) STRICT;", postgres: "")
  private static let broken = Migration(
    number: 2, name: "second", sqlite: "CREATE TABLE second (a INTEGER); CREATE nonsense;",
    postgres: "")

  private func open(
    _ fixture: SQLiteFixture, _ migrations: [Migration],
    _ change: (inout EngineOptions) -> Void = { _ in }
  ) async throws -> SQLiteEngine {
    var options = EngineOptions()
    change(&options)
    return try await SQLiteEngine.open(
      path: fixture.path, options: options, migrations: migrations)
  }

  private func failure(
    _ fixture: SQLiteFixture, _ migrations: [Migration],
    _ change: (inout EngineOptions) -> Void = { _ in }
  ) async throws -> StoreError? {
    do {
      let engine = try await open(fixture, migrations, change)
      await engine.close()
      return nil
    } catch {
      return error as? StoreError
    }
  }

  /// Goal: an older store is migrated with a copy of what it was, and loses nothing.
  ///
  /// Method: write with one migration, open with two, look into the copy.
  @Test func `an older store is copied and migrated`() async throws {
    let fixture = try SQLiteFixture()
    var engine = try await open(fixture, [Self.first])
    try await engine.put("k", 1)
    await engine.close()
    let planned = try await SQLiteEngine.plannedMigrations(
      path: fixture.path, migrations: [Self.first, Self.second])
    #expect(planned.map(\.number) == [2])
    #expect(!fixture.exists("store.db.before-2"))

    engine = try await open(fixture, [Self.first, Self.second])
    try await engine.expect("k", is: 1)
    #expect(try await engine.health().migration == 2)
    await engine.close()

    let copy = try SQLiteFixture()
    try copy.write(try fixture.bytes(of: "store.db.before-2"))
    engine = try await open(copy, [Self.first])
    try await engine.expect("k", is: 1)
    await engine.close()
  }

  /// Goal: a migration that fails, or a process that dies in it, leaves the store as it was.
  ///
  /// Method: a broken text, and a probe that fails before the commit; then the old program opens
  /// it.
  @Test func `a migration that fails changes nothing`() async throws {
    let fixture = try SQLiteFixture()
    await (try await open(fixture, [Self.first])).close()
    #expect(try await failure(fixture, [Self.first, Self.broken])?.code == .internal)
    let probed = try await failure(fixture, [Self.first, Self.second]) {
      $0.probe = { (point) throws(StoreError) in
        if point == .migration { throw StoreError(.unavailable, "Killed here.") }
      }
    }
    #expect(probed?.code == .unavailable)
    #expect(try await failure(fixture, [Self.first]) == nil)
    #expect(try await failure(fixture, [Self.first, Self.second]) == nil)
  }

  /// Goal: a store of a newer version, or with another history, is refused and not touched.
  @Test func `a store of another version is refused`() async throws {
    let fixture = try SQLiteFixture()
    await (try await open(fixture, [Self.first, Self.second])).close()
    #expect(try await failure(fixture, [Self.first])?.code == .incompatible)
    let other = Migration(number: 2, name: "other", sqlite: "SELECT 1;", postgres: "")
    #expect(try await failure(fixture, [Self.first, other])?.code == .incompatible)
    #expect(try await failure(fixture, [Self.first, Self.second]) == nil)
  }

  /// Goal: who does not want a migration gets none, and no copy is made where it was declined.
  @Test func `migrating can be declined and so can the copy`() async throws {
    let fixture = try SQLiteFixture()
    await (try await open(fixture, [Self.first]) { $0.migratesByItself = false }).close()
    let refused = try await failure(fixture, [Self.first, Self.second]) {
      $0.migratesByItself = false
    }
    #expect(refused?.code == .incompatible)
    #expect(refused?.hint.contains("holdfast migrate") == true)
    let migrated = try await failure(fixture, [Self.first, Self.second]) {
      $0.copiesBeforeMigrating = false
    }
    #expect(migrated == nil)
    #expect(!fixture.exists("store.db.before-2"))
  }

  /// Goal: a process of an older version neither reads nor writes what a newer one has migrated.
  ///
  /// Method: an engine is open and has read and written; another migrates the file.
  @Test func `an open store stops when another migrates the file`() async throws {
    let fixture = try SQLiteFixture()
    let old = try await open(fixture, [Self.first])
    try await old.put("k", 1)
    try await old.expect("k", is: 1)
    #expect(try await failure(fixture, [Self.first, Self.second]) == nil)
    await #expect(
      performing: {
        try await old.put("k", 2)
      }, throws: { ($0 as? StoreError)?.code == .incompatible })
    await #expect(
      performing: {
        _ = try await old.get("k")
      }, throws: { ($0 as? StoreError)?.code == .incompatible })
    await old.close()
  }

  /// Goal: many stores that open a new file at once make one store of it.
  ///
  /// Method: eight open at once; all have the same incarnation.
  @Test func `openers at the same time make one store`() async throws {
    let fixture = try SQLiteFixture()
    let incarnations = try await withThrowingTaskGroup(of: String.self) { group in
      for _ in 0..<8 {
        group.addTask {
          let engine = try await fixture.open()
          let incarnation = try await engine.feedEnd().incarnation
          await engine.close()
          return incarnation
        }
      }
      return try await group.reduce(into: Set<String>()) { $0.insert($1) }
    }
    #expect(incarnations.count == 1)
    #expect(incarnations.first?.utf8.count == 36)
  }
}
