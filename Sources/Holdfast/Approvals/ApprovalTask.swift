package import HoldfastCore
import HoldfastEngine

/// The tasks that wait for approvals.
///
/// A task leaves its waiting when the last approval that it waits for is approved, and is cancelled
/// by the first that is denied, expires or is deleted. One that went another way meanwhile (it was
/// cancelled, or begun anew by hand) is left alone.
extension ApprovalsTransaction {
  /// The run that a request belongs to: its task's, where it names a task.
  ///
  /// - Parameter request: The request.
  /// - Returns: The run; `nil` where there is none.
  /// - Throws: `not_found` for an unknown task, `fenced` for a token that is not that of its latest
  ///   lease and for a leased task without one, `invalid` for a run that is not the task's.
  func owner(of request: ApprovalRequest) throws(StoreError) -> String? {
    guard let id = request.scope.task else { return request.run }
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
    return task.run
  }

  /// The namespace that a task belongs to.
  ///
  /// - Parameter id: The task's identifier.
  /// - Returns: The namespace; `nil` for a missing task.
  /// - Throws: `invalid` for an identifier that cannot be.
  package func namespace(ofTask id: String) throws(StoreError) -> Namespace? {
    try transaction.tasks.get(id).map { .holding(run: $0.run) }
  }

  /// Lets the task of an approval wait, unless it waits for another one already.
  func suspendTask(of approval: Approval) throws(StoreError) {
    guard let id = approval.task else { return }
    guard try transaction.tasks.get(id)?.status != .awaitingApproval else { return }
    try transaction.tasks.awaitApproval(id)
  }

  /// Lets the task of an approval go on, unless somebody must still decide about it.
  ///
  /// One whose time is over but that nobody has noted yet holds the task: it will be cancelled.
  func resumeTask(of approval: Approval, on connection: any Connection) throws(StoreError) {
    guard let id = approval.task else { return }
    let other = try connection.first(
      ApprovalSQL.isAwaited, [.text(id), .text(approval.id)]
    ) { $0.integer(0) }
    guard other == nil else { return }
    try transaction.tasks.resumeAfterApproval(id)
  }

  /// Cancels the task of an approval, where it waits.
  func cancelTask(of approval: Approval, reason: String) throws(StoreError) {
    guard let id = approval.task else { return }
    try transaction.tasks.cancelAfterApproval(id, reason: reason)
  }
}
