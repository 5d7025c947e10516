public import HoldfastCore
import HoldfastEngine

/// The conversation itself.
extension SessionsTransaction {
  /// Appends items to a conversation: all or none, one behind the other.
  ///
  /// An append is a use of the session. No items at all change nothing.
  ///
  /// - Parameters:
  ///   - items: The items, each an object.
  ///   - id: The session's identifier.
  /// - Returns: The positions of the items.
  /// - Throws: ``StoreError`` with `not_found` for a missing session, `invalid` with the place in
  ///   the details for an item that is no object, `too_large`, and `invalid_state` under an
  ///   archived run; nothing was written, and no position is used up.
  @discardableResult
  public func append(_ items: [Value], to id: String) throws(StoreError) -> AppendedItems {
    var texts: [String] = []
    texts.reserveCapacity(items.count)
    for (place, item) in items.enumerated() { texts.append(try text(of: item, at: place)) }
    let bytes = texts.reduce(0) { $0 + $1.utf8.count }
    guard !items.isEmpty else {
      let row = try changeable(id).0
      return AppendedItems(
        positions: [], itemCount: row.session.itemCount, version: row.session.version)
    }
    try Checks.id(id, "session id", limits)
    let connection = try transaction.writing(
      operations: items.count, bytes: id.utf8.count + bytes)
    let taken = try connection.first(
      SessionSQL.takePositions, [.text(id), .integer(Int64(items.count)), use], TakenPositions.init)
    guard let taken else {
      // It is missing, or its run may not be written: this says which.
      _ = try changeable(id)
      throw missing(id)
    }
    let positions = Array((taken.next - Int64(items.count))..<taken.next)
    let steps = zip(positions, texts).map { position, text in
      Step(SessionSQL.addItem, [.integer(taken.number), .integer(position), .text(text)])
    }
    _ = try connection.run(steps + [Feed.event("item", .holding(run: taken.run), id, "append")])
    return AppendedItems(positions: positions, itemCount: taken.itemCount, version: taken.version)
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
  ) throws(StoreError) -> Page<SessionItem> {
    try Checks.id(id, "session id", limits)
    if let last = query.last, last < 1 {
      throw StoreError(
        .invalid, "The last items are at least one.", hint: "Ask for one item or more.",
        details: ["reason": "out_of_range"])
    }
    let limit = try limits.pageItems(query.limit ?? query.last.map { min($0, limits.pageItemsMax) })
    let connection = try transaction.reading()
    let row = try known(id, connection)
    var first = max(row.firstPosition, query.from ?? 1)
    if let after = query.after {
      let position = try SessionItem.position(after: after)
      guard position < row.session.nextPosition else { return Page(items: [], next: nil) }
      first = max(first, position + 1)
    }
    if let last = query.last {
      // Where there are fewer than asked for, there is no such row, and all of them are meant.
      let start = try connection.first(
        SessionSQL.positionFromEnd,
        [.integer(row.number), .integer(row.firstPosition), .integer(Int64(last) - 1)]
      ) { $0.integer(0) }
      if let start { first = max(first, start) }
    }
    let page = try connection.page(
      SessionSQL.items,
      [.integer(row.number), .integer(first), .integer(Int64(limit) + 1)],
      limit: limit, bytesMax: limits.pageBytesMax
    ) { row throws(StoreError) in (try SessionItem(row: row), row.textBytes(1).count) }
    return Page(
      items: page.items, next: page.isMore ? page.items.last.map { String($0.position) } : nil)
  }

  /// Takes the last item of a conversation away; its position does not come again.
  ///
  /// - Parameter id: The session's identifier.
  /// - Returns: The item; none, and nothing changed, where the conversation was empty.
  /// - Throws: ``StoreError`` with `not_found` for a missing session, `invalid_state` under an
  ///   archived run.
  @discardableResult
  public func pop(_ id: String) throws(StoreError) -> PoppedItem {
    let (row, connection) = try changeable(id)
    guard row.session.itemCount > 0 else {
      return PoppedItem(item: nil, itemCount: 0, version: row.session.version)
    }
    let item = try connection.first(
      SessionSQL.pop, [.integer(row.number), .integer(row.firstPosition)]
    ) { row throws(StoreError) in try SessionItem(row: row) }
    guard let item else {
      throw Excess.fault(
        .corrupt, "A session counts items that are not there.", hint: "Restore a backup.")
    }
    try connection.run(SessionSQL.countDown, [.integer(row.number), use])
    _ = try connection.run([Feed.event("item", row.namespace, id, "pop")])
    let now = try known(id, connection).session
    return PoppedItem(item: item, itemCount: now.itemCount, version: now.version)
  }

  /// Takes all items of a conversation away: one step, however many there are.
  ///
  /// Their positions do not come again. An empty conversation stays as it is.
  ///
  /// - Parameter id: The session's identifier.
  /// - Returns: How many items there were.
  /// - Throws: ``StoreError`` with `not_found` for a missing session, `invalid_state` under an
  ///   archived run.
  @discardableResult
  public func clear(_ id: String) throws(StoreError) -> ClearedItems {
    let (row, connection) = try changeable(id)
    guard row.session.itemCount > 0 else {
      return ClearedItems(removed: 0, version: row.session.version)
    }
    try connection.run(SessionSQL.clear, [.integer(row.number), use])
    try SessionSweeper.discard(row.number, below: row.session.nextPosition, on: connection)
    _ = try connection.run([Feed.event("item", row.namespace, id, "clear")])
    return ClearedItems(
      removed: row.session.itemCount, version: try known(id, connection).session.version)
  }

  /// How many items a conversation has.
  ///
  /// - Parameter id: The session's identifier.
  /// - Returns: The number.
  /// - Throws: ``StoreError`` with `not_found` for a missing session.
  public func count(_ id: String) throws(StoreError) -> Int {
    try Checks.id(id, "session id", limits)
    return try known(id, transaction.reading()).session.itemCount
  }

  private func text(of item: Value, at place: Int) throws(StoreError) -> String {
    do throws(StoreError) {
      guard case .object = item else {
        throw StoreError(
          .invalid, "A session's item is an object.", hint: #"Send objects, such as {"text":"…"}."#,
          details: ["reason": "type"])
      }
      return try item.json(within: limits)
    } catch {
      throw error.adding("index", .integer(Int64(place)))
    }
  }
}

/// What a session's row says after positions were taken.
private struct TakenPositions {
  let run: String?
  let itemCount: Int
  let next: Int64
  let version: Int64
  let number: Int64

  init(row: Row) {
    run = row.optionalText(0)
    itemCount = Int(row.integer(1))
    next = row.integer(2)
    version = row.integer(3)
    number = row.integer(4)
  }
}
