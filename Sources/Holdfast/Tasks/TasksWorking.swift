public import HoldfastCore
import HoldfastEngine

/// What a worker says of its task, and what others say of it from outside.
extension TasksTransaction {
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
  ) throws(StoreError) -> TaskRecord {
    try TaskChecks.id(id, limits)
    if let lease { try TaskChecks.lease(lease, limits) }
    let connection = try transaction.writing(bytes: id.utf8.count)
    let row = try authorised(id, token, connection)
    return try written(
      Step(TaskSQL.extendLease, [.integer(row.number), Bound(lease?.microseconds)]),
      thenLook: TaskSQL.getByNumber, connection)
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
  ) throws(StoreError) -> TaskRecord {
    try TaskChecks.id(id, limits)
    let progress = try text(progress)
    let connection = try transaction.writing(bytes: id.utf8.count + (progress?.utf8.count ?? 0))
    let row = try running(id, token, connection)
    return try written(
      Step(TaskSQL.setProgress, [.integer(row.number), Bound(progress)]),
      thenLook: TaskSQL.getByNumber, connection)
  }

  /// Ends a running task as done.
  ///
  /// - Parameters:
  ///   - id: The task's identifier.
  ///   - result: What it gave; null counts as nothing.
  ///   - token: The fencing token, where the task is leased.
  /// - Returns: The task as it is now.
  /// - Throws: ``StoreError`` with `fenced`, `not_found`, `invalid_state` for a task that does not
  ///   run, `too_large`.
  @discardableResult
  public func complete(
    _ id: String, result: Value? = nil, token: Int64? = nil
  ) throws(StoreError) -> TaskRecord {
    try updateStatus(id, to: .completed, result: result, token: token)
  }

  /// Says that a task failed.
  ///
  /// A leased task is tried again while attempts are left; when they are spent, or where the error
  /// says that trying again is of no use, it is failed for good and a dead letter is written with
  /// it. A task that is not leased is failed for good.
  ///
  /// - Parameters:
  ///   - id: The task's identifier.
  ///   - error: Why; what is past 4 KiB is cut off.
  ///   - retry: When a leased task is tried again.
  ///   - token: The fencing token, where the task is leased.
  /// - Returns: The task as it is now: pending again, or failed.
  /// - Throws: ``StoreError`` with `fenced`, `not_found`, `invalid_state` for a task that is
  ///   finished, `invalid`, `too_large`.
  @discardableResult
  public func fail(
    _ id: String, error: String, retry: TaskRetry = .backOff, token: Int64? = nil
  ) throws(StoreError) -> TaskRecord {
    try TaskChecks.id(id, limits)
    let error = try TaskChecks.error(error, limits)
    if case .after(let delay) = retry { try TaskChecks.delay(delay, "retry_after", limits) }
    let connection = try transaction.writing(bytes: id.utf8.count + error.utf8.count)
    return try fail(authorised(id, token, connection), error, retry, connection)
  }

  /// Fails a task that may be written.
  func fail(
    _ row: TaskRow, _ error: String, _ retry: TaskRetry, _ connection: any Connection
  ) throws(StoreError) -> TaskRecord {
    var change = TaskChange(row)
    change.error = error
    guard row.isLeased else {
      try change.apply(.fail)
      return try keep(change, TaskEvent.fail.rawValue, connection)
    }
    guard let delay = delay(of: row, retry) else { return try giveUp(change, connection) }
    try change.apply(.retry)
    change.runAt = row.now + delay
    return try keep(change, TaskEvent.retry.rawValue, connection)
  }

  /// How long a task waits before its next run; `nil` where there is none.
  private func delay(of row: TaskRow, _ retry: TaskRetry) -> Duration? {
    guard row.state.mayRetry(attemptsMax: row.task.maxAttempts) else { return nil }
    switch retry {
    case .never: return nil
    case .after(let delay): return delay
    case .backOff:
      let resolution = Int64(1) << 53
      let chance = transaction.context.ids.random(in: 0...resolution)
      return row.task.backOff.delay(
        attempt: row.task.attempt, chance: Double(chance) / Double(resolution))
    }
  }

  /// Ends a task that will not be tried again, with its dead letter.
  func giveUp(
    _ change: TaskChange, _ connection: any Connection
  ) throws(StoreError) -> TaskRecord {
    var change = change
    try change.apply(.fail)
    let task = try keep(change, TaskEvent.fail.rawValue, connection)
    try transaction.deadLetters.bury(
      task: task.id, queue: task.queue, command: task.command, error: task.error, run: task.run,
      attempts: task.attempt)
    return task
  }

  /// Hands a running task back untouched: it is pending again, and the run is not counted.
  ///
  /// - Parameters:
  ///   - id: The task's identifier.
  ///   - token: The fencing token, where the task is leased.
  /// - Returns: The task as it is now.
  /// - Throws: ``StoreError`` with `fenced`, `not_found`, `invalid_state` for a task that does not
  ///   run.
  @discardableResult
  public func release(_ id: String, token: Int64? = nil) throws(StoreError) -> TaskRecord {
    try TaskChecks.id(id, limits)
    let connection = try transaction.writing(bytes: id.utf8.count)
    return try moved(authorised(id, token, connection), .release, connection)
  }

  /// Ends a task from outside, at once and for good, whoever works on it.
  ///
  /// The next call of its worker is `fenced`. An audit record says who did it.
  ///
  /// - Parameters:
  ///   - id: The task's identifier.
  ///   - reason: Why; kept as the task's error, of which what is past 4 KiB is cut off.
  /// - Returns: The task as it is now.
  /// - Throws: ``StoreError`` with `not_found`, `invalid_state` for a task that is finished,
  ///   `invalid`, `too_large`.
  @discardableResult
  public func cancel(_ id: String, reason: String? = nil) throws(StoreError) -> TaskRecord {
    try TaskChecks.id(id, limits)
    let reason = try reason.map { reason throws(StoreError) in
      try TaskChecks.error(reason, limits)
    }
    let connection = try transaction.writing(bytes: id.utf8.count + (reason?.utf8.count ?? 0))
    var change = TaskChange(try known(id, connection))
    try change.apply(.cancel)
    change.error = reason ?? TaskError.unnamed(.cancelled)
    let task = try keep(change, TaskEvent.cancel.rawValue, connection)
    try note(AuditAction.taskCancel, task, ["reason": .of(reason)])
    return task
  }

  /// Takes a task up again that failed or was cancelled, with all its attempts and due at once.
  ///
  /// The steps that it recorded stay, and are not done again.
  ///
  /// - Parameters:
  ///   - id: The task's identifier.
  ///   - delay: How long it waits at first.
  /// - Returns: The task, pending.
  /// - Throws: ``StoreError`` with `not_found`, `invalid_state` for a task that did not fail and
  ///   was not cancelled or whose run is archived, `conflict` beside an unfinished task with the
  ///   same unique key, `invalid`.
  @discardableResult
  public func requeue(_ id: String, delay: Duration = .zero) throws(StoreError) -> TaskRecord {
    try TaskChecks.id(id, limits)
    try TaskChecks.delay(delay, "delay", limits)
    let connection = try transaction.writing(bytes: id.utf8.count)
    let row = try known(id, connection)
    var change = TaskChange(row)
    try change.apply(.requeue)
    try checkRequeue(row, connection)
    change.runAt = row.now + delay
    let task = try keep(change, TaskEvent.requeue.rawValue, connection)
    try note(AuditAction.taskRequeue, task)
    return task
  }

  func moved(
    _ row: TaskRow, _ event: TaskEvent, _ connection: any Connection
  ) throws(StoreError) -> TaskRecord {
    var change = TaskChange(row)
    try change.apply(event)
    return try keep(change, event.rawValue, connection)
  }

  /// A running task that may be written by who brings a token, or none.
  func running(
    _ id: String, _ token: Int64?, _ connection: any Connection
  ) throws(StoreError) -> TaskRow {
    let row = try authorised(id, token, connection)
    guard row.task.status == .running else {
      throw StoreError(
        .invalidState, "The task does not run.", hint: "Claim the task first.",
        details: ["task": .string(id), "status": .string(row.task.status.rawValue)])
    }
    return row
  }
}

/// What approvals do with the tasks that wait for them.
extension TasksTransaction {
  /// Lets a task wait for somebody's approval; a lease ends, and the run is not counted.
  ///
  /// - Parameter id: The task's identifier.
  /// - Returns: The task as it is now.
  /// - Throws: `not_found`, `invalid_state` for a task that is neither pending nor running.
  @discardableResult
  package func awaitApproval(_ id: String) throws(StoreError) -> TaskRecord {
    try TaskChecks.id(id, limits)
    let connection = try transaction.writing(bytes: id.utf8.count)
    return try moved(known(id, connection), .awaitApproval, connection)
  }

  /// Lets a task go on that waited for an approval.
  ///
  /// - Parameter id: The task's identifier.
  /// - Returns: The task as it is now; `nil` where it is gone or does not wait for an approval any
  ///   more, which changes nothing.
  /// - Throws: What the database says, as a ``StoreError``.
  @discardableResult
  package func resumeAfterApproval(_ id: String) throws(StoreError) -> TaskRecord? {
    try TaskChecks.id(id, limits)
    let connection = try transaction.writing(bytes: id.utf8.count)
    guard let row = try find(id, connection), row.task.status == .awaitingApproval else {
      return nil
    }
    return try moved(row, .resume, connection)
  }

  /// Ends a task whose approval was denied, ran out or was deleted.
  ///
  /// - Parameters:
  ///   - id: The task's identifier.
  ///   - reason: Why; kept as the task's error.
  /// - Returns: The task as it is now; `nil` where it is gone or does not wait for an approval any
  ///   more, which changes nothing.
  /// - Throws: What the database says, as a ``StoreError``.
  @discardableResult
  package func cancelAfterApproval(
    _ id: String, reason: String
  ) throws(StoreError) -> TaskRecord? {
    let connection = try transaction.writing(bytes: 0)
    guard let row = try find(id, connection), row.task.status == .awaitingApproval else {
      return nil
    }
    return try cancel(id, reason: reason)
  }
}
