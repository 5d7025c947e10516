import HoldfastCore
import HoldfastEngine

/// Removes the items of sessions that were cleared or deleted.
///
/// Nobody sees the difference but the disk. Each slice decides by the rows that it deletes alone:
/// no item is ever added below a clearing's bound, because positions only grow and a session's
/// number never comes again. So on PostgreSQL a slice may run at READ COMMITTED.
enum SessionSweeper {
  /// How many items one slice removes.
  static let sliceRowsMax = 500

  /// Removes the items of a session below a position: at once where they are few, else later.
  ///
  /// - Parameters:
  ///   - session: The session's number.
  ///   - below: Items before this position belong to nobody.
  ///   - connection: The transaction's connection.
  /// - Throws: What the database says, as a ``StoreError``.
  static func discard(
    _ session: Int64, below: Int64, on connection: any Connection
  ) throws(StoreError) {
    let removed = try connection.run(
      removeItems, [.integer(session), .integer(below), .integer(Int64(sliceRowsMax))])
    guard removed == sliceRowsMax else { return }
    try connection.run(later, [.integer(session), .integer(below)])
  }

  /// Leaves the items of a session to later slices.
  ///
  /// - Parameters:
  ///   - session: The session's number.
  ///   - below: Items before this position belong to nobody.
  /// - Returns: The step.
  static func laterStep(_ session: Int64, below: Int64) -> Step {
    Step(later, [.integer(session), .integer(below)])
  }

  /// Removes one slice.
  ///
  /// - Parameter connection: The transaction's connection.
  /// - Returns: How many rows were removed.
  /// - Throws: What the database says, as a ``StoreError``.
  static func sweep(on connection: any Connection) throws(StoreError) -> Int {
    let next = try connection.first(first, []) {
      (session: $0.integer(0), below: $0.integer(1))
    }
    guard let next else { return 0 }
    let bounds: [Bound] = [.integer(next.session), .integer(next.below)]
    let removed = try connection.run(
      removeItems, bounds + [.integer(Int64(sliceRowsMax))])
    guard removed < sliceRowsMax else { return removed }
    return try removed + connection.run(done, bounds)
  }

  private static let first = Statement(
    """
    SELECT session, below
    FROM session_clearings
    ORDER BY session, below
    LIMIT 1
    """)

  /// $1 session, $2 below, $3 how many.
  private static let removeItems = Statement(
    """
    DELETE FROM session_items
    WHERE session = $1
      AND position IN (
        SELECT o.position FROM session_items AS o
        WHERE o.session = $1 AND o.position < $2
        ORDER BY o.position
        LIMIT CAST($3 AS BIGINT))
    """)

  /// $1 session, $2 below.
  private static let later = Statement(
    """
    INSERT INTO session_clearings (session, below)
    VALUES ($1, $2)
    ON CONFLICT (session, below) DO NOTHING
    """)

  /// $1 session, $2 below.
  private static let done = Statement(
    """
    DELETE FROM session_clearings
    WHERE session = $1 AND below = $2
    """)
}

/// What goes with a run.
extension SessionsTransaction {
  /// The sessions go with their run, and leave their items to upkeep; a bot has none.
  static let owned = OwnedPart { transaction, owner throws(StoreError) in
    guard let run = owner.runID else { return 0 }
    let connection = try transaction.reading()
    let sessions = try connection.all(SessionSQL.numbersOfRun, [.text(run)]) {
      (number: $0.integer(0), next: $0.integer(1))
    }
    guard !sessions.isEmpty else { return 0 }
    _ = try connection.run(
      sessions.filter { $0.next > 1 }.map { SessionSweeper.laterStep($0.number, below: $0.next) }
        + [Step(SessionSQL.deleteOfRun, [.text(run)])])
    return sessions.count
  }
}
