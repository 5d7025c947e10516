package import HoldfastCore

/// A database that keeps Holdfast's promise: serializable transactions on SQL text, one feed of
/// changes, and wake-ups when somebody committed.
///
/// It knows nothing of agents. Two engines exist, ``SQLiteEngine`` and ``PostgresEngine``; both
/// give the same answers, and the conformance suite runs every case on each.
package protocol Engine: AnyObject, Sendable {
  /// Which database this is.
  var dialect: Dialect { get }

  /// Runs a body on one consistent snapshot.
  ///
  /// - Parameters:
  ///   - kind: Whether the body is short enough to run where it is called.
  ///   - body: Reads, and returns what it found; it may run more than once.
  /// - Returns: What the body returned.
  /// - Throws: What the body threw, unchanged, or a ``StoreError`` of the engine's.
  func read<Result: Sendable>(
    _ kind: ReadKind, _ body: @escaping @Sendable (any Connection) throws -> Result
  ) async throws -> Result

  /// Runs one statement on a snapshot of its own: one round trip on PostgreSQL.
  ///
  /// - Parameter step: A statement that only reads.
  /// - Returns: What it gave.
  /// - Throws: What the database says, as a ``StoreError``.
  func read(_ step: Step) async throws(StoreError) -> StepResult

  /// Reads through the map of hot entries, where the engine has one.
  ///
  /// The map holds under one state of the database: it is emptied as soon as any process committed.
  /// What is found must therefore depend on the database alone; expiry is the caller's to check.
  ///
  /// - Parameters:
  ///   - key: Under what the map keeps it.
  ///   - step: Reads it when the map does not have it.
  ///   - make: Makes the entry, with its size in bytes, from the step's result; `nil` stands for
  ///     "not there" and is kept too.
  /// - Returns: The entry.
  /// - Throws: What the database says, as a ``StoreError``.
  func readHot<Entry: AnyObject & Sendable>(
    _ key: HotKey, _ step: Step,
    _ make: @Sendable (StepResult) throws(StoreError) -> (entry: Entry, size: Int)?
  ) async throws(StoreError) -> Entry?

  /// Runs a body as one serializable transaction, and returns when it is committed.
  ///
  /// The body may run more than once (a serialization failure, a group that lost its room) and must
  /// have no other effects. If it throws, nothing of it is kept and what it threw is rethrown.
  ///
  /// - Parameters:
  ///   - options: How it runs.
  ///   - body: Reads and writes, and returns what it found.
  /// - Returns: What the body returned in the run that was committed.
  /// - Throws: What the database says, as a ``StoreError``.
  func write<Result: Sendable>(
    _ options: WriteOptions, _ body: @escaping @Sendable (any Connection) throws -> Result
  ) async throws -> Result

  /// Runs statements that are known beforehand as one transaction: one round trip on PostgreSQL.
  ///
  /// - Parameters:
  ///   - options: How it runs.
  ///   - steps: The statements with their parameters.
  /// - Returns: One result a step.
  /// - Throws: What the database says, as a ``StoreError``.
  func write(_ options: WriteOptions, _ steps: [Step]) async throws(StoreError) -> [StepResult]

  /// The place in the feed behind everything that is visible now.
  func feedEnd() async throws(StoreError) -> FeedCursor

  /// The events after a place in the feed, in the feed's order; an empty page has a cursor too.
  ///
  /// - Parameters:
  ///   - cursor: Where to go on.
  ///   - limit: At most this many events.
  /// - Returns: The events and the place behind them.
  /// - Throws: `trimmed` where what comes after the cursor is no longer kept whole, or where the cursor
  ///   belongs to another history: another store's, or this one's before it was restored.
  func feed(after cursor: FeedCursor, limit: Int) async throws(StoreError) -> FeedPage

  /// Calls back, soon, whenever something may have been committed, in this process or another.
  ///
  /// The callback runs on a thread of the engine's and must return at once. Calls may be joined or
  /// come for nothing; after a commit by whomever at least one comes.
  ///
  /// - Parameter callback: What to call.
  /// - Returns: What ends the calls when it is given to ``unsubscribe(_:)``.
  func subscribe(_ callback: @escaping @Sendable () -> Void) -> Subscription

  /// Ends the calls of a subscription.
  ///
  /// - Parameter subscription: What ``subscribe(_:)`` gave.
  func unsubscribe(_ subscription: Subscription)

  /// The state of the database: size, versions, what is waiting.
  func health() async throws(StoreError) -> EngineHealth

  /// Looks the database's own structures through (integrity check, foreign keys).
  ///
  /// - Returns: One sentence a fault; empty when all is well.
  func verify() async throws(StoreError) -> [String]

  /// Does what the database itself needs from time to time: gives back the space that removed rows
  /// left (SQLite), raises the floor of the store's time (PostgreSQL).
  ///
  /// Whoever does the upkeep calls it, about once a second while somebody writes.
  ///
  /// - Throws: What the database says, as a ``StoreError``.
  func maintain() async throws(StoreError)

  /// Finishes what was accepted, then lets go of everything. Later calls throw `closed`.
  func close() async
}

/// Identifies one subscription of an engine.
package struct Subscription: Hashable, Sendable {
  package let number: Int

  package init(number: Int) { self.number = number }
}

/// Under what the map of hot entries keeps an entry.
package struct HotKey: Hashable, Sendable {
  package let space: Bytewise
  package let name: Bytewise

  package init(space: String, name: String) {
    self.space = Bytewise(space)
    self.name = Bytewise(name)
  }
}

/// What an engine tells of itself.
package struct EngineHealth: Sendable {
  /// The database's name and version, such as `SQLite 3.40.1`.
  package var database: String
  /// The number of the newest migration that ran.
  package var migration: Int
  /// The size of the data in bytes, logs included.
  package var bytes: Int64
  /// What else the engine wants to say: log size, pool use, who holds back the feed.
  package var details: Object

  package init(database: String, migration: Int, bytes: Int64, details: Object) {
    self.database = database
    self.migration = migration
    self.bytes = bytes
    self.details = details
  }
}
