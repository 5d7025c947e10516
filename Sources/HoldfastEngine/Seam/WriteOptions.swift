package import HoldfastCore

/// How long a write must last once it returned.
package enum Durability: Sendable {
  /// It survives the death of the process and of the machine.
  case durable
  /// It survives the death of the process, not of the machine.
  case relaxed
}

/// How a write runs.
package struct WriteOptions: Sendable {
  /// What the commit must survive.
  package var durability: Durability
  /// The numbers of rows that many writers may meet at (a counter, an idempotency key).
  ///
  /// On
  /// PostgreSQL the write queues at each, in the order of the numbers, before its transaction
  /// begins; SQLite has one writer and needs none.
  package var hotRows: [Int64]
  /// How the transaction is isolated on PostgreSQL.
  package var isolation: Isolation
  /// Whether the body, when it fails by a decision of its own, has written nothing yet.
  ///
  /// Only a hint: on SQLite such a body needs no savepoint, which costs a copy of each page that it
  /// writes. Where it fails all the same after it wrote, its group is run again.
  package var decidesFirst: Bool

  /// The isolation of a write on PostgreSQL; SQLite has one writer and is always serializable.
  package enum Isolation: Sendable {
    /// What every operation uses.
    case serializable
    /// Only for upkeep's sweeps that decide by the row that they delete, and by nothing else.
    case readCommitted
  }

  package init(
    durability: Durability = .durable, hotRows: [Int64] = [],
    isolation: Isolation = .serializable, decidesFirst: Bool = false
  ) {
    self.durability = durability
    self.hotRows = hotRows
    self.isolation = isolation
    self.decidesFirst = decidesFirst
  }
}

/// How a read runs.
package enum ReadKind: Sendable {
  /// A few rows by key: runs where it is called.
  case point
  /// Many rows, or a body of the user's: runs on a thread of its own, never on the cooperative
  /// pool.
  case scan
}

extension StoreError {
  /// The answer to a write whose task was cancelled before the write began.
  package static let cancelled = StoreError(
    .unavailable, "The call was cancelled before it began; nothing was written.",
    cause: CancellationError())
}
