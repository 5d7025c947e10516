public import HoldfastCore
package import HoldfastEngine

/// A place in the change feed, opaque outside of the store.
///
/// It marks one event of one history: after a restore, or in another store, it is `trimmed`.
public struct ChangeCursor: Hashable, Sendable, CustomStringConvertible {
  package let place: FeedCursor

  package init(_ place: FeedCursor) { self.place = place }

  /// Reads a cursor back.
  ///
  /// - Parameter text: What ``description`` gave.
  /// - Throws: ``StoreError`` with `invalid` for anything else.
  public init(_ text: String) throws(StoreError) { place = try FeedCursor(token: text) }

  /// The cursor as it goes over the wire.
  public var description: String { place.token }
}

/// One event of the change feed.
///
/// It names what changed and never carries a value.
public struct Change: Sendable, Equatable {
  /// The place of exactly this event: going on from it gives the next one.
  public let cursor: ChangeCursor
  /// The revision of the transaction; the same number as the version of what it wrote.
  public let revision: Int64
  /// What kind of thing changed: `kv`, `run`, `bot`.
  public let kind: String
  /// The namespace it belongs to, in its written form.
  public let namespace: String
  /// The key or the id; `nil` for what concerns the whole namespace, such as a clear.
  public let subject: String?
  /// `put`, `delete`, `clear`, `expired`, or the verb of a state machine.
  public let operation: String
  /// Whether it also concerns every namespace below.
  public let below: Bool
  /// The store's time of the transaction.
  public let time: Instant

  package init(_ event: FeedEvent) {
    cursor = ChangeCursor(event.cursor)
    revision = event.revision
    kind = event.kind
    namespace = event.namespace
    subject = event.subject
    operation = event.operation
    below = event.below
    time = event.time
  }
}

/// Which events a watcher wants.
public struct ChangeFilter: Sendable, Equatable {
  /// Only events of this namespace; `nil` for all.
  public var namespace: Namespace?
  /// Only keys that begin so; events that concern a whole namespace always come.
  public var prefix: String
  /// Only events of this kind, such as `kv`; `nil` for all.
  public var kind: String?

  /// Makes a filter.
  ///
  /// - Parameters:
  ///   - namespace: Only events of this namespace.
  ///   - prefix: Only keys that begin so.
  ///   - kind: Only events of this kind.
  public init(namespace: Namespace? = nil, prefix: String = "", kind: String? = nil) {
    self.namespace = namespace
    self.prefix = prefix
    self.kind = kind
  }

  /// Whether an event is wanted.
  ///
  /// What took a whole namespace away (a clear, the deletion of a run
  /// or a bot) reaches every watcher of it, and with `below` those of every namespace below.
  ///
  /// - Parameter change: The event.
  /// - Returns: Whether it is wanted.
  public func matches(_ change: Change) -> Bool {
    let isSweeping = change.operation == "clear" || (change.operation == "delete" && change.below)
    if let namespace {
      let isHere = change.namespace.utf8.elementsEqual(namespace.text.utf8)
      let isAbove = change.below && namespace.text.utf8.starts(with: (change.namespace + ":").utf8)
      guard isHere || isAbove else { return false }
    }
    // Keys go with the run or bot above them, so who watches keys is told of that too.
    if isSweeping, kind == nil || kind == "kv" { return true }
    if let kind, change.kind != kind { return false }
    guard !prefix.isEmpty else { return true }
    return change.subject?.utf8.starts(with: prefix.utf8) ?? true
  }
}
