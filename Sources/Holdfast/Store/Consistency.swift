import HoldfastCore
import HoldfastEngine

/// Whether rows fit each other: what foreign keys would say, and what no constraint can.
enum Consistency {
  /// How many kinds of misfit are looked for.
  static var stepCount: Int { rules.count + 1 }

  /// Looks for every kind of misfit.
  ///
  /// - Parameters:
  ///   - connection: A snapshot.
  ///   - begins: Told of each kind before it is looked for, with its number from 1.
  /// - Returns: One sentence a kind that was found, with how many rows it concerns.
  /// - Throws: What the database says, as a ``StoreError``.
  static func check(
    _ connection: any Connection, _ begins: (Int, String) -> Void
  ) throws(StoreError) -> [String] {
    var problems: [String] = []
    for (place, (statement, sentence)) in rules.enumerated() {
      begins(place + 1, sentence)
      let count = try connection.first(statement, []) { $0.integer(0) } ?? 0
      if count > 0 { problems.append("\(sentence): \(count)") }
    }
    begins(stepCount, unreadableValues)
    let count = try unreadable(connection)
    if count > 0 { problems.append("\(unreadableValues): \(count)") }
    return problems
  }

  private static let unreadableValues = "Values that are not the JSON that Holdfast writes"

  private static let rules: [(Statement, String)] = [
    (orphans, "Keys without their namespace"),
    (future, "Keys with a version that no transaction drew"),
    (resurrected, "Live namespaces with keys under a deleted run"),
    (strayTags, "Tags without their run"),
  ]

  private static func unreadable(_ connection: any Connection) throws(StoreError) -> Int {
    var count = 0
    do {
      try connection.forEachRow(values, []) { row in
        do throws(StoreError) { _ = try ValueText.decode(row.text(0)) } catch { count += 1 }
      }
    } catch {
      throw StoreError.from(error)
    }
    return count
  }

  private static let orphans = Statement(
    """
    SELECT COUNT(*)
    FROM kv AS k
    WHERE NOT EXISTS (SELECT 1 FROM namespaces AS n WHERE n.id = k.namespace_id)
    """)

  /// The newest feed row is never removed, so no row can be newer than all of them.
  private static let future = Statement(
    """
    SELECT COUNT(*)
    FROM kv AS k
    WHERE k.version > COALESCE((SELECT MAX(c.revision) FROM changes AS c), 0)
    """)

  private static let resurrected = Statement(
    """
    SELECT COUNT(*)
    FROM namespaces AS n
    JOIN runs AS r ON r.id = n.run_id
    WHERE n.cleared_at IS NULL AND r.status = 'deleted'
      AND EXISTS (SELECT 1 FROM kv AS k WHERE k.namespace_id = n.id)
    """)

  private static let strayTags = Statement(
    """
    SELECT COUNT(*)
    FROM run_tags AS t
    WHERE NOT EXISTS (SELECT 1 FROM runs AS r WHERE r.number = t.number)
    """)

  private static let values = Statement(
    """
    SELECT value
    FROM kv
    """)
}
