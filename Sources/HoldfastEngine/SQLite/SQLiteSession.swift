import HoldfastCore

/// What a body works on: one connection, for as long as the body runs.
///
/// Invariants:
/// - The first error of the database dooms the body: every later call throws it again. SQLite may
///   have dropped the transaction with it, and a statement that ran all the same would commit by
///   itself.
/// - After ``end()`` nothing reaches the connection any more.
final class SQLiteSession: Connection {
  private var connection: SQLiteConnection?
  let notes: SessionNotes
  /// When a body's time is over, by the monotonic clock; `nil` for a read.
  private let deadline: Duration?
  private let probe: (@Sendable (ProbePoint) throws(StoreError) -> Void)?
  /// The error that doomed the body.
  private(set) var doom: StoreError?

  init(
    _ connection: SQLiteConnection, deadline: Duration?,
    probe: (@Sendable (ProbePoint) throws(StoreError) -> Void)?
  ) {
    self.connection = connection
    notes = connection.notes
    self.deadline = deadline
    self.probe = probe
  }

  /// Takes the connection away from a body that has returned.
  func end() { connection = nil }

  var dialect: Dialect { .sqlite }

  func forEachRow(
    _ statement: Statement, _ bindings: [Bound], _ body: (Row) throws -> Void
  ) throws {
    let thrown: (any Error)? = try attempt { (connection) throws(StoreError) in
      try connection.forEachRow(statement, bindings, body)
    }
    guard let thrown else { return }
    if let error = thrown as? StoreError, error.code.dooms { doom = doom ?? error }
    throw thrown
  }

  func run(_ steps: [Step]) throws(StoreError) -> [StepResult] {
    var results: [StepResult] = []
    results.reserveCapacity(steps.count)
    for step in steps {
      results.append(
        try attempt { (connection) throws(StoreError) in try connection.result(of: step) })
    }
    return results
  }

  @discardableResult
  func run(_ statement: Statement, _ bindings: [Bound]) throws(StoreError) -> Int {
    try attempt { (connection) throws(StoreError) in try connection.run(statement, bindings) }
  }

  /// Gives unused pages of the file back to the system.
  ///
  /// - Parameter pages: At most this many.
  /// - Throws: What SQLite says, as a ``StoreError``.
  func vacuum(pages: Int) throws(StoreError) {
    // A pragma takes no parameters; its text is made of a number only.
    try attempt { (connection) throws(StoreError) in
      try connection.execute("PRAGMA incremental_vacuum(\(max(pages, 1)))")
    }
  }

  /// Runs something on the connection, unless the body is doomed, over, or out of time.
  private func attempt<Result>(
    _ work: (SQLiteConnection) throws(StoreError) -> Result
  ) throws(StoreError) -> Result {
    if let doom { throw doom }
    guard let connection else {
      throw StoreError(
        .invalidState, "A transaction was used after its body had ended.",
        hint: "Use the transaction only inside its body.")
    }
    do throws(StoreError) {
      if let deadline, connection.clock.monotonic() > deadline {
        throw StoreError(
          .unavailable, "The body of a transaction ran longer than it may.",
          hint: "Do less in one transaction, and wait for nothing inside it; nothing was written.")
      }
      try probe?(.statement)
      return try work(connection)
    } catch {
      doom = error
      throw error
    }
  }
}
