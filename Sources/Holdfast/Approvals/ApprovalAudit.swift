import HoldfastCore

/// What approvals, policies and grants leave in the audit log.
extension ApprovalsTransaction {
  func noteRequest(_ approval: Approval) throws(StoreError) {
    try note("approval.request", approval)
  }

  func note(_ action: String, _ approval: Approval) throws(StoreError) {
  }
}

extension PoliciesTransaction {
  func note(_ action: String, _ policy: ApprovalPolicy) throws(StoreError) {
  }
}

extension GrantsTransaction {
  func note(_ action: String, _ grant: Grant) throws(StoreError) {
  }
}
