import HoldfastCore
import HoldfastEngine

/// Removes keys that are dead already: expired ones, and those of cleared namespaces.
///
/// Nobody sees the difference but the feed, which says `expired` here, and the disk. Each slice
/// decides by the rows that it deletes alone, so on PostgreSQL it may run at READ COMMITTED.
enum KeySweeper {
  /// How many rows one slice removes.
  static let sliceRowsMax = 500

  /// Removes one slice of expired keys and enters their events.
  ///
  /// - Parameter connection: The transaction's connection.
  /// - Returns: How many were removed.
  /// - Throws: What the database says, as a ``StoreError``.
  static func sweepExpired(on connection: any Connection) throws(StoreError) -> Int {
    let removed = try connection.all(expired, [.integer(Int64(sliceRowsMax))]) { row in
      (namespace: row.integer(0), key: row.text(1))
    }
    guard !removed.isEmpty else { return 0 }
    _ = try connection.run(
      removed.map { Step(expiredEvent, [.integer($0.namespace), .text($0.key)]) })
    return removed.count
  }

  /// Removes one slice of the keys of cleared namespaces, and the rows of those that are empty.
  ///
  /// - Parameter connection: The transaction's connection.
  /// - Returns: How many rows were removed.
  /// - Throws: What the database says, as a ``StoreError``.
  static func sweepCleared(on connection: any Connection) throws(StoreError) -> Int {
    guard let namespace = try connection.first(firstCleared, [], { $0.integer(0) }) else {
      return 0
    }
    let removed = try connection.run(
      removeKeys, [.integer(namespace), .integer(Int64(sliceRowsMax))])
    guard removed < sliceRowsMax else { return removed }
    return try removed + connection.run(removeNamespace, [.integer(namespace)])
  }

  /// Removes the keys of a cleared namespace at once, where they are few.
  ///
  /// - Parameters:
  ///   - namespace: The number of the namespace's row.
  ///   - connection: The transaction's connection.
  /// - Throws: What the database says, as a ``StoreError``.
  static func removeIfFew(
    _ namespace: Int64, on connection: any Connection
  ) throws(StoreError) {
    let removed = try connection.run(
      removeKeys, [.integer(namespace), .integer(Int64(sliceRowsMax))])
    guard removed < sliceRowsMax else { return }
    try connection.run(removeNamespace, [.integer(namespace)])
  }

  /// $1 how many.
  private static let expired = Statement(
    """
    DELETE FROM kv
    WHERE (namespace_id, key) IN (
        SELECT e.namespace_id, e.key
        FROM kv AS e
        WHERE e.expires_at <= holdfast_now()
        ORDER BY e.expires_at
        LIMIT CAST($1 AS BIGINT))
      AND expires_at <= holdfast_now()
    RETURNING namespace_id, key
    """)

  /// A cleared namespace's keys went with the event of the clear.
  ///
  /// $1 namespace, $2 key.
  private static let expiredEvent = Statement(
    """
    INSERT INTO changes (revision, kind, namespace, subject, operation, at)
    SELECT holdfast_revision(), 'kv', n.name, $2, 'expired', holdfast_now()
    FROM namespaces AS n
    WHERE n.id = $1 AND n.cleared_at IS NULL
    """)

  private static let firstCleared = Statement(
    """
    SELECT id
    FROM namespaces
    WHERE cleared_at IS NOT NULL
    ORDER BY id
    LIMIT 1
    """)

  /// $1 namespace, $2 how many.
  private static let removeKeys = Statement(
    """
    DELETE FROM kv
    WHERE namespace_id = $1
      AND key IN (
        SELECT o.key FROM kv AS o WHERE o.namespace_id = $1 ORDER BY o.key
        LIMIT CAST($2 AS BIGINT))
    """)

  /// $1 namespace.
  private static let removeNamespace = Statement(
    """
    DELETE FROM namespaces
    WHERE id = $1 AND cleared_at IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM kv AS k WHERE k.namespace_id = $1)
    """)
}
