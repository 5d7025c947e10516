import CSQLite
import HoldfastCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// What a SQLite engine tells of itself.
enum SQLiteHealth {
  private static let pageCount = Statement("PRAGMA page_count")
  private static let pageSize = Statement("PRAGMA page_size")
  private static let freePages = Statement("PRAGMA freelist_count")
  private static let integrity = Statement("PRAGMA integrity_check(100)")
  private static let foreignKeys = Statement("PRAGMA foreign_key_check")

  /// From this version on SQLite is free of the bug that ``Checkpointer`` guards against.
  private static let soundVersion: Int32 = 3_051_003

  /// The state of an engine.
  ///
  /// - Parameters:
  ///   - parts: The engine's parts.
  ///   - reader: A reader with an open snapshot.
  /// - Returns: How it stands now.
  /// - Throws: What SQLite says, as a ``StoreError``.
  static func of(_ parts: SQLiteParts, _ reader: SnapshotReader) throws(StoreError) -> EngineHealth
  {
    let connection = reader.connection
    let pages = try connection.number(pageCount) ?? 0
    let pageBytes = try connection.number(pageSize) ?? 0
    let free = try connection.number(freePages) ?? 0
    let logBytes = size(of: parts.path + "-wal")
    let details: Object = [
      "pages": .integer(pages),
      "page_bytes": .integer(pageBytes),
      "pages_free": .integer(free),
      "log_bytes": .integer(logBytes),
      "log_frames": .integer(Int64(parts.wal.read().frames)),
      "library_has_log_reset_bug": .bool(sqlite3_libversion_number() < soundVersion),
      "writer": .object(writer(parts)),
      "readers": .object(readers(parts)),
      "hot": .object(hot(parts)),
    ]
    return EngineHealth(
      database: "SQLite \(String(cString: sqlite3_libversion()))", migration: parts.migration,
      bytes: size(of: parts.path) + logBytes, details: details)
  }

  /// Looks the file's structures through.
  ///
  /// - Parameter connection: A connection with an open snapshot.
  /// - Returns: One sentence a fault.
  /// - Throws: What SQLite says, as a ``StoreError``.
  static func faults(_ connection: SQLiteConnection) throws(StoreError) -> [String] {
    var faults: [String] = []
    _ = try connection.forEachRow(integrity, []) { row in
      let fault = row.text(0)
      if fault != "ok" { faults.append("Integrity: \(fault).") }
    }
    _ = try connection.forEachRow(foreignKeys, []) { row in
      faults.append("A row of \(row.text(0)) refers to one of \(row.text(2)) that is not there.")
    }
    return faults
  }

  private static func writer(_ parts: SQLiteParts) -> Object {
    let statistics = parts.writer.statistics
    let mean = statistics.groups == 0 ? 0 : Double(statistics.bodies) / Double(statistics.groups)
    let checkpoints = statistics.checkpoints
    return [
      "waiting": .integer(Int64(parts.queue.count)),
      "groups": .integer(Int64(statistics.groups)),
      "group_mean": .double(mean),
      "group_largest": .integer(Int64(statistics.groupLargest)),
      "reruns": .integer(Int64(statistics.reruns)),
      "busy_wait_longest_microseconds": .integer(statistics.busyWaitLongest.microseconds),
      "turn_wait_longest_microseconds": .integer(statistics.turnWaitLongest.microseconds),
      "checkpoints_passive": .integer(Int64(checkpoints.passive)),
      "checkpoints_restart": .integer(Int64(checkpoints.restarts)),
      "checkpoints_incomplete": .integer(Int64(checkpoints.incomplete)),
      "checkpoint_longest_microseconds": .integer(checkpoints.longest.microseconds),
    ]
  }

  private static func readers(_ parts: SQLiteParts) -> Object {
    let figures = parts.pool.figures
    return [
      "connections": .integer(Int64(figures.connections)),
      "in_use": .integer(Int64(figures.inUse)),
      "in_use_most": .integer(Int64(figures.inUseMost)),
      "snapshots": .integer(Int64(figures.snapshots)),
    ]
  }

  private static func hot(_ parts: SQLiteParts) -> Object {
    let figures = parts.hot.figures
    return [
      "entries": .integer(Int64(figures.entries)),
      "bytes": .integer(Int64(figures.bytes)),
      "hits": .integer(Int64(figures.hits)),
      "misses": .integer(Int64(figures.misses)),
    ]
  }

  private static func size(of path: String) -> Int64 {
    var about = stat()
    return stat(path, &about) == 0 ? Int64(about.st_size) : 0
  }
}
