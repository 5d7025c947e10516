import CSQLite
import HoldfastCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// One connection to a SQLite file: its prepared statements, its functions and its busy handler.
///
/// Invariants:
/// - One thread at a time uses a connection; whoever hands it on does so under a lock. SQLite is
///   therefore opened without a mutex of its own.
/// - No statement is stepped while a binding points at memory that may be gone.
/// - `holdfast_now()` gives one time from ``beginBody()`` to the next, `holdfast_revision()` one
///   number, and only where ``drawsRevisions`` says so.
final class SQLiteConnection: @unchecked Sendable {
  // Unchecked: owned by one thread at a time, see above; the owners' locks (the writer's queue, the
  // snapshot pool's monitor) order what different threads do.

  let handle: OpaquePointer
  let clock: SQLiteClock
  /// What bodies noted with this connection.
  let notes = SessionNotes()
  private var prepared: [PreparedStatement?] = []

  /// For how long a lock of SQLite's is waited for.
  var busyWaitMax: Duration
  /// The longest wait so far.
  private(set) var busyWaitLongest = Duration.zero
  private var busySince = Duration.zero

  /// Whether `holdfast_revision()` gives a number: on the writer only.
  let drawsRevisions: Bool
  /// The newest revision that is kept, or that a body of the open transaction drew and kept.
  var newestRevision: Int64 = 0
  /// What the running body drew.
  private(set) var revision: Int64?
  /// The running body's time; read when it is first asked for.
  private var time: Instant?
  /// Whether the newest stored time was seen in the open snapshot, so that time lies above it.
  var knowsFloor = false

  /// Takes over an open handle.
  ///
  /// - Parameters:
  ///   - handle: The handle; this object closes it.
  ///   - clock: The engine's clock.
  ///   - drawsRevisions: Whether this is the writer.
  ///   - busyWaitMax: For how long a lock is waited for.
  init(
    handle: OpaquePointer, clock: SQLiteClock, drawsRevisions: Bool, busyWaitMax: Duration
  ) {
    self.handle = handle
    self.clock = clock
    self.drawsRevisions = drawsRevisions
    self.busyWaitMax = busyWaitMax
    sqlite3_busy_handler(handle, waitWhileBusy, Unmanaged.passUnretained(self).toOpaque())
  }

  deinit { close() }

  private var isClosed = false

  /// Closes the connection; it must not be used any more.
  func close() {
    guard !isClosed else { return }
    isClosed = true
    prepared = []
    sqlite3_close_v2(handle)
  }

  /// Whether no transaction is open: after an error, whether SQLite dropped it.
  var isInAutocommit: Bool { sqlite3_get_autocommit(handle) != 0 }

  /// How many rows the connection has written in all.
  var changesTotal: Int64 { sqlite3_total_changes64(handle) }

  /// Begins a body: it reads its own time and draws its own revision.
  func beginBody() {
    time = nil
    revision = nil
  }

  /// Ends a body whose changes stay.
  func keepRevision() {
    if let revision { newestRevision = revision }
    revision = nil
  }

  /// What SQLite says of its last failure.
  func failure(_ code: Int32) -> SQLiteFailure {
    // Inside a statement SQLite says of a read that failed that the database is damaged. Once a
    // read has failed, damage cannot be told from it on this connection; the disk is what to look
    // at.
    if code & 0xFF == SQLITE_CORRUPT, holdfast_read_failed(handle) {
      return SQLiteFailure(
        code: SQLITE_IOERR | 33 << 8, systemCode: EIO, text: "a read failed")
    }
    return SQLiteFailure(
      code: code, systemCode: code & 0xFF == SQLITE_IOERR ? sqlite3_system_errno(handle) : 0,
      text: sqlite3_errmsg(handle).map { String(cString: $0) } ?? "")
  }
}

// MARK: Statements

extension SQLiteConnection {
  /// The prepared form of a statement, from the cache if it is not in use.
  private func prepare(_ statement: Statement) throws(StoreError) -> PreparedStatement {
    let index = statement.index
    if index < prepared.count, let found = prepared[index], !found.isBusy { return found }
    let made = try compile(statement.sqlite, persistent: true)
    while prepared.count <= index { prepared.append(nil) }
    // One that is busy stays the cached one; the new one then lives for this call only.
    if prepared[index] == nil { prepared[index] = made }
    return made
  }

  private func compile(_ text: String, persistent: Bool) throws(StoreError) -> PreparedStatement {
    var handle: OpaquePointer?
    let flags = persistent ? UInt32(SQLITE_PREPARE_PERSISTENT) : 0
    let code = sqlite3_prepare_v3(self.handle, text, -1, flags, &handle, nil)
    guard code == SQLITE_OK else { throw failure(code).storeError }
    guard let handle else {
      throw StoreError(.internal, "A statement has no text.")
    }
    return PreparedStatement(handle: handle)
  }

  /// Binds, steps and resets one statement.
  ///
  /// - Parameters:
  ///   - statement: The statement.
  ///   - bindings: Its parameters.
  ///   - row: Takes each row; returns whether to go on.
  /// - Returns: How many rows the statement wrote.
  /// - Throws: What SQLite says, as a ``StoreError``.
  @inline(__always)
  private func step(
    _ statement: Statement, _ bindings: [Bound], _ row: (OpaquePointer) -> Bool
  ) throws(StoreError) -> Int {
    try statement.check(bindings)
    let prepared = try prepare(statement)
    guard drawsRevisions || !prepared.writes else {
      throw StoreError(.internal, "A statement that writes was given to a read.")
    }
    prepared.isBusy = true
    let code = prepared.run(bindings) {
      while true {
        let code = sqlite3_step(prepared.handle)
        guard code == SQLITE_ROW, row(prepared.handle) else { return code }
      }
    }
    prepared.isBusy = false
    guard code == SQLITE_DONE || code == SQLITE_ROW else { throw failure(code).storeError }
    return prepared.writes ? Int(sqlite3_changes(handle)) : 0
  }

  /// Runs a statement.
  ///
  /// - Parameters:
  ///   - statement: The statement.
  ///   - bindings: Its parameters.
  /// - Returns: How many rows it wrote.
  /// - Throws: What SQLite says, as a ``StoreError``.
  @discardableResult
  func run(_ statement: Statement, _ bindings: [Bound] = []) throws(StoreError) -> Int {
    try step(statement, bindings) { _ in true }
  }

  /// Runs a statement and keeps its rows.
  ///
  /// - Parameter step: The statement with its parameters.
  /// - Returns: Its rows, and how many it wrote.
  /// - Throws: What SQLite says, as a ``StoreError``.
  func result(of step: Step) throws(StoreError) -> StepResult {
    var rows: [[Bound]] = []
    let changes = try self.step(step.statement, step.bindings) { handle in
      rows.append(Self.columns(of: handle))
      return true
    }
    return StepResult(rows: rows, changes: changes)
  }

  /// Runs a statement and lends its rows.
  ///
  /// - Parameters:
  ///   - statement: The statement.
  ///   - bindings: Its parameters.
  ///   - body: Takes each row.
  /// - Returns: What the body threw, if it threw.
  /// - Throws: What SQLite says, as a ``StoreError``.
  func forEachRow(
    _ statement: Statement, _ bindings: [Bound], _ body: (Row) throws -> Void
  ) throws(StoreError) -> (any Error)? {
    var thrown: (any Error)?
    _ = try step(statement, bindings) { handle in
      do { try body(Row(.sqlite(handle))) } catch { thrown = error }
      return thrown == nil
    }
    return thrown
  }

  /// The first column of the first row, as a number.
  ///
  /// - Parameters:
  ///   - statement: The statement.
  ///   - bindings: Its parameters.
  /// - Returns: The number; `nil` where there is no row or it is NULL.
  /// - Throws: What SQLite says, as a ``StoreError``.
  func number(_ statement: Statement, _ bindings: [Bound] = []) throws(StoreError) -> Int64? {
    var number: Int64?
    _ = try step(statement, bindings) { handle in
      if sqlite3_column_type(handle, 0) != SQLITE_NULL { number = sqlite3_column_int64(handle, 0) }
      return false
    }
    return number
  }

  /// Runs a text of several statements that takes no parameters: settings and migrations.
  ///
  /// - Parameter text: The SQL text.
  /// - Throws: What SQLite says, as a ``StoreError``.
  func execute(_ text: String) throws(StoreError) {
    let code = sqlite3_exec(handle, text, nil, nil, nil)
    guard code == SQLITE_OK else { throw failure(code).storeError }
  }

  /// Ends whatever transaction is open, without its changes.
  func rollBack() {
    guard !isInAutocommit else { return }
    sqlite3_exec(handle, "ROLLBACK", nil, nil, nil)
  }

  private static func columns(of handle: OpaquePointer) -> [Bound] {
    let count = sqlite3_column_count(handle)
    return [Bound](unsafeUninitializedCapacity: Int(count)) { columns, initialized in
      for column in 0..<count {
        (columns.baseAddress.unsafelyUnwrapped + Int(column))
          .initialize(to: value(of: handle, column))
      }
      initialized = Int(count)
    }
  }

  private static func value(of handle: OpaquePointer, _ column: Int32) -> Bound {
    let row = Row(.sqlite(handle))
    switch sqlite3_column_type(handle, column) {
    case SQLITE_NULL: return .null
    case SQLITE_TEXT: return .text(row.text(column))
    case SQLITE_BLOB: return .blob(row.blob(column))
    default: return .integer(row.integer(column))
    }
  }
}

// MARK: Waiting

extension SQLiteConnection {
  /// Sleeps a little and says whether to try again.
  ///
  /// The sleeps are short and do not grow: a waiter that sleeps longer the longer it waited is
  /// overtaken by all that came later.
  fileprivate func wait(attempt: Int32) -> Bool {
    let now = SystemTimeSource().monotonicTime()
    if attempt == 0 { busySince = now }
    let waited = now - busySince
    busyWaitLongest = max(busyWaitLongest, waited)
    guard waited < busyWaitMax else { return false }
    Pause.between(attempts: Int(attempt))
    return true
  }
}

private let waitWhileBusy: @convention(c) (UnsafeMutableRawPointer?, Int32) -> Int32 = {
  guard let pointer = $0 else { return 0 }
  let connection = Unmanaged<SQLiteConnection>.fromOpaque(pointer).takeUnretainedValue()
  return connection.wait(attempt: $1) ? 1 : 0
}

// MARK: Functions

extension SQLiteConnection {
  private static let newestTime = Statement(
    """
    SELECT at
    FROM changes
    ORDER BY position DESC
    LIMIT 1
    """)

  /// The running body's time.
  func bodyTime() throws(StoreError) -> Instant {
    if let time { return time }
    if !knowsFloor {
      if let floor = try number(Self.newestTime) { clock.raise(to: Instant(microseconds: floor)) }
      knowsFloor = true
    }
    let now = clock.now()
    time = now
    return now
  }

  /// The running body's revision.
  fileprivate func bodyRevision() -> Int64? {
    guard drawsRevisions else { return nil }
    let drawn = revision ?? newestRevision + 1
    revision = drawn
    return drawn
  }

  /// Gives the connection Holdfast's functions.
  func registerFunctions() throws(StoreError) {
    let pointer = Unmanaged.passUnretained(self).toOpaque()
    // "Deterministic" speaks of one statement only: SQLite then asks once a statement instead of
    // once a row. The revision is asked for only where a row is written, so it must not be.
    let flags = SQLITE_UTF8 | SQLITE_DIRECTONLY
    for (name, flags, function) in [
      ("holdfast_now", flags | SQLITE_DETERMINISTIC, nowFunction),
      ("holdfast_revision", flags, revisionFunction),
    ] {
      let code = sqlite3_create_function_v2(
        handle, name, 0, flags, pointer, function, nil, nil, nil)
      guard code == SQLITE_OK else { throw failure(code).storeError }
    }
  }
}

private typealias Function =
  @convention(c) (OpaquePointer?, Int32, UnsafeMutablePointer<OpaquePointer?>?) -> Void

private func connection(of context: OpaquePointer?) -> SQLiteConnection {
  Unmanaged<SQLiteConnection>.fromOpaque(sqlite3_user_data(context)).takeUnretainedValue()
}

private let nowFunction: Function = { context, _, _ in
  do throws(StoreError) {
    sqlite3_result_int64(context, try connection(of: context).bodyTime().microseconds)
  } catch {
    sqlite3_result_error(context, "The newest stored time could not be read.", -1)
  }
}

private let revisionFunction: Function = { context, _, _ in
  if let revision = connection(of: context).bodyRevision() {
    sqlite3_result_int64(context, revision)
  } else {
    sqlite3_result_error(context, "A read has no revision.", -1)
  }
}
