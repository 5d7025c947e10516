public import HoldfastCore
import HoldfastEngine

/// The plain way to keep tasks, without workers.
///
/// A task that is set running so has no lease: it needs no token and never expires by itself.
extension TasksTransaction {
  /// Saves a task as somebody else leads it.
  ///
  /// A new identifier takes status and times as given, if they can be: a task began before it came
  /// to an end, neither is yet to come, and only an approval's request makes a task wait for it.
  /// Over a task that is there it is one step to the status, with the result or error, as
  /// ``updateStatus(_:to:result:error:token:)`` takes it; everything else of that task stays as it
  /// was.
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
    let error = try checkedError(status, error)
    if completedAt != nil, !status.isFinal {
      throw TaskChecks.failure(
        "completed_at", "Only a finished task has a time of completion.",
        hint: "Leave completed_at out.")
    }
    if startedAt != nil, status == .pending {
      throw TaskChecks.failure(
        "started_at", "A task that is pending has not begun.", hint: "Leave started_at out.")
    }
    try TaskChecks.time(createdAt, "created_at")
    try TaskChecks.time(startedAt, "started_at")
    try TaskChecks.time(completedAt, "completed_at")
    plan.result = try text(result)
    // A step of a task that is there is counted by itself.
    if plan.hasGivenID, try find(plan.id, transaction.reading()) != nil {
      return try updateStatus(plan.id, to: status, result: result, error: error, token: token)
    }
    let connection = try transaction.writing(bytes: plan.bytes)
    if let run = draft.run { try RunGuard.check(run: run, on: connection) }
    if !status.isFinal { try checkTwin(plan.queue, draft.uniqueKey, run: draft.run, connection) }
    let now = try connection.now()
    try checkOrder(startedAt, completedAt, now)
    let hasRun = status == .running || status == .completed || status == .failed
    plan.createdAt = createdAt
    let isBadEnd = status == .failed || status == .cancelled
    plan.error = isBadEnd ? error ?? TaskError.unnamed(status) : nil
    plan.state = TaskState(
      status: status, attempt: hasRun ? 1 : 0,
      startedAt: startedAt ?? (status == .running ? now : nil),
      completedAt: status.isFinal ? completedAt ?? now : nil)
    let event = Feed.event("task", plan.namespace, plan.id, "save")
    return try written(plan.insertion, thenLook: TaskSQL.get, with: [event], connection)
  }

  /// Moves a task to another status.
  ///
  /// A leased task that is set failed is treated as one whose worker says so
  /// (``fail(_:error:retry:token:)``): it is tried again while attempts are left, and leaves a dead
  /// letter when they are spent. Only an approval's request makes a task wait for it.
  ///
  /// - Parameters:
  ///   - id: The task's identifier.
  ///   - status: Where it shall stand.
  ///   - result: What it gave; kept with `completed`.
  ///   - error: Why it failed or was cancelled; what is past 4 KiB is cut off.
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
    let error = try checkedError(status, error)
    let result = try text(result)
    let connection = try transaction.writing(
      bytes: id.utf8.count + (result?.utf8.count ?? 0) + (error?.utf8.count ?? 0))
    let row = try authorised(id, token, connection)
    if status == .failed {
      return try fail(row, error ?? TaskError.unnamed(status), .backOff, connection)
    }
    var change = TaskChange(row)
    let event = try change.move(to: status)
    switch event {
    case .requeue: try checkRequeue(row, connection)
    case .complete: change.result = result
    default: break
    }
    let task = try keep(change, event.rawValue, connection)
    if event == .requeue { try note(AuditAction.taskRequeue, task) }
    return task
  }

  /// What is kept of the error of a task that is to stand somewhere: an error never ends as
  /// completed, and only a bad end has one.
  private func checkedError(
    _ status: TaskStatus, _ error: String?
  ) throws(StoreError) -> String? {
    // Nothing but its approval takes such a task further.
    guard status != .awaitingApproval else {
      throw StoreError(
        .invalid, "A task waits for an approval only after one was requested for it.",
        hint: "Request an approval that names the task.", details: ["field": "status"])
    }
    guard let error else { return nil }
    guard status == .failed || status == .cancelled else {
      throw StoreError(
        .invalid, "Only a task that failed or was cancelled has an error.",
        hint: "Leave the error out, or fail the task.", details: ["field": "error"])
    }
    return try TaskChecks.error(error, limits)
  }

  /// Refuses times that did not follow each other, or are yet to come.
  private func checkOrder(
    _ startedAt: Instant?, _ completedAt: Instant?, _ now: Instant
  ) throws(StoreError) {
    if let completedAt, completedAt > now {
      throw TaskChecks.failure(
        "completed_at", "A task cannot have been completed at a time that is yet to come.",
        hint: "Leave completed_at out: it is now then.")
    }
    if let startedAt, startedAt > completedAt ?? now {
      throw TaskChecks.failure(
        "started_at", "A task begins before it is completed, and not at a time to come.",
        hint: "Leave started_at out, or give an earlier time.")
    }
  }

  /// Whether a finished task may be taken up again.
  func checkRequeue(_ row: TaskRow, _ connection: any Connection) throws(StoreError) {
    if let run = row.task.run { try RunGuard.check(run: run, on: connection) }
    try checkTwin(row.task.queue, row.task.uniqueKey, run: row.task.run, connection)
  }
}
