import Crypto
public import HoldfastCore
import HoldfastEngine

/// Which keys of a namespace a page lists, and in which order.
public struct KeyQuery: Sendable, Equatable {
  /// The order of a list.
  public enum Order: String, Sendable, CaseIterable {
    /// By key, byte by byte: every key that stays is seen exactly once while others write.
    case key
    /// The newest update first, ties by version, then key: a key that is written meanwhile may be
    /// missed.
    case updated
  }

  /// Only keys that begin so.
  public var prefix: String
  /// The first key to list, itself included (the last one, in reverse); only in the order of keys.
  public var from: String?
  /// Where the page before ended: its `next`.
  public var after: String?
  /// How many keys, 1 to 1 000; 100 if left out.
  public var limit: Int?
  /// Whether the list runs from the last key to the first; only in the order of keys.
  public var isReversed: Bool
  /// Whether the values come along.
  public var includesValues: Bool
  /// By key, or by the time of update.
  public var order: Order

  /// Makes a query.
  ///
  /// - Parameters:
  ///   - prefix: Only keys that begin so.
  ///   - from: The first key to list, itself included.
  ///   - after: Where the page before ended.
  ///   - limit: How many keys, 1 to 1 000.
  ///   - isReversed: Whether the list runs from the last key to the first.
  ///   - includesValues: Whether the values come along.
  ///   - order: By key, or by the time of update.
  public init(
    prefix: String = "", from: String? = nil, after: String? = nil, limit: Int? = nil,
    isReversed: Bool = false, includesValues: Bool = false, order: Order = .key
  ) {
    self.prefix = prefix
    self.from = from
    self.after = after
    self.limit = limit
    self.isReversed = isReversed
    self.includesValues = includesValues
    self.order = order
  }
}

extension KeyValueTransaction {
  /// Lists one page of keys.
  ///
  /// - Parameter query: Which keys, and in which order.
  /// - Returns: The keys, and where the next page begins. A page ends early past 8 MiB of values.
  /// - Throws: ``StoreError`` with `invalid` for a limit out of range or a cursor from elsewhere.
  public func list(_ query: KeyQuery = KeyQuery()) throws(StoreError) -> Page<ListedKey> {
    try list(query, limit: limits.pageItems(query.limit))
  }

  /// A page of any length, for what walks through all pages.
  func list(_ query: KeyQuery, limit: Int) throws(StoreError) -> Page<ListedKey> {
    try namespace.check(limits)
    try KeyBounds.check(query.prefix)
    if let from = query.from { try KeyBounds.check(from) }
    switch query.order {
    case .key: return try listByKey(query, limit)
    case .updated: return try listByUpdate(query, limit)
    }
  }

  private func listByKey(_ query: KeyQuery, _ limit: Int) throws(StoreError) -> Page<ListedKey> {
    if let after = query.after { try Key.check(after, limits) }
    var lower = query.prefix
    var upper = KeyBounds.end(ofPrefix: query.prefix)
    let isBounded = query.from != nil || query.after != nil
    if query.isReversed {
      if let from = query.from { upper = least(upper, KeyBounds.after(from)) }
      if let after = query.after { upper = least(upper, after) }
    } else if isBounded {
      if let from = query.from { lower = greatest(lower, from) }
      if let after = query.after { lower = greatest(lower, KeyBounds.after(after)) }
    }
    let statement =
      switch (query.isReversed, query.includesValues) {
      case (true, _): KeyValueSQL.listReversed
      case (false, true): KeyValueSQL.listWithValues
      case (false, false): KeyValueSQL.list
      }
    // Only the reversed list is one statement with and without values, and is told which; a
    // parameter that a statement does not have is an error on PostgreSQL.
    let items = try page(
      statement, [.text(lower), .text(upper)], limit, values: query.includesValues,
      tail: query.isReversed ? [Bound(query.includesValues)] : [])
    return Page(items: items.listed, next: items.isMore ? items.listed.last?.key : nil)
  }

  private func listByUpdate(
    _ query: KeyQuery, _ limit: Int
  ) throws(StoreError) -> Page<ListedKey> {
    guard query.from == nil, !query.isReversed else {
      throw StoreError(
        .invalid,
        "The order of updates runs from the newest on, and knows neither from nor reverse.",
        hint: "Leave them out, or list in the order of keys.")
    }
    let list = UpdatePlace.mark(of: namespace, query.prefix)
    let place =
      try query.after.map { token throws(StoreError) in try UpdatePlace(token, in: list) }
      ?? UpdatePlace.start
    let items = try page(
      KeyValueSQL.listByUpdate,
      [.text(query.prefix), .text(KeyBounds.end(ofPrefix: query.prefix))], limit,
      values: query.includesValues,
      tail: [
        Bound(query.includesValues), .integer(place.updated), .integer(place.version),
        .text(place.key),
      ])
    let last = items.listed.last.map {
      UpdatePlace(updated: $0.updatedAt.microseconds, version: $0.version, key: $0.key)
    }
    return Page(items: items.listed, next: items.isMore ? last?.token(in: list) : nil)
  }

  /// Reads up to `limit` rows, and one more to know whether there are more; ends early where the
  /// values grow past the bound of a page.
  private func page(
    _ statement: Statement, _ bounds: [Bound], _ limit: Int, values: Bool, tail: [Bound] = []
  ) throws(StoreError) -> (listed: [ListedKey], isMore: Bool) {
    let bindings =
      [Bound.text(namespace.text)] + bounds + [.integer(Int64(limit) + 1)] + tail
    let bytesMax = limits.pageBytesMax
    var listed: [ListedKey] = []
    listed.reserveCapacity(min(limit, limits.pageItemsMax))
    var bytes = 0
    var isMore = false
    do {
      try transaction.reading().forEachRow(statement, bindings) { row in
        guard listed.count < limit, listed.isEmpty || bytes < bytesMax else {
          isMore = true
          throw PageEnd()
        }
        // A long page grows in one step, instead of being moved again and again.
        if listed.count == listed.capacity { listed.reserveCapacity(limit) }
        listed.append(try ListedKey(row: row, withValue: values, bytes: &bytes))
      }
    } catch is PageEnd {
    } catch {
      throw StoreError.from(error)
    }
    return (listed, isMore)
  }

  private func least(_ one: String, _ other: String) -> String {
    Bytewise(one) < Bytewise(other) ? one : other
  }

  private func greatest(_ one: String, _ other: String) -> String {
    Bytewise(one) < Bytewise(other) ? other : one
  }
}

/// Ends the walk over rows when a page is full.
private struct PageEnd: Error {}

/// A place in the order of updates, as an opaque cursor.
struct UpdatePlace: Equatable {
  let updated: Int64
  let version: Int64
  let key: String

  /// Before the newest update.
  static let start = UpdatePlace(updated: .max, version: .max, key: "")

  init(updated: Int64, version: Int64, key: String) {
    self.updated = updated
    self.version = version
    self.key = key
  }

  /// What tells a list from the others: in another one the same place would pass keys over.
  static func mark(of namespace: Namespace, _ prefix: String) -> String {
    let digest = SHA256.hash(data: Array((namespace.text + "\0" + prefix).utf8))
    return HexText.encode(Array(digest.prefix(6)))
  }

  func token(in list: String) -> String {
    ListCursor.token("u", list, "\(updated)", "\(version)", key)
  }

  init(_ token: String, in list: String) throws(StoreError) {
    let parts = try ListCursor.parts(of: token, in: "u", count: 4)
    guard parts[0] == list, let updated = Int64(parts[1]), let version = Int64(parts[2]),
      !parts[3].utf8.contains(0)
    else { throw ListCursor.foreign }
    self.init(updated: updated, version: version, key: String(parts[3]))
  }
}
