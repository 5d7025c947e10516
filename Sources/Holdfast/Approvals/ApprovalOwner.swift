import HoldfastCore
import HoldfastEngine

/// What approvals have to do with runs, tasks and time.
extension ApprovalsTransaction {
  /// Refuses a request that cannot be.
  func check(
    _ request: ApprovalRequest, id: String, permission: String
  ) throws(StoreError) {
    try Checks.id(id, "approval id", limits)
    try Checks.id(request.scope.action, "action", limits)
    try Checks.id(permission, "permission", limits)
    if let resource = request.scope.resource {
      try Checks.text(resource, "resource", bytesMax: limits.descriptionBytesMax)
    }
    if let caller = request.scope.caller { try Checks.id(caller, "caller", limits) }
    if let task = request.scope.task { try Checks.id(task, "task id", limits) }
    if let run = request.run { try Checks.runID(run, limits) }
    if let channel = request.channel { try Checks.id(channel, "channel", limits) }
    if let thread = request.thread { try Checks.id(thread, "thread", limits) }
    if let ttl = request.ttl { try Checks.lifetime(ttl, limits) }
  }
}

/// The approvals and grants of a run go with it, and undecided ones keep it from being archived.
enum ApprovalPart {
  static let part = OwnedPart(
    remove: { transaction, owner throws(StoreError) in
      guard let run = owner.runID else { return 0 }
      let connection = try transaction.reading()
      // Decisions are in the audit log already; a question that goes unanswered is put there.
      let undecided = try connection.all(ApprovalSQL.undecidedOfRun, [.text(run)]) {
        row throws(StoreError) in try ApprovalRow(row: row).approval
      }
      try transaction.audit.record(
        undecided.map { ApprovalsTransaction.entry(AuditAction.approvalDelete, $0) },
        operations: 0)
      return try connection.run(ApprovalSQL.deleteOfRun, [.text(run)])
        + connection.run(GrantSQL.deleteOfRun, [.text(run)])
    },
    blocksArchiving: { connection, run throws(StoreError) in
      let found = try connection.first(ApprovalSQL.isUndecided, [.text(run)]) { $0.integer(0) }
      return found == nil ? nil : "it has undecided approvals"
    })
}
