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

/// What goes by itself, or with something else.
extension SessionsTransaction {
  /// Removes one slice of the sessions without items that were used last before a time.
  ///
  /// - Parameters:
  ///   - time: The time.
  ///   - limit: How many at most.
  /// - Returns: How many were removed.
  /// - Throws: What the database says, as a ``StoreError``.
  package func removeIdle(before time: Instant, limit: Int) throws(StoreError) -> Int {
    let connection = try transaction.writing(operations: limit, bytes: 0)
    let removed = try connection.all(
      SessionSQL.deleteIdle, [.integer(time.microseconds), .integer(Int64(limit))]
    ) { (id: $0.text(0), run: $0.optionalText(1)) }
    guard !removed.isEmpty else { return 0 }
    _ = try connection.run(
      removed.map { Feed.event("session", .holding(run: $0.run), $0.id, "expired") })
    return removed.count
  }

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
