import CSQLite
import HoldfastCore

/// Opens connections, each with the same settings.
struct SQLiteOpening: Sendable {
  let path: String
  let clock: SQLiteClock
  let options: EngineOptions

  /// What a connection is for.
  enum Role {
    case writer
    case reader
    /// Copies the log while the writer holds SQLite's write lock.
    case copier
    /// Looks whether a file is a store at all, and leaves nothing beside it.
    case looker
  }

  /// Opens one connection.
  ///
  /// - Parameter role: What it is for.
  /// - Returns: The connection, with Holdfast's functions and settings.
  /// - Throws: What the system or SQLite says, as a ``StoreError``.
  func connect(_ role: Role) throws(StoreError) -> SQLiteConnection {
    guard sqlite3_threadsafe() != 0 else {
      throw StoreError(
        .incompatible, "This SQLite was built for one thread only.",
        hint: "Install a SQLite that is built with threads.")
    }
    let connection = try handle()
    // The log and its index, which this makes where they are missing, go with who only looked.
    if role != .looker { holdfast_no_checkpoint_on_close(connection.handle) }
    holdfast_defensive(connection.handle)
    // Refused where SQLite was built without it, which costs nothing but speed.
    holdfast_lookaside(connection.handle, 1_200, role == .copier ? 0 : 100)
    try connection.registerFunctions()
    try connection.execute(Self.settings)
    switch role {
    case .writer:
      try connection.execute("PRAGMA journal_size_limit = \(2 * options.checkpointBytes)")
    case .reader:
      // Enough for the inner pages of some millions of keys, which reads at random would
      // otherwise drive out.
      try connection.execute("PRAGMA query_only = ON; PRAGMA cache_size = -4000")
    case .copier:
      try connection.execute("PRAGMA cache_size = 10")
    case .looker:
      try connection.execute("PRAGMA query_only = ON")
    }
    return connection

    func handle() throws(StoreError) -> SQLiteConnection {
      var handle: OpaquePointer?
      // No mutex: one thread at a time uses a connection.
      let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE
      let code = sqlite3_open_v2(path, &handle, flags, nil)
      guard code == SQLITE_OK, let handle else {
        let failure = SQLiteFailure(
          code: code, systemCode: handle.map { sqlite3_system_errno($0) } ?? 0,
          text: String(cString: sqlite3_errstr(code)))
        sqlite3_close_v2(handle)
        throw failure.storeError
      }
      return SQLiteConnection(
        handle: handle, clock: clock, drawsRevisions: role == .writer,
        busyWaitMax: options.busyWaitMax)
    }
  }

  /// What every connection is set to.
  ///
  /// Checkpoints are never automatic: see ``Checkpointer``.
  private static let settings = """
    PRAGMA foreign_keys = ON;
    PRAGMA synchronous = FULL;
    PRAGMA secure_delete = ON;
    PRAGMA temp_store = MEMORY;
    PRAGMA wal_autocheckpoint = 0;
    PRAGMA trusted_schema = OFF;
    """

  /// Makes an empty file a store's file, and any store's file one with a log.
  ///
  /// - Parameters:
  ///   - connection: The writer's connection.
  ///   - isNew: Whether the file is empty.
  /// - Throws: What SQLite says, as a ``StoreError``.
  func prepareFile(_ connection: SQLiteConnection, isNew: Bool) throws(StoreError) {
    if isNew {
      // Both only count before the first table is made.
      try connection.execute("PRAGMA page_size = 4096; PRAGMA auto_vacuum = INCREMENTAL;")
    }
    let mode = try connection.result(of: Step(Self.journalMode)).rows.first?.first?.text
    guard mode == "wal" else {
      throw StoreError(
        .incompatible, "The store's file cannot have a log (SQLite's WAL) where it lies.",
        hint: "Move the store to a local file system that supports memory mapping.")
    }
  }

  private static let journalMode = Statement("PRAGMA journal_mode = WAL")
}
