public import HoldfastCore

extension Store {
  /// The policies of permissions.
  public var policies: Policies { Policies(store: self) }
}

/// What becomes of requests for permissions; each call is a transaction of its own.
///
/// ```swift
/// try await store.policies.set("read_calendar", .autoApprove)
/// try await store.policies.set("delete_account", .alwaysDeny)
/// ```
public struct Policies: Sendable {
  let store: Store

  private static let set = Operation("policies.set", isWrite: true)
  private static let get = Operation("policies.get", isWrite: false)
  private static let list = Operation("policies.list", isWrite: false)
  private static let delete = Operation("policies.delete", isWrite: true)

  /// Sets what becomes of requests for a permission, from the next one on; see
  /// ``PoliciesTransaction/set(_:_:grants:)``.
  ///
  /// - Parameters:
  ///   - permission: The permission, 1 to 256 bytes.
  ///   - mode: What becomes of a request for it.
  ///   - grants: Whether an approval also grants its task the permission for five minutes; if left
  ///     out, it does where the policy itself approves.
  ///   - settings: What the write survives, and its idempotency key.
  /// - Returns: The policy, and whether it is new.
  /// - Throws: ``StoreError`` with `invalid`, also for a policy that denies and grants.
  @discardableResult
  public func set(
    _ permission: String, _ mode: PolicyMode, grants: Bool? = nil,
    with settings: WriteSettings = .standard
  ) async throws(StoreError) -> PolicyResult {
    try await store.perform(
      Self.set, settings,
      arguments: [
        .string(permission), .string(mode.rawValue), grants.map(Value.bool) ?? .null,
      ]
    ) { tx in
      try tx.policies.set(permission, mode, grants: grants)
    }
  }

  /// A permission's policy.
  ///
  /// - Parameter permission: The permission.
  /// - Returns: The policy; `nil` for a permission without one, for which somebody must decide.
  /// - Throws: ``StoreError`` with `invalid` for a permission that cannot be.
  public func get(_ permission: String) async throws(StoreError) -> ApprovalPolicy? {
    try await store.consult(Self.get) { tx in try tx.policies.get(permission) }
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
  ) async throws(StoreError) -> Page<ApprovalPolicy> {
    try await store.consult(Self.list) { tx in
      try tx.policies.list(after: permission, limit: limit)
    }
  }

  /// Deletes a permission's policy: from the next request on somebody must decide.
  ///
  /// - Parameters:
  ///   - permission: The permission.
  ///   - settings: What the write survives, and its idempotency key.
  /// - Returns: Whether it had one.
  /// - Throws: ``StoreError`` with `invalid` for a permission that cannot be.
  @discardableResult
  public func delete(
    _ permission: String, with settings: WriteSettings = .standard
  ) async throws(StoreError) -> Bool {
    try await store.perform(Self.delete, settings, arguments: [.string(permission)]) { tx in
      try tx.policies.delete(permission)
    }
  }
}
