import CSQLite
import HoldfastCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Brings a SQLite file to the newest schema.
///
/// Invariants:
/// - Forward only, one migration a transaction; its number, checksum and effects commit together.
/// - The caller holds the turn, so one opener at a time migrates and no store of this version
///   writes.
/// - A migration that ran never changes: its checksum is compared at every opening.
/// - Who finds a store of another version than its own refuses it as `incompatible`, and does not
///   touch it.
enum SQLiteMigrator {
  /// Marks a SQLite file as a Holdfast store: the bytes `HOLD`.
  static let applicationID: Int64 = 0x484F_4C44

  private static let version = Statement("PRAGMA user_version")
  private static let application = Statement("PRAGMA application_id")
  private static let countTables = Statement("SELECT count(*) FROM sqlite_schema")
  private static let checksum = Statement(
    """
    SELECT value
    FROM meta
    WHERE name = $1
    """)
  private static let insertMeta = Statement(
    """
    INSERT INTO meta (name, value)
    VALUES ($1, $2)
    """)

  /// Compares the store's version with the one that this process knows.
  ///
  /// - Parameters:
  ///   - connection: A connection with an open transaction.
  ///   - known: The newest migration that this process knows.
  /// - Throws: `incompatible` for a file that a newer version has written, else what SQLite says.
  static func checkVersion(of connection: SQLiteConnection, is known: Int64) throws(StoreError) {
    let found = try connection.number(version) ?? 0
    guard found != known else { return }
    throw versionError(found: found, known: known)
  }

  /// Which migrations a store still needs; refuses what is no store, or not this program's.
  ///
  /// - Parameters:
  ///   - connection: A connection to the file.
  ///   - migrations: All migrations, from 1.
  /// - Returns: Those that did not run yet, in order; all of them for an empty file.
  /// - Throws: What SQLite says, as a ``StoreError``.
  static func pending(
    _ connection: SQLiteConnection, _ migrations: [Migration]
  ) throws(StoreError) -> [Migration] {
    for (place, migration) in migrations.enumerated() {
      precondition(migration.number == place + 1, "migration \(migration.number) is out of order")
    }
    guard try connection.number(application) == applicationID else {
      guard try connection.number(countTables) == 0 else {
        throw StoreError(
          .incompatible, "The SQLite database is not a Holdfast store.",
          hint: "Choose a path where no other program keeps its data.")
      }
      return migrations
    }
    let found = try connection.number(version) ?? 0
    guard (0...Int64(migrations.count)).contains(found) else {
      throw versionError(found: found, known: Int64(migrations.count))
    }
    for migration in migrations.prefix(Int(found)) {
      let recorded = try connection.result(
        of: Step(checksum, [.text("migration.\(migration.number)")]))
      guard recorded.rows.first?.first?.text == migration.checksum(for: .sqlite) else {
        throw StoreError(
          .incompatible,
          "Migration \(migration.number) of this store is not the one that this program knows.",
          hint: "Run the version of Holdfast that made the store.")
      }
    }
    return Array(migrations.dropFirst(Int(found)))
  }

  /// Runs what is missing.
  ///
  /// - Parameters:
  ///   - connection: The writer's connection, outside any transaction.
  ///   - path: The path of the database.
  ///   - migrations: All migrations.
  ///   - options: The engine's options.
  /// - Throws: What SQLite says, as a ``StoreError``.
  static func migrate(
    _ connection: SQLiteConnection, path: String, _ migrations: [Migration],
    _ options: EngineOptions
  ) throws(StoreError) {
    let pending = try pending(connection, migrations)
    guard let first = pending.first else { return }
    let isOlder = first.number > 1
    guard !isOlder || options.migratesByItself else {
      throw StoreError(
        .incompatible,
        "The store has version \(first.number - 1), this program needs \(migrations.count).",
        hint: "Run \"holdfast migrate\" to bring the store up to date.")
    }
    if isOlder, options.copiesBeforeMigrating {
      try SQLiteCopy.make(of: connection, at: path, before: first.number)
    }
    for migration in pending {
      do throws(StoreError) {
        try run(migration, connection, options)
      } catch {
        connection.rollBack()
        throw error
      }
    }
  }

  private static func run(
    _ migration: Migration, _ connection: SQLiteConnection, _ options: EngineOptions
  ) throws(StoreError) {
    try connection.execute("BEGIN IMMEDIATE")
    try connection.execute(migration.sqlite)
    if migration.number == 1 {
      try connection.execute("PRAGMA application_id = \(applicationID)")
      let now = options.time.wallTime()
      try connection.run(insertMeta, [.text("incarnation"), .text(options.ids.makeID(at: now))])
    }
    try connection.run(
      insertMeta, [.text("migration.\(migration.number)"), .text(migration.checksum(for: .sqlite))])
    try connection.execute("PRAGMA user_version = \(migration.number)")
    try options.probe?(.migration)
    try connection.execute("COMMIT")
  }

  private static func versionError(found: Int64, known: Int64) -> StoreError {
    let details: Object = ["store": .integer(found), "program": .integer(known)]
    guard found > known else {
      return StoreError(
        .incompatible, "The store has version \(found), this program needs \(known).",
        details: details)
    }
    return StoreError(
      .incompatible, "The store was written by a newer Holdfast: version \(found), not \(known).",
      hint: "Run that version of Holdfast, or a newer one.", details: details)
  }
}

/// The copy of a store that is made before it is migrated.
enum SQLiteCopy {
  private static let pageCount = Statement("PRAGMA page_count")
  private static let pageSize = Statement("PRAGMA page_size")
  private static let vacuumInto = Statement("VACUUM INTO $1")

  /// Makes the copy `PATH.before-N`, whole or not at all.
  ///
  /// - Parameters:
  ///   - connection: The writer's connection, outside any transaction.
  ///   - path: The path of the database.
  ///   - number: The migration that is to run next.
  /// - Throws: What SQLite says, as a ``StoreError``.
  static func make(
    of connection: SQLiteConnection, at path: String, before number: Int
  ) throws(StoreError) {
    let bytes = try (connection.number(pageCount) ?? 0) * (connection.number(pageSize) ?? 0)
    let final = "\(path).before-\(number)"
    let partial = final + ".part"
    try checkRoom(bytes, path)
    unlink(partial)
    // Made here and not by SQLite, so that nobody else can read it from the first byte on.
    let file = open(partial, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw cannotWrite(partial) }
    defer { close(file) }
    do throws(StoreError) {
      try connection.run(vacuumInto, [.text(partial)])
    } catch {
      unlink(partial)
      throw error
    }
    // SQLite does not flush what VACUUM INTO writes.
    guard fsync(file) == 0, rename(partial, final) == 0 else {
      unlink(partial)
      throw cannotWrite(final)
    }
  }

  /// Refuses where the copy would not fit.
  private static func checkRoom(_ bytes: Int64, _ path: String) throws(StoreError) {
    var system = statvfs()
    guard statvfs(path, &system) == 0 else { return }
    let free = Int64(clamping: UInt64(system.f_bavail) * UInt64(system.f_frsize))
    guard free >= bytes else {
      throw StoreError(
        .exhausted, "There is no room for the copy of the store that is made before a migration.",
        hint: "Make room for \(bytes) bytes, or decline the copy.",
        details: ["needed": .integer(bytes), "free": .integer(free)])
    }
  }

  private static func cannotWrite(_ path: String) -> StoreError {
    StoreError(
      .unavailable,
      "The copy before the migration cannot be written: \(SQLitePath.reason(errno)).",
      hint: "Give this user the right to write in the store's folder, or decline the copy.",
      details: ["path": .string(path)])
  }
}
