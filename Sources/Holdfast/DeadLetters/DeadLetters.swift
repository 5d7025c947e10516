public import HoldfastCore

extension Store {
  /// The dead letters of this store.
  public var deadLetters: DeadLetters { DeadLetters(store: self) }
}

/// The dead letters of a store; each call is a transaction of its own.
///
/// ```swift
/// let letter = try await store.deadLetters.save(
///   DeadLetterEntry(source: "slack", message: ["text": "Done."], error: "no such channel"))
/// for letter in try await store.deadLetters.retryable() { … }
/// try await store.deadLetters.resolve(letter.id)
/// ```
public struct DeadLetters: Sendable {
  let store: Store

  /// What is done with them, as metrics and logs name it.
  package enum Operations {
    static let save = Operation("dead_letters.save", isWrite: true)
    static let get = Operation("dead_letters.get", isWrite: false)
    /// Reading a list, as metrics and logs name it.
    package static let list = Operation("dead_letters.list", isWrite: false)
    static let retryable = Operation("dead_letters.retryable", isWrite: false)
    static let retryFailed = Operation("dead_letters.retry_failed", isWrite: true)
    static let resolve = Operation("dead_letters.resolve", isWrite: true)
    static let redrive = Operation("dead_letters.redrive", isWrite: true)
    static let redriveMany = Operation("dead_letters.redrive_many", isWrite: true)
    static let redriveAll = Operation("dead_letters.redrive_all", isWrite: true)
  }

  /// Saves a letter; see ``DeadLettersTransaction/save(_:)``.
  ///
  /// **Durability.** As every write. **Atomicity.** The letter or nothing. **Idempotency.** With an
  /// identifier of the caller's a second call writes the same letter again; with an idempotency key
  /// the first answer is given. **Cancellation.** Before it has begun. **Cost.** One commit.
  ///
  /// - Parameters:
  ///   - entry: The letter.
  ///   - settings: What the write survives, and its idempotency key.
  /// - Returns: The letter as it is now.
  /// - Throws: ``StoreError`` with `invalid`, `too_large`, and `invalid_state` over a resolved
  ///   letter, over a task's or one of another run, and under an archived or deleted run.
  @discardableResult
  public func save(
    _ entry: DeadLetterEntry, with settings: WriteSettings = .standard
  ) async throws(StoreError) -> DeadLetter {
    try await store.perform(
      Operations.save, settings,
      arguments: [
        .text(entry.id), .string(entry.source), .text(entry.channel), .text(entry.thread),
        entry.message, .text(entry.error), .text(entry.run), .time(entry.nextRetryAt),
      ]
    ) { tx in
      try tx.deadLetters.save(entry)
    }
  }

  /// A dead letter.
  ///
  /// - Parameter id: Its identifier.
  /// - Returns: The letter; `nil` for a missing one.
  /// - Throws: ``StoreError`` with `invalid` for an identifier that cannot be.
  public func get(_ id: String) async throws(StoreError) -> DeadLetter? {
    try await store.consult(Operations.get) { tx in try tx.deadLetters.get(id) }
  }

  /// Lists one page of dead letters, the newest first.
  ///
  /// - Parameter query: Which letters.
  /// - Returns: The letters, and where the next page begins. A page ends early past 8 MiB.
  /// - Throws: ``StoreError`` with `invalid` for a limit out of range or a cursor from elsewhere.
  public func list(
    _ query: DeadLetterQuery = DeadLetterQuery()
  ) async throws(StoreError) -> Page<DeadLetter> {
    try await store.consult(Operations.list) { tx in try tx.deadLetters.list(query) }
  }

  /// The letters that are open and due, the soonest first; those of archived runs are passed over.
  ///
  /// - Parameter limit: At most this many, 1 to 1 000; 100 if left out.
  /// - Returns: The letters; fewer where they grow past 8 MiB.
  /// - Throws: ``StoreError`` with `invalid` for a limit out of range.
  public func retryable(limit: Int? = nil) async throws(StoreError) -> [DeadLetter] {
    try await retryable(limit: limit, where: nil).items
  }

  /// One page of the same, for somebody who may see some of them only; see
  /// ``DeadLettersTransaction/retryable(after:limit:where:)``.
  ///
  /// - Parameters:
  ///   - cursor: Where the page before ended.
  ///   - limit: At most this many, 1 to 1 000; 100 if left out.
  ///   - isVisible: Whether the caller may see what is in a namespace; `nil` for all of it.
  /// - Returns: The letters, and where the next page begins.
  /// - Throws: As ``retryable(limit:)``; `invalid` for a cursor from elsewhere too.
  package func retryable(
    after cursor: String? = nil, limit: Int?, where isVisible: (@Sendable (Namespace) -> Bool)?
  ) async throws(StoreError) -> Page<DeadLetter> {
    try await store.consult(Operations.retryable) { tx in
      try tx.deadLetters.retryable(after: cursor, limit: limit, where: isVisible)
    }
  }

  /// Counts a try that failed, and says when the next one is.
  ///
  /// - Parameters:
  ///   - id: The letter's identifier.
  ///   - next: When it is tried again; `nil` gives it up, and nothing retries it by itself then.
  ///   - error: Why the try failed; what was there stays where it is `nil`.
  ///   - settings: What the write survives, and its idempotency key.
  /// - Returns: The letter as it is now.
  /// - Throws: ``StoreError`` with `not_found`, `invalid_state` for a letter that is resolved or
  ///   given up, and under an archived run.
  @discardableResult
  public func retryFailed(
    _ id: String, next: Instant?, error: String? = nil,
    with settings: WriteSettings = .standard
  ) async throws(StoreError) -> DeadLetter {
    try await store.perform(
      Operations.retryFailed, settings, arguments: [.string(id), .time(next), .text(error)]
    ) { tx in
      try tx.deadLetters.retryFailed(id, next: next, error: error)
    }
  }

  /// Counts a try that failed; the store's back-off says when the next one is, or that the tries
  /// are used up and the letter is given up.
  ///
  /// - Parameters:
  ///   - id: The letter's identifier.
  ///   - error: Why the try failed; what was there stays where it is `nil`.
  ///   - settings: What the write survives, and its idempotency key.
  /// - Returns: The letter as it is now.
  /// - Throws: What ``retryFailed(_:next:error:with:)`` throws.
  @discardableResult
  public func retryFailed(
    _ id: String, error: String? = nil, with settings: WriteSettings = .standard
  ) async throws(StoreError) -> DeadLetter {
    try await store.perform(
      Operations.retryFailed, settings, arguments: [.string(id), .text(error)]
    ) { tx in
      try tx.deadLetters.retryFailed(id, error: error)
    }
  }

  /// Ends a letter for good: it never changes again.
  ///
  /// - Parameters:
  ///   - id: The letter's identifier.
  ///   - reason: How it was dealt with, at most 4 KiB; kept in the history.
  ///   - settings: What the write survives, and its idempotency key.
  /// - Returns: The letter as it is now.
  /// - Throws: ``StoreError`` with `not_found`, `invalid_state` for one that is resolved already,
  ///   and under an archived run.
  @discardableResult
  public func resolve(
    _ id: String, reason: String? = nil, with settings: WriteSettings = .standard
  ) async throws(StoreError) -> DeadLetter {
    try await store.perform(
      Operations.resolve, settings, arguments: [.string(id), .text(reason)]
    ) { tx in
      try tx.deadLetters.resolve(id, reason: reason)
    }
  }
}

/// Giving letters another chance.
extension DeadLetters {
  /// Redrives a letter; see ``DeadLettersTransaction/redrive(_:message:reason:)``.
  ///
  /// - Parameters:
  ///   - id: The letter's identifier.
  ///   - message: What is delivered instead; the message as it is where this is `nil`.
  ///   - reason: Why, at most 4 KiB; kept in the history.
  ///   - settings: What the write survives, and its idempotency key.
  /// - Returns: The letter as it is now.
  /// - Throws: ``StoreError`` with `not_found`, `invalid_state` for one that is resolved, for one
  ///   whose task is no longer failed, and under an archived run; `too_large`.
  @discardableResult
  public func redrive(
    _ id: String, message: Value? = nil, reason: String? = nil,
    with settings: WriteSettings = .standard
  ) async throws(StoreError) -> DeadLetter {
    try await store.perform(
      Operations.redrive, settings,
      arguments: [.string(id), .edit(message), .text(reason)]
    ) { tx in
      try tx.deadLetters.redrive(id, message: message, reason: reason)
    }
  }

  /// Redrives several letters: all or none.
  ///
  /// - Parameters:
  ///   - ids: The letters' identifiers; one that stands twice is redriven once.
  ///   - message: What is delivered instead, for each of them.
  ///   - reason: Why, at most 4 KiB; kept in each history.
  ///   - settings: What the write survives, and its idempotency key.
  /// - Returns: The letters as they are now, one a position.
  /// - Throws: What ``redrive(_:message:reason:with:)`` throws, with the position in the details.
  @discardableResult
  public func redriveMany(
    _ ids: [String], message: Value? = nil, reason: String? = nil,
    with settings: WriteSettings = .standard
  ) async throws(StoreError) -> [DeadLetter] {
    try await store.perform(
      Operations.redriveMany, settings,
      arguments: [.array(ids.map(Value.string)), .edit(message), .text(reason)]
    ) { tx in
      try tx.deadLetters.redriveMany(ids, message: message, reason: reason)
    }
  }

  /// Redrives all letters that a filter matches; resolved ones, those of tasks that are no longer
  /// failed, and those of archived runs are left alone.
  ///
  /// **Atomicity.** A page of letters is one transaction; a failure leaves those before it
  /// redriven. **Idempotency.** A second call redrives what matches then. **Cancellation.** Between
  /// two pages. **Cost.** A commit for each hundred letters, or as many as the query's limit says.
  ///
  /// - Parameters:
  ///   - query: Which letters; its limit is how many one transaction takes.
  ///   - message: What is delivered instead, for each of them.
  ///   - reason: Why, at most 4 KiB; kept in each history.
  /// - Returns: How many were redriven.
  /// - Throws: What ``list(_:)`` and ``redrive(_:message:reason:with:)`` throw, and `unavailable`
  ///   where the task was cancelled.
  @discardableResult
  public func redriveAll(
    _ query: DeadLetterQuery, message: Value? = nil, reason: String? = nil
  ) async throws(StoreError) -> Int {
    var place = query
    var count = 0
    repeat {
      let query = place
      let page = try await store.change(Operations.redriveAll) { tx in
        try tx.deadLetters.redriveAll(query, message: message, reason: reason)
      }
      count += page.items.count
      place.after = page.next
    } while place.after != nil
    return count
  }
}

extension Value {
  /// A text as an argument, null where there is none.
  fileprivate static func text(_ text: String?) -> Value { text.map(Value.string) ?? .null }

  /// A time as an argument, null where there is none.
  fileprivate static func time(_ time: Instant?) -> Value {
    time.map { .integer($0.microseconds) } ?? .null
  }

  /// An edit as an argument: a list, for null is a message too.
  fileprivate static func edit(_ message: Value?) -> Value {
    message.map { [$0] } ?? []
  }
}
