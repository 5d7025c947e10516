import HoldfastCore
import HoldfastEngine

/// Whether rows fit each other: what foreign keys would say, and what no constraint can.
enum Consistency {
  /// A part of the check: what it looks for, and how it says what it found, a sentence a kind.
  typealias Step = (title: String, find: (Transaction) throws(StoreError) -> [String])

  /// What is looked for, in order.
  static var steps: [Step] {
    rules.map { rule in
      (rule.1, { tx throws(StoreError) in try count(rule.0, rule.1, tx.reading()) })
    } + [
      ("Values that are not the JSON that Holdfast writes", unreadable),
      (
        "Content that does not fit its digest",
        { tx throws(StoreError) in try FileConsistency.contents(tx.reading()) }
      ),
      (
        "Breaks in the chain of the audit log",
        { tx throws(StoreError) in try tx.audit.verify().faults.map(\.sentence) }
      ),
    ]
  }

  /// Rows that must not be: a statement that counts them, and what they are.
  private static let rules: [(Statement, String)] =
    [
      (orphans, "Keys without their namespace"),
      (future, "Keys with a version that no transaction drew"),
      (resurrected, "Live namespaces with keys under a deleted run"),
      (strayTags, "Tags without their run"),
      (SessionSQL.strayItems, "Items without their session"),
      (SessionSQL.miscounted, "Sessions that count other items than they have"),
      (SessionSQL.resurrected, "Sessions of a deleted run"),
      (DeadLetterSQL.resurrected, "Dead letters of a deleted run"),
      (ProviderSQL.impossible, "Providers in a state that no circuit can have"),
      (ApprovalSQL.resurrected, "Approvals of a deleted run"),
      (ApprovalSQL.forgotten, "Tasks that still wait for an approval that was closed"),
      (ApprovalSQL.abandoned, "Undecided approvals whose task does not wait for them"),
    ] + TaskConsistency.rules + FileConsistency.rules

  private static func count(
    _ statement: Statement, _ title: String, _ connection: any Connection
  ) throws(StoreError) -> [String] {
    let count = try connection.first(statement, []) { $0.integer(0) } ?? 0
    return count > 0 ? ["\(title): \(count)"] : []
  }

  private static func unreadable(_ transaction: Transaction) throws(StoreError) -> [String] {
    var count = 0
    do {
      try transaction.reading().forEachRow(values, []) { row in
        do throws(StoreError) { _ = try ValueText.decode(row.text(0)) } catch { count += 1 }
      }
    } catch {
      throw StoreError.from(error)
    }
    return count == 0 ? [] : ["Values that are not the JSON that Holdfast writes: \(count)"]
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
