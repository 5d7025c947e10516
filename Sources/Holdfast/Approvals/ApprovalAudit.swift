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
  ///   - actor: Who acted; whoever acts in the transaction if left out.
  /// - Throws: What the audit log says, as a ``StoreError``.
  func note(
    _ action: String, _ approval: Approval, actor: String? = nil
  ) throws(StoreError) {
    try transaction.audit.record(Self.entry(action, approval, actor: actor))
  }

  /// What the audit log says of what happened to an approval.
  ///
  /// - Parameters:
  ///   - action: What happened.
  ///   - approval: The approval as it is afterwards.
  ///   - actor: Who acted; whoever acts in the transaction if left out.
  /// - Returns: The entry.
  static func entry(
    _ action: String, _ approval: Approval, actor: String? = nil
  ) -> AuditEntry {
    guard action == AuditAction.approvalDecide else {
      return AuditEntry(
        actor: actor, action: action, subject: "approval:\(approval.id)", run: approval.run,
        result: approval.status.rawValue, details: .object(details(of: approval)))
    }
    return decision(
      approval, approval.status, actor: actor, by: approval.decidedBy, reason: approval.reason,
      saidBy: approval.by)
  }

  /// What the audit log says of an approval that is denied because its task waits no longer.
  ///
  /// - Parameters:
  ///   - approval: The approval as it was before.
  ///   - decider: In whose name it is denied.
  ///   - reason: Why.
  /// - Returns: The entry.
  static func entry(denying approval: Approval, by decider: String, reason: String) -> AuditEntry {
    decision(approval, .denied, actor: nil, by: decider, reason: reason, saidBy: nil)
  }

  private static func decision(
    _ approval: Approval, _ status: ApprovalStatus, actor: String?, by decider: String?,
    reason: String?, saidBy: String?
  ) -> AuditEntry {
    var details = details(of: approval)
    details["decided_by"] = .of(decider)
    details["reason"] = .of(reason)
    var entry = AuditEntry(
      actor: actor, action: AuditAction.approvalDecide, subject: "approval:\(approval.id)",
      run: approval.run, result: status.rawValue, details: .object(details))
    entry.by = saidBy
    return entry
  }

  private static func details(of approval: Approval) -> Object {
    [
      "permission": .string(approval.permission), "action": .string(approval.action),
      "digest": .string(approval.digest), "caller": .of(approval.caller),
      "task": .of(approval.task),
    ]
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
    try transaction.audit.record(
      AuditEntry(
        action: action, subject: "grant:\(grant.id)", run: grant.run,
        details: [
          "granted_by": .string(grant.grantedBy),
          "permission": .string(grant.permission), "task": .string(grant.task),
          "approval": .string(grant.approval), "source": .string(grant.source.rawValue),
          "expires_at": .string(grant.expiresAt.rfc3339),
        ]))
  }
}
