import HoldfastCore
import HoldfastEngine

/// What upkeep does with approvals.
extension ApprovalsTransaction {
  /// Notes undecided approvals whose time is over: their tasks are cancelled, and the feed says
  /// `expired`.
  ///
  /// Reads and decisions do not need it: for them an approval is expired from that microsecond on.
  ///
  /// - Parameter limit: How many at most.
  /// - Returns: How many there were.
  /// - Throws: ``StoreError`` of the engine's.
  @discardableResult
  package func expireDue(limit: Int) throws(StoreError) -> Int {
    let connection = try transaction.writing(bytes: 0)
    let due = try connection.all(
      ApprovalSQL.due, [.integer(Int64(limit))]
    ) { row throws(StoreError) in try ApprovalRow(row: row) }
    for row in due {
      var state = row.state
      guard state.expire(at: row.now) else { continue }
      let event = ApprovalEvent("expire", at: row.now, by: transaction.actor)
      try write(row, state, event, connection)
      try note(AuditAction.approvalExpire, row.approval)
      try cancelTask(of: row.approval, reason: "The approval expired undecided.")
    }
    return due.count
  }
}
