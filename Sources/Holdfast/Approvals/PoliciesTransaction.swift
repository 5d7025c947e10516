public import HoldfastCore
import HoldfastEngine

extension Transaction {
  /// The policies of permissions, inside this transaction.
  public var policies: PoliciesTransaction { PoliciesTransaction(transaction: self) }
}

/// The policies of a store, inside a transaction: every operation exists here, once.
///
/// Policies are the whole store's: they belong to the namespace `global`.
public struct PoliciesTransaction {
  let transaction: Transaction

  private var limits: Limits { transaction.context.limits }

  /// Sets what becomes of requests for a permission, from the next one on.
  ///
  /// Grants that an earlier policy of this permission made end here, all at once: the policy's
  /// event and audit record stand for them, and what it costs does not grow with them.
  ///
  /// - Parameters:
  ///   - permission: The permission, 1 to 256 bytes.
  ///   - mode: What becomes of a request for it.
  ///   - grants: Whether an approval also grants its task the permission for five minutes; if left
  ///     out, it does where the policy itself approves.
  /// - Returns: The policy, and whether it is new.
  /// - Throws: ``StoreError`` with `invalid`, also for a policy that denies and grants.
  @discardableResult
  public func set(
    _ permission: String, _ mode: PolicyMode, grants: Bool? = nil
  ) throws(StoreError) -> PolicyResult {
    try Checks.id(permission, "permission", limits)
    let grants = grants ?? (mode.decision == .approve)
    guard !grants || mode != .alwaysDeny else {
      throw StoreError(
        .invalid, "A policy that always denies cannot grant.", hint: "Leave the grants out.",
        details: ["field": "grants"])
    }
    let connection = try transaction.writing(bytes: permission.utf8.count)
    let old = try find(permission, connection)
    let policy = try connection.first(
      PolicySQL.set,
      [
        .text(permission), .text(mode.rawValue), Bound(grants), .text(transaction.actor),
        .text(transaction.context.ids.makeID(at: transaction.context.time.wallTime())),
      ]
    ) { row throws(StoreError) in try ApprovalPolicy(row: row) }
    guard let policy else { throw Excess.fault(.internal, "A policy could not be set.") }
    _ = try connection.run([Feed.event("policy", .global, permission, "put")])
    try note(AuditAction.policyPut, policy)
    return PolicyResult(policy: policy, isNew: old == nil)
  }

  /// A permission's policy.
  ///
  /// - Parameter permission: The permission.
  /// - Returns: The policy; `nil` for a permission without one, for which somebody must decide.
  /// - Throws: ``StoreError`` with `invalid` for a permission that cannot be.
  public func get(_ permission: String) throws(StoreError) -> ApprovalPolicy? {
    try Checks.id(permission, "permission", limits)
    return try find(permission, transaction.reading())
  }

  /// Lists one page of policies by permission.
  ///
  /// - Parameters:
  ///   - permission: Where the page before ended: its `next`.
  ///   - limit: How many, 1 to 1 000; 100 if left out.
  /// - Returns: The policies, and where the next page begins.
  /// - Throws: ``StoreError`` with `invalid` for a limit out of range.
  public func list(
    after permission: String? = nil, limit: Int? = nil
  ) throws(StoreError) -> Page<ApprovalPolicy> {
    let limit = try limits.pageItems(limit)
    if let permission { try Checks.id(permission, "permission", limits) }
    let rows = try transaction.reading().all(
      PolicySQL.list, [.text(permission ?? ""), .integer(Int64(limit) + 1)]
    ) { row throws(StoreError) in try ApprovalPolicy(row: row) }
    let shown = Array(rows.prefix(limit))
    return Page(items: shown, next: rows.count > limit ? shown.last?.permission : nil)
  }

  /// Deletes a permission's policy: from the next request on somebody must decide.
  ///
  /// Grants that the policy made end here, all at once.
  ///
  /// - Parameter permission: The permission.
  /// - Returns: Whether it had one.
  /// - Throws: ``StoreError`` with `invalid` for a permission that cannot be.
  @discardableResult
  public func delete(_ permission: String) throws(StoreError) -> Bool {
    try Checks.id(permission, "permission", limits)
    let connection = try transaction.writing(bytes: permission.utf8.count)
    guard let old = try find(permission, connection) else { return false }
    _ = try connection.run([
      Step(PolicySQL.delete, [.text(permission)]),
      Feed.event("policy", .global, permission, "delete"),
    ])
    try note(AuditAction.policyDelete, old)
    return true
  }

  private func find(
    _ permission: String, _ connection: any Connection
  ) throws(StoreError) -> ApprovalPolicy? {
    try connection.first(PolicySQL.get, [.text(permission)]) { row throws(StoreError) in
      try ApprovalPolicy(row: row)
    }
  }
}
