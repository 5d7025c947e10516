package import HoldfastCore
import HoldfastEngine

/// The tasks that wait for approvals.
///
/// A task leaves its waiting when the last approval that it waits for is approved, and is cancelled
/// by the first that is denied, expires or is deleted. When it goes another way (it is cancelled,
/// failed, or taken up by hand), the approvals that it waited for are closed with it: none stays
/// undecided whose task does not wait, so none can act on what becomes of the task later.
extension ApprovalsTransaction {
  /// The task that a request names.
  ///
  /// - Parameter request: The request.
  /// - Returns: The task; `nil` where it names none.
  /// - Throws: `not_found` for an unknown task, `fenced` for a token that is not that of its latest
  ///   lease and for a leased task without one, `invalid` for a run that is not the task's.
  func task(of request: ApprovalRequest) throws(StoreError) -> TaskRecord? {
    guard let id = request.scope.task else { return nil }
    guard let task = try transaction.tasks.get(id) else {
      throw StoreError(
        .notFound, "There is no task that could wait for the approval.",
        hint: "Enqueue the task first, or leave it out.", details: ["task": .string(id)])
    }
    // A leased task takes its writes only with the token of its lease: without one, a worker that
    // lost it would take it out of the hands of the next.
    let isHeld = task.leaseExpiresAt != nil
    guard request.token.map({ $0 == task.fencingToken && isHeld }) ?? !isHeld else {
      throw StoreError(
        .fenced, "The task is not held under this fencing token.",
        details: ["task": .string(id)])
    }
    if let run = request.run, task.run.map({ Bytewise.equal($0, run) }) != true {
      throw StoreError(
        .invalid, "The approval's run is not its task's.",
        hint: "Leave the run out: it is taken from the task.", details: ["field": "run"])
    }
    return task
  }

  /// Refuses a request for a task that came to an end, and one that the task cannot wait for.
  ///
  /// - Parameters:
  ///   - task: The task.
  ///   - ruling: What is decided at once; a task whose wish is granted need not wait.
  ///   - connection: The transaction's connection.
  /// - Throws: `invalid_state`, also where the task waits for as many as it can.
  func check(
    _ task: TaskRecord, for ruling: ApprovalRuling, on connection: any Connection
  ) throws(StoreError) {
    if task.status == .awaitingApproval {
      let count = try awaitedCount(of: task.id, connection)
      guard ruling.decision != nil || count < limits.taskApprovalsMax else {
        throw StoreError(
          .invalidState, "A task waits for at most \(limits.taskApprovalsMax) approvals at once.",
          hint: "Wait until some of them are decided.",
          details: [
            "task": .string(task.id), "approvals_max": .integer(Int64(limits.taskApprovalsMax)),
          ])
      }
    } else if task.status.isFinal || ruling.decision != .approve {
      var state = TaskState(status: task.status)
      try state.apply(.awaitApproval, at: ruling.now)
    }
  }

  /// Refuses the use of an approval whose task came to an end, or is gone since.
  ///
  /// - Parameter approval: The approval.
  /// - Throws: `invalid_state`.
  func checkTask(of approval: Approval) throws(StoreError) {
    guard let id = approval.task else { return }
    let status = try transaction.tasks.get(id)?.status
    guard status?.isFinal ?? true else { return }
    throw StoreError(
      .invalidState, "The task that the approval was given to has come to an end.",
      hint: "Take the task up again, or request an approval for another one.",
      details: [
        "approval": .string(approval.id), "task": .string(id), "task_status": .of(status?.rawValue),
      ])
  }

  /// How many approvals a task waits for, whose time may be over.
  ///
  /// - Parameters:
  ///   - task: The task's identifier.
  ///   - connection: The transaction's connection.
  /// - Returns: The number.
  /// - Throws: What the database says, as a ``StoreError``.
  func awaitedCount(of task: String, _ connection: any Connection) throws(StoreError) -> Int {
    try connection.first(ApprovalSQL.countAwaited, [.text(task)]) { Int($0.integer(0)) } ?? 0
  }

  /// Closes the approvals that a task waited for, because it goes on or ends without them: those
  /// whose time is over expire, all others are denied in the name of the task.
  ///
  /// They are read, written and noted in three goes, however many there are.
  ///
  /// - Parameters:
  ///   - task: The task as it is now.
  ///   - connection: The transaction's connection.
  /// - Throws: What the database says, as a ``StoreError``.
  func close(awaitedBy task: TaskRecord, _ connection: any Connection) throws(StoreError) {
    let reason =
      task.status.isFinal ? "The task has come to an end." : "The task went on without it."
    let rows = try connection.all(ApprovalSQL.awaited, [.text(task.id)]) {
      row throws(StoreError) in try ApprovalRow(row: row)
    }
    guard !rows.isEmpty else { return }
    let decider = ApprovalDecider("task:\(task.id)")
    var ends: [ApprovalEnd] = []
    for row in rows {
      if let expiry = expiry(of: row) {
        ends.append(expiry)
      } else {
        ends.append(try denial(of: row, by: decider, reason: reason))
      }
    }
    _ = try connection.run(ends.flatMap(\.steps))
    try transaction.audit.record(ends.map(\.entry), operations: 0)
  }

  /// The denial of an approval by a task that waits no longer.
  private func denial(
    of row: ApprovalRow, by decider: ApprovalDecider, reason: String
  ) throws(StoreError) -> ApprovalEnd {
    var state = row.state
    _ = try state.decide(
      .deny, by: decider, at: row.now, usableFor: limits.approvalUseAfterDecision)
    let event = ApprovalEvent("deny", at: row.now, by: decider.name, reason: reason)
    return ApprovalEnd(
      steps: steps(row, state, event),
      entry: Self.entry(denying: row.approval, by: decider.name, reason: reason))
  }

  /// The namespace that a task belongs to.
  ///
  /// - Parameter id: The task's identifier.
  /// - Returns: The namespace; `nil` for a missing task.
  /// - Throws: `invalid` for an identifier that cannot be.
  package func namespace(ofTask id: String) throws(StoreError) -> Namespace? {
    try transaction.tasks.get(id).map { .holding(run: $0.run) }
  }

  /// Lets the task of an approval go on, unless somebody must still decide about it.
  ///
  /// One whose time is over but that nobody has noted yet holds the task: it will be cancelled.
  func resumeTask(of approval: Approval, on connection: any Connection) throws(StoreError) {
    guard let id = approval.task else { return }
    let held = try connection.first(ApprovalSQL.isAwaited, [.text(id)]) { $0.integer(0) }
    guard held == nil else { return }
    try transaction.tasks.resumeAfterApproval(id)
  }

  /// Cancels the task of an approval, where it waits.
  func cancelTask(of approval: Approval, reason: String) throws(StoreError) {
    guard let id = approval.task else { return }
    try transaction.tasks.cancelAfterApproval(id, reason: reason)
  }
}
