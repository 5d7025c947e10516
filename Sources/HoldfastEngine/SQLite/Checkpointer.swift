import CSQLite
import HoldfastCore

/// Copies the log into the database and lets it begin anew.
///
/// Every SQLite before 3.51.3 can damage a file when a checkpoint of one connection meets the
/// commit of another that resets the log. Invariants that keep the two apart:
/// - Automatic checkpoints are off on every connection, at its close too.
/// - The caller holds the turn, so that no other store commits.
/// - A PASSIVE checkpoint runs on a second connection while the first holds SQLite's write lock
///   (inside `BEGIN IMMEDIATE`), so that nobody at all commits.
/// - A RESTART (or, at close, a TRUNCATE) runs only right after a PASSIVE one that copied
///   everything: where SQLite cannot get the write lock it copies without it and only then says so,
///   and then there is nothing left to copy.
struct Checkpointer {
  private let writer: SQLiteConnection
  private let copier: SQLiteConnection
  private let wal: WALIndex
  private let probe: (@Sendable (ProbePoint) throws(StoreError) -> Void)?
  private let bytesMax: Int
  private let frameBytes: Int
  /// At which size of the log the next one is due.
  private var dueAt: Int
  private(set) var statistics = CheckpointStatistics()

  /// How long writers stand still for readers.
  private static let readersWaitMax = Duration.milliseconds(20)
  private static let beginImmediate = Statement("BEGIN IMMEDIATE")

  init(
    writer: SQLiteConnection, copier: SQLiteConnection, wal: WALIndex, options: EngineOptions,
    pageBytes: Int
  ) {
    self.writer = writer
    self.copier = copier
    self.wal = wal
    probe = options.probe
    bytesMax = options.checkpointBytes
    frameBytes = pageBytes + 24
    dueAt = options.checkpointBytes
    copier.busyWaitMax = Self.readersWaitMax
  }

  /// Closes the second connection.
  func close() { copier.close() }

  /// The size of the log that is in use.
  var logBytes: Int { Int(wal.read().frames) * frameBytes }

  /// Whether the log has grown so far that a checkpoint is due.
  mutating func isDue() -> Bool {
    let bytes = logBytes
    // Another process may have let the log begin anew.
    if bytes < bytesMax { dueAt = bytesMax }
    return bytes >= dueAt
  }

  /// Copies the log, and lets it begin anew if no reader is in the way.
  ///
  /// - Parameters:
  ///   - isLast: Whether the store is being closed: the log is then cut off.
  ///   - letGo: Lets this process's idle readers give up their snapshots.
  mutating func run(isLast: Bool = false, letGo: () -> Void) {
    let clock = SystemTimeSource()
    let start = clock.monotonicTime()
    let deadline = start + Self.readersWaitMax
    do throws(StoreError) {
      if try copy(until: deadline, letGo: letGo) {
        try restart(isLast ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_RESTART, letGo: letGo)
      } else {
        statistics.incomplete += 1
      }
    } catch {
      // Nothing is lost: the log still has everything, and it is tried again when it has grown.
      statistics.incomplete += 1
    }
    dueAt = logBytes + bytesMax
    statistics.longest = max(statistics.longest, clock.monotonicTime() - start)
  }

  /// Copies what it can, and waits a little for readers of older states.
  ///
  /// - Returns: Whether all of the log is in the database.
  private mutating func copy(
    until deadline: Duration, letGo: () -> Void
  ) throws(StoreError) -> Bool {
    try writer.run(Self.beginImmediate)
    defer { writer.rollBack() }
    while true {
      letGo()
      statistics.passive += 1
      if try checkpoint(SQLITE_CHECKPOINT_PASSIVE) { return true }
      guard SystemTimeSource().monotonicTime() < deadline else { return false }
      Pause.sleep(microseconds: 1_000)
    }
  }

  /// Lets the log begin anew, after everything was copied.
  private mutating func restart(_ mode: Int32, letGo: () -> Void) throws(StoreError) {
    letGo()
    if try checkpoint(mode) { statistics.restarts += 1 } else { statistics.incomplete += 1 }
  }

  /// Runs one checkpoint on the second connection.
  ///
  /// - Returns: Whether it did all that its mode asks for.
  private func checkpoint(_ mode: Int32) throws(StoreError) -> Bool {
    var log: Int32 = 0
    var copied: Int32 = 0
    try probe?(.beforeCheckpoint)
    let code = sqlite3_wal_checkpoint_v2(copier.handle, "main", mode, &log, &copied)
    guard code == SQLITE_OK || code & 0xFF == SQLITE_BUSY else {
      throw copier.failure(code).storeError
    }
    try probe?(.afterCheckpoint)
    return code == SQLITE_OK && log >= 0 && log == copied
  }
}
