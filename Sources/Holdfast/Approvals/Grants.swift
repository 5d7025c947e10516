public import HoldfastCore

extension Store {
  /// The grants of permissions to tasks.
  public var grants: Grants { Grants(store: self) }
}

/// The grants of a store; each call is a transaction of its own.
///
/// A grant is made only where an approval is approved: by the permission's policy, or because the
/// decider asks for it.
public struct Grants: Sendable {
  let store: Store

  private static let get = Operation("grants.get", isWrite: false)
  /// Reading a list, as metrics and logs name it.
  package static let list = Operation("grants.list", isWrite: false)
  private static let revoke = Operation("grants.revoke", isWrite: true)

  /// A grant, also one that has ended.
  ///
  /// - Parameter id: Its identifier.
  /// - Returns: The grant; `nil` for a missing one.
  /// - Throws: ``StoreError`` with `invalid` for an identifier that cannot be.
  public func get(_ id: String) async throws(StoreError) -> Grant? {
    try await store.consult(Self.get) { tx in try tx.grants.get(id) }
  }

  /// Lists one page of grants, those that end soonest first; ended ones only when asked for.
  ///
  /// - Parameter query: Which grants.
  /// - Returns: The grants, and where the next page begins.
  /// - Throws: ``StoreError`` with `invalid` for a limit out of range or a cursor from elsewhere.
  public func list(_ query: GrantQuery = GrantQuery()) async throws(StoreError) -> Page<Grant> {
    try await store.consult(Self.list) { tx in try tx.grants.list(query) }
  }

  /// Ends a grant; one that has ended already stays as it is.
  ///
  /// - Parameters:
  ///   - id: The grant's identifier.
  ///   - settings: What the write survives, and its idempotency key.
  /// - Returns: The grant as it is now.
  /// - Throws: ``StoreError`` with `not_found`, `invalid`, `invalid_state` under an archived run.
  @discardableResult
  public func revoke(
    _ id: String, with settings: WriteSettings = .standard
  ) async throws(StoreError) -> Grant {
    try await store.perform(Self.revoke, settings, arguments: [.string(id)]) { tx in
      try tx.grants.revoke(id)
    }
  }
}
