import HoldfastCore

/// The change feed as the table `changes` holds it: rows in the order of their positions, which is
/// the order of the commits.
///
/// Invariants: positions have no gaps, rows go only from the front, and the newest row stays. So a
/// cursor is good while the row behind it is kept or is yet to come.
enum SQLiteFeed {
  private static let incarnation = Statement(
    """
    SELECT value
    FROM meta
    WHERE name = 'incarnation'
    """)
  private static let oldest = Statement(
    """
    SELECT position
    FROM changes
    ORDER BY position
    LIMIT 1
    """)
  private static let newest = Statement(
    """
    SELECT position
    FROM changes
    ORDER BY position DESC
    LIMIT 1
    """)
  private static let page = Statement(
    """
    SELECT position, revision, kind, namespace, subject, operation, below, at
    FROM changes
    WHERE position > $1
    ORDER BY position
    LIMIT $2
    """)

  /// The place behind everything that the connection's snapshot shows.
  ///
  /// - Parameter connection: A connection with an open snapshot.
  /// - Returns: The place.
  /// - Throws: What SQLite says, as a ``StoreError``.
  static func end(_ connection: SQLiteConnection) throws(StoreError) -> FeedCursor {
    cursor(try incarnation(connection), try connection.number(newest) ?? 0)
  }

  /// The events after a place.
  ///
  /// - Parameters:
  ///   - cursor: The place.
  ///   - limit: At most this many.
  ///   - connection: A connection with an open snapshot.
  /// - Returns: The events in order, and the place behind the last of them.
  /// - Throws: `trimmed` for a place that is no longer known, else what SQLite says.
  static func page(
    after cursor: FeedCursor, limit: Int, _ connection: SQLiteConnection
  ) throws(StoreError) -> FeedPage {
    let incarnation = try incarnation(connection)
    let newest = try connection.number(newest) ?? 0
    let oldest = try connection.number(oldest) ?? 1
    guard cursor.incarnation.utf8.elementsEqual(incarnation.utf8), cursor.timeline == 0,
      cursor.place == 0
    else { throw trimmed("The cursor belongs to another history than this store's.") }
    guard cursor.position <= newest else {
      throw trimmed("The cursor lies past the end of this store's history.")
    }
    guard cursor.position >= oldest - 1 else {
      throw trimmed("Some of what comes after the cursor is no longer kept.")
    }
    var events: [FeedEvent] = []
    _ = try connection.forEachRow(page, [.integer(cursor.position), .integer(Int64(limit))]) {
      events.append(event($0, incarnation))
    }
    return FeedPage(events: events, next: events.last?.cursor ?? cursor, heldBack: false)
  }

  private static func incarnation(_ connection: SQLiteConnection) throws(StoreError) -> String {
    let rows = try connection.result(of: Step(incarnation)).rows
    guard let incarnation = rows.first?.first?.text else {
      throw StoreError(.corrupt, "The store does not know its own incarnation.")
    }
    return incarnation
  }

  private static func cursor(_ incarnation: String, _ position: Int64) -> FeedCursor {
    FeedCursor(incarnation: incarnation, timeline: 0, position: position, place: 0)
  }

  private static func event(_ row: Row, _ incarnation: String) -> FeedEvent {
    FeedEvent(
      cursor: cursor(incarnation, row.integer(0)), revision: row.integer(1), kind: row.text(2),
      namespace: row.text(3), subject: row.optionalText(4), operation: row.text(5),
      below: row.integer(6) != 0, time: Instant(microseconds: row.integer(7)))
  }

  private static func trimmed(_ message: String) -> StoreError { StoreError(.trimmed, message) }
}
