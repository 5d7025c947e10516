public import HoldfastCore
import HoldfastEngine

extension Store {
  /// The providers of models that agents call, and whether they may be called.
  public var providers: Providers { Providers(store: self) }

  /// Stores what was counted and is not stored yet, when the store closes.
  func storeProviderTallies() async {
    let (taken, providers) = (tallies.takeAll(), providers)
    // In a task of its own: whoever closes the store may have been cancelled.
    await Task {
      for (name, tally) in taken {
        // A count that cannot be stored now never will be; the failure is logged where it arises.
        _ = try? await providers.storeTally(tally, of: name)
      }
    }.value
  }
}

/// The providers of a store; each call is a transaction of its own.
///
/// ```swift
/// try await store.providers.put("anthropic", priority: 1)
/// let permit = try await store.providers.acquire("anthropic")
/// guard permit.isAllowed else { … }
/// let answer = try await call(model)
/// try await store.providers.success(
///   "anthropic", latency: answer.duration, probe: permit.probe?.token)
/// ```
///
/// The state of a circuit is the store's, not the process's: every node that opens the store goes
/// on where another one stopped, a restart included.
public struct Providers: Sendable {
  let store: Store

  private static let put = Operation("providers.put", isWrite: true)
  private static let get = Operation("providers.get", isWrite: false)
  private static let list = Operation("providers.list", isWrite: false)
  private static let delete = Operation("providers.delete", isWrite: true)
  private static let acquire = Operation("providers.acquire", isWrite: false)
  private static let success = Operation("providers.success", isWrite: true)
  private static let failure = Operation("providers.failure", isWrite: true)
  private static let rateLimited = Operation("providers.rate_limited", isWrite: true)
  private static let count = Operation("providers.count", isWrite: true)

  /// Puts a provider: makes it known, moves it among its peers, or sets its state.
  ///
  /// **Durability.** As every write. **Atomicity.** The whole state or nothing. **Idempotency.**
  /// Putting the same again changes nothing but the version. **Cancellation.** Before it has begun.
  /// **Cost.** One commit.
  ///
  /// - Parameters:
  ///   - name: The provider's name, 1 to 256 bytes.
  ///   - priority: The least number is called first, −1 000 to 1 000; left out, it stays as it is,
  ///     and is 0 for a new one.
  ///   - health: The state as it is to be, timing included; left out, it stays as it is, and a new
  ///     provider begins with a closed circuit.
  ///   - settings: What the write survives, and its idempotency key.
  /// - Returns: The provider as it is now.
  /// - Throws: ``StoreError`` with `invalid` for a field out of range.
  @discardableResult
  public func put(
    _ name: String, priority: Int? = nil, health: ProviderHealth? = nil,
    with settings: WriteSettings = .standard
  ) async throws(StoreError) -> Provider {
    let arguments: [Value] = [
      .string(name), priority.map { .integer(Int64($0)) } ?? .null,
      try health.map { health throws(StoreError) in try ValueEncoder().encode(health) } ?? .null,
    ]
    let provider = try await store.perform(
      Self.put, settings, arguments: .array(arguments), hotRows: [Self.hotRow(name)]
    ) { tx in
      try tx.providers.put(name, priority: priority, health: health)
    }
    // The state is as given: what was counted before belongs to the old one.
    if health != nil { _ = store.tallies.take(name, at: monotonicTime) }
    return provider
  }

  /// A provider, with what this process has counted so far.
  ///
  /// - Parameter name: Its name.
  /// - Returns: The provider; `nil` for a missing one.
  /// - Throws: ``StoreError`` with `invalid` for a name that cannot be, `corrupt` for a row in
  ///   which something stands that Holdfast never wrote.
  public func get(_ name: String) async throws(StoreError) -> Provider? {
    let provider = try await store.consult(Self.get) { tx in try tx.providers.get(name) }
    return provider?.adding(store.tallies.pending(name))
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
  public func list(
    after: String? = nil, limit: Int? = nil
  ) async throws(StoreError) -> ProviderPage {
    let page = try await store.consult(Self.list) { tx in
      try tx.providers.list(after: after, limit: limit)
    }
    return ProviderPage(
      items: page.items.map { $0.adding(store.tallies.pending($0.name)) }, next: page.next,
      unreadable: page.unreadable)
  }

  /// Forgets a provider.
  ///
  /// - Parameters:
  ///   - name: Its name.
  ///   - settings: What the write survives, and its idempotency key.
  /// - Returns: Whether there was one.
  /// - Throws: ``StoreError`` with `invalid` for a name that cannot be.
  @discardableResult
  public func delete(
    _ name: String, with settings: WriteSettings = .standard
  ) async throws(StoreError) -> Bool {
    let deleted = try await store.perform(
      Self.delete, settings, arguments: [.string(name)], hotRows: [Self.hotRow(name)]
    ) { tx in
      try tx.providers.delete(name)
    }
    _ = store.tallies.take(name, at: monotonicTime)
    return deleted
  }

  /// Asks whether a provider may be called, and takes the probe of a half-open circuit.
  ///
  /// **Durability.** A probe's lease survives the process and the machine: one caller of all nodes
  /// has it until its outcome comes or the lease ends. **Atomicity.** Of any number of callers at
  /// once one gets the probe. **Idempotency.** None, and no key gives it: a permission of earlier
  /// says nothing of now. A lost answer costs one lease time. **Cancellation.** Before it has
  /// begun. **Cost.** One read; a commit only where a probe is handed out.
  ///
  /// - Parameter name: The provider's name.
  /// - Returns: Whether to call now, and else when to ask again and why. The outcome of a call that
  ///   got a probe has to carry the probe's token.
  /// - Throws: ``StoreError`` with `not_found`, `invalid`, `corrupt`.
  public func acquire(_ name: String) async throws(StoreError) -> ProviderPermit {
    try await store.observed(Self.acquire) {
      if let permit = ProviderPermit(try await known(name)) { return permit }
      return try await store.write(.standard, hotRows: [Self.hotRow(name)]) { tx in
        try tx.providers.acquire(name)
      }
    }
  }
}

// MARK: What became of a call

extension Providers {
  /// Counts a call that succeeded; a probe that did closes the circuit.
  ///
  /// **Durability.** The first success after a failure and a probe's are durable when this returns;
  /// others change nothing but counts, which are stored together at most once a second, by the next
  /// call after it or when the store closes. **Atomicity.** All or nothing. **Idempotency.** A
  /// probe's success counts once; with an idempotency key any success does, and is stored at once.
  /// **Cancellation.** Before it has begun. **Cost.** One read; a commit once a second.
  ///
  /// - Parameters:
  ///   - name: The provider's name.
  ///   - latency: How long the call took.
  ///   - probe: The token of the probe that the call was.
  ///   - settings: What the write survives, and its idempotency key.
  /// - Returns: The provider as it is now.
  /// - Throws: ``StoreError`` with `not_found`, `fenced` for a probe whose lease is lost,
  ///   `invalid`, `corrupt`.
  @discardableResult
  public func success(
    _ name: String, latency: Duration? = nil, probe: Int64? = nil,
    with settings: WriteSettings = .standard
  ) async throws(StoreError) -> Provider {
    let arguments: [Value] = [
      .string(name), latency.map { .integer($0.microseconds) } ?? .null,
      probe.map(Value.integer) ?? .null,
    ]
    if probe == nil, settings.idempotencyKey == nil {
      if let provider = try await count(name, latency) { return provider }
    }
    return try await report(Self.success, name, settings, .array(arguments)) {
      providers throws(StoreError) in
      try providers.success(name, latency: latency, probe: probe)
    }
  }

  /// Counts a call that failed; enough of them in a row open the circuit.
  ///
  /// What was the caller's own mistake is not counted; it frees the probe for the next caller.
  ///
  /// **Durability.** As every write. **Atomicity.** The count, and the circuit's step, or nothing.
  /// **Idempotency.** A probe's failure counts once; with an idempotency key any failure does.
  /// **Cancellation.** Before it has begun. **Cost.** One commit; callers of one provider queue.
  ///
  /// - Parameters:
  ///   - name: The provider's name.
  ///   - kind: Why it failed.
  ///   - error: What the failure said; more than 4 KiB of it is cut off.
  ///   - probe: The token of the probe that the call was.
  ///   - settings: What the write survives, and its idempotency key.
  /// - Returns: The provider as it is now.
  /// - Throws: ``StoreError`` with `not_found`, `fenced` for a probe whose lease is lost,
  ///   `invalid`, `corrupt`.
  @discardableResult
  public func failure(
    _ name: String, kind: ProviderFailure = .other, error: String? = nil, probe: Int64? = nil,
    with settings: WriteSettings = .standard
  ) async throws(StoreError) -> Provider {
    let arguments: [Value] = [
      .string(name), .string(kind.rawValue), error.map(Value.string) ?? .null,
      probe.map(Value.integer) ?? .null,
    ]
    return try await report(Self.failure, name, settings, .array(arguments)) {
      providers throws(StoreError) in
      try providers.failure(name, kind: kind, error: error, probe: probe)
    }
  }

  /// Counts a call that was refused for a rate limit, and blocks the provider for as long as it
  /// asked for, at most for the policy's longest time.
  ///
  /// **Durability.** As every write. **Atomicity.** The pause and the count, or nothing.
  /// **Idempotency.** As ``failure(_:kind:error:probe:with:)``. **Cancellation.** Before it has
  /// begun. **Cost.** One commit; callers of one provider queue.
  ///
  /// - Parameters:
  ///   - name: The provider's name.
  ///   - retryAfter: How long the provider asked to be left alone; the policy's first wait if it
  ///     did not say.
  ///   - error: What the provider said; more than 4 KiB of it is cut off.
  ///   - probe: The token of the probe that the call was.
  ///   - settings: What the write survives, and its idempotency key.
  /// - Returns: The provider as it is now.
  /// - Throws: ``StoreError`` with `not_found`, `fenced` for a probe whose lease is lost,
  ///   `invalid` for a negative time, `corrupt`.
  @discardableResult
  public func rateLimited(
    _ name: String, retryAfter: Duration? = nil, error: String? = nil, probe: Int64? = nil,
    with settings: WriteSettings = .standard
  ) async throws(StoreError) -> Provider {
    let arguments: [Value] = [
      .string(name), retryAfter.map { .integer($0.microseconds) } ?? .null,
      error.map(Value.string) ?? .null, probe.map(Value.integer) ?? .null,
    ]
    return try await report(Self.rateLimited, name, settings, .array(arguments)) {
      providers throws(StoreError) in
      try providers.rateLimited(name, retryAfter: retryAfter, error: error, probe: probe)
    }
  }
}

// MARK: Counting

extension Providers {
  private var monotonicTime: Duration { store.context.time.monotonicTime() }

  /// The number at which those who write one provider queue.
  package static func hotRow(_ name: String) -> Int64 { HotRow.number("provider", name) }

  /// One point read, without a transaction around it.
  private func known(_ name: String) async throws(StoreError) -> ProviderRow {
    try Checks.id(name, "provider name", store.context.limits)
    let found = try await store.engine.read(Step(ProviderSQL.get, [.text(name)]))
    guard let columns = found.rows.first else { throw ProviderChecks.missing(name) }
    return try ProviderRow(columns)
  }

  /// Counts a success that changes no state; `nil` where it does.
  private func count(
    _ name: String, _ latency: Duration?
  ) async throws(StoreError) -> Provider? {
    try ProviderChecks.latency(latency)
    let row = try await known(name)
    var circuit = row.provider.health.circuit
    let action = try circuit.apply(
      .success(probe: nil), at: row.now, policy: store.context.circuit, chance: \.lowerBound)
    guard action == .tally else { return nil }
    return try await store.observed(Self.success) {
      let tally = ProviderTally(successes: 1, latency: latency, lastAt: row.now)
      let due = store.tallies.add(tally, to: name, at: monotonicTime)
      guard let due else { return row.provider.adding(store.tallies.pending(name)) }
      do throws(StoreError) {
        try await storeTally(due, of: name)
      } catch {
        keep(due, of: name, after: error)
        throw error
      }
      return row.provider.adding(due)
    }
  }

  /// Stores counts.
  fileprivate func storeTally(
    _ tally: ProviderTally, of name: String
  ) async throws(StoreError) {
    try await store.observed(Self.count) {
      try await store.write(.standard, hotRows: [Self.hotRow(name)]) { tx in
        try tx.providers.add(tally, to: name)
      }
    }
  }

  /// Writes an outcome that changes the state, behind the successes that came before it.
  private func report(
    _ operation: Operation, _ name: String, _ settings: WriteSettings, _ arguments: Value,
    _ body: @escaping @Sendable (ProvidersTransaction) throws(StoreError) -> Provider
  ) async throws(StoreError) -> Provider {
    // An idempotent write may be answered without running: counts must not go along with it.
    let tally =
      settings.idempotencyKey == nil ? store.tallies.take(name, at: monotonicTime) : nil
    do throws(StoreError) {
      return try await store.perform(
        operation, settings, arguments: arguments, hotRows: [Self.hotRow(name)]
      ) { tx in
        if let tally { try tx.providers.add(tally, to: name) }
        return try body(tx.providers)
      }
    } catch {
      if let tally { keep(tally, of: name, after: error) }
      throw error
    }
  }

  /// Keeps counts that were not stored. After an uncertain outcome they may have been, and a count
  /// too few is better than one too many; those of a provider that is gone are nothing.
  private func keep(_ tally: ProviderTally, of name: String, after error: StoreError) {
    guard error.code != .uncertain, error.code != .notFound else { return }
    store.tallies.giveBack(tally, to: name)
  }
}
