public import HoldfastCore

extension Store {
  /// The bots of this store.
  public var bots: Bots { Bots(store: self) }
}

/// The bots of a store; each call is a transaction of its own.
public struct Bots: Sendable {
  let store: Store

  private static let create = Operation("bots.create", isWrite: true)
  private static let get = Operation("bots.get", isWrite: false)
  private static let list = Operation("bots.list", isWrite: false)
  private static let update = Operation("bots.update", isWrite: true)
  private static let delete = Operation("bots.delete", isWrite: true)

  /// Creates a bot.
  ///
  /// Its keys under `bot:ID` may have been written before.
  ///
  /// **Durability.** As every write. **Atomicity.** The bot or nothing. **Idempotency.** A second
  /// call with the same id or slug is `conflict`; with an idempotency key the first answer is given
  /// again. **Cancellation.** Before it has begun. **Cost.** One commit.
  ///
  /// - Parameters:
  ///   - id: The bot's identifier, 1 to 256 bytes; one is made if left out.
  ///   - slug: A short name that no other bot has.
  ///   - name: What people call it; the slug if left out.
  ///   - metadata: What the caller keeps with it: an object.
  ///   - settings: What the write survives, and its idempotency key.
  /// - Returns: The bot.
  /// - Throws: ``StoreError`` with `conflict` for an id or a slug that is taken, `invalid`.
  @discardableResult
  public func create(
    _ id: String? = nil, slug: String, name: String? = nil, metadata: Value = [:],
    with settings: WriteSettings = .standard
  ) async throws(StoreError) -> Bot {
    try await store.perform(
      Self.create, settings,
      arguments: [
        id.map(Value.string) ?? .null, .string(slug), name.map(Value.string) ?? .null, metadata,
      ]
    ) { tx in
      try tx.bots.create(id, slug: slug, name: name, metadata: metadata)
    }
  }

  /// A bot by its identifier.
  ///
  /// - Parameter id: The identifier.
  /// - Returns: The bot; `nil` for a missing one.
  /// - Throws: ``StoreError`` with `invalid` for an identifier that cannot be.
  public func get(_ id: String) async throws(StoreError) -> Bot? {
    try await store.consult(Self.get) { tx in try tx.bots.get(id) }
  }

  /// A bot by its slug.
  ///
  /// - Parameter slug: The slug.
  /// - Returns: The bot; `nil` for a missing one.
  /// - Throws: ``StoreError`` with `invalid` for a slug that cannot be.
  public func get(slug: String) async throws(StoreError) -> Bot? {
    try await store.consult(Self.get) { tx in try tx.bots.get(slug: slug) }
  }

  /// Lists one page of bots in the order of their slugs.
  ///
  /// - Parameters:
  ///   - after: Where the page before ended.
  ///   - limit: How many, 1 to 1 000; 100 if left out.
  /// - Returns: The bots, and where the next page begins. A page ends early past 8 MiB.
  /// - Throws: ``StoreError`` with `invalid` for a limit out of range.
  public func list(
    after: String? = nil, limit: Int? = nil
  ) async throws(StoreError) -> Page<Bot> {
    try await store.consult(Self.list) { tx in try tx.bots.list(after: after, limit: limit) }
  }

  /// Replaces a bot's fields; what is left out stays.
  ///
  /// - Parameters:
  ///   - id: The bot's identifier.
  ///   - slug: The new slug.
  ///   - name: The new name.
  ///   - metadata: The new metadata: an object.
  ///   - settings: What the write survives, and its idempotency key.
  /// - Returns: The bot as it is now.
  /// - Throws: ``StoreError`` with `not_found`, `conflict` for a slug that is taken, `invalid`.
  @discardableResult
  public func update(
    _ id: String, slug: String? = nil, name: String? = nil, metadata: Value? = nil,
    with settings: WriteSettings = .standard
  ) async throws(StoreError) -> Bot {
    try await store.perform(
      Self.update, settings,
      arguments: [
        .string(id), slug.map(Value.string) ?? .null, name.map(Value.string) ?? .null,
        metadata ?? .null,
      ]
    ) { tx in
      try tx.bots.update(id, slug: slug, name: name, metadata: metadata)
    }
  }

  /// Deletes a bot and clears all keys under `bot:ID`.
  ///
  /// - Parameters:
  ///   - id: The bot's identifier.
  ///   - settings: What the write survives, and its idempotency key.
  /// - Returns: Whether there was a bot or a key.
  /// - Throws: ``StoreError`` with `invalid` for an identifier that cannot be.
  @discardableResult
  public func delete(
    _ id: String, with settings: WriteSettings = .standard
  ) async throws(StoreError) -> Bool {
    try await store.perform(Self.delete, settings, arguments: [.string(id)]) { tx in
      try tx.bots.delete(id)
    }
  }
}
