public import HoldfastCore

extension Store {
  /// The namespaces that hold keys.
  public var namespaces: Namespaces { Namespaces(store: self) }
}

/// The namespaces of a store; each call is a transaction of its own.
public struct Namespaces: Sendable {
  let store: Store

  private static let list = Operation("kv.namespaces", isWrite: false)
  private static let clear = Operation("kv.clear", isWrite: true)

  /// Lists the namespaces that hold a key.
  ///
  /// - Parameter query: Which of them.
  /// - Returns: One page.
  /// - Throws: ``StoreError`` with `invalid` for a limit, a depth or a cursor that cannot be.
  public func list(
    _ query: NamespaceQuery = NamespaceQuery()
  ) async throws(StoreError) -> Page<ListedNamespace> {
    try await store.consult(Self.list) { tx in try tx.namespaces.list(query) }
  }

  /// Removes all keys of a namespace, and nothing else.
  ///
  /// **Durability.** As every write. **Atomicity.** All of it or nothing, in one event.
  /// **Idempotency.** A second clear finds nothing to do. **Cancellation.** Before it has begun.
  /// **Cost.** One row a namespace, however many keys there are; upkeep gives the space back.
  ///
  /// - Parameters:
  ///   - namespace: The namespace.
  ///   - below: Whether those under it are cleared too.
  ///   - settings: What the write survives, and its idempotency key.
  /// - Returns: How many namespaces with keys were cleared.
  /// - Throws: ``StoreError`` with `invalid_state` for one of an archived or deleted run.
  @discardableResult
  public func clear(
    _ namespace: Namespace, below: Bool = false, with settings: WriteSettings = .standard
  ) async throws(StoreError) -> Int {
    try await store.perform(
      Self.clear, settings, arguments: [.string(namespace.text), .bool(below)]
    ) { tx in
      try tx.namespaces.clear(namespace, below: below)
    }
  }
}

extension KeyValue {
  /// Removes all keys of this namespace; see ``Namespaces/clear(_:below:with:)``.
  ///
  /// - Parameters:
  ///   - below: Whether the namespaces under it are cleared too.
  ///   - settings: What the write survives, and its idempotency key.
  /// - Returns: How many namespaces with keys were cleared.
  /// - Throws: ``StoreError`` with `invalid_state` for one of an archived or deleted run.
  @discardableResult
  public func clear(
    below: Bool = false, with settings: WriteSettings = .standard
  ) async throws(StoreError) -> Int {
    try await store.namespaces.clear(namespace, below: below, with: settings)
  }
}
