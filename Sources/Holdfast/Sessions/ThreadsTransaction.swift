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
  /// - Throws: ``StoreError`` with `invalid` for a limit out of range or a cursor from elsewhere,
  ///   also from the list of another channel.
  public func list(
    channel: String? = nil, after: String? = nil, limit: Int? = nil
  ) throws(StoreError) -> Page<ThreadSession> {
    let limit = try limits.pageItems(limit)
    if let channel { try Checks.id(channel, "channel", limits) }
    let place = try after.map { token throws(StoreError) in
      try ThreadPlace(token: token, of: channel)
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
