public import HoldfastCore
import HoldfastEngine

extension Store {
  /// The keys of a namespace.
  ///
  /// - Parameter namespace: The namespace; it comes into being with its first key.
  /// - Returns: Its operations, each in a transaction of its own.
  public func kv(_ namespace: Namespace) -> KeyValue {
    KeyValue(store: self, namespace: namespace)
  }
}

/// The keys of one namespace; each call is a transaction of its own.
///
/// ```swift
/// let kv = store.kv(.run("42"))
/// try await kv.put("plan", ["step": 1], ttl: .seconds(3_600))
/// let plan = try await kv.get("plan")
/// ```
///
/// For every call: **durability** — a write that returned survives process and machine, unless it
/// asked for less; **atomicity** — all of a call or nothing; **idempotency** — with a key in the
/// settings a write is done once and its first answer given again; **cancellation** — a write that
/// has begun runs to its end; **cost** — one round trip on PostgreSQL, one shared commit on SQLite,
/// reads a few microseconds.
public struct KeyValue: Sendable {
  package let store: Store
  /// The namespace.
  public let namespace: Namespace
}

private enum Operations {
  static let get = Operation("kv.get", isWrite: false)
  static let getMany = Operation("kv.get_many", isWrite: false)
  static let count = Operation("kv.count", isWrite: false)
  static let list = Operation("kv.list", isWrite: false)
  static let put = Operation("kv.put", isWrite: true)
  static let putMany = Operation("kv.put_many", isWrite: true)
  static let delete = Operation("kv.delete", isWrite: true)
  static let deleteMany = Operation("kv.delete_many", isWrite: true)
  static let increment = Operation("kv.increment", isWrite: true)
  static let expire = Operation("kv.expire", isWrite: true)
  static let persist = Operation("kv.persist", isWrite: true)
}

/// Reading.
extension KeyValue {
  /// The value under a key.
  ///
  /// - Parameter key: 1 to 1 024 bytes, no NUL.
  /// - Returns: The value; `nil` for a missing key, ``HoldfastCore/Value/null`` for a stored null.
  /// - Throws: ``StoreError`` with `invalid`, `unavailable`, `closed`.
  public func get(_ key: String) async throws(StoreError) -> Value? {
    try await getEntry(key)?.value
  }

  /// The value under a key, as a type of yours.
  ///
  /// - Parameters:
  ///   - key: The key.
  ///   - type: What to make of the value.
  /// - Returns: The value; `nil` for a missing key.
  /// - Throws: ``StoreError`` with `invalid` also for a value that does not fit the type.
  public func get<Result: Decodable>(
    _ key: String, as type: Result.Type
  ) async throws(StoreError) -> Result? {
    guard let value = try await get(key) else { return nil }
    return try ValueDecoder().decode(type, from: value)
  }

  /// The value under a key with its version, times and description.
  ///
  /// - Parameter key: The key.
  /// - Returns: The entry; `nil` for a missing key.
  /// - Throws: ``StoreError`` with `invalid`, `unavailable`, `closed`.
  public func getEntry(_ key: String) async throws(StoreError) -> Entry? {
    let start = store.context.time.monotonicTime()
    do throws(StoreError) {
      let entry = try await find(key)
      Operations.get.succeeded(after: store.context.time.monotonicTime() - start)
      return entry
    } catch {
      Operations.get.failed(error.code, after: store.context.time.monotonicTime() - start)
      throw error
    }
  }

  /// Looks into the map of hot entries first.
  ///
  /// An entry that expires is asked for again, because
  /// only the database knows the store's time.
  private func find(_ key: String) async throws(StoreError) -> Entry? {
    try namespace.check(store.context.limits)
    try Key.check(key, store.context.limits)
    let bindings: [Bound] = [.text(namespace.text), .text(key)]
    let hot: HotEntry? = try await store.engine.readHot(
      HotKey(space: namespace.text, name: key), Step(KeyValueSQL.getWithExpired, bindings)
    ) { result throws(StoreError) in
      guard let columns = result.rows.first, let entry = try Entry(columns: columns) else {
        return nil
      }
      let size = columns.reduce(128) { $0 + $1.size }
      return (HotEntry(entry), size)
    }
    guard let entry = hot?.entry, entry.expiresAt != nil else { return hot?.entry }
    let result = try await store.engine.read(Step(KeyValueSQL.get, bindings))
    return try result.rows.first.flatMap { columns throws(StoreError) in
      try Entry(columns: columns)
    }
  }

  /// Several entries on one snapshot, one result a position: order and duplicates are kept.
  ///
  /// - Parameter keys: The keys.
  /// - Returns: An entry or `nil` for each key.
  /// - Throws: ``StoreError`` with `invalid`, `too_large`, `unavailable`, `closed`.
  public func getMany(_ keys: [String]) async throws(StoreError) -> [Entry?] {
    try await store.consult(Operations.getMany) { [namespace] tx in
      try tx.kv(namespace).getMany(keys)
    }
  }

  /// The first of several entries on one snapshot, as many as a page has room for.
  ///
  /// - Parameter keys: The keys.
  /// - Returns: An entry or `nil` for each of the first keys; the others did not fit.
  /// - Throws: ``StoreError`` with `invalid`, `too_large`, `unavailable`, `closed`.
  package func getPage(_ keys: [String]) async throws(StoreError) -> [Entry?] {
    try await store.consult(Operations.getMany) { [namespace] tx in
      try tx.kv(namespace).getMany(keys, bytesMax: tx.context.limits.pageBytesMax)
    }
  }

  /// Whether a key is there.
  ///
  /// - Parameter key: The key.
  /// - Returns: Whether it is; a stored null is.
  /// - Throws: ``StoreError`` with `invalid`, `unavailable`, `closed`.
  public func exists(_ key: String) async throws(StoreError) -> Bool {
    try await getEntry(key) != nil
  }

  /// How many keys there are: exact, at the cost of a scan.
  ///
  /// - Parameter prefix: Only those that begin so.
  /// - Returns: The number.
  /// - Throws: ``StoreError`` with `unavailable`, `closed`.
  public func count(prefix: String = "") async throws(StoreError) -> Int {
    try await store.consult(Operations.count) { [namespace] tx in
      try tx.kv(namespace).count(prefix: prefix)
    }
  }

  /// Lists one page of keys.
  ///
  /// - Parameter query: Which keys, and in which order.
  /// - Returns: The keys, and where the next page begins. A page ends early past 8 MiB of values.
  /// - Throws: ``StoreError`` with `invalid` for a limit out of range or a cursor from elsewhere.
  public func list(_ query: KeyQuery = KeyQuery()) async throws(StoreError) -> Page<ListedKey> {
    try await store.consult(Operations.list) { [namespace] tx in
      try tx.kv(namespace).list(query)
    }
  }

  /// A page longer than a caller may ask for, for what reads all of them anyway: it still ends
  /// early past 8 MiB of values, and holds its snapshot for some milliseconds.
  func longPage(_ query: KeyQuery) async throws(StoreError) -> Page<ListedKey> {
    try await store.consult(Operations.list) { [namespace] tx in
      try tx.kv(namespace).list(query, limit: 10_000)
    }
  }
}

/// Writing.
extension KeyValue {
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
  ///   - settings: What the write survives, and its idempotency key.
  /// - Returns: The entry as it is now, and whether the key is new.
  /// - Throws: ``StoreError`` with `invalid`, `conflict`, `too_large`, `invalid_state`,
  ///   `exhausted`, `unavailable` (nothing was written), `uncertain`, `closed`.
  @discardableResult
  public func put(
    _ key: String, _ value: Value, ttl: Duration? = nil, description: String? = nil,
    if condition: Condition? = nil, with settings: WriteSettings = .standard
  ) async throws(StoreError) -> PutResult {
    let put = Put(key, value, ttl: ttl, description: description, if: condition)
    if settings.idempotencyKey == nil, let result = try await putAtOnce(put, settings) {
      return result
    }
    return try await store.perform(
      Operations.put, settings, arguments: put.arguments(in: namespace)
    ) { [namespace] tx in
      try tx.kv(namespace).put(put)
    }
  }

  /// The put with all of it made ready before the transaction: in one round trip on PostgreSQL, and
  /// on SQLite so that the one writer does not do what its callers can do at once.
  ///
  /// `nil` where it is too large or needs a look at the value first: then a transaction finds out.
  private func putAtOnce(
    _ put: Put, _ settings: WriteSettings
  ) async throws(StoreError) -> PutResult? {
    if case .value = put.condition { return nil }
    let plan = try PutPlan(
      namespace, put, expected: PutPlan.expected(put.condition), store.context.limits)
    guard plan.bytes <= store.context.limits.transactionBytesMax else { return nil }
    return try await store.observed(Operations.put) {
      if store.engine.dialect == .postgres {
        let results = try await store.engine.write(store.writeOptions(settings), [plan.step])
        if let result = results.first.flatMap(plan.result) { return result }
        // Refused: a transaction that looks finds out why, or makes the namespace.
      }
      return try await store.write(settings, hotRows: [], decidesFirst: true) { tx in
        try tx.kv(plan.namespace).run(plan, on: tx.writing(bytes: plan.bytes))
      }
    }
  }

  /// Writes a value of your own type under a key.
  ///
  /// - Parameters:
  ///   - key: The key.
  ///   - value: What is encoded to a value.
  ///   - ttl: How long the key lives.
  ///   - description: At most 4 KiB.
  ///   - condition: What must hold.
  ///   - settings: What the write survives, and its idempotency key.
  /// - Returns: The entry as it is now, and whether the key is new.
  /// - Throws: What the same call with a value throws, and `invalid` for what has no value.
  @discardableResult
  public func put(
    _ key: String, encoding value: some Encodable, ttl: Duration? = nil,
    description: String? = nil, if condition: Condition? = nil,
    with settings: WriteSettings = .standard
  ) async throws(StoreError) -> PutResult {
    try await put(
      key, ValueEncoder().encode(value), ttl: ttl, description: description, if: condition,
      with: settings)
  }

  /// Writes several entries: all or none, in one version.
  ///
  /// - Parameters:
  ///   - puts: The entries; of two with one key the last wins.
  ///   - settings: What the write survives, and its idempotency key.
  /// - Returns: One result a position.
  /// - Throws: What a single put throws, with the entry's position in the details.
  @discardableResult
  public func putMany(
    _ puts: [Put], with settings: WriteSettings = .standard
  ) async throws(StoreError) -> [PutResult] {
    try await store.perform(
      Operations.putMany, settings,
      arguments: .array(puts.map { $0.arguments(in: namespace) })
    ) { [namespace] tx in
      try tx.kv(namespace).putMany(puts)
    }
  }

  /// Deletes a key.
  ///
  /// - Parameters:
  ///   - key: The key.
  ///   - condition: What must hold; otherwise `conflict`.
  ///   - settings: What the write survives, and its idempotency key.
  /// - Returns: Whether it was there. A delete that finds nothing changes nothing.
  /// - Throws: ``StoreError`` as for a put.
  @discardableResult
  public func delete(
    _ key: String, if condition: Condition? = nil, with settings: WriteSettings = .standard
  ) async throws(StoreError) -> Bool {
    try await store.perform(
      Operations.delete, settings,
      arguments: [
        .string(namespace.text), .string(key), condition.map(\.argument) ?? .null,
      ]
    ) { [namespace] tx in
      try tx.kv(namespace).delete(key, if: condition)
    }
  }

  /// Deletes several keys.
  ///
  /// - Parameters:
  ///   - keys: The keys; one that stands twice counts once.
  ///   - settings: What the write survives, and its idempotency key.
  /// - Returns: How many were there.
  /// - Throws: ``StoreError`` as for a put.
  @discardableResult
  public func deleteMany(
    _ keys: [String], with settings: WriteSettings = .standard
  ) async throws(StoreError) -> Int {
    try await store.perform(
      Operations.deleteMany, settings,
      arguments: [.string(namespace.text), .array(keys.map(Value.string))]
    ) { [namespace] tx in
      try tx.kv(namespace).deleteMany(keys)
    }
  }

  /// Adds to the whole number under a key; a missing key counts as 0.
  ///
  /// However many tasks count at once, no increment is lost. Expiry and description stay.
  ///
  /// - Parameters:
  ///   - key: The key.
  ///   - amount: What to add; negative to take away.
  ///   - settings: What the write survives, and its idempotency key.
  /// - Returns: The new value and version.
  /// - Throws: ``StoreError`` with `invalid_state` where the value is no whole number or the sum
  ///   has no 64-bit form; the value stays as it was.
  @discardableResult
  public func incrementEntry(
    _ key: String, by amount: Int64 = 1, with settings: WriteSettings = .standard
  ) async throws(StoreError) -> CounterValue {
    try await store.perform(
      Operations.increment, settings,
      arguments: [.string(namespace.text), .string(key), .integer(amount)],
      hotRows: [HotRow.number("kv", namespace.text, key)]
    ) { [namespace] tx in
      try tx.kv(namespace).incrementEntry(key, by: amount)
    }
  }

  /// Adds to the whole number under a key and gives the sum; see ``incrementEntry(_:by:with:)``.
  ///
  /// - Parameters:
  ///   - key: The key.
  ///   - amount: What to add; negative to take away.
  ///   - settings: What the write survives, and its idempotency key.
  /// - Returns: The new value.
  /// - Throws: What ``incrementEntry(_:by:with:)`` throws.
  @discardableResult
  public func increment(
    _ key: String, by amount: Int64 = 1, with settings: WriteSettings = .standard
  ) async throws(StoreError) -> Int64 {
    try await incrementEntry(key, by: amount, with: settings).value
  }

  /// Lets a key expire after a time.
  ///
  /// - Parameters:
  ///   - key: The key.
  ///   - ttl: How long it lives from now on, 1 ms to ten years.
  ///   - settings: What the write survives, and its idempotency key.
  /// - Returns: The entry as it is now.
  /// - Throws: ``StoreError`` with `not_found` for a missing key, `invalid` for a time out of
  ///   range.
  @discardableResult
  public func expire(
    _ key: String, after ttl: Duration, with settings: WriteSettings = .standard
  ) async throws(StoreError) -> Entry {
    try await store.perform(
      Operations.expire, settings,
      arguments: [.string(namespace.text), .string(key), .integer(ttl.microseconds)]
    ) { [namespace] tx in
      try tx.kv(namespace).expire(key, after: ttl)
    }
  }

  /// Removes a key's expiry.
  ///
  /// Where there is none, nothing changes.
  ///
  /// - Parameters:
  ///   - key: The key.
  ///   - settings: What the write survives, and its idempotency key.
  /// - Returns: The entry as it is now.
  /// - Throws: ``StoreError`` with `not_found` for a missing key.
  @discardableResult
  public func persist(
    _ key: String, with settings: WriteSettings = .standard
  ) async throws(StoreError) -> Entry {
    try await store.perform(
      Operations.persist, settings, arguments: [.string(namespace.text), .string(key)]
    ) { [namespace] tx in
      try tx.kv(namespace).persist(key)
    }
  }

  /// A transaction bound to this namespace.
  ///
  /// - Parameter body: Reads and writes the namespace's keys.
  /// - Returns: What the body returned.
  /// - Throws: What ``Store/transaction(durability:_:)`` throws.
  public func transaction<Result: Sendable>(
    _ body: @escaping @Sendable (KeyValueTransaction) throws -> Result
  ) async throws -> Result {
    try await store.transaction { [namespace] tx in try body(tx.kv(namespace)) }
  }
}

extension Put {
  /// What makes two puts the same request.
  func arguments(in namespace: Namespace) -> Value {
    [
      .string(namespace.text), .string(key), value, ttl.map { .integer($0.microseconds) } ?? .null,
      description.map(Value.string) ?? .null, condition.map(\.argument) ?? .null,
    ]
  }
}

extension Condition {
  /// The condition as part of a request.
  var argument: Value {
    switch self {
    case .absent: ["absent"]
    case .version(let version): ["version", .integer(version)]
    case .value(let value): ["value", value]
    }
  }
}
