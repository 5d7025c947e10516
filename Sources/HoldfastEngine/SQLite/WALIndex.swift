import CSQLite
import HoldfastCore

/// The header of the log's index, in memory that all processes share: which state the database is
/// in.
///
/// It changes with every commit of any process, at the commit; so whoever compares it with the
/// header under which something was read knows whether that is still so, for some nanoseconds.
///
/// Invariant: the region stays mapped while any connection of this process to the file is open.
/// Whoever reads the header holds such a connection, or a lock that the close takes before it
/// closes the last.
struct WALIndex: @unchecked Sendable {
  // Unchecked: the memory is shared between processes anyway, and is only read, as SQLite itself
  // reads it: both copies of the header must agree.
  private let region: UnsafeRawPointer

  /// Finds the region of a connection that has read at least once.
  ///
  /// - Parameter connection: An open connection in WAL mode.
  /// - Throws: What SQLite says, as a ``StoreError``.
  init(of connection: SQLiteConnection) throws(StoreError) {
    guard let region = holdfast_wal_region(connection.handle) else {
      throw StoreError(
        .incompatible, "The store's log has no index in shared memory.",
        hint: "Move the store to a local file system that supports memory mapping.")
    }
    self.region = UnsafeRawPointer(region)
  }

  /// The header now.
  func read() -> WALHeader { WALHeader(raw: holdfast_wal_header_read(region)) }
}

/// The header at one moment.
struct WALHeader: Sendable {
  fileprivate var raw: holdfast_wal_header

  /// Whether it was read whole.
  ///
  /// One that was not stands for no state at all.
  var isWhole: Bool { raw.whole }

  /// Whether both show the same state of the database; never so unless both are whole.
  ///
  /// - Parameter other: Another header.
  /// - Returns: Whether it is so.
  func shows(sameAs other: WALHeader) -> Bool {
    guard raw.whole, other.raw.whole else { return false }
    return withUnsafePointer(to: raw) { one in
      withUnsafePointer(to: other.raw) { holdfast_wal_header_same(one, $0) }
    }
  }

  /// Grows by one with each commit, with no checkpoint.
  var commits: UInt32 { withUnsafePointer(to: raw) { holdfast_wal_header_commits($0) } }

  /// How many frames the log has.
  var frames: UInt32 { withUnsafePointer(to: raw) { holdfast_wal_header_frames($0) } }

  /// Whether all of the log is in the database too.
  var isBackfilled: Bool { raw.backfilled >= frames }
}
