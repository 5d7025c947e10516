public import HoldfastCore
import HoldfastEngine

extension Transaction {
  /// The providers, inside this transaction.
  public var providers: ProvidersTransaction { ProvidersTransaction(transaction: self) }
}

/// The providers of a store, inside a transaction: every operation exists here, once.
///
/// Asking whether a provider may be called is no operation of a transaction: whoever is handed a
/// probe has to know it at once, not when the rest has committed.
public struct ProvidersTransaction {
  let transaction: Transaction

  private var limits: Limits { transaction.context.limits }
  private var policy: CircuitPolicy { transaction.context.circuit }

  /// Puts a provider: makes it known, moves it among its peers, or sets its state.
  ///
  /// - Parameters:
  ///   - name: The provider's name, 1 to 256 bytes.
  ///   - priority: The least number is called first, −1 000 to 1 000; left out, it stays as it is,
  ///     and is 0 for a new one.
  ///   - health: The state as it is to be, timing included; left out, it stays as it is, and a new
  ///     provider begins with a closed circuit.
  /// - Returns: The provider as it is now.
  /// - Throws: ``StoreError`` with `invalid` for a field out of range.
  @discardableResult
  public func put(
    _ name: String, priority: Int? = nil, health: ProviderHealth? = nil
  ) throws(StoreError) -> Provider {
    try check(name)
    if let priority { try ProviderChecks.priority(priority, limits) }
    if let health { try ProviderChecks.health(health, limits) }
    let bytes = name.utf8.count + (health?.lastError?.utf8.count ?? 0)
    let connection = try transaction.writing(bytes: bytes)
    let columns = try columns(name, connection)
    if let health {
      // The old row may hold nonsense, which a new state mends: only its priority is looked at.
      let kept = columns?[1].integer.map(Int.init) ?? 0
      let inRange = (try? ProviderChecks.priority(kept, limits)) == nil ? 0 : kept
      return try save(name, priority ?? inRange, health, "put", connection)
    }
    guard let columns else {
      let new = ProviderHealth(circuit: Circuit(upSince: try connection.now()))
      return try save(name, priority ?? 0, new, "put", connection)
    }
    let old = try ProviderRow(columns).provider
    return try save(name, priority ?? old.priority, old.health, "put", connection)
  }

  /// A provider.
  ///
  /// - Parameter name: Its name.
  /// - Returns: The provider; `nil` for a missing one.
  /// - Throws: ``StoreError`` with `invalid` for a name that cannot be, `corrupt` for a row in
  ///   which something stands that Holdfast never wrote.
  public func get(_ name: String) throws(StoreError) -> Provider? {
    try check(name)
    let columns = try columns(name, transaction.reading())
    return try columns.map { columns throws(StoreError) in try ProviderRow(columns).provider }
  }

  /// Lists one page of providers in the order in which they are called: by priority, then by their
  /// last latency, then by name.
  ///
  /// - Parameters:
  ///   - after: Where the page before ended.
  ///   - limit: How many, 1 to 1 000; 100 if left out.
  /// - Returns: The providers, where the next page begins, and the names of those that cannot be
  ///   read. A provider whose latency moves meanwhile may be missed or come twice.
  /// - Throws: ``StoreError`` with `invalid` for a limit out of range or a cursor from elsewhere.
  public func list(after: String? = nil, limit: Int? = nil) throws(StoreError) -> ProviderPage {
    let limit = try limits.pageItems(limit)
    let place = try ProviderPlace(after: after)
    let step = Step(
      ProviderSQL.list,
      [
        .integer(place.priority), .integer(place.latency), .text(place.name),
        .integer(Int64(limit) + 1),
      ])
    let rows = try transaction.reading().run([step])[0].rows
    var items: [Provider] = []
    var unreadable: [String] = []
    for columns in rows.prefix(limit) {
      do throws(StoreError) {
        items.append(try ProviderRow(columns).provider)
      } catch {
        unreadable.append(columns[0].text ?? "")
      }
    }
    let next = rows.count > limit ? ProviderPlace.token(rows[limit - 1]) : nil
    return ProviderPage(items: items, next: next, unreadable: unreadable)
  }

  /// Forgets a provider.
  ///
  /// - Parameter name: Its name.
  /// - Returns: Whether there was one.
  /// - Throws: ``StoreError`` with `invalid` for a name that cannot be.
  @discardableResult
  public func delete(_ name: String) throws(StoreError) -> Bool {
    try check(name)
    let connection = try transaction.writing(bytes: name.utf8.count)
    guard try connection.run(ProviderSQL.delete, [.text(name)]) > 0 else { return false }
    _ = try connection.run([Feed.event("provider", .global, name, "delete")])
    return true
  }
}

// MARK: What became of a call

extension ProvidersTransaction {
  /// Counts a call that succeeded; a probe that did closes the circuit.
  ///
  /// - Parameters:
  ///   - name: The provider's name.
  ///   - latency: How long the call took.
  ///   - probe: The token of the probe that the call was.
  /// - Returns: The provider as it is now.
  /// - Throws: ``StoreError`` with `not_found`, `fenced` for a probe whose lease is lost,
  ///   `invalid`, `corrupt`.
  @discardableResult
  public func success(
    _ name: String, latency: Duration? = nil, probe: Int64? = nil
  ) throws(StoreError) -> Provider {
    try check(name)
    try ProviderChecks.latency(latency)
    let (row, connection) = try known(name, bytes: 0)
    var health = row.provider.health
    let action = try step(&health, .success(probe: probe), row.now)
    health.totalSuccesses = min(health.totalSuccesses + 1, Circuit.countMax)
    health.lastLatency = latency ?? health.lastLatency
    health.lastSuccessAt = row.now
    guard action == .store else {
      try count(
        ProviderTally(successes: 1, latency: latency, lastAt: row.now), of: name, connection)
      return row.provider.with(health)
    }
    return try save(name, row.provider.priority, health, "success", connection)
  }

  /// Counts a call that failed; enough of them in a row open the circuit.
  ///
  /// What was the caller's own mistake is not counted; it frees the probe for the next caller.
  ///
  /// - Parameters:
  ///   - name: The provider's name.
  ///   - kind: Why it failed.
  ///   - error: What the failure said; more than 4 KiB of it is cut off.
  ///   - probe: The token of the probe that the call was.
  /// - Returns: The provider as it is now.
  /// - Throws: ``StoreError`` with `not_found`, `fenced` for a probe whose lease is lost,
  ///   `invalid`, `corrupt`.
  @discardableResult
  public func failure(
    _ name: String, kind: ProviderFailure = .other, error: String? = nil, probe: Int64? = nil
  ) throws(StoreError) -> Provider {
    try fail(name, .failure(kind, probe: probe), error ?? kind.rawValue, "failure")
  }

  /// Counts a call that was refused for a rate limit, and blocks the provider for as long as it
  /// asked for, at most for the policy's longest time.
  ///
  /// - Parameters:
  ///   - name: The provider's name.
  ///   - retryAfter: How long the provider asked to be left alone; the policy's first wait if it
  ///     did not say.
  ///   - error: What the provider said; more than 4 KiB of it is cut off.
  ///   - probe: The token of the probe that the call was.
  /// - Returns: The provider as it is now.
  /// - Throws: ``StoreError`` with `not_found`, `fenced` for a probe whose lease is lost,
  ///   `invalid` for a negative time, `corrupt`.
  @discardableResult
  public func rateLimited(
    _ name: String, retryAfter: Duration? = nil, error: String? = nil, probe: Int64? = nil
  ) throws(StoreError) -> Provider {
    try ProviderChecks.retryAfter(retryAfter)
    return try fail(
      name, .rateLimited(retryAfter: retryAfter, probe: probe), error ?? "rate limited",
      "rate_limited")
  }

  private func fail(
    _ name: String, _ event: Circuit.Event, _ error: String, _ verb: String
  ) throws(StoreError) -> Provider {
    try check(name)
    let error = try ProviderChecks.error(error, limits)
    let (row, connection) = try known(name, bytes: error.utf8.count)
    var health = row.provider.health
    guard try step(&health, event, row.now) != .nothing else { return row.provider }
    if case .failure(let kind, _) = event, kind.isCallers {
      return try save(name, row.provider.priority, health, verb, connection)
    }
    health.totalFailures = min(health.totalFailures + 1, Circuit.countMax)
    health.lastError = error
    return try save(name, row.provider.priority, health, verb, connection)
  }
}

// MARK: Within the package

extension ProvidersTransaction {
  /// Adds successes that changed no state.
  ///
  /// - Parameters:
  ///   - tally: The successes.
  ///   - name: The provider; a missing one has nothing to count.
  /// - Throws: What the database says, as a ``StoreError``.
  package func add(_ tally: ProviderTally, to name: String) throws(StoreError) {
    try count(tally, of: name, transaction.writing(bytes: name.utf8.count))
  }

  /// How many circuits stand in each state; a state without any is 0.
  ///
  /// - Returns: The numbers by the states' names.
  /// - Throws: What the database says, as a ``StoreError``.
  package func circuits() throws(StoreError) -> Object {
    var counts = Object(Circuit.Status.allCases.map { ($0.rawValue, Value.integer(0)) })
    let found = try transaction.reading().all(ProviderSQL.counts) { ($0.text(0), $0.integer(1)) }
    for (status, count) in found where counts[status] != nil { counts[status] = .integer(count) }
    return counts
  }

  /// Whether a provider may be called; hands out the probe where one is due.
  ///
  /// - Parameter name: The provider's name.
  /// - Returns: The answer.
  /// - Throws: ``StoreError`` with `not_found`, `invalid`, `corrupt`.
  package func acquire(_ name: String) throws(StoreError) -> ProviderPermit {
    try check(name)
    let (row, connection) = try known(name, bytes: 0)
    if let permit = ProviderPermit(row) { return permit }
    var health = row.provider.health
    let probe = health.circuit.beginProbe(
      token: try transaction.revision(), at: row.now, policy: policy)
    _ = try save(name, row.provider.priority, health, "acquire", connection)
    return ProviderPermit(
      isAllowed: probe != nil, circuit: health.circuit.status, probe: probe, reason: nil,
      waitUntil: nil)
  }
}

extension ProvidersTransaction {
  private func check(_ name: String) throws(StoreError) {
    try Checks.id(name, "provider name", limits)
  }

  private func step(
    _ health: inout ProviderHealth, _ event: Circuit.Event, _ now: Instant
  ) throws(StoreError) -> Circuit.Action {
    let ids = transaction.context.ids
    return try health.circuit.apply(event, at: now, policy: policy) { ids.random(in: $0) }
  }

  private func columns(
    _ name: String, _ connection: any Connection
  ) throws(StoreError) -> [Bound]? {
    try connection.run([Step(ProviderSQL.get, [.text(name)])])[0].rows.first
  }

  private func known(
    _ name: String, bytes: Int
  ) throws(StoreError) -> (row: ProviderRow, connection: any Connection) {
    let connection = try transaction.writing(bytes: name.utf8.count + bytes)
    guard let columns = try columns(name, connection) else {
      throw ProviderChecks.missing(name)
    }
    return (try ProviderRow(columns), connection)
  }

  private func save(
    _ name: String, _ priority: Int, _ health: ProviderHealth, _ verb: String,
    _ connection: any Connection
  ) throws(StoreError) -> Provider {
    let columns = Provider.columns(name, priority, health)
    let saved = try connection.first(ProviderSQL.save, columns) { row in
      Provider(
        name: name, priority: priority, health: health, version: row.integer(0),
        createdAt: Instant(microseconds: row.integer(1)),
        updatedAt: Instant(microseconds: row.integer(2)))
    }
    guard let saved else { throw Excess.fault(.internal, "A provider could not be stored.") }
    _ = try connection.run([Feed.event("provider", .global, name, verb)])
    return saved
  }

  private func count(
    _ tally: ProviderTally, of name: String, _ connection: any Connection
  ) throws(StoreError) {
    _ = try connection.run(
      ProviderSQL.count,
      [
        .text(name), .integer(tally.successes), Bound(tally.latency?.microseconds),
        .integer(tally.lastAt.microseconds), .integer(Circuit.countMax),
      ])
  }
}
