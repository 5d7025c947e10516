import HoldfastCore

/// What approvals, policies and grants leave in the audit log.
///
/// A record names what was asked for by its digest: parameters may hold what nobody else may see.
extension ApprovalsTransaction {
  /// Records what happened to an approval.
  ///
  /// - Parameters:
  ///   - action: What happened.
  ///   - approval: The approval as it is afterwards.
  ///   - decider: Who decided, where a decision is what happened.
  /// - Throws: What the audit log says, as a ``StoreError``.
  func note(
    _ action: String, _ approval: Approval, by decider: ApprovalDecider? = nil
  ) throws(StoreError) {
    func text(_ text: String?) -> Value { text.map(Value.string) ?? .null }
    let isDecided = action == AuditAction.approvalDecide
    var entry = AuditEntry(
      actor: decider?.name, action: action, subject: "approval:\(approval.id)",
      run: approval.run, result: approval.status.rawValue,
      details: [
        "permission": .string(approval.permission), "action": .string(approval.action),
        "digest": .string(approval.digest), "caller": text(approval.caller),
        "task": text(approval.task), "reason": isDecided ? text(approval.reason) : .null,
      ])
    entry.by = decider?.claim
    try transaction.audit.record(entry)
  }
}

extension PoliciesTransaction {
  /// Records that a policy was set or deleted.
  ///
  /// - Parameters:
  ///   - action: Which of the two.
  ///   - policy: The policy.
  /// - Throws: What the audit log says, as a ``StoreError``.
  func note(_ action: String, _ policy: ApprovalPolicy) throws(StoreError) {
    try transaction.audit.record(
      AuditEntry(
        action: action, subject: "policy:\(policy.permission)", result: policy.mode.rawValue,
        details: ["grants": .bool(policy.grants)]))
  }
}

extension GrantsTransaction {
  /// Records that a grant was made, made longer, or revoked.
  ///
  /// - Parameters:
  ///   - action: Which of them.
  ///   - grant: The grant as it is afterwards.
  /// - Throws: What the audit log says, as a ``StoreError``.
  func note(_ action: String, _ grant: Grant) throws(StoreError) {
    let isMade = action == AuditAction.grantCreate
    try transaction.audit.record(
      AuditEntry(
        actor: isMade ? grant.grantedBy : nil, action: action, subject: "grant:\(grant.id)",
        run: grant.run,
        details: [
          "permission": .string(grant.permission), "task": .string(grant.task),
          "approval": .string(grant.approval), "source": .string(grant.source.rawValue),
          "expires_at": .string(grant.expiresAt.rfc3339),
        ]))
  }
}
