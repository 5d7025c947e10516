public import HoldfastCore
import HoldfastEngine

extension Transaction {
  /// The thread sessions, inside this transaction.
  public var threads: ThreadsTransaction { ThreadsTransaction(transaction: self) }
}

/// The thread sessions of a store, inside a transaction: every operation exists here, once.
///
/// A thread session belongs to no run, and so to the namespace `global`.
public struct ThreadsTransaction {
  let transaction: Transaction

  private var limits: Limits { transaction.context.limits }

  /// Says which session a thread is talking to, whether this was said before or not.
  ///
  /// It keeps the time of creation; the last message is now.
  ///
  /// - Parameters:
  ///   - channel: The channel, 1 to 256 bytes.
  ///   - thread: The thread of the channel, 1 to 256 bytes.
  ///   - sessionKey: The session's key, 1 to 256 bytes.
  ///   - data: What is kept with it.
  /// - Returns: The thread session as it is now, and whether it is new.
  /// - Throws: ``StoreError`` with `invalid`, `too_large`.
  @discardableResult
  public func upsert(
    channel: String, thread: String, sessionKey: String, data: Value = [:]
  ) throws(StoreError) -> SavedThread {
    let place = try checked(channel, thread)
    try Checks.id(sessionKey, "session key", limits)
    let text = try data.json(within: limits)
    let connection = try transaction.writing(bytes: sessionKey.utf8.count + text.utf8.count)
    let bindings = place + [.text(sessionKey), .text(text)]
    let made = try connection.run(ThreadSQL.create, bindings)
    var steps = [Self.event(channel, thread, "upsert")]
    if made == 0 { steps.insert(Step(ThreadSQL.replace, bindings), at: 0) }
    _ = try connection.run(steps)
    guard let saved = try find(place, connection) else {
      throw Excess.fault(.internal, "A thread session vanished while it was written.")
    }
    return SavedThread(thread: saved, isNew: made == 1)
  }

  /// A thread session.
  ///
  /// - Parameters:
  ///   - channel: The channel.
  ///   - thread: The thread of the channel.
  /// - Returns: The thread session; `nil` for a missing one.
  /// - Throws: ``StoreError`` with `invalid` for names that cannot be.
  public func get(channel: String, thread: String) throws(StoreError) -> ThreadSession? {
    try find(try checked(channel, thread), transaction.reading())
  }

  /// Notes that a message came through a thread.
  ///
  /// - Parameters:
  ///   - channel: The channel.
  ///   - thread: The thread of the channel.
  /// - Returns: The thread session as it is now.
  /// - Throws: ``StoreError`` with `not_found`, `invalid`.
  @discardableResult
  public func touch(channel: String, thread: String) throws(StoreError) -> ThreadSession {
    let place = try checked(channel, thread)
    let connection = try transaction.writing(bytes: channel.utf8.count + thread.utf8.count)
    guard try find(place, connection) != nil else { throw missing(channel, thread) }
    _ = try connection.run([
      Step(ThreadSQL.touch, place), Self.event(channel, thread, "touch"),
    ])
    guard let touched = try find(place, connection) else { throw missing(channel, thread) }
    return touched
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
  ) throws(StoreError) -> Page<ThreadSession> {
    let limit = try limits.pageItems(limit)
    if let channel { try Checks.id(channel, "channel", limits) }
    var place = try after.map { token throws(StoreError) in try ThreadPlace(token: token) }
    if let channel, let known = place, !Bytewise.equal(known.channel, channel) {
      // The cursor is of another list; in the order of channels this one lies behind or before it.
      let isBefore = Bytewise(known.channel) < Bytewise(channel)
      guard isBefore else { return Page(items: [], next: nil) }
      place = nil
    }
    let start = place ?? .start
    let rows = try transaction.reading().page(
      channel == nil ? ThreadSQL.list : ThreadSQL.listOfChannel,
      [.text(channel ?? start.channel), .text(start.thread), .integer(Int64(limit) + 1)],
      limit: limit, bytesMax: limits.pageBytesMax
    ) { row throws(StoreError) in (try ThreadSession(row: row), row.textBytes(3).count) }
    let last = rows.items.last.map { ThreadPlace(channel: $0.channel, thread: $0.thread) }
    return Page(items: rows.items, next: rows.isMore ? last?.token : nil)
  }

  /// Deletes a thread session; the session itself stays.
  ///
  /// - Parameters:
  ///   - channel: The channel.
  ///   - thread: The thread of the channel.
  /// - Returns: Whether it was there. A delete that finds nothing changes nothing.
  /// - Throws: ``StoreError`` with `invalid` for names that cannot be.
  @discardableResult
  public func delete(channel: String, thread: String) throws(StoreError) -> Bool {
    let place = try checked(channel, thread)
    let connection = try transaction.writing(bytes: channel.utf8.count + thread.utf8.count)
    guard try connection.run(ThreadSQL.delete, place) == 1 else { return false }
    _ = try connection.run([Self.event(channel, thread, "delete")])
    return true
  }

  private func checked(_ channel: String, _ thread: String) throws(StoreError) -> [Bound] {
    try Checks.id(channel, "channel", limits)
    try Checks.id(thread, "thread", limits)
    return [.text(channel), .text(thread)]
  }

  private func find(
    _ place: [Bound], _ connection: any Connection
  ) throws(StoreError) -> ThreadSession? {
    try connection.first(ThreadSQL.get, place) { row throws(StoreError) in
      try ThreadSession(row: row)
    }
  }

  private func missing(_ channel: String, _ thread: String) -> StoreError {
    StoreError(
      .notFound, "There is no such thread session.", hint: "Write it first.",
      details: ["channel": .string(channel), "thread": .string(thread)])
  }

  /// The subject of an event is the channel and the thread, written like two segments of a
  /// namespace.
  static func event(_ channel: String, _ thread: String, _ verb: String) -> Step {
    Feed.event("thread", .global, Namespace.joined(channel, thread), verb)
  }
}

/// What goes by itself.
extension ThreadsTransaction {
  /// What a slice of idle thread sessions did, and where the next one begins.
  package struct IdleSlice: Sendable {
    /// How many were removed.
    package let removed: Int
    /// Where the next slice begins; `nil` when nothing is left.
    package let next: IdlePlace?
  }

  /// A place among the idle thread sessions.
  package struct IdlePlace: Sendable {
    let time: Int64
    let channel: String
    let thread: String
  }

  /// Looks through one slice of the thread sessions that were idle since before a time, and removes
  /// those whose session has no items: a conversation stays.
  ///
  /// - Parameters:
  ///   - time: The time.
  ///   - place: Where the slice before ended; the longest idle first if it is `nil`.
  ///   - limit: How many are looked at.
  /// - Returns: How many were removed, and where to go on.
  /// - Throws: What the database says, as a ``StoreError``.
  package func removeIdle(
    before time: Instant, after place: IdlePlace? = nil, limit: Int
  ) throws(StoreError) -> IdleSlice {
    let connection = try transaction.writing(operations: limit, bytes: 0)
    let seen = try connection.all(
      ThreadSQL.idle,
      [
        .integer(place?.time ?? .min), .text(place?.channel ?? ""), .text(place?.thread ?? ""),
        .integer(time.microseconds), .integer(Int64(limit)),
      ]
    ) { row in
      (
        place: IdlePlace(time: row.integer(2), channel: row.text(0), thread: row.text(1)),
        hasItems: row.integer(3) == 1
      )
    }
    let idle = seen.filter { !$0.hasItems }.map(\.place)
    if !idle.isEmpty {
      _ = try connection.run(
        idle.flatMap {
          [
            Step(ThreadSQL.delete, [.text($0.channel), .text($0.thread)]),
            Self.event($0.channel, $0.thread, "expired"),
          ]
        })
    }
    return IdleSlice(removed: idle.count, next: seen.count == limit ? seen.last?.place : nil)
  }
}
