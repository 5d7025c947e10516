public import HoldfastCore
import HoldfastEngine

extension Transaction {
  /// The keys of a namespace, inside this transaction.
  ///
  /// - Parameter namespace: The namespace.
  /// - Returns: Its operations.
  public func kv(_ namespace: Namespace) -> KeyValueTransaction {
    KeyValueTransaction(transaction: self, namespace: namespace)
  }
}

/// The keys of one namespace, inside a transaction: every operation exists here, once.
///
/// Expiry is exact: from its microsecond on a key is absent for every operation, swept or not.
public struct KeyValueTransaction {
  let transaction: Transaction
  /// The namespace.
  public let namespace: Namespace

  var limits: Limits { transaction.context.limits }
}

/// Reading.
extension KeyValueTransaction {
  /// The value under a key.
  ///
  /// - Parameter key: 1 to 1 024 bytes, no NUL.
  /// - Returns: The value; `nil` for a missing key, ``HoldfastCore/Value/null`` for a stored null.
  /// - Throws: ``StoreError`` with `invalid` for a key that cannot be.
  public func get(_ key: String) throws(StoreError) -> Value? { try getEntry(key)?.value }

  /// The value under a key, as a type of yours.
  ///
  /// - Parameters:
  ///   - key: The key.
  ///   - type: What to make of the value.
  /// - Returns: The value; `nil` for a missing key.
  /// - Throws: ``StoreError`` with `invalid` for a key that cannot be, or a value that does not
  ///   fit.
  public func get<Result: Decodable>(
    _ key: String, as type: Result.Type
  ) throws(StoreError) -> Result? {
    guard let value = try get(key) else { return nil }
    return try ValueDecoder().decode(type, from: value)
  }

  /// The value under a key with its version, times and description.
  ///
  /// - Parameter key: The key.
  /// - Returns: The entry; `nil` for a missing key.
  /// - Throws: ``StoreError`` with `invalid` for a key that cannot be.
  public func getEntry(_ key: String) throws(StoreError) -> Entry? {
    try check(key)
    return try transaction.reading().first(
      KeyValueSQL.get, [.text(namespace.text), .text(key)]
    ) { row throws(StoreError) in try Entry(row: row) }
  }

  /// Several entries, one result a position: order and duplicates are kept.
  ///
  /// - Parameter keys: The keys.
  /// - Returns: An entry or `nil` for each key.
  /// - Throws: ``StoreError`` with `invalid` for a key that cannot be, `too_large` for too many.
  public func getMany(_ keys: [String]) throws(StoreError) -> [Entry?] {
    try getMany(keys, bytesMax: .max)
  }

  /// The first of several entries, as many as a page has room for.
  ///
  /// They are asked for few at a time, one by one where that costs no round trip: large values that
  /// are asked for again and again must not all be in memory at once.
  ///
  /// - Parameters:
  ///   - keys: The keys.
  ///   - bytesMax: How large the values may be together; at least one part is read.
  /// - Returns: An entry or `nil` for each of the first keys.
  /// - Throws: ``StoreError`` with `invalid` for a key that cannot be, `too_large` for too many.
  func getMany(_ keys: [String], bytesMax: Int) throws(StoreError) -> [Entry?] {
    try namespace.check(limits)
    guard keys.count <= limits.transactionOperationsMax else {
      throw Excess.refusal(
        "At most \(limits.transactionOperationsMax) keys can be asked for at once.",
        hint: "Ask in several calls.", details: [:])
    }
    for key in keys { try Key.check(key, limits) }
    let connection = try transaction.reading()
    var entries: [Entry?] = []
    entries.reserveCapacity(keys.count)
    var bytes = 0
    let part =
      bytesMax == .max ? keys.count : connection.dialect == .sqlite ? 1 : Self.pipelinedMax
    while entries.count < keys.count, entries.isEmpty || bytes < bytesMax {
      let steps = keys[entries.count...].prefix(part).map {
        Step(KeyValueSQL.get, [.text(namespace.text), .text($0)])
      }
      for result in try connection.run(steps) {
        let columns = result.rows.first
        bytes += columns?[6].text?.utf8.count ?? 0
        entries.append(
          try columns.flatMap { columns throws(StoreError) in
            try Entry(columns: columns)
          })
      }
    }
    return entries
  }

  /// How many entries of unknown size are asked for at once over a network.
  private static let pipelinedMax = 16

  /// Whether a key is there.
  ///
  /// - Parameter key: The key.
  /// - Returns: Whether it is; a stored null is.
  /// - Throws: ``StoreError`` with `invalid` for a key that cannot be.
  public func exists(_ key: String) throws(StoreError) -> Bool { try getEntry(key) != nil }

  /// How many keys there are: exact, at the cost of a scan.
  ///
  /// - Parameter prefix: Only those that begin so.
  /// - Returns: The number.
  /// - Throws: ``StoreError`` with `invalid` for a prefix that no key can have.
  public func count(prefix: String = "") throws(StoreError) -> Int {
    try namespace.check(limits)
    try KeyBounds.check(prefix)
    let bindings: [Bound] = [
      .text(namespace.text), .text(prefix), .text(KeyBounds.end(ofPrefix: prefix)),
    ]
    return try transaction.reading().first(KeyValueSQL.count, bindings) { row in
      Int(row.integer(0))
    } ?? 0
  }

  func check(_ key: String) throws(StoreError) {
    try namespace.check(limits)
    try Key.check(key, limits)
  }
}

/// Putting.
extension KeyValueTransaction {
  /// Writes a value under a key, whether the key is there or not.
  ///
  /// The key keeps its time of creation and gets a new version, even for the same value. Without
  /// `description` the old one stays, an empty one clears it; without `ttl` an old expiry is
  /// removed.
  ///
  /// - Parameters:
  ///   - key: 1 to 1 024 bytes, no NUL, not beginning with `_holdfast/`.
  ///   - value: The value, at most 32 MiB of JSON.
  ///   - ttl: How long the key lives, 1 ms to ten years.
  ///   - description: At most 4 KiB.
  ///   - condition: What must hold; otherwise `conflict`, with the current version in the details.
  /// - Returns: The entry as it is now, and whether the key is new.
  /// - Throws: ``StoreError`` with `invalid`, `conflict`, `too_large`, or `invalid_state` in the
  ///   namespace of an archived or deleted run; nothing was written.
  @discardableResult
  public func put(
    _ key: String, _ value: Value, ttl: Duration? = nil, description: String? = nil,
    if condition: Condition? = nil
  ) throws(StoreError) -> PutResult {
    try put(Put(key, value, ttl: ttl, description: description, if: condition))
  }

  /// Writes a value of your own type under a key.
  ///
  /// - Parameters:
  ///   - key: The key.
  ///   - value: What is encoded to a value.
  ///   - ttl: How long the key lives.
  ///   - description: At most 4 KiB.
  ///   - condition: What must hold.
  /// - Returns: The entry as it is now, and whether the key is new.
  /// - Throws: What the same call with a value throws, and `invalid` for what has no value.
  @discardableResult
  public func put(
    _ key: String, encoding value: some Encodable, ttl: Duration? = nil,
    description: String? = nil, if condition: Condition? = nil
  ) throws(StoreError) -> PutResult {
    try put(
      key, ValueEncoder().encode(value), ttl: ttl, description: description, if: condition)
  }

  /// Writes several entries: all or none, in one version.
  ///
  /// - Parameter puts: The entries; of two with one key the last wins, and the conditions of both
  ///   speak of what is there before the call.
  /// - Returns: One result a position.
  /// - Throws: What a single put throws, with the entry's position in the details.
  @discardableResult
  public func putMany(_ puts: [Put]) throws(StoreError) -> [PutResult] {
    var last: [Bytewise: Int] = [:]
    for (place, put) in puts.enumerated() { last[Bytewise(put.key)] = place }
    var plans: [Int: PutPlan] = [:]
    var conditions: [(place: Int, key: String, version: Int64)] = []
    for (place, put) in puts.enumerated() {
      do throws(StoreError) {
        let plan = try plan(put)
        if last[Bytewise(put.key)] == place { plans[place] = plan }
        if let version = plan.expected { conditions.append((place, plan.key, version)) }
      } catch {
        throw error.adding("index", .integer(Int64(place)))
      }
    }
    let bytes = plans.values.reduce(0) { $0 + $1.bytes }
    let connection = try transaction.writing(operations: puts.count, bytes: bytes)
    // Every condition is looked at before the first entry is written: a body may catch the
    // conflict and go on, and must not find half of the batch then.
    for (place, key, expected) in conditions {
      let version = try getEntry(key)?.version
      guard version ?? 0 == expected else {
        try RunGuard.check(namespace, on: connection)
        throw conflict(version).adding("index", .integer(Int64(place)))
      }
    }
    let results = try run(plans, on: connection)
    return puts.compactMap { put in last[Bytewise(put.key)].flatMap { results[$0] } }
  }

  /// Runs the plans of a batch whose conditions hold: in one round trip on PostgreSQL.
  private func run(
    _ plans: [Int: PutPlan], on connection: any Connection
  ) throws(StoreError) -> [Int: PutResult] {
    guard let first = plans.keys.min(), let plan = plans[first] else { return [:] }
    // The first one makes the namespace where that is needed, or finds that it may not be written.
    var results = [first: try run(plan, on: connection)]
    let rest = plans.filter { $0.key != first }.sorted { $0.key < $1.key }
    guard connection.dialect == .postgres else {
      for (place, plan) in rest { results[place] = try run(plan, on: connection) }
      return results
    }
    let answers = try connection.run(rest.map(\.value.step))
    for ((place, plan), answer) in zip(rest, answers) {
      guard let result = plan.result(answer) else {
        throw Excess.fault(.internal, "A put of a batch was refused after its conditions held.")
      }
      results[place] = result
    }
    return results
  }

  func put(_ put: Put) throws(StoreError) -> PutResult {
    let plan = try plan(put)
    return try run(plan, on: transaction.writing(bytes: plan.bytes))
  }

  /// Checks a put, and turns a condition on its value into one on its version.
  func plan(_ put: Put) throws(StoreError) -> PutPlan {
    var expected = PutPlan.expected(put.condition)
    if case .value(let value) = put.condition {
      let entry = try getEntry(put.key)
      guard let entry, entry.value == value else {
        try RunGuard.check(namespace, on: transaction.reading())
        throw conflict(entry?.version)
      }
      expected = entry.version
    }
    return try PutPlan(namespace, put, expected: expected, limits)
  }

  /// Runs a plan; where it was refused, finds out why, or makes the namespace and runs it again.
  func run(_ plan: PutPlan, on connection: any Connection) throws(StoreError) -> PutResult {
    if let result = try plan.run(on: connection) { return result }
    try RunGuard.check(namespace, on: connection)
    let isThere =
      try connection.first(KeyValueSQL.findNamespace, [.text(namespace.text)]) { _ in true }
      ?? false
    guard !isThere, plan.expected ?? 0 == 0 else {
      throw conflict(try getEntry(plan.key)?.version)
    }
    try connection.run(
      KeyValueSQL.makeNamespace, [.text(namespace.text), Bound(namespace.runID)])
    guard let result = try plan.run(on: connection) else {
      throw Excess.fault(.internal, "A put into a new namespace was refused.")
    }
    return result
  }

  func conflict(_ version: Int64?) -> StoreError {
    StoreError(
      .conflict, "The condition does not hold: the key has changed.",
      hint: "Read the key again and decide again.",
      details: ["version": version.map(Value.integer) ?? .null])
  }
}

/// Deleting, counting up, and expiry.
extension KeyValueTransaction {
  /// Deletes a key.
  ///
  /// - Parameters:
  ///   - key: The key.
  ///   - condition: What must hold; otherwise `conflict`.
  /// - Returns: Whether it was there. A delete that finds nothing changes nothing.
  /// - Throws: ``StoreError`` with `invalid`, `conflict`, or `invalid_state` in the namespace of an
  ///   archived or deleted run.
  @discardableResult
  public func delete(
    _ key: String, if condition: Condition? = nil
  ) throws(StoreError) -> Bool {
    try check(key)
    let connection = try transaction.writing(bytes: key.utf8.count)
    if condition != nil || namespace.runID != nil {
      try RunGuard.check(namespace, on: connection)
    }
    if let condition {
      let entry = try getEntry(key)
      guard condition.holds(for: entry) else { throw conflict(entry?.version) }
    }
    let bindings: [Bound] = [.text(namespace.text), .text(key), .null]
    let results = try connection.run(
      [Step(KeyValueSQL.deleteEvent, bindings), Step(KeyValueSQL.delete, bindings)]
        + entering(on: connection))
    return !results[1].rows.isEmpty
  }

  /// Deletes several keys.
  ///
  /// - Parameter keys: The keys; one that stands twice counts once.
  /// - Returns: How many were there.
  /// - Throws: What a single delete throws.
  @discardableResult
  public func deleteMany(_ keys: [String]) throws(StoreError) -> Int {
    for key in keys { try check(key) }
    let bytes = keys.reduce(0) { $0 + $1.utf8.count }
    let connection = try transaction.writing(operations: keys.count, bytes: bytes)
    try RunGuard.check(namespace, on: connection)
    let steps = keys.flatMap { key in
      let bindings: [Bound] = [.text(namespace.text), .text(key), .null]
      return [Step(KeyValueSQL.deleteEvent, bindings), Step(KeyValueSQL.delete, bindings)]
    }
    return try connection.run(steps + entering(on: connection)).prefix(steps.count).enumerated()
      .count { $0.offset % 2 == 1 && !$0.element.rows.isEmpty }
  }

  /// Adds to the whole number under a key; a missing key counts as 0.
  ///
  /// Expiry and description stay.
  ///
  /// - Parameters:
  ///   - key: The key.
  ///   - amount: What to add; negative to take away.
  /// - Returns: The new value and version.
  /// - Throws: ``StoreError`` with `invalid_state` where the value is no whole number or the sum
  ///   has no 64-bit form; the value stays as it was.
  @discardableResult
  public func incrementEntry(
    _ key: String, by amount: Int64 = 1
  ) throws(StoreError) -> CounterValue {
    let entry = try getEntry(key)
    var old: Int64 = 0
    if let entry {
      guard case .integer(let number) = entry.value else {
        throw StoreError(
          .invalidState, "The value under the key is not a whole number.",
          hint: "Put a whole number there first, or use another key.")
      }
      old = number
    }
    let (sum, overflow) = old.addingReportingOverflow(amount)
    guard !overflow else {
      throw StoreError(
        .invalidState, "The sum is too large for 64 bits; the value stays as it is.",
        hint: "Add less, or start a new counter.")
    }
    let plan = try PutPlan(
      namespace, Put(key, .integer(sum)), expected: nil, keepsExpiry: true, limits)
    let result = try run(plan, on: transaction.writing(bytes: plan.bytes))
    return CounterValue(value: sum, version: result.entry.version)
  }

  /// Adds to the whole number under a key and gives the sum; see ``incrementEntry(_:by:)``.
  ///
  /// - Parameters:
  ///   - key: The key.
  ///   - amount: What to add; negative to take away.
  /// - Returns: The new value.
  /// - Throws: What ``incrementEntry(_:by:)`` throws.
  @discardableResult
  public func increment(_ key: String, by amount: Int64 = 1) throws(StoreError) -> Int64 {
    try incrementEntry(key, by: amount).value
  }

  /// Lets a key expire after a time.
  ///
  /// - Parameters:
  ///   - key: The key.
  ///   - ttl: How long it lives from now on, 1 ms to ten years.
  /// - Returns: The entry as it is now.
  /// - Throws: ``StoreError`` with `not_found` for a missing key, `invalid` for a time out of
  ///   range.
  @discardableResult
  public func expire(_ key: String, after ttl: Duration) throws(StoreError) -> Entry {
    try Checks.lifetime(ttl, limits)
    return try setExpiry(key, ttl)
  }

  /// Removes a key's expiry.
  ///
  /// Where there is none, nothing changes.
  ///
  /// - Parameter key: The key.
  /// - Returns: The entry as it is now.
  /// - Throws: ``StoreError`` with `not_found` for a missing key.
  @discardableResult
  public func persist(_ key: String) throws(StoreError) -> Entry {
    if let entry = try getEntry(key), entry.expiresAt == nil { return entry }
    return try setExpiry(key, nil)
  }

  /// What a change that is no put runs with it, so that it and a clear are one order.
  private func entering(on connection: any Connection) -> [Step] {
    guard connection.dialect == .postgres else { return [] }
    let door = Bound.integer(NamespaceDoor.number(of: namespace))
    return [Step(KeyValueSQL.enter, [.text(namespace.text), door])]
  }

  private func setExpiry(_ key: String, _ ttl: Duration?) throws(StoreError) -> Entry {
    try check(key)
    let connection = try transaction.writing(bytes: key.utf8.count)
    try RunGuard.check(namespace, on: connection)
    let place: [Bound] = [.text(namespace.text), .text(key)]
    let results = try connection.run(
      [
        Step(KeyValueSQL.setExpiry, place + [Bound(ttl?.microseconds)]),
        Step(KeyValueSQL.putEvent, place),
      ] + entering(on: connection))
    guard let columns = results[0].rows.first, let entry = try Entry(columns: columns) else {
      throw StoreError(
        .notFound, "There is no such key.", hint: "Put the key first.",
        details: ["namespace": .string(namespace.text), "key": .string(key)])
    }
    return entry
  }
}

extension Condition {
  /// Whether the condition holds for what is under the key.
  func holds(for entry: Entry?) -> Bool {
    switch self {
    case .absent: entry == nil
    case .version(let version): entry?.version == version
    case .value(let value): entry.map { $0.value == value } ?? false
    }
  }
}
