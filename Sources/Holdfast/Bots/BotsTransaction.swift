public import HoldfastCore
import HoldfastEngine

extension Transaction {
  /// The bots, inside this transaction.
  public var bots: BotsTransaction { BotsTransaction(transaction: self) }
}

/// The bots of a store, inside a transaction: every operation exists here, once.
public struct BotsTransaction {
  let transaction: Transaction

  private var limits: Limits { transaction.context.limits }

  /// Creates a bot.
  ///
  /// Its keys under `bot:ID` may have been written before.
  ///
  /// - Parameters:
  ///   - id: The bot's identifier, 1 to 256 bytes; one is made if left out.
  ///   - slug: A short name that no other bot has.
  ///   - name: What people call it; the slug if left out.
  ///   - metadata: What the caller keeps with it: an object.
  /// - Returns: The bot.
  /// - Throws: ``StoreError`` with `conflict` for an id or a slug that is taken, `invalid`.
  @discardableResult
  public func create(
    _ id: String? = nil, slug: String, name: String? = nil, metadata: Value = [:]
  ) throws(StoreError) -> Bot {
    let id = id ?? transaction.context.ids.makeID(at: transaction.context.time.wallTime())
    try Checks.botID(id, limits)
    let fields = try checked(slug: slug, name: name ?? slug, metadata: metadata)
    let connection = try transaction.writing(bytes: id.utf8.count + fields.bytes)
    let made = try connection.run(
      BotSQL.create, [.text(id), .text(slug), fields.name, fields.metadata])
    guard made == 1 else {
      throw StoreError(
        .conflict, "A bot with this id or this slug exists already.",
        hint: "Use another id and slug.",
        details: ["bot": .string(id), "slug": .string(slug)])
    }
    _ = try connection.run([Feed.event("bot", .bot(id), id, "create")])
    return try known(id, connection)
  }

  /// A bot by its identifier.
  ///
  /// - Parameter id: The identifier.
  /// - Returns: The bot; `nil` for a missing one.
  /// - Throws: ``StoreError`` with `invalid` for an identifier that cannot be.
  public func get(_ id: String) throws(StoreError) -> Bot? {
    try Checks.botID(id, limits)
    return try find(id, transaction.reading())
  }

  /// A bot by its slug.
  ///
  /// - Parameter slug: The slug.
  /// - Returns: The bot; `nil` for a missing one.
  /// - Throws: ``StoreError`` with `invalid` for a slug that cannot be.
  public func get(slug: String) throws(StoreError) -> Bot? {
    try Checks.id(slug, "slug", limits)
    return try transaction.reading().first(BotSQL.getBySlug, [.text(slug)]) {
      row throws(StoreError) in try Bot(row: row)
    }
  }

  /// Lists one page of bots in the order of their slugs.
  ///
  /// - Parameters:
  ///   - after: Where the page before ended.
  ///   - limit: How many, 1 to 1 000; 100 if left out.
  /// - Returns: The bots, and where the next page begins. A page ends early past 8 MiB.
  /// - Throws: ``StoreError`` with `invalid` for a limit out of range.
  public func list(after: String? = nil, limit: Int? = nil) throws(StoreError) -> Page<Bot> {
    let limit = try limits.pageItems(limit)
    if let after { try Checks.id(after, "slug", limits) }
    let page = try transaction.reading().page(
      BotSQL.list, [.text(after ?? ""), .integer(Int64(limit) + 1)], limit: limit,
      bytesMax: limits.pageBytesMax
    ) { row throws(StoreError) in
      (try Bot(row: row), row.textBytes(2).count + row.textBytes(3).count)
    }
    return Page(items: page.items, next: page.isMore ? page.items.last?.slug : nil)
  }

  /// Replaces a bot's fields; what is left out stays.
  ///
  /// - Parameters:
  ///   - id: The bot's identifier.
  ///   - slug: The new slug.
  ///   - name: The new name.
  ///   - metadata: The new metadata: an object.
  /// - Returns: The bot as it is now.
  /// - Throws: ``StoreError`` with `not_found`, `conflict` for a slug that is taken, `invalid`.
  @discardableResult
  public func update(
    _ id: String, slug: String? = nil, name: String? = nil, metadata: Value? = nil
  ) throws(StoreError) -> Bot {
    try Checks.botID(id, limits)
    let fields = try checked(slug: slug, name: name, metadata: metadata)
    let connection = try transaction.writing(bytes: id.utf8.count + fields.bytes)
    if let slug {
      _ = try known(id, connection)
      if let other = try get(slug: slug), Bytewise(other.id) != Bytewise(id) {
        throw StoreError(
          .conflict, "Another bot has this slug.", hint: "Use another slug.",
          details: ["slug": .string(slug)])
      }
      try connection.run(BotSQL.setSlug, [.text(id), .text(slug)])
    }
    let updated = try connection.change(
      BotSQL.update, [.text(id), fields.name, fields.metadata], thenLook: BotSQL.get
    ) { row throws(StoreError) in try Bot(row: row) }
    guard let updated else { return try known(id, connection) }
    let event = Feed.event("bot", .bot(id), id, "update")
    try connection.run(event.statement, event.bindings)
    return updated
  }

  /// Deletes a bot, and clears all keys and files under `bot:ID`.
  ///
  /// - Parameter id: The bot's identifier.
  /// - Returns: Whether there was a bot or a key.
  /// - Throws: ``StoreError`` with `invalid` for an identifier that cannot be.
  @discardableResult
  public func delete(_ id: String) throws(StoreError) -> Bool {
    try Checks.botID(id, limits)
    let connection = try transaction.writing(bytes: id.utf8.count)
    try connection.shut(NamespaceDoor.numbers(of: .bot(id), below: true))
    let namespaces = NamespacesTransaction(transaction: transaction)
    let cleared =
      try namespaces.clearAll(under: .bot(id), on: connection)
      + OwnedParts.remove(.bot(id), in: transaction)
    let deleted = try connection.run(BotSQL.delete, [.text(id)])
    guard cleared > 0 || deleted > 0 else { return false }
    _ = try connection.run([Feed.event("bot", .bot(id), id, "delete", below: true)])
    return true
  }

  private func find(_ id: String, _ connection: any Connection) throws(StoreError) -> Bot? {
    try connection.first(BotSQL.get, [.text(id)]) { row throws(StoreError) in
      try Bot(row: row)
    }
  }

  private func known(_ id: String, _ connection: any Connection) throws(StoreError) -> Bot {
    guard let bot = try find(id, connection) else {
      throw StoreError(
        .notFound, "There is no such bot.", hint: "Create the bot first.",
        details: ["bot": .string(id)])
    }
    return bot
  }

  /// Checks what is given; what is left out becomes NULL.
  private func checked(
    slug: String?, name: String?, metadata: Value?
  ) throws(StoreError) -> (name: Bound, metadata: Bound, bytes: Int) {
    if let slug { try Checks.id(slug, "slug", limits) }
    if let name { try Checks.text(name, "name", bytesMax: limits.descriptionBytesMax) }
    let text = try metadata.map { value throws(StoreError) in try Metadata.text(value, limits) }
    let bytes = [slug, name, text].reduce(0) { $0 + ($1?.utf8.count ?? 0) }
    return (Bound(name), Bound(text), bytes)
  }
}
