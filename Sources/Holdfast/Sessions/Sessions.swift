public import HoldfastCore

extension Store {
  /// The sessions of this store.
  public var sessions: Sessions { Sessions(store: self) }
}

/// The sessions of a store; each call is a transaction of its own.
///
/// ```swift
/// let entry = SessionEntry(channel: "slack", thread: "17.5")
/// let session = try await store.sessions.save(entry).session
/// try await store.sessions.append([["role": "user", "text": "Hello"]], to: session.id)
/// let page = try await store.sessions.items(of: session.id, ItemQuery(last: 20))
/// ```
public struct Sessions: Sendable {
  let store: Store

  /// What is done with them, as metrics and logs name it.
  package enum Operations {
    static let save = Operation("sessions.save", isWrite: true)
    static let get = Operation("sessions.get", isWrite: false)
    static let touch = Operation("sessions.touch", isWrite: true)
    /// Reading a list, as metrics and logs name it.
    package static let list = Operation("sessions.list", isWrite: false)
    static let delete = Operation("sessions.delete", isWrite: true)
    static let append = Operation("sessions.append", isWrite: true)
    static let items = Operation("sessions.items", isWrite: false)
    static let pop = Operation("sessions.pop", isWrite: true)
    static let clear = Operation("sessions.clear", isWrite: true)
    static let count = Operation("sessions.count", isWrite: false)
  }

  /// The row at which those meet who write to one session.
  ///
  /// - Parameter id: The session's identifier.
  /// - Returns: Its number.
  package static func hotRow(_ id: String) -> Int64 { HotRow.number("session", id) }

  /// Saves a session, whether it is there or not.
  ///
  /// Over an older one it replaces channel, thread, user and data, and keeps the items, the time of
  /// creation and the run. A save is a use.
  ///
  /// **Durability.** As every write. **Atomicity.** The session or nothing. **Idempotency.** A
  /// second save with an identifier of the caller's leaves the same; with an idempotency key the
  /// first answer is given. **Cancellation.** Before it has begun. **Cost.** One commit.
  ///
  /// - Parameters:
  ///   - entry: The session.
  ///   - settings: What the write survives, and its idempotency key.
  /// - Returns: The session as it is now, and whether it is new.
  /// - Throws: ``StoreError`` with `invalid`, `too_large`, and `invalid_state` over a session of
  ///   another run, and under an archived or deleted run.
  @discardableResult
  public func save(
    _ entry: SessionEntry, with settings: WriteSettings = .standard
  ) async throws(StoreError) -> SavedSession {
    try await store.perform(
      Operations.save, settings,
      arguments: [
        .text(entry.id), .text(entry.run), .text(entry.channel), .text(entry.thread),
        .text(entry.user), entry.data,
      ], hotRows: entry.id.map { [Self.hotRow($0)] } ?? []
    ) { tx in
      try tx.sessions.save(entry)
    }
  }

  /// A session.
  ///
  /// - Parameter id: Its identifier.
  /// - Returns: The session; `nil` for a missing one.
  /// - Throws: ``StoreError`` with `invalid` for an identifier that cannot be.
  public func get(_ id: String) async throws(StoreError) -> SessionContext? {
    try await store.consult(Operations.get) { tx in try tx.sessions.get(id) }
  }

  /// The session of exactly this thread of exactly this channel; of two the one last used.
  ///
  /// - Parameters:
  ///   - channel: The channel.
  ///   - thread: The thread.
  /// - Returns: The session; `nil` where there is none.
  /// - Throws: ``StoreError`` with `invalid` for names that cannot be.
  public func getByThread(
    channel: String, thread: String
  ) async throws(StoreError) -> SessionContext? {
    try await getByThread(channel: channel, thread: thread, where: nil)
  }

  /// The same for somebody who may see some of them: of those the one last used.
  ///
  /// - Parameters:
  ///   - channel: The channel.
  ///   - thread: The thread.
  ///   - isVisible: Whether the caller may see what is in a namespace; `nil` for all of it.
  /// - Returns: The session; `nil` where there is none.
  /// - Throws: As ``getByThread(channel:thread:)``.
  package func getByThread(
    channel: String, thread: String, where isVisible: (@Sendable (Namespace) -> Bool)?
  ) async throws(StoreError) -> SessionContext? {
    try await store.consult(Operations.get) { tx in
      try tx.sessions.getByThread(channel: channel, thread: thread, where: isVisible)
    }
  }

  /// Notes that a session is in use.
  ///
  /// - Parameters:
  ///   - id: Its identifier.
  ///   - settings: What the write survives, and its idempotency key.
  /// - Returns: The session as it is now.
  /// - Throws: ``StoreError`` with `not_found`, and `invalid_state` under an archived run.
  @discardableResult
  public func touch(
    _ id: String, with settings: WriteSettings = .standard
  ) async throws(StoreError) -> SessionContext {
    try await store.perform(
      Operations.touch, settings, arguments: [.string(id)], hotRows: [Self.hotRow(id)]
    ) { tx in
      try tx.sessions.touch(id)
    }
  }

  /// Lists one page of sessions, the newest first.
  ///
  /// - Parameter query: Which sessions.
  /// - Returns: The sessions, and where the next page begins. A page ends early past 8 MiB.
  /// - Throws: ``StoreError`` with `invalid` for a limit out of range or a cursor from elsewhere.
  public func list(
    _ query: SessionQuery = SessionQuery()
  ) async throws(StoreError) -> Page<SessionContext> {
    try await store.consult(Operations.list) { tx in try tx.sessions.list(query) }
  }

  /// Deletes a session with its items: one step, however many there are.
  ///
  /// - Parameters:
  ///   - id: Its identifier.
  ///   - settings: What the write survives, and its idempotency key.
  /// - Returns: Whether it was there. A delete that finds nothing changes nothing.
  /// - Throws: ``StoreError`` with `invalid`, and `invalid_state` under an archived run.
  @discardableResult
  public func delete(
    _ id: String, with settings: WriteSettings = .standard
  ) async throws(StoreError) -> Bool {
    try await store.perform(
      Operations.delete, settings, arguments: [.string(id)], hotRows: [Self.hotRow(id)]
    ) { tx in
      try tx.sessions.delete(id)
    }
  }
}

/// The conversation itself.
extension Sessions {
  /// Appends items to a conversation.
  ///
  /// **Durability.** As every write. **Atomicity.** All items or none, one behind the other: nobody
  /// else's stand between them. **Idempotency.** None by itself; with an idempotency key the first
  /// answer is given. **Cancellation.** Before it has begun. **Cost.** One commit. Appenders to one
  /// session take turns before their transactions begin, so that none has to run again.
  ///
  /// - Parameters:
  ///   - items: The items, each an object.
  ///   - id: The session's identifier.
  ///   - settings: What the write survives, and its idempotency key.
  /// - Returns: The positions of the items.
  /// - Throws: ``StoreError`` with `not_found` for a missing session, `invalid` with the place in
  ///   the details for an item that is no object, `too_large`, and `invalid_state` under an
  ///   archived run; nothing was written, and no position is used up.
  @discardableResult
  public func append(
    _ items: [Value], to id: String, with settings: WriteSettings = .standard
  ) async throws(StoreError) -> AppendedItems {
    try await store.perform(
      Operations.append, settings, arguments: [.string(id), .array(items)],
      hotRows: [Self.hotRow(id)]
    ) { tx in
      try tx.sessions.append(items, to: id)
    }
  }

  /// Reads one page of a conversation, in order.
  ///
  /// - Parameters:
  ///   - id: The session's identifier.
  ///   - query: From where, and how many.
  /// - Returns: The items, and where the next page begins. A page ends early past 8 MiB.
  /// - Throws: ``StoreError`` with `not_found` for a missing session, `invalid` for a number out of
  ///   range or a cursor from elsewhere.
  public func items(
    of id: String, _ query: ItemQuery = ItemQuery()
  ) async throws(StoreError) -> Page<SessionItem> {
    try await store.consult(Operations.items) { tx in try tx.sessions.items(of: id, query) }
  }

  /// Takes the last item of a conversation away; its position does not come again.
  ///
  /// - Parameters:
  ///   - id: The session's identifier.
  ///   - settings: What the write survives, and its idempotency key.
  /// - Returns: The item; none, and nothing changed, where the conversation was empty.
  /// - Throws: ``StoreError`` with `not_found` for a missing session, `invalid_state` under an
  ///   archived run.
  @discardableResult
  public func pop(
    _ id: String, with settings: WriteSettings = .standard
  ) async throws(StoreError) -> PoppedItem {
    try await store.perform(
      Operations.pop, settings, arguments: [.string(id)], hotRows: [Self.hotRow(id)]
    ) { tx in
      try tx.sessions.pop(id)
    }
  }

  /// Takes all items of a conversation away: one step, however many there are.
  ///
  /// - Parameters:
  ///   - id: The session's identifier.
  ///   - settings: What the write survives, and its idempotency key.
  /// - Returns: How many items there were.
  /// - Throws: ``StoreError`` with `not_found` for a missing session, `invalid_state` under an
  ///   archived run.
  @discardableResult
  public func clear(
    _ id: String, with settings: WriteSettings = .standard
  ) async throws(StoreError) -> ClearedItems {
    try await store.perform(
      Operations.clear, settings, arguments: [.string(id)], hotRows: [Self.hotRow(id)]
    ) { tx in
      try tx.sessions.clear(id)
    }
  }

  /// How many items a conversation has.
  ///
  /// - Parameter id: The session's identifier.
  /// - Returns: The number.
  /// - Throws: ``StoreError`` with `not_found` for a missing session.
  public func count(_ id: String) async throws(StoreError) -> Int {
    try await store.consult(Operations.count) { tx in try tx.sessions.count(id) }
  }
}

extension Value {
  /// A text as an argument, null where there is none.
  fileprivate static func text(_ text: String?) -> Value { text.map(Value.string) ?? .null }
}
