import HoldfastCore
import HoldfastEngine

/// Trims the change feed at its front.
///
/// Invariants:
/// - Rows go only from the front, and a row goes only when the one behind it may go too. So the
///   newest stays, from which on SQLite the next revision and the floor of the store's time are
///   read, and which rows go depends on old rows alone: neither who writes meanwhile nor what the
///   run itself enters changes it, a dry run counts the same, and a second run finds nothing.
/// - A cursor is good while the row behind it is kept.
/// - On PostgreSQL the place of the last row that went is noted in the same transaction, so that
///   a watcher behind it is told so. Rows of an incarnation before this one are never read, and go
///   whatever their age, up to the last one; they leave no note, for their cursors are of another
///   history.
enum RetentionFeed {
  /// Looks at the front.
  ///
  /// - Parameters:
  ///   - place: Behind which place.
  ///   - cutoff: Rows from before this time go.
  ///   - connection: The transaction's connection.
  /// - Returns: The rows that go, at most as many as one slice looks at.
  /// - Throws: What the database says, as a ``StoreError``.
  static func look(
    after place: [Bound], _ cutoff: Int64, on connection: any Connection
  ) throws(StoreError) -> [[Bound]] {
    let rows = try connection.run([
      Step(front, place + [.integer(Int64(RetentionPart.rowsMax) + 1)])
    ])[0].rows
    return Array(rows.prefix { mayGo($0, cutoff) }.dropLast())
  }

  /// Columns: writer, position, time, whether it is of an incarnation before this one.
  private static func mayGo(_ row: [Bound], _ cutoff: Int64) -> Bool {
    row[3].integer == 1 || row[2].integer ?? .max < cutoff
  }

  /// Removes one slice from the front.
  ///
  /// - Parameters:
  ///   - cutoff: Rows from before this time go.
  ///   - transaction: The transaction, which may be at READ COMMITTED: it decides by the rows that
  ///     it deletes alone.
  /// - Returns: How many went.
  /// - Throws: What the database says, as a ``StoreError``.
  static func remove(_ cutoff: Int64, in transaction: Transaction) throws(StoreError) -> Int {
    let connection = try transaction.writing(bytes: 0)
    let going = try look(after: start, cutoff, on: connection)
    guard let last = going.last else { return 0 }
    var steps = [Step(delete, place(of: last))]
    if connection.dialect == .postgres, last[3].integer == 0,
      let writer = last[0].integer, let position = last[1].integer
    {
      steps.append(Step(note, [.text("\(writer) \(position)")]))
    }
    _ = try connection.run(steps)
    return going.count
  }

  /// Before the oldest row.
  static let start: [Bound] = [.text("0"), .integer(-1)]
  /// Behind the newest row.
  static let end: [Bound] = [.text(String(Int64.max)), .integer(.max)]

  /// The place of a row, as a parameter.
  static func place(of row: [Bound]) -> [Bound] {
    [.text(String(row[0].integer ?? 0)), row[1]]
  }

  /// The feed's order is another one on each: transaction ids on PostgreSQL, positions on SQLite.
  ///
  /// $1 and $2 the place behind which it goes on, $3 how many.
  static let front = Statement(
    sqlite: """
      SELECT 0, position, at, 0
      FROM changes
      WHERE position > $2 AND $1 <> ''
      ORDER BY position
      LIMIT $3
      """,
    postgres: """
      SELECT c.writer::TEXT::BIGINT, c.position, c.at,
        CASE WHEN c.position <= \(floor) THEN 1 ELSE 0 END
      FROM changes AS c
      WHERE (c.writer, c.position) > ($1::TEXT::xid8, $2::BIGINT)
      ORDER BY c.writer, c.position
      LIMIT $3::BIGINT
      """)

  private static let floor =
    "(SELECT COALESCE(MAX(value::BIGINT), 0) FROM meta WHERE name = 'feed.floor')"

  /// $1 and $2 the last place that goes.
  private static let delete = Statement(
    sqlite: """
      DELETE FROM changes
      WHERE position <= $2 AND $1 <> ''
      """,
    postgres: """
      DELETE FROM changes
      WHERE (writer, position) <= ($1::TEXT::xid8, $2::BIGINT)
      """)

  /// A writer that commits late may leave a row before others that went already: then the note
  /// stays.
  ///
  /// $1 the place.
  private static let note = Statement(
    sqlite: "",
    postgres: """
      INSERT INTO meta AS m (name, value)
      VALUES ('feed.trimmed', $1)
      ON CONFLICT (name) DO UPDATE SET value = excluded.value
      WHERE (split_part(m.value, ' ', 1)::BIGINT, split_part(m.value, ' ', 2)::BIGINT)
        < (split_part($1, ' ', 1)::BIGINT, split_part($1, ' ', 2)::BIGINT)
      """)

  /// The newest first; as ``RetentionPart/newest``.
  ///
  /// On PostgreSQL the order names the table's column: `writer` alone would be the number that the
  /// statement gives, which no index has.
  static let newest = Statement(
    sqlite: """
      SELECT 0, position, at, NULL, 100 + COALESCE(LENGTH(CAST(subject AS BLOB)), 0)
      FROM changes
      WHERE position < $2 AND $1 <> ''
      ORDER BY position DESC
      LIMIT $3
      """,
    postgres: """
      SELECT c.writer::TEXT::BIGINT, c.position, c.at, NULL,
        100 + COALESCE(OCTET_LENGTH(c.subject), 0)
      FROM changes AS c
      WHERE (c.writer, c.position) < ($1::TEXT::xid8, $2::BIGINT)
      ORDER BY c.writer DESC, c.position DESC
      LIMIT $3::BIGINT
      """)
}
