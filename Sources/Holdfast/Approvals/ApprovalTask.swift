import HoldfastCore
import HoldfastEngine

/// The tasks that wait for approvals.
extension ApprovalsTransaction {
  /// The run that a request belongs to: the one that it names, or its task's.
  func owner(of request: ApprovalRequest) throws(StoreError) -> String? {
    request.run
  }
  package func namespace(ofTask id: String) throws(StoreError) -> Namespace? { nil }
  func suspendTask(of approval: Approval) throws(StoreError) {}
  func resumeTask(of approval: Approval, on connection: any Connection) throws(StoreError) {}
  func cancelTask(of approval: Approval, reason: String) throws(StoreError) {}
}
