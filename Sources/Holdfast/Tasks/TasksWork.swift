public import HoldfastCore

/// Working on tasks.
extension Tasks {
  static let heartbeat = Operation("tasks.heartbeat", isWrite: true)
  static let progress = Operation("tasks.progress", isWrite: true)
  static let complete = Operation("tasks.complete", isWrite: true)
  static let fail = Operation("tasks.fail", isWrite: true)
  static let release = Operation("tasks.release", isWrite: true)
  static let cancel = Operation("tasks.cancel", isWrite: true)
  static let requeue = Operation("tasks.requeue", isWrite: true)
  static let replay = Operation("tasks.replay", isWrite: true)
  static let steps = Operation("tasks.steps", isWrite: false)
  static let failStuck = Operation("tasks.fail_stuck", isWrite: true)

  /// Makes a lease last longer, from now on.
  ///
  /// - Parameters:
  ///   - id: The task's identifier.
  ///   - token: The fencing token of the lease.
  ///   - lease: For how long, 1 s to 24 h; as long as the claim or the last heartbeat asked for if
  ///     left out.
  /// - Returns: The task with its new end of the lease.
  /// - Throws: ``StoreError`` with `fenced` where somebody else has the task or it has come to an
  ///   end, `invalid`.
  @discardableResult
  public func heartbeat(
    _ id: String, token: Int64, lease: Duration? = nil
  ) async throws(StoreError) -> TaskRecord {
    try await store.perform(Self.heartbeat, .standard, arguments: .null) { tx in
      try tx.tasks.heartbeat(id, token: token, lease: lease)
    }
  }

  /// Says how far a running task is; no event tells of it.
  ///
  /// - Parameters:
  ///   - id: The task's identifier.
  ///   - progress: How far it is, in whatever form.
  ///   - token: The fencing token, where the task is leased.
  /// - Returns: The task as it is now.
  /// - Throws: ``StoreError`` with `fenced`, `not_found`, `invalid_state` for a task that does not
  ///   run, `too_large`.
  @discardableResult
  public func progress(
    _ id: String, _ progress: Value, token: Int64? = nil
  ) async throws(StoreError) -> TaskRecord {
    try await store.perform(Self.progress, .standard, arguments: .null) { tx in
      try tx.tasks.progress(id, progress, token: token)
    }
  }

  /// Ends a running task as done.
  ///
  /// **Durability.** As every write. **Atomicity.** Status, result and time of completion together.
  /// **Idempotency.** A second call is `invalid_state`, or `fenced` with a token; with an
  /// idempotency key the first answer is given again. **Cancellation.** Before it has begun.
  /// **Cost.** One commit.
  ///
  /// - Parameters:
  ///   - id: The task's identifier.
  ///   - result: What it gave; null counts as nothing.
  ///   - token: The fencing token, where the task is leased.
  ///   - settings: What the write survives, and its idempotency key.
  /// - Returns: The task as it is now.
  /// - Throws: ``StoreError`` with `fenced`, `not_found`, `invalid_state` for a task that does not
  ///   run, `too_large`.
  @discardableResult
  public func complete(
    _ id: String, result: Value? = nil, token: Int64? = nil,
    with settings: WriteSettings = .standard
  ) async throws(StoreError) -> TaskRecord {
    try await store.perform(
      Self.complete, settings, arguments: [.string(id), result ?? .null, .of(token)]
    ) { tx in
      try tx.tasks.complete(id, result: result, token: token)
    }
  }

  /// Says that a task failed; see ``TasksTransaction/fail(_:error:retry:token:)``.
  ///
  /// - Parameters:
  ///   - id: The task's identifier.
  ///   - error: Why; what is past 4 KiB is cut off.
  ///   - retry: When a leased task is tried again.
  ///   - token: The fencing token, where the task is leased.
  ///   - settings: What the write survives, and its idempotency key.
  /// - Returns: The task as it is now: pending again, or failed.
  /// - Throws: ``StoreError`` with `fenced`, `not_found`, `invalid_state` for a task that is
  ///   finished, `invalid`, `too_large`.
  @discardableResult
  public func fail(
    _ id: String, error: String, retry: TaskRetry = .backOff, token: Int64? = nil,
    with settings: WriteSettings = .standard
  ) async throws(StoreError) -> TaskRecord {
    try await store.perform(
      Self.fail, settings, arguments: [.string(id), .string(error), retry.argument, .of(token)]
    ) { tx in
      try tx.tasks.fail(id, error: error, retry: retry, token: token)
    }
  }

  /// Hands a running task back untouched: it is pending again, and the run is not counted.
  ///
  /// - Parameters:
  ///   - id: The task's identifier.
  ///   - token: The fencing token, where the task is leased.
  ///   - settings: What the write survives, and its idempotency key.
  /// - Returns: The task as it is now.
  /// - Throws: ``StoreError`` with `fenced`, `not_found`, `invalid_state` for a task that does not
  ///   run.
  @discardableResult
  public func release(
    _ id: String, token: Int64? = nil, with settings: WriteSettings = .standard
  ) async throws(StoreError) -> TaskRecord {
    try await store.perform(
      Self.release, settings, arguments: [.string(id), .of(token)]
    ) { tx in
      try tx.tasks.release(id, token: token)
    }
  }

  /// Ends a task from outside, at once and for good, whoever works on it.
  ///
  /// The next call of its worker is `fenced`. An audit record says who did it.
  ///
  /// - Parameters:
  ///   - id: The task's identifier.
  ///   - reason: Why; kept as the task's error, of which what is past 4 KiB is cut off.
  ///   - settings: What the write survives, and its idempotency key.
  /// - Returns: The task as it is now.
  /// - Throws: ``StoreError`` with `not_found`, `invalid_state` for a task that is finished,
  ///   `invalid`, `too_large`.
  @discardableResult
  public func cancel(
    _ id: String, reason: String? = nil, with settings: WriteSettings = .standard
  ) async throws(StoreError) -> TaskRecord {
    try await store.perform(
      Self.cancel, settings, arguments: [.string(id), .of(reason)]
    ) { tx in
      try tx.tasks.cancel(id, reason: reason)
    }
  }

  /// Takes a task up again that failed or was cancelled, with all its attempts and due at once.
  ///
  /// - Parameters:
  ///   - id: The task's identifier.
  ///   - delay: How long it waits at first.
  ///   - settings: What the write survives, and its idempotency key.
  /// - Returns: The task, pending.
  /// - Throws: ``StoreError`` with `not_found`, `invalid_state` for a task that did not fail and
  ///   was not cancelled or whose run is archived, `conflict` beside an unfinished task with the
  ///   same unique key, `invalid`.
  @discardableResult
  public func requeue(
    _ id: String, delay: Duration = .zero, with settings: WriteSettings = .standard
  ) async throws(StoreError) -> TaskRecord {
    try await store.perform(
      Self.requeue, settings, arguments: [.string(id), .integer(delay.microseconds)]
    ) { tx in
      try tx.tasks.requeue(id, delay: delay)
    }
  }

  /// Makes a new task from one that came to an end, which it names as its source.
  ///
  /// - Parameters:
  ///   - id: The old task's identifier.
  ///   - step: The step from which on everything is done again; everything if left out.
  ///   - settings: What the write survives, and its idempotency key.
  /// - Returns: The new task, pending.
  /// - Throws: ``StoreError`` with `not_found` for an unknown task or step, `invalid_state` for a
  ///   task that is not finished or whose run is archived.
  @discardableResult
  public func replay(
    _ id: String, from step: String? = nil, with settings: WriteSettings = .standard
  ) async throws(StoreError) -> TaskRecord {
    try await store.perform(
      Self.replay, settings, arguments: [.string(id), .of(step)]
    ) { tx in
      try tx.tasks.replay(id, from: step)
    }
  }

  /// The steps that a task has recorded.
  ///
  /// - Parameter id: The task's identifier.
  /// - Returns: The steps in the order in which they were recorded; none for a missing task.
  /// - Throws: ``StoreError`` with `invalid` for an identifier that cannot be.
  public func steps(_ id: String) async throws(StoreError) -> [TaskStep] {
    try await store.consult(Self.steps) { tx in try tx.tasks.steps(id) }
  }

  /// Fails what a dead owner left, with the error `stuck_on_startup`; see
  /// ``TasksTransaction/failStuck(owner:limit:)``.
  ///
  /// **Atomicity.** A thousand tasks at a time.
  ///
  /// - Parameter owner: Whose tasks; every running task that has no living lease if left out.
  /// - Returns: How many there were.
  /// - Throws: ``StoreError`` with `invalid`.
  @discardableResult
  public func failStuck(owner: String? = nil) async throws(StoreError) -> Int {
    let slice = 1_000
    var failed = 0
    while true {
      let count = try await store.change(Self.failStuck) { tx in
        try tx.tasks.failStuck(owner: owner, limit: slice)
      }
      failed += count
      guard count == slice else { return failed }
    }
  }
}

extension TaskRetry {
  /// What an idempotency key is compared with.
  fileprivate var argument: Value {
    switch self {
    case .backOff: .null
    case .after(let delay): .integer(delay.microseconds)
    case .never: false
    }
  }
}
