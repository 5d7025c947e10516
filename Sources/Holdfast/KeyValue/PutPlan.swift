import HoldfastCore
import HoldfastEngine

/// A put, checked and made ready before its transaction: one statement on PostgreSQL, a look and a
/// write on SQLite.
///
/// Where the condition does not hold nothing is written. Why is then found out by
/// ``KeyValueTransaction``.
///
/// A class, for it goes through many hands and has many parts to copy.
final class PutPlan: Sendable {
  let namespace: Namespace
  let key: String
  let value: Value
  let text: String
  let ttl: Duration?
  let description: String?
  /// The version that must be there: `nil` any, 0 none.
  let expected: Int64?
  /// Whether an old expiry stays (an increment).
  let keepsExpiry: Bool

  init(
    _ namespace: Namespace, _ put: Put, expected: Int64?, keepsExpiry: Bool = false,
    _ limits: Limits
  ) throws(StoreError) {
    try namespace.check(limits)
    try Key.check(put.key, limits)
    if let ttl = put.ttl { try Checks.lifetime(ttl, limits) }
    if let description = put.description { try Checks.description(description, limits) }
    self.namespace = namespace
    self.key = put.key
    self.value = put.value
    self.text = try put.value.json(within: limits)
    self.ttl = put.ttl
    self.description = put.description
    self.expected = expected
    self.keepsExpiry = keepsExpiry
  }

  /// The version that must be there for a condition; a condition on the value is decided before.
  static func expected(_ condition: Condition?) -> Int64? {
    switch condition {
    case .absent: 0
    // No row has a version below 1, and 0 stands for "none": such a condition never holds.
    case .version(let version): version < 1 ? -1 : version
    case .value, nil: nil
    }
  }

  /// How much it counts for in a transaction.
  var bytes: Int { key.utf8.count + text.utf8.count + (description?.utf8.count ?? 0) }

  /// All of it for PostgreSQL.
  var step: Step { Step(KeyValueSQL.put, putBindings) }

  /// Runs the plan.
  ///
  /// - Returns: What the put did; `nil` when it was refused and nothing was written.
  func run(on connection: any Connection) throws(StoreError) -> PutResult? {
    guard connection.dialect == .sqlite else {
      return try connection.run([step]).first.flatMap(result)
    }
    let found = try connection.first(
      KeyValueSQL.findBeforePut, [.text(namespace.text), .text(key), Bound(expected)]
    ) { row in change(of: row) }
    guard case .some(.some(let change)) = found else { return nil }
    if change.was == .expired { try enter("expired", on: connection) }
    try connection.run(statement(for: change), bindings(of: change))
    try enter("put", on: connection)
    return PutResult(entry: change.entry, isNew: change.was != .alive)
  }

  private func enter(_ operation: String, on connection: any Connection) throws(StoreError) {
    let event = Feed.event("kv", namespace, key, operation)
    try connection.run(event.statement, event.bindings)
  }

  private var putBindings: [Bound] {
    [
      .text(namespace.text), .text(key), Bound(expected), .text(text), Bound(ttl?.microseconds),
      Bound(description), Bound(keepsExpiry), .integer(NamespaceDoor.number(of: namespace)),
    ]
  }

  /// What the statement did on PostgreSQL.
  ///
  /// - Parameter put: Its result.
  /// - Returns: What the put did; `nil` when it was refused.
  func result(_ put: StepResult) -> PutResult? {
    guard let row = put.rows.first, row.count == 6, let version = row[0].integer,
      let created = row[1].integer, let updated = row[2].integer
    else { return nil }
    let entry = Entry(
      key: key, value: value, version: version, createdAt: Instant(microseconds: created),
      updatedAt: Instant(microseconds: updated),
      expiresAt: row[3].integer.map(Instant.init(microseconds:)), description: row[4].text)
    return PutResult(entry: entry, isNew: row[5].integer != 0)
  }
}

/// SQLite's way, where the plan decides between the look and the write.
extension PutPlan {
  /// What the put makes of what ``KeyValueSQL/findBeforePut`` found.
  private struct Change {
    enum Before { case missing, expired, alive }

    /// The number of the namespace's row.
    let namespace: Int64
    let was: Before
    /// Whether expiry and description stay as they are.
    let isValueOnly: Bool
    let entry: Entry
  }

  /// - Returns: The change; `nil` where the condition does not hold.
  private func change(of row: Row) -> Change? {
    guard let version = row.optionalInteger(5) else { return nil }
    let now = row.integer(4)
    let created = row.optionalInteger(1)
    let oldExpiry = row.optionalInteger(2)
    let was: Change.Before =
      created == nil ? .missing : oldExpiry.map { $0 <= now } == true ? .expired : .alive
    let isAlive = was == .alive
    let expiry = keepsExpiry && isAlive ? oldExpiry : ttl.map { now + $0.microseconds }
    let oldDescription = isAlive ? row.optionalText(3) : nil
    return Change(
      namespace: row.integer(0), was: was,
      isValueOnly: isAlive && description == nil && expiry == oldExpiry,
      entry: Entry(
        key: key, value: value, version: version,
        createdAt: Instant(microseconds: isAlive ? created ?? now : now),
        updatedAt: Instant(microseconds: now),
        expiresAt: expiry.map(Instant.init(microseconds:)),
        description: description.map { $0.isEmpty ? nil : $0 } ?? oldDescription))
  }

  private func statement(for change: Change) -> Statement {
    switch change.was {
    case .missing: KeyValueSQL.insert
    case .expired: KeyValueSQL.replace
    case .alive: change.isValueOnly ? KeyValueSQL.replaceValue : KeyValueSQL.replace
    }
  }

  private func bindings(of change: Change) -> [Bound] {
    let entry = change.entry
    let place = Bound.integer(change.namespace)
    let updated = Bound.integer(entry.updatedAt.microseconds)
    if change.isValueOnly {
      return [place, .text(key), .integer(entry.version), updated, .text(text)]
    }
    return [
      place, .text(key), .integer(entry.version), updated, .text(text),
      Bound(entry.expiresAt?.microseconds), Bound(entry.description),
      .integer(entry.createdAt.microseconds),
    ]
  }
}
