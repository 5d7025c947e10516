public import HoldfastCore

extension Store {
  /// The thread sessions of this store.
  public var threads: Threads { Threads(store: self) }
}

/// The thread sessions of a store; each call is a transaction of its own.
///
/// ```swift
/// try await store.threads.upsert(channel: "slack", thread: "17.5", sessionKey: session.id)
/// let thread = try await store.threads.get(channel: "slack", thread: "17.5")
/// ```
public struct Threads: Sendable {
  let store: Store

  private enum Operations {
    static let upsert = Operation("threads.upsert", isWrite: true)
    static let get = Operation("threads.get", isWrite: false)
    static let touch = Operation("threads.touch", isWrite: true)
    static let list = Operation("threads.list", isWrite: false)
    static let delete = Operation("threads.delete", isWrite: true)
  }

  /// Says which session a thread is talking to, whether this was said before or not.
  ///
  /// It keeps the time of creation; the last message is now.
  ///
  /// **Durability.** As every write. **Atomicity.** The thread session or nothing. **Idempotency.**
  /// A second call leaves the same; with an idempotency key the first answer is given.
  /// **Cancellation.** Before it has begun. **Cost.** One commit.
  ///
  /// - Parameters:
  ///   - channel: The channel, 1 to 256 bytes.
  ///   - thread: The thread of the channel, 1 to 256 bytes.
  ///   - sessionKey: The session's key, 1 to 256 bytes.
  ///   - data: What is kept with it.
  ///   - settings: What the write survives, and its idempotency key.
  /// - Returns: The thread session as it is now, and whether it is new.
  /// - Throws: ``StoreError`` with `invalid`, `too_large`.
  @discardableResult
  public func upsert(
    channel: String, thread: String, sessionKey: String, data: Value = [:],
    with settings: WriteSettings = .standard
  ) async throws(StoreError) -> SavedThread {
    try await store.perform(
      Operations.upsert, settings,
      arguments: [.string(channel), .string(thread), .string(sessionKey), data]
    ) { tx in
      try tx.threads.upsert(
        channel: channel, thread: thread, sessionKey: sessionKey, data: data)
    }
  }

  /// A thread session.
  ///
  /// - Parameters:
  ///   - channel: The channel.
  ///   - thread: The thread of the channel.
  /// - Returns: The thread session; `nil` for a missing one.
  /// - Throws: ``StoreError`` with `invalid` for names that cannot be.
  public func get(
    channel: String, thread: String
  ) async throws(StoreError) -> ThreadSession? {
    try await store.consult(Operations.get) { tx in
      try tx.threads.get(channel: channel, thread: thread)
    }
  }

  /// Notes that a message came through a thread.
  ///
  /// - Parameters:
  ///   - channel: The channel.
  ///   - thread: The thread of the channel.
  ///   - settings: What the write survives, and its idempotency key.
  /// - Returns: The thread session as it is now.
  /// - Throws: ``StoreError`` with `not_found`, `invalid`.
  @discardableResult
  public func touch(
    channel: String, thread: String, with settings: WriteSettings = .standard
  ) async throws(StoreError) -> ThreadSession {
    try await store.perform(
      Operations.touch, settings, arguments: [.string(channel), .string(thread)]
    ) { tx in
      try tx.threads.touch(channel: channel, thread: thread)
    }
  }

  /// Lists one page of thread sessions in the order of channels and threads.
  ///
  /// - Parameters:
  ///   - channel: Only those of this channel.
  ///   - after: Where the page before ended.
  ///   - limit: How many, 1 to 1 000; 100 if left out.
  /// - Returns: The thread sessions, and where the next page begins. A page ends early past 8 MiB.
  /// - Throws: ``StoreError`` with `invalid` for a limit out of range or a cursor from elsewhere.
  public func list(
    channel: String? = nil, after: String? = nil, limit: Int? = nil
  ) async throws(StoreError) -> Page<ThreadSession> {
    try await store.consult(Operations.list) { tx in
      try tx.threads.list(channel: channel, after: after, limit: limit)
    }
  }

  /// Deletes a thread session; the session itself stays.
  ///
  /// - Parameters:
  ///   - channel: The channel.
  ///   - thread: The thread of the channel.
  ///   - settings: What the write survives, and its idempotency key.
  /// - Returns: Whether it was there. A delete that finds nothing changes nothing.
  /// - Throws: ``StoreError`` with `invalid` for names that cannot be.
  @discardableResult
  public func delete(
    channel: String, thread: String, with settings: WriteSettings = .standard
  ) async throws(StoreError) -> Bool {
    try await store.perform(
      Operations.delete, settings, arguments: [.string(channel), .string(thread)]
    ) { tx in
      try tx.threads.delete(channel: channel, thread: thread)
    }
  }
}
