import HoldfastCore
import HoldfastEngine

/// The tasks that wait for approvals.
extension ApprovalsTransaction {
  /// The run that a request belongs to: the one that it names, or its task's.
  func owner(
    of request: ApprovalRequest, on connection: any Connection
  ) throws(StoreError) -> String? {
    request.run
  }

  /// The namespace that a task belongs to.
  ///
  /// - Parameter id: The task's identifier.
  /// - Returns: The namespace; `nil` for a missing task.
  /// - Throws: What the database says, as a ``StoreError``.
  package func namespace(ofTask id: String) throws(StoreError) -> Namespace? { nil }

  /// Lets the task of an approval wait, unless it waits already.
  func suspendTask(of approval: Approval, on connection: any Connection) throws(StoreError) {
  }

  func resumeTask(of approval: Approval, on connection: any Connection) throws(StoreError) {
  }

  func cancelTask(
    of approval: Approval, reason: String, on connection: any Connection
  ) throws(StoreError) {
  }
}
