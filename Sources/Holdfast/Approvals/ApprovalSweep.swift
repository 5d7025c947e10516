import HoldfastCore
import HoldfastEngine

/// What upkeep does with approvals.
extension ApprovalsTransaction {
  /// Notes undecided approvals whose time is over: their tasks are cancelled, and the feed says
  /// `expired`.
  ///
  /// Reads and decisions do not need it: for them an approval is expired from that microsecond on.
  ///
  /// - Parameter limit: How many, and all others that the tasks of these waited for.
  /// - Returns: How many there were.
  /// - Throws: ``StoreError`` of the engine's.
  @discardableResult
  package func expireDue(limit: Int) throws(StoreError) -> Int {
    let connection = try transaction.writing(bytes: 0)
    let due = try connection.all(ApprovalSQL.due, [.integer(Int64(limit))]) { $0.text(0) }
    var count = 0
    for id in due where count < limit {
      // One that a task waited for beside another was closed with that task, and is read so here.
      guard let row = try find(id, connection), try expire(row, connection) else { continue }
      count += 1
      if let task = row.approval.task { count += try awaitedCount(of: task, connection) }
      try cancelTask(of: row.approval, reason: "The approval expired undecided.")
    }
    return count
  }

  /// Notes that time has ended an undecided approval; its task is left as it is.
  ///
  /// - Parameters:
  ///   - row: The approval.
  ///   - connection: The transaction's connection.
  /// - Returns: Whether there was anything to note.
  /// - Throws: ``StoreError`` of the engine's.
  func expire(_ row: ApprovalRow, _ connection: any Connection) throws(StoreError) -> Bool {
    guard let end = expiry(of: row) else { return false }
    _ = try connection.run(end.steps)
    try transaction.audit.record([end.entry], operations: 0)
    return true
  }

  /// The end of an approval by time.
  ///
  /// - Parameter row: The approval.
  /// - Returns: The end; `nil` where time has not ended it, or somebody decided before.
  func expiry(of row: ApprovalRow) -> ApprovalEnd? {
    var state = row.state
    guard state.expire(at: row.now) else { return nil }
    let event = ApprovalEvent("expire", at: row.now, by: transaction.actor)
    return ApprovalEnd(
      steps: steps(row, state, event),
      entry: Self.entry(AuditAction.approvalExpire, row.approval))
  }
}

/// The end of an approval that nobody decided about.
struct ApprovalEnd {
  /// What writes it, and enters its event.
  let steps: [Step]
  /// What the audit log says of it.
  let entry: AuditEntry
}
