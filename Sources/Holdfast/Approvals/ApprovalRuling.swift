import HoldfastCore
import HoldfastEngine

/// What is decided about a request before anybody is asked.
///
/// A policy that always denies comes first, whatever was granted; then a grant that lives, then the
/// policies that approve. All else must be decided by somebody.
struct ApprovalRuling {
  /// The store's time of the transaction.
  let now: Instant
  /// The permission's policy; `nil` where there is none.
  let policy: PolicyMode?
  /// The grant that approves it.
  let grant: String?
  /// Whose decision it is.
  let decider: ApprovalDecider?
  /// What is decided; `nil` where somebody must.
  let decision: ApprovalDecision?

  /// Looks a permission up.
  ///
  /// - Parameters:
  ///   - permission: The permission.
  ///   - task: The task that a grant must be for.
  ///   - connection: The transaction's connection.
  /// - Throws: What the database says, as a ``StoreError``.
  init(
    _ permission: String, task: String?, on connection: any Connection
  ) throws(StoreError) {
    let found = try connection.first(ApprovalSQL.ruling, [.text(permission), Bound(task)]) { row in
      (now: row.integer(0), mode: row.optionalText(1), grant: row.optionalText(2))
    }
    guard let found else { throw Excess.fault(.internal, "The database tells no time.") }
    now = Instant(microseconds: found.now)
    policy = found.mode.flatMap(PolicyMode.init(rawValue:))
    let isGranted = policy != .alwaysDeny && found.grant != nil
    grant = isGranted ? found.grant : nil
    decision = isGranted ? .approve : policy?.decision
    let source = grant.map { "grant:\($0)" } ?? "policy:\(permission)"
    decider = decision == nil ? nil : ApprovalDecider(source)
  }

  /// Why it is decided so.
  var reason: String? {
    guard grant == nil else { return "The permission was granted to the task." }
    switch policy {
    case .autoApprove, .notifyThenDo: return "The permission's policy approves it."
    case .alwaysDeny: return "The permission's policy denies it."
    case .requireApproval, nil: return nil
    }
  }
}
