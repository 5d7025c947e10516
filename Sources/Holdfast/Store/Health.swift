public import HoldfastCore
import HoldfastEngine

/// What a store tells of itself.
public struct StoreHealth: Sendable {
  /// The database's name and version, such as `SQLite 3.40.1`.
  public let database: String
  /// The number of the newest migration that ran.
  public let migration: Int
  /// The size of the data in bytes, logs included.
  public let bytes: Int64
  /// The number of rows of each primitive.
  public let rows: Object
  /// What the engine adds: sizes of logs and pools, waits, retries, what holds the feed back.
  public let details: Object
}

/// What a check of the whole store found.
public struct Verification: Sendable, Equatable {
  /// One sentence a fault; empty when all is well.
  public let problems: [String]

  /// Whether nothing was found.
  public var isValid: Bool { problems.isEmpty }
}

/// A step of a check of the whole store, told when it begins.
public struct VerificationStep: Sendable, Equatable {
  /// Which step it is, from 1.
  public let number: Int
  /// How many there are; they take unlike long.
  public let count: Int
  /// What is looked for, in a few words.
  public let title: String
}

extension Store {
  private static let healthOperation = Operation("store.health", isWrite: false)
  private static let verifyOperation = Operation("store.verify", isWrite: false)

  /// The state of the store: sizes, versions, what is waiting.
  ///
  /// - Returns: The state. Counting rows costs a scan of each table's smallest index.
  /// - Throws: ``StoreError`` with `unavailable`, `closed`.
  public func health() async throws(StoreError) -> StoreHealth {
    try await observed(Self.healthOperation) {
      let engine = try await engine.health()
      let rows = try await readBody(.scan) { tx in
        try tx.reading().all(HealthSQL.rows) { ($0.text(0), Value.integer($0.integer(1))) }
      }
      return StoreHealth(
        database: engine.database, migration: engine.migration, bytes: engine.bytes,
        rows: Object(rows), details: engine.details)
    }
  }

  /// The size of the data in bytes, logs included.
  ///
  /// - Returns: The size.
  /// - Throws: ``StoreError`` with `unavailable`, `closed`.
  public func size() async throws(StoreError) -> Int64 { try await engine.health().bytes }

  /// Whether the store answers.
  ///
  /// - Throws: ``StoreError`` with `unavailable`, `closed`, `incompatible`.
  public func ping() async throws(StoreError) {
    _ = try await engine.read(Step(HealthSQL.ping))
  }

  /// Looks the whole store through: the database's own structures, and that rows fit each other.
  ///
  /// - Parameter progress: Told of each step when it begins, on a thread of the store's; it must not
  ///   block.
  /// - Returns: What was found.
  /// - Throws: ``StoreError`` with `unavailable`, `closed`, and `corrupt` where the check itself
  ///   could not go on.
  public func verify(
    progress: @escaping @Sendable (VerificationStep) -> Void = { _ in }
  ) async throws(StoreError) -> Verification {
    try await observed(Self.verifyOperation) {
      let count = 1 + Consistency.stepCount
      progress(VerificationStep(number: 1, count: count, title: "Faults of the database itself"))
      let structural = try await engine.verify()
      let found = try await readBody(.scan) { tx in
        try Consistency.check(tx.reading()) { number, title in
          progress(VerificationStep(number: 1 + number, count: count, title: title))
        }
      }
      return Verification(problems: structural + found)
    }
  }
}

private enum HealthSQL {
  static let ping = Statement("SELECT holdfast_now()")

  static let rows = Statement(
    """
    SELECT 'kv', (SELECT COUNT(*) FROM kv)
    UNION ALL SELECT 'namespaces', (SELECT COUNT(*) FROM namespaces WHERE cleared_at IS NULL)
    UNION ALL SELECT 'runs', (SELECT COUNT(*) FROM runs WHERE status <> 'deleted')
    UNION ALL SELECT 'bots', (SELECT COUNT(*) FROM bots)
    UNION ALL SELECT 'tokens', (SELECT COUNT(*) FROM tokens)
    UNION ALL SELECT 'changes', (SELECT COUNT(*) FROM changes)
    UNION ALL SELECT 'idempotency', (SELECT COUNT(*) FROM idempotency)
    """)
}
