public import HoldfastCore
import HoldfastEngine

extension Transaction {
  /// The sessions, inside this transaction.
  public var sessions: SessionsTransaction { SessionsTransaction(transaction: self) }
}

/// The sessions of a store, inside a transaction: every operation exists here, once.
public struct SessionsTransaction {
  let transaction: Transaction

  var limits: Limits { transaction.context.limits }

  /// Saves a session, whether it is there or not.
  ///
  /// Over an older one it replaces channel, thread, user and data, and keeps the items, the time of
  /// creation and the run. A save is a use.
  ///
  /// - Parameter entry: The session.
  /// - Returns: The session as it is now, and whether it is new.
  /// - Throws: ``StoreError`` with `invalid`, `too_large`, and `invalid_state` over a session of
  ///   another run, and under an archived or deleted run.
  @discardableResult
  public func save(_ entry: SessionEntry) throws(StoreError) -> SavedSession {
    let id = entry.id ?? transaction.context.ids.makeID(at: transaction.context.time.wallTime())
    let data = try checked(entry, id)
    let connection = try transaction.writing(bytes: id.utf8.count + data.utf8.count)
    if let run = entry.run { try RunGuard.check(run: run, on: connection) }
    let fields = [Bound(entry.channel), Bound(entry.thread), Bound(entry.user), .text(data), use]
    let made = try connection.run(SessionSQL.create, [.text(id), Bound(entry.run)] + fields)
    if made == 0 {
      let old = try known(id, connection)
      try checkStays(old, with: entry.run)
      try guardRun(of: old, connection)
      try connection.run(SessionSQL.replace, [.text(id)] + fields)
    }
    let row = try known(id, connection)
    _ = try connection.run([Feed.event("session", row.namespace, id, "save")])
    return SavedSession(session: row.session, isNew: made == 1)
  }

  /// A session.
  ///
  /// - Parameter id: Its identifier.
  /// - Returns: The session; `nil` for a missing one.
  /// - Throws: ``StoreError`` with `invalid` for an identifier that cannot be.
  public func get(_ id: String) throws(StoreError) -> SessionContext? {
    try Checks.id(id, "session id", limits)
    return try find(id, transaction.reading())?.session
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
  ) throws(StoreError) -> SessionContext? {
    try getByThread(channel: channel, thread: thread, where: nil)
  }

  /// The same for somebody who may see some of them: of those the one last used.
  ///
  /// - Parameters:
  ///   - channel: The channel.
  ///   - thread: The thread.
  ///   - isVisible: Whether the caller may see what is in a namespace; `nil` for all of it.
  /// - Returns: The session; `nil` where there is none among the thousand last used.
  /// - Throws: ``StoreError`` with `invalid` for names that cannot be.
  package func getByThread(
    channel: String, thread: String, where isVisible: ((Namespace) -> Bool)?
  ) throws(StoreError) -> SessionContext? {
    try Checks.id(channel, "channel", limits)
    try Checks.id(thread, "thread", limits)
    let connection = try transaction.reading()
    let count = isVisible == nil ? 1 : Self.lookedAtMax
    let found = try connection.all(
      SessionSQL.ofThread, [.text(channel), .text(thread), .integer(count)]
    ) { (id: $0.text(0), run: $0.optionalText(1)) }
    let first = found.first { isVisible?(.holding(run: $0.run)) ?? true }
    guard let first else { return nil }
    return try find(first.id, connection)?.session
  }

  /// How many sessions of a thread are looked at where not all may be seen.
  private static let lookedAtMax: Int64 = 1_000

  /// Notes that a session is in use.
  ///
  /// - Parameter id: Its identifier.
  /// - Returns: The session as it is now.
  /// - Throws: ``StoreError`` with `not_found`, and `invalid_state` under an archived run.
  @discardableResult
  public func touch(_ id: String) throws(StoreError) -> SessionContext {
    let (_, connection) = try changeable(id)
    let touched = try connection.first(SessionSQL.touch, [.text(id), use]) {
      row throws(StoreError) in try SessionRow(row: row)
    }
    guard let touched else { throw missing(id) }
    _ = try connection.run([Feed.event("session", touched.namespace, id, "touch")])
    return touched.session
  }

  /// Lists one page of sessions, the newest first.
  ///
  /// - Parameter query: Which sessions.
  /// - Returns: The sessions, and where the next page begins. A page ends early past 8 MiB.
  /// - Throws: ``StoreError`` with `invalid` for a limit out of range or a cursor from elsewhere.
  public func list(
    _ query: SessionQuery = SessionQuery()
  ) throws(StoreError) -> Page<SessionContext> {
    let limit = try limits.pageItems(query.limit)
    if let run = query.run { try Checks.runID(run, limits) }
    if let channel = query.channel { try Checks.id(channel, "channel", limits) }
    if let user = query.user { try Checks.id(user, "user", limits) }
    let place = try TimePlace(.sessions, after: query.after, until: query.until)
    let statement =
      switch (query.run, query.user, query.channel) {
      case (.some, _, _): SessionSQL.listByRun
      case (nil, .some, _): SessionSQL.listByUser
      case (nil, nil, .some): SessionSQL.listByChannel
      case (nil, nil, nil): SessionSQL.listByTime
      }
    let rows = try transaction.reading().page(
      statement,
      [
        .integer(place.time), .integer(place.number),
        .integer(query.since?.microseconds ?? .min), Bound(query.run), Bound(query.channel),
        Bound(query.user), .integer(Int64(limit) + 1),
      ], limit: limit, bytesMax: limits.pageBytesMax
    ) { row throws(StoreError) in
      let row = try SessionRow(row: row)
      return (row, row.bytes)
    }
    let last = rows.items.last.map {
      TimePlace(.sessions, time: $0.session.createdAt.microseconds, number: $0.number)
    }
    return Page(items: rows.items.map(\.session), next: rows.isMore ? last?.token : nil)
  }

  /// Deletes a session with its items: one step, however many there are.
  ///
  /// - Parameter id: Its identifier.
  /// - Returns: Whether it was there. A delete that finds nothing changes nothing.
  /// - Throws: ``StoreError`` with `invalid`, and `invalid_state` under an archived run.
  @discardableResult
  public func delete(_ id: String) throws(StoreError) -> Bool {
    try Checks.id(id, "session id", limits)
    let connection = try transaction.writing(bytes: id.utf8.count)
    guard let row = try find(id, connection) else { return false }
    try guardRun(of: row, connection)
    try connection.run(SessionSQL.delete, [.integer(row.number)])
    try SessionSweeper.discard(row.number, below: row.session.nextPosition, on: connection)
    _ = try connection.run([Feed.event("session", row.namespace, id, "delete")])
    return true
  }
}

/// What the operations share.
extension SessionsTransaction {
  /// What orders the uses of one transaction: they have one time and one version.
  var use: Bound { .integer(Int64(transaction.operations)) }

  func find(_ id: String, _ connection: any Connection) throws(StoreError) -> SessionRow? {
    try connection.first(SessionSQL.get, [.text(id)]) { row throws(StoreError) in
      try SessionRow(row: row)
    }
  }

  func known(_ id: String, _ connection: any Connection) throws(StoreError) -> SessionRow {
    guard let row = try find(id, connection) else { throw missing(id) }
    return row
  }

  func missing(_ id: String) -> StoreError {
    StoreError(
      .notFound, "There is no such session.", hint: "Save the session first.",
      details: ["session": .string(id)])
  }

  /// A session that is about to be written, whose run may be written.
  func changeable(
    _ id: String, operations: Int = 1, bytes: Int = 0
  ) throws(StoreError) -> (SessionRow, any Connection) {
    try Checks.id(id, "session id", limits)
    let connection = try transaction.writing(
      operations: operations, bytes: id.utf8.count + bytes)
    let row = try known(id, connection)
    try guardRun(of: row, connection)
    return (row, connection)
  }

  private func guardRun(
    of row: SessionRow, _ connection: any Connection
  ) throws(StoreError) {
    if let run = row.session.run { try RunGuard.check(run: run, on: connection) }
  }

  /// Refuses to move a session from one run to another: who may write the one need not be allowed
  /// the other, and watchers of the first would not see it go.
  private func checkStays(_ row: SessionRow, with run: String?) throws(StoreError) {
    guard let run, !Bytewise.equal(run, row.session.run ?? "") else { return }
    throw StoreError(
      .invalidState, "A session stays with the run that it was saved under first.",
      hint: "Save it under another id.", details: ["session": .string(row.session.id)])
  }

  /// Checks what is saved; the text of its data.
  private func checked(_ entry: SessionEntry, _ id: String) throws(StoreError) -> String {
    try Checks.id(id, "session id", limits)
    if let run = entry.run { try Checks.runID(run, limits) }
    if let channel = entry.channel { try Checks.id(channel, "channel", limits) }
    if let thread = entry.thread { try Checks.id(thread, "thread", limits) }
    if let user = entry.user { try Checks.id(user, "user", limits) }
    return try entry.data.json(within: limits)
  }
}
