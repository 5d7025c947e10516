public import HoldfastCore

extension Store {
  /// The tasks of this store.
  public var tasks: Tasks { Tasks(store: self) }
}

/// The tasks of a store; each call is a transaction of its own.
///
/// ```swift
/// try await store.tasks.enqueue("send-email", parameters: ["to": "a@b.example"])
/// for task in try await store.tasks.claim(from: ["default"], limit: 10) {
///   let receipt: String = try await task.step("send") { try await send(task.record.parameters) }
///   try await task.complete(.string(receipt))
/// }
/// ```
public struct Tasks: Sendable {
  let store: Store

  static let enqueue = Operation("tasks.enqueue", isWrite: true)
  static let enqueueMany = Operation("tasks.enqueue_many", isWrite: true)
  static let get = Operation("tasks.get", isWrite: false)
  /// Reading a list, as metrics and logs name it.
  package static let list = Operation("tasks.list", isWrite: false)
  static let stats = Operation("tasks.stats", isWrite: false)
  static let save = Operation("tasks.save", isWrite: true)
  static let updateStatus = Operation("tasks.update_status", isWrite: true)

  /// Enqueues a task.
  ///
  /// A task with a unique key is enqueued once: while an unfinished one of the queue has the key,
  /// that one is the answer.
  ///
  /// **Durability.** As every write. **Atomicity.** The task or nothing. **Idempotency.** By the
  /// task's unique key while it is unfinished; by an idempotency key for longer. **Cancellation.**
  /// Before it has begun. **Cost.** One commit.
  ///
  /// - Parameters:
  ///   - command: What is to be done.
  ///   - parameters: With what.
  ///   - queue: The queue in which it waits; the store's default if left out.
  ///   - run: The run to which it belongs.
  ///   - settings: What the write survives, and its idempotency key.
  /// - Returns: The task, and whether it is new.
  /// - Throws: What ``enqueue(_:with:)`` throws.
  @discardableResult
  public func enqueue(
    _ command: String, parameters: Value = [:], queue: String? = nil, run: String? = nil,
    with settings: WriteSettings = .standard
  ) async throws(StoreError) -> EnqueuedTask {
    try await enqueue(
      TaskDraft(command, parameters: parameters, queue: queue, run: run), with: settings)
  }

  /// Enqueues a task with everything that can be said of it.
  ///
  /// - Parameters:
  ///   - draft: The task.
  ///   - settings: What the write survives, and its idempotency key.
  /// - Returns: The task, and whether it is new.
  /// - Throws: ``StoreError`` with `conflict` for an id that is taken, `invalid_state` under an
  ///   archived or deleted run, `invalid`, `too_large`.
  @discardableResult
  public func enqueue(
    _ draft: TaskDraft, with settings: WriteSettings = .standard
  ) async throws(StoreError) -> EnqueuedTask {
    try await store.perform(Self.enqueue, settings, arguments: draft.argument) { tx in
      try tx.tasks.enqueue(draft)
    }
  }

  /// Enqueues many tasks: all of them, or none.
  ///
  /// - Parameters:
  ///   - drafts: The tasks; none is fine.
  ///   - settings: What the write survives, and its idempotency key.
  /// - Returns: One answer a task, in order. Of two with the same unique key, the second gets the
  ///   first.
  /// - Throws: What ``enqueue(_:with:)`` throws, with the task's position in the details.
  @discardableResult
  public func enqueueMany(
    _ drafts: [TaskDraft], with settings: WriteSettings = .standard
  ) async throws(StoreError) -> [EnqueuedTask] {
    try await store.perform(
      Self.enqueueMany, settings, arguments: .array(drafts.map(\.argument))
    ) { tx in
      try tx.tasks.enqueueMany(drafts)
    }
  }

  /// A task.
  ///
  /// - Parameter id: Its identifier.
  /// - Returns: The task; `nil` for a missing one.
  /// - Throws: ``StoreError`` with `invalid` for an identifier that cannot be.
  public func get(_ id: String) async throws(StoreError) -> TaskRecord? {
    try await store.consult(Self.get) { tx in try tx.tasks.get(id) }
  }

  /// Lists one page of tasks.
  ///
  /// - Parameter query: Which tasks, and in which order.
  /// - Returns: The tasks, where the next page begins, and how many match where that was asked for.
  /// - Throws: ``StoreError`` with `invalid` for a limit out of range or a cursor from elsewhere.
  public func list(_ query: TaskQuery = TaskQuery()) async throws(StoreError) -> TaskPage {
    try await store.consult(Self.list) { tx in try tx.tasks.list(query) }
  }

  /// The numbers of tasks by status, command and queue, and how long they took.
  ///
  /// - Parameter queue: Only tasks of this queue.
  /// - Returns: The numbers, of a scan of the tasks.
  /// - Throws: ``StoreError`` with `invalid` for a queue that cannot be.
  public func stats(queue: String? = nil) async throws(StoreError) -> TaskStats {
    try await store.consult(Self.stats) { tx in try tx.tasks.stats(queue: queue) }
  }

  /// The same, of the tasks that somebody may see.
  ///
  /// - Parameters:
  ///   - queue: Only tasks of this queue.
  ///   - sees: Whether what is in a namespace may be seen.
  /// - Returns: The numbers.
  /// - Throws: ``StoreError`` with `invalid` for a queue that cannot be.
  package func stats(
    queue: String?, seenBy sees: @escaping @Sendable (Namespace) -> Bool
  ) async throws(StoreError) -> TaskStats {
    try await store.consult(Self.stats) { tx in
      try tx.tasks.stats(queue: queue, seenBy: sees)
    }
  }

  /// Saves a task as somebody else leads it; see
  /// ``TasksTransaction/save(_:status:result:error:createdAt:startedAt:completedAt:token:)``.
  ///
  /// - Parameters:
  ///   - draft: The task; one without an identifier is always new.
  ///   - status: Where it stands.
  ///   - result: What it gave.
  ///   - error: Why it failed or was cancelled; what is past 4 KiB is cut off.
  ///   - createdAt: When it was made; now if left out.
  ///   - startedAt: When its latest run began; now for one that is running.
  ///   - completedAt: When it came to an end; now for one that did.
  ///   - token: The fencing token, where the task that is there is leased.
  ///   - settings: What the write survives, and its idempotency key.
  /// - Returns: The task as it is now.
  /// - Throws: ``StoreError`` with `invalid_state` for a step that is not possible, `conflict`
  ///   beside an unfinished task with the same unique key, `fenced`, `invalid`, `too_large`.
  @discardableResult
  public func save(
    _ draft: TaskDraft, status: TaskStatus = .pending, result: Value? = nil, error: String? = nil,
    createdAt: Instant? = nil, startedAt: Instant? = nil, completedAt: Instant? = nil,
    token: Int64? = nil, with settings: WriteSettings = .standard
  ) async throws(StoreError) -> TaskRecord {
    try await store.perform(
      Self.save, settings,
      arguments: [
        draft.argument, .string(status.rawValue), result ?? .null, .of(error),
        .of(createdAt?.microseconds), .of(startedAt?.microseconds),
        .of(completedAt?.microseconds), .of(token),
      ]
    ) { tx in
      try tx.tasks.save(
        draft, status: status, result: result, error: error, createdAt: createdAt,
        startedAt: startedAt, completedAt: completedAt, token: token)
    }
  }

  /// Moves a task to another status; a leased one that is set failed may be tried again, see
  /// ``TasksTransaction/updateStatus(_:to:result:error:token:)``.
  ///
  /// - Parameters:
  ///   - id: The task's identifier.
  ///   - status: Where it shall stand.
  ///   - result: What it gave; kept with `completed`.
  ///   - error: Why it failed or was cancelled; what is past 4 KiB is cut off.
  ///   - token: The fencing token of a leased task; cancelling needs none.
  ///   - settings: What the write survives, and its idempotency key.
  /// - Returns: The task as it is now.
  /// - Throws: ``StoreError`` with `not_found`, `invalid_state` for a step that is not possible,
  ///   `fenced`, `conflict` for a requeue beside an unfinished task with the same unique key,
  ///   `invalid`.
  @discardableResult
  public func updateStatus(
    _ id: String, to status: TaskStatus, result: Value? = nil, error: String? = nil,
    token: Int64? = nil, with settings: WriteSettings = .standard
  ) async throws(StoreError) -> TaskRecord {
    try await store.perform(
      Self.updateStatus, settings,
      arguments: [
        .string(id), .string(status.rawValue), result ?? .null, .of(error), .of(token),
      ]
    ) { tx in
      try tx.tasks.updateStatus(id, to: status, result: result, error: error, token: token)
    }
  }
}
