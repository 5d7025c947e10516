public import HoldfastCore

/// A key's value with all that the store knows of it.
public struct Entry: Sendable, Equatable, Codable {
  /// The key.
  public let key: String
  /// The value; ``HoldfastCore/Value/null`` is a value like any other.
  public let value: Value
  /// The revision of the transaction that wrote it last.
  ///
  /// For one key versions only grow; gaps mean
  /// nothing.
  public let version: Int64
  /// When the key came into being; a key that expired and was put again is a new one.
  public let createdAt: Instant
  /// When it was last written.
  public let updatedAt: Instant
  /// From when on it is absent.
  public let expiresAt: Instant?
  /// What a person wrote about it.
  public let description: String?
}

/// A key in a list, with its value where the list was asked for values.
public struct ListedKey: Sendable, Equatable {
  /// The key.
  public let key: String
  /// The value; `nil` where the list was not asked for values.
  public let value: Value?
  /// The revision of the transaction that wrote it last.
  public let version: Int64
  /// When the key came into being.
  public let createdAt: Instant
  /// When it was last written.
  public let updatedAt: Instant
  /// From when on it is absent.
  public let expiresAt: Instant?
  /// What a person wrote about it.
  public let description: String?
}

/// What a put did.
public struct PutResult: Sendable, Equatable, Codable {
  /// The entry as it is now.
  public let entry: Entry
  /// Whether the key came into being by this put.
  public let isNew: Bool
}

/// A counter after an increment.
public struct CounterValue: Sendable, Equatable, Codable {
  /// The new value.
  public let value: Int64
  /// The new version.
  public let version: Int64
}

/// One page of a list, and where the next one begins.
public struct Page<Item: Sendable>: Sendable {
  /// The items in order; an empty list where there are none.
  public let items: [Item]
  /// What to give as `after` for the next page; `nil` when this was the last.
  public let next: String?

  /// Makes a page.
  ///
  /// - Parameters:
  ///   - items: The items in order.
  ///   - next: Where the next page begins; `nil` for the last one.
  public init(items: [Item], next: String?) {
    self.items = items
    self.next = next
  }
}

extension Page: Equatable where Item: Equatable {}

/// What must hold for a write to happen; otherwise it is a `conflict` and nothing changes.
public enum Condition: Sendable, Equatable {
  /// The key is not there (an expired one is not).
  case absent
  /// The key's version is exactly this.
  case version(Int64)
  /// The key's value equals this one.
  case value(Value)
}

/// One entry of ``KeyValue/putMany(_:with:)``.
public struct Put: Sendable, Equatable {
  /// The key.
  public var key: String
  /// The value.
  public var value: Value
  /// How long the key lives; `nil` for ever.
  public var ttl: Duration?
  /// What a person should know of it: `nil` keeps what is there, empty clears it.
  public var description: String?
  /// What must hold for the write to happen.
  public var condition: Condition?

  /// Makes an entry of a batch.
  ///
  /// - Parameters:
  ///   - key: The key.
  ///   - value: The value.
  ///   - ttl: How long the key lives; `nil` for ever.
  ///   - description: `nil` keeps what is there, empty clears it.
  ///   - condition: What must hold for the write to happen.
  public init(
    _ key: String, _ value: Value, ttl: Duration? = nil, description: String? = nil,
    if condition: Condition? = nil
  ) {
    self.key = key
    self.value = value
    self.ttl = ttl
    self.description = description
    self.condition = condition
  }
}
