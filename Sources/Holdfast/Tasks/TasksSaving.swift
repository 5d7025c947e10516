public import HoldfastCore
import HoldfastEngine

/// The plain way to keep tasks, without workers.
///
/// A task that is set running so has no lease: it needs no token and never expires by itself.
extension TasksTransaction {
  /// Saves a task as somebody else leads it.
  ///
  /// A new identifier takes status and times as given. Over a task that is there it is one step to
  /// the status, with the result or error; everything else of that task stays as it was.
  ///
  /// - Parameters:
  ///   - draft: The task; one without an identifier is always new.
  ///   - status: Where it stands.
  ///   - result: What it gave.
  ///   - error: Why it failed or was cancelled.
  ///   - createdAt: When it was made; now if left out.
  ///   - startedAt: When its latest run began; now for one that is running.
  ///   - completedAt: When it came to an end; now for one that did.
  ///   - token: The fencing token, where the task that is there is leased.
  /// - Returns: The task as it is now.
  /// - Throws: ``StoreError`` with `invalid_state` for a step that is not possible, `conflict`
  ///   beside an unfinished task with the same unique key, `fenced`, `invalid`, `too_large`.
  @discardableResult
  public func save(
    _ draft: TaskDraft, status: TaskStatus = .pending, result: Value? = nil, error: String? = nil,
    createdAt: Instant? = nil, startedAt: Instant? = nil, completedAt: Instant? = nil,
    token: Int64? = nil
  ) throws(StoreError) -> TaskRecord {
    var plan = try TaskPlan(draft, transaction.context)
    try checkOutcome(status, error)
    if completedAt != nil, !status.isFinal {
      throw TaskChecks.failure(
        "Only a finished task has a time of completion.", hint: "Leave completed_at out.")
    }
    plan.result = try text(result)
    let connection = try transaction.writing(bytes: plan.bytes)
    if plan.hasGivenID, try find(plan.id, connection) != nil {
      return try updateStatus(plan.id, to: status, result: result, error: error, token: token)
    }
    if let run = draft.run { try RunGuard.check(run: run, on: connection) }
    if !status.isFinal { try checkTwin(plan.queue, draft.uniqueKey, run: draft.run, connection) }
    let now = try now(connection)
    let hasRun = status == .running || status == .completed || status == .failed
    plan.createdAt = createdAt
    plan.error = status == .failed || status == .cancelled ? error ?? status.rawValue : nil
    plan.state = TaskState(
      status: status, attempt: hasRun ? 1 : 0,
      startedAt: startedAt ?? (status == .running ? now : nil),
      completedAt: status.isFinal ? completedAt ?? now : nil)
    let event = Feed.event("task", plan.namespace, plan.id, "save")
    return try written(plan.insertion, thenLook: TaskSQL.get, with: [event], connection)
  }

  /// Moves a task to another status.
  ///
  /// - Parameters:
  ///   - id: The task's identifier.
  ///   - status: Where it shall stand.
  ///   - result: What it gave; kept with `completed`.
  ///   - error: Why it failed or was cancelled.
  ///   - token: The fencing token of a leased task; a task that is not leased needs none, and nor
  ///     does cancelling.
  /// - Returns: The task as it is now.
  /// - Throws: ``StoreError`` with `not_found`, `invalid_state` for a step that is not possible,
  ///   `fenced`, `conflict` for a requeue beside an unfinished task with the same unique key,
  ///   `invalid`.
  @discardableResult
  public func updateStatus(
    _ id: String, to status: TaskStatus, result: Value? = nil, error: String? = nil,
    token: Int64? = nil
  ) throws(StoreError) -> TaskRecord {
    guard status != .cancelled else { return try cancel(id, reason: error) }
    try TaskChecks.id(id, limits)
    try checkOutcome(status, error)
    let result = try text(result)
    let connection = try transaction.writing(
      bytes: id.utf8.count + (result?.utf8.count ?? 0) + (error?.utf8.count ?? 0))
    let row = try authorised(id, token, connection)
    var change = TaskChange(row)
    let event = try change.move(to: status)
    switch event {
    case .requeue: try checkRequeue(row, connection)
    case .complete: change.result = result
    case .fail: change.error = error ?? status.rawValue
    default: break
    }
    let task = try keep(change, event.rawValue, connection)
    if event == .requeue { try note(AuditAction.taskRequeue, task) }
    return task
  }

  /// An error never ends as completed, and only a bad end has one.
  private func checkOutcome(_ status: TaskStatus, _ error: String?) throws(StoreError) {
    guard let error else { return }
    try TaskChecks.error(error, limits)
    guard status == .failed || status == .cancelled else {
      throw StoreError(
        .invalid, "Only a task that failed or was cancelled has an error.",
        hint: "Leave the error out, or fail the task.", details: ["field": "error"])
    }
  }

  /// Whether a finished task may be taken up again.
  func checkRequeue(_ row: TaskRow, _ connection: any Connection) throws(StoreError) {
    if let run = row.task.run { try RunGuard.check(run: run, on: connection) }
    try checkTwin(row.task.queue, row.task.uniqueKey, run: row.task.run, connection)
  }

  func now(_ connection: any Connection) throws(StoreError) -> Instant {
    let now = try connection.first(TaskClaimSQL.now) { $0.integer(0) }
    return Instant(microseconds: now ?? 0)
  }
}
