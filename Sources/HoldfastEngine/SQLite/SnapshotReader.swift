import HoldfastCore

/// A reading connection with the snapshot that it may hold open between two reads.
///
/// Invariants of a held snapshot: it is used again only while the header of the log's index is the
/// one it began under, so while nobody committed; and it is let go
/// - when the header changed,
/// - when the log is wholly in the database while the snapshot still reads the log, because it
///   would keep the log from beginning anew,
/// - some milliseconds after it began, used or not (the pool counts).
final class SnapshotReader: @unchecked Sendable {
  // Unchecked: in the hands of one thread, or in the pool's list; the pool's lock is taken in
  // between.

  let connection: SQLiteConnection
  private let wal: WALIndex
  private let migration: Int64
  /// The state that the open snapshot shows; `nil` where it is not known to be exactly one.
  private(set) var header: WALHeader?
  /// Whether a snapshot is open.
  private(set) var isOpen = false
  /// Whether the open snapshot takes pages from the log.
  private var readsLog = false
  /// Whether the pool has not yet seen the open snapshot.
  var isFresh = false
  /// In which of its rounds the pool saw the open snapshot first.
  var firstRound = 0

  private static let begin = Statement("BEGIN")
  private static let commit = Statement("COMMIT")

  init(_ connection: SQLiteConnection, wal: WALIndex, migration: Int64) {
    self.connection = connection
    self.wal = wal
    self.migration = migration
  }

  /// Sees to it that a snapshot is open that shows every commit up to now.
  ///
  /// - Parameter isOld: Whether the snapshot has been open for too long.
  /// - Throws: What SQLite says, as a ``StoreError``.
  func renew(isOld: Bool) throws(StoreError) {
    // An error may have ended the transaction; what is read then shows a state of its own each
    // time.
    if isOpen, connection.isInAutocommit { isOpen = false }
    if isOpen {
      let now = wal.read()
      if !isOld, let header, header.shows(sameAs: now), !(readsLog && now.isBackfilled) { return }
      letGo()
    }
    let before = wal.read()
    do throws(StoreError) {
      try connection.run(Self.begin)
      // The first read begins the snapshot; it also tells whether another process has migrated.
      try SQLiteMigrator.checkVersion(of: connection, is: migration)
    } catch {
      connection.rollBack()
      throw error
    }
    isOpen = true
    isFresh = true
    connection.knowsFloor = false
    // Where nothing was committed between the two looks, the snapshot shows just this state.
    // Otherwise it is good for this one read, which came before.
    header = before.shows(sameAs: wal.read()) ? before : nil
    readsLog = !before.isBackfilled
  }

  /// Ends the open snapshot and closes the connection.
  func close() {
    letGo()
    connection.close()
  }

  /// Ends the open snapshot.
  func letGo() {
    guard isOpen else { return }
    isOpen = false
    header = nil
    do throws(StoreError) {
      try connection.run(Self.commit)
    } catch {
      connection.rollBack()
    }
  }
}
