import CSQLite
import HoldfastCore

/// Everything that a SQLite engine is made of, put together at its opening and taken apart at its
/// close.
final class SQLiteParts: Sendable {
  let path: String
  let options: EngineOptions
  let migration: Int
  let clock: SQLiteClock
  let wal: WALIndex
  let queue: WriteQueue
  let writer: SQLiteWriter
  let pool: SnapshotPool
  let scans: WorkerPool
  let hot: HotCache
  let watch: CommitWatch

  /// Opens a store's file, brings it to the newest schema and starts the writer.
  ///
  /// It blocks.
  ///
  /// - Parameters:
  ///   - text: The path.
  ///   - options: How it is opened.
  ///   - migrations: All migrations, from 1.
  /// - Throws: What the system or SQLite says, as a ``StoreError``.
  init(
    path text: String, options: EngineOptions, migrations: [Migration]
  ) throws(StoreError) {
    let place = try SQLitePath(text, createsMissing: options.createsMissing)
    clock = SQLiteClock(source: options.time)
    let opening = SQLiteOpening(path: place.path, clock: clock, options: options)
    if place.exists, !TurnLock.isThere(beside: place.path) {
      // Nobody has this file open as a store. What is none gets no lock file either.
      let pending = try SQLiteMigrator.pending(try opening.connect(.looker), migrations)
      try Self.checkIsMade(pending, text, options)
    }
    let turn = try TurnLock(beside: place.path)
    try turn.take(within: options.busyWaitMax)
    defer { turn.giveUp() }
    if !place.exists { try place.create() }

    let connection = try opening.connect(.writer)
    let pending = try SQLiteMigrator.pending(connection, migrations)
    try Self.checkIsMade(pending, text, options)
    try opening.prepareFile(connection, isNew: pending.first?.number == 1)
    try SQLiteMigrator.migrate(connection, path: place.path, migrations, options)
    let wal = try WALIndex(of: connection)
    let copier = try opening.connect(.copier)
    let pageBytes = Int(try connection.number(Self.pageSize) ?? 4_096)

    path = place.path
    self.options = options
    self.wal = wal
    migration = migrations.count
    queue = WriteQueue()
    hot = HotCache(wal: wal, bytesMax: options.hotBytesMax)
    watch = try CommitWatch(wal: wal, turn: turn, databasePath: place.path)
    pool = try Self.pool(opening, wal, migration: Int64(migrations.count))
    scans = WorkerPool(name: "holdfast-scan", threadsMax: Self.scansMax(options))
    writer = SQLiteWriter(
      queue: queue, turn: turn,
      group: WriteGroup(
        connection, wal: wal, queue: queue, options: options, migration: migrations.count),
      checkpointer: Checkpointer(
        writer: connection, copier: copier, wal: wal, options: options,
        pageBytes: pageBytes),
      connection: connection, wal: wal, pool: pool, watch: watch, busyWaitMax: options.busyWaitMax)
    do throws(StoreError) {
      try writer.start()
    } catch {
      pool.close()
      throw error
    }
  }

  /// Refuses an empty file where none is to become a store.
  private static func checkIsMade(
    _ pending: [Migration], _ path: String, _ options: EngineOptions
  ) throws(StoreError) {
    guard pending.first?.number == 1, !options.createsMissing else { return }
    throw SQLitePath.noStore(at: path)
  }

  /// Finishes what was accepted and lets go of everything.
  ///
  /// It blocks.
  ///
  /// The order matters: no checkpoint can be complete while readers hold snapshots, and nobody may
  /// read the header of the log's index once the last connection is closed.
  func shutDown() {
    queue.close()
    scans.close()
    pool.close()
    writer.finish()
    watch.close()
    hot.close()
    writer.close()
  }

  private static let pageSize = Statement("PRAGMA page_size")

  /// How many connections read.
  static func readersMax(_ options: EngineOptions) -> Int {
    max(options.readersMax ?? 4 + Cores.count, 2)
  }

  /// How many of them long reads may take: a point read, which is short, always finds another.
  static func scansMax(_ options: EngineOptions) -> Int {
    let readers = readersMax(options)
    return max(readers - max(readers / 2, 1), 1)
  }

  private static func pool(
    _ opening: SQLiteOpening, _ wal: WALIndex, migration: Int64
  ) throws(StoreError) -> SnapshotPool {
    try SnapshotPool(
      readersMax: readersMax(opening.options), ageMax: opening.options.snapshotAgeMax,
      waitMax: opening.options.busyWaitMax
    ) { () throws(StoreError) in
      SnapshotReader(try opening.connect(.reader), wal: wal, migration: migration)
    }
  }
}
