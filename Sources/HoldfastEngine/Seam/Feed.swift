package import HoldfastCore

/// One event of the change feed, as the table `changes` holds it.
package struct FeedEvent: Sendable {
  /// The place of exactly this event.
  package let cursor: FeedCursor
  /// The revision of the transaction that made it.
  package let revision: Int64
  /// What kind of thing changed, such as `kv` or `run`.
  package let kind: String
  /// The namespace that decides who may see the event.
  package let namespace: String
  /// The key or the id; `nil` for what concerns the whole namespace, such as a clear.
  package let subject: String?
  /// What happened: `put`, `delete`, `clear`, `expired`, or the verb of a state machine.
  package let operation: String
  /// Whether it also concerns every namespace below.
  package let below: Bool
  /// The store's time of the transaction.
  package let time: Instant

  package init(
    cursor: FeedCursor, revision: Int64, kind: String, namespace: String, subject: String?,
    operation: String, below: Bool, time: Instant
  ) {
    self.cursor = cursor
    self.revision = revision
    self.kind = kind
    self.namespace = namespace
    self.subject = subject
    self.operation = operation
    self.below = below
    self.time = time
  }
}

/// Events in order, and the place behind the last one that was looked at.
package struct FeedPage: Sendable {
  package let events: [FeedEvent]
  package let next: FeedCursor
  /// Whether something committed later is waiting for an older transaction to end (PostgreSQL), so
  /// that a watcher has to look again by itself.
  package let heldBack: Bool

  package init(events: [FeedEvent], next: FeedCursor, heldBack: Bool) {
    self.events = events
    self.next = next
    self.heldBack = heldBack
  }
}

/// A place in the change feed: opaque outside, and bound to one incarnation of one store.
///
/// On SQLite `position` is the number of a row of `changes` and `place` is 0. On PostgreSQL it is a
/// transaction id, and `place` the number of the row: transactions are read whole, in the order of
/// their ids. `timeline` is PostgreSQL's timeline when the cursor was made, 0 on SQLite.
package struct FeedCursor: Hashable, Sendable {
  package let incarnation: String
  package let timeline: Int64
  package let position: Int64
  package let place: Int64

  package init(incarnation: String, timeline: Int64, position: Int64, place: Int64) {
    self.incarnation = incarnation
    self.timeline = timeline
    self.position = position
    self.place = place
  }

  /// The cursor as it goes over the wire.
  package var token: String {
    [
      incarnation, String(timeline, radix: 36), String(position, radix: 36),
      String(place, radix: 36),
    ]
    .joined(separator: ".")
  }

  /// Reads a cursor back.
  ///
  /// - Parameter token: What ``token`` gave.
  /// - Throws: `invalid` for anything else.
  package init(token: String) throws(StoreError) {
    let parts = token.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 4, !parts[0].isEmpty, token.utf8.count <= 200,
      let timeline = Int64(parts[1], radix: 36), let position = Int64(parts[2], radix: 36),
      let place = Int64(parts[3], radix: 36), timeline >= 0, position >= 0, place >= 0
    else {
      throw StoreError(
        .invalid, "The cursor is not one that this store gave.",
        hint: "Begin without a cursor, or send one exactly as it came.")
    }
    self.init(
      incarnation: String(parts[0]), timeline: timeline, position: position, place: place)
  }
}

extension FeedCursor: Comparable {
  /// Whether one place of a history lies before another of the same history.
  package static func < (left: FeedCursor, right: FeedCursor) -> Bool {
    (left.position, left.place) < (right.position, right.place)
  }
}
