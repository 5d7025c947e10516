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
      try cancelTask(
        of: row.approval, reason: "The approval expired undecided.", on: connection)
    }
    return due.count
  }

  /// Removes approvals that were closed, and grants that ended, before a time.
  ///
  /// No task waits for any of them.
  ///
  /// - Parameters:
  ///   - time: Those that were closed before this time.
  ///   - limit: How many of each at most.
  /// - Returns: How many were removed.
  /// - Throws: ``StoreError`` of the engine's.
  package func removeClosed(before time: Instant, limit: Int) throws(StoreError) -> Int {
    let connection = try transaction.writing(bytes: 0)
    let bindings: [Bound] = [.integer(time.microseconds), .integer(Int64(limit))]
    let approvals = try connection.all(ApprovalSQL.deleteClosed, bindings) {
      (id: $0.text(0), run: $0.optionalText(1))
    }
    let grants = try connection.all(GrantSQL.deleteEnded, bindings) {
      (id: $0.text(0), run: $0.optionalText(1))
    }
    let events =
      approvals.map { Feed.event("approval", .holding(run: $0.run), $0.id, "delete") }
      + grants.map { Feed.event("grant", .holding(run: $0.run), $0.id, "delete") }
    if !events.isEmpty { _ = try connection.run(events) }
    return events.count
  }
}
