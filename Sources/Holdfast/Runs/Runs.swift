public import HoldfastCore

extension Store {
  /// The runs of this store.
  public var runs: Runs { Runs(store: self) }
}

/// The runs of a store; each call is a transaction of its own.
///
/// ```swift
/// let run = try await store.runs.begin(tags: ["airline"])
/// try await store.kv(.run(run.id)).put("plan", ["step": 1])
/// try await store.runs.apply(.complete, to: run.id)
/// ```
public struct Runs: Sendable {
  let store: Store

  private static let begin = Operation("runs.begin", isWrite: true)
  private static let get = Operation("runs.get", isWrite: false)
  /// Reading a list, as metrics and logs name it.
  package static let list = Operation("runs.list", isWrite: false)
  private static let counts = Operation("runs.counts", isWrite: false)
  private static let update = Operation("runs.update", isWrite: true)
  private static let apply = Operation("runs.apply", isWrite: true)
  private static let delete = Operation("runs.delete", isWrite: true)

  /// Begins a run.
  ///
  /// **Durability.** As every write. **Atomicity.** The run with its tags, or nothing.
  /// **Idempotency.** A second begin with the same id is `conflict`; with an idempotency key the
  /// first answer is given again. **Cancellation.** Before it has begun. **Cost.** One commit.
  ///
  /// - Parameters:
  ///   - id: The run's identifier, 1 to 256 bytes; one is made if left out.
  ///   - parent: The run that begins it.
  ///   - tags: Words by which it can be listed.
  ///   - metadata: What the caller keeps with it: an object.
  ///   - settings: What the write survives, and its idempotency key.
  /// - Returns: The run, active.
  /// - Throws: ``StoreError`` with `conflict` for an id that is taken, `not_found` for an unknown
  ///   parent, `invalid_state` for the id of a deleted run, `invalid`.
  @discardableResult
  public func begin(
    _ id: String? = nil, parent: String? = nil, tags: [String] = [], metadata: Value = [:],
    with settings: WriteSettings = .standard
  ) async throws(StoreError) -> Run {
    try await store.perform(
      Self.begin, settings,
      arguments: [
        id.map(Value.string) ?? .null, parent.map(Value.string) ?? .null,
        .array(tags.map(Value.string)), metadata,
      ]
    ) { tx in
      try tx.runs.begin(id, parent: parent, tags: tags, metadata: metadata)
    }
  }

  /// A run.
  ///
  /// - Parameter id: Its identifier.
  /// - Returns: The run; `nil` for a missing or deleted one.
  /// - Throws: ``StoreError`` with `invalid` for an identifier that cannot be.
  public func get(_ id: String) async throws(StoreError) -> Run? {
    try await store.consult(Self.get) { tx in try tx.runs.get(id) }
  }

  /// Lists one page of runs, the newest first; archived ones only when asked for.
  ///
  /// - Parameter query: Which runs.
  /// - Returns: The runs, and where the next page begins. A page ends early past 8 MiB.
  /// - Throws: ``StoreError`` with `invalid` for a limit out of range or a cursor from elsewhere.
  public func list(_ query: RunQuery = RunQuery()) async throws(StoreError) -> Page<Run> {
    try await store.consult(Self.list) { tx in try tx.runs.list(query) }
  }

  /// How many runs there are in each state; states without runs are 0.
  ///
  /// - Returns: The numbers.
  /// - Throws: ``StoreError`` of the engine's.
  public func counts() async throws(StoreError) -> [RunStatus: Int] {
    try await store.consult(Self.counts) { tx in try tx.runs.counts() }
  }

  /// Replaces a run's tags or metadata; what is left out stays.
  ///
  /// - Parameters:
  ///   - id: The run's identifier.
  ///   - tags: The new tags.
  ///   - metadata: The new metadata: an object.
  ///   - settings: What the write survives, and its idempotency key.
  /// - Returns: The run as it is now.
  /// - Throws: ``StoreError`` with `not_found`, `invalid`, or `invalid_state` for an archived run.
  @discardableResult
  public func update(
    _ id: String, tags: [String]? = nil, metadata: Value? = nil,
    with settings: WriteSettings = .standard
  ) async throws(StoreError) -> Run {
    try await store.perform(
      Self.update, settings,
      arguments: [
        .string(id), tags.map { .array($0.map(Value.string)) } ?? .null, metadata ?? .null,
      ]
    ) { tx in
      try tx.runs.update(id, tags: tags, metadata: metadata)
    }
  }

  /// Moves a run to another state: complete, fail, cancel, pause, resume or archive.
  ///
  /// - Parameters:
  ///   - event: What happened to it.
  ///   - id: The run's identifier.
  ///   - error: Why it failed; kept only with ``HoldfastCore/RunEvent/fail``.
  ///   - settings: What the write survives, and its idempotency key.
  /// - Returns: The run as it is now.
  /// - Throws: ``StoreError`` with `not_found`, or `invalid_state` for a step that is not possible.
  @discardableResult
  public func apply(
    _ event: RunEvent, to id: String, error: String? = nil,
    with settings: WriteSettings = .standard
  ) async throws(StoreError) -> Run {
    try await store.perform(
      Self.apply, settings,
      arguments: [
        .string(event.rawValue), .string(id), error.map(Value.string) ?? .null,
      ]
    ) { tx in
      try tx.runs.apply(event, to: id, error: error)
    }
  }

  /// Deletes a run and makes all that is under it unseen, at once; see
  /// ``RunsTransaction/delete(_:)``.
  ///
  /// - Parameters:
  ///   - id: The run's identifier.
  ///   - settings: What the write survives, and its idempotency key.
  /// - Throws: ``StoreError`` with `not_found` for a run that is not there and has no keys,
  ///   `invalid_state` for one that was deleted already.
  public func delete(
    _ id: String, with settings: WriteSettings = .standard
  ) async throws(StoreError) {
    _ = try await store.perform(Self.delete, settings, arguments: [.string(id)]) { tx in
      try tx.runs.delete(id)
      return true
    }
  }
}
