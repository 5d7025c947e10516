public import HoldfastCore
import HoldfastEngine

/// One item of a conversation: a message, a call of a tool, whatever the agent keeps.
public struct SessionItem: Sendable, Equatable, Codable {
  /// Its place: positions only grow, and none comes twice.
  public let position: Int64
  /// The item: an object.
  public let item: Value
  /// When it was appended.
  public let createdAt: Instant
}

/// What an append did.
public struct AppendedItems: Sendable, Equatable, Codable {
  /// The positions of the new items, in order and without gaps.
  public let positions: [Int64]
  /// How many items the conversation has now.
  public let itemCount: Int
  /// The session's version.
  public let version: Int64
}

/// What a pop took.
public struct PoppedItem: Sendable, Equatable, Codable {
  /// The item; `nil` where the conversation was empty.
  public let item: SessionItem?
  /// How many items the conversation has now.
  public let itemCount: Int
  /// The session's version.
  public let version: Int64
}

/// What a clear did.
public struct ClearedItems: Sendable, Equatable, Codable {
  /// How many items there were.
  public let removed: Int
  /// The session's version.
  public let version: Int64
}

/// Which items of a conversation a page gives, in order.
public struct ItemQuery: Sendable, Equatable {
  /// Only the last so many, at least 1.
  public var last: Int?
  /// From this position on.
  public var from: Int64?
  /// Where the page before ended.
  public var after: String?
  /// How many, 1 to 1 000; as many as `last` says, or 100, if left out.
  public var limit: Int?

  /// Makes a query.
  ///
  /// - Parameters:
  ///   - last: Only the last so many, at least 1.
  ///   - from: From this position on.
  ///   - after: Where the page before ended.
  ///   - limit: How many, 1 to 1 000.
  public init(
    last: Int? = nil, from: Int64? = nil, after: String? = nil, limit: Int? = nil
  ) {
    self.last = last
    self.from = from
    self.after = after
    self.limit = limit
  }
}

extension SessionItem {
  /// An item of a row: position, item, created.
  init(row: Row) throws(StoreError) {
    self.init(
      position: row.integer(0), item: try ValueText.decode(row.textBytes(1)),
      createdAt: Instant(microseconds: row.integer(2)))
  }

  /// The position that a cursor names.
  static func position(after token: String) throws(StoreError) -> Int64 {
    guard let position = Int64(token), position > 0, String(position) == token else {
      throw ListCursor.foreign
    }
    return position
  }
}
