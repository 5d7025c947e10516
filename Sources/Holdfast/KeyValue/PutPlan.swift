import HoldfastCore
import HoldfastEngine

/// A put as statements that are known beforehand, so that it is one round trip on PostgreSQL.
///
/// The statements look at every condition themselves; where one does not hold, the last gives no
/// row and nothing was written. Why is then found out by ``KeyValueTransaction``.
struct PutPlan: Sendable {
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

  /// How many steps ``steps`` has.
  static let stepCount = 4

  /// What is there, the event of an expired row, the row, its event.
  var steps: [Step] {
    let place = [Bound.text(namespace.text), .text(key)]
    return [
      Step(KeyValueSQL.findBeforePut, place),
      Step(KeyValueSQL.expireBeforePut, place + [Bound(expected)]),
      Step(KeyValueSQL.put, putBindings),
      Step(KeyValueSQL.putEvent, place),
    ]
  }

  /// Runs the steps: together where a round trip counts, and otherwise only those that have work.
  ///
  /// - Returns: What the put did; `nil` when it was refused and nothing was written.
  func run(on connection: any Connection) throws(StoreError) -> PutResult? {
    guard connection.dialect == .sqlite else { return result(try connection.run(steps)[...]) }
    // Mostly the key is there and alive: then one statement finds it and writes it.
    if expected != 0, let entry = try write(KeyValueSQL.putOver, on: connection) {
      return PutResult(entry: entry, isNew: false)
    }
    let place = [Bound.text(namespace.text), .text(key)]
    let isExpired = try connection.first(KeyValueSQL.findBeforePut, place) { $0.integer(0) == 1 }
    // A key that is there and alive: the condition does not hold, or the run may not be written.
    guard isExpired != false else { return nil }
    if isExpired == true {
      try connection.run(KeyValueSQL.expireBeforePut, place + [Bound(expected)])
    }
    guard let entry = try write(KeyValueSQL.put, on: connection) else { return nil }
    return PutResult(entry: entry, isNew: isExpired != false)
  }

  /// Runs a statement that puts, and enters the event where it did.
  private func write(
    _ statement: Statement, on connection: any Connection
  ) throws(StoreError) -> Entry? {
    let entry = try connection.first(statement, putBindings) { row in
      Entry(
        key: key, value: value, version: row.integer(0),
        createdAt: Instant(microseconds: row.integer(1)),
        updatedAt: Instant(microseconds: row.integer(2)),
        expiresAt: row.optionalInteger(3).map(Instant.init(microseconds:)),
        description: row.optionalText(4))
    }
    guard let entry else { return nil }
    let event = Feed.event("kv", namespace, key, "put")
    try connection.run(event.statement, event.bindings)
    return entry
  }

  private var putBindings: [Bound] {
    [
      .text(namespace.text), .text(key), Bound(expected), .text(text), Bound(ttl?.microseconds),
      Bound(description), Bound(keepsExpiry),
    ]
  }

  /// What the steps did; `nil` when they were refused.
  ///
  /// - Parameter results: One result a step.
  /// - Returns: What the put did; `nil` when it was refused.
  func result(_ results: ArraySlice<StepResult>) -> PutResult? {
    guard results.count == Self.stepCount else { return nil }
    return result(found: results[results.startIndex], put: results[results.startIndex + 2])
  }

  private func result(found: StepResult, put: StepResult) -> PutResult? {
    guard let row = put.rows.first, row.count == 5, let version = row[0].integer,
      let created = row[1].integer, let updated = row[2].integer
    else { return nil }
    let entry = Entry(
      key: key, value: value, version: version, createdAt: Instant(microseconds: created),
      updatedAt: Instant(microseconds: updated),
      expiresAt: row[3].integer.map(Instant.init(microseconds:)), description: row[4].text)
    return PutResult(entry: entry, isNew: found.rows.first?.first?.integer != 0)
  }
}
