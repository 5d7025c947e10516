/// What becomes of a request for a permission.
public enum PolicyMode: String, Codable, CaseIterable, Sendable {
  /// It is approved at once.
  case autoApprove = "auto_approve"
  /// It is approved at once, and people are told: the change feed says `notify`.
  case notifyThenDo = "notify_then_do"
  /// Somebody must decide; so it is for permissions without a policy too.
  case requireApproval = "require_approval"
  /// It is denied at once.
  case alwaysDeny = "always_deny"

  /// What is decided without asking anybody; `nil` where somebody must decide.
  public var decision: ApprovalDecision? {
    switch self {
    case .autoApprove, .notifyThenDo: .approve
    case .requireApproval: nil
    case .alwaysDeny: .deny
    }
  }
}
