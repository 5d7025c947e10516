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
  /// How many circuits of providers stand in each state.
  public let circuits: Object
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
      let (rows, circuits) = try await readBody(.scan) { tx in
        (
          try tx.reading().all(HealthSQL.rows) { ($0.text(0), Value.integer($0.integer(1))) },
          try tx.providers.circuits()
        )
      }
      return StoreHealth(
        database: engine.database, migration: engine.migration, bytes: engine.bytes,
        rows: Object(rows), circuits: circuits, details: engine.details)
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
  /// - Parameter progress: Told of each step when it begins, on a thread of the store's; it must
  ///   not block.
  /// - Returns: What was found.
  /// - Throws: ``StoreError`` with `unavailable`, `closed`, and `corrupt` where the check itself
  ///   could not go on.
  public func verify(
    progress: @escaping @Sendable (VerificationStep) -> Void = { _ in }
  ) async throws(StoreError) -> Verification {
    try await observed(Self.verifyOperation) {
      let count = 1 + Consistency.steps.count
      let begins = { @Sendable (number: Int, title: String) in
        progress(VerificationStep(number: number, count: count, title: title))
      }
      begins(1, "Faults of the database itself")
      var problems = try await engine.verify()
      problems += try await readBody(.scan) { tx in
        var found: [String] = []
        for (place, step) in Consistency.steps.enumerated() {
          begins(place + 2, step.title)
          found += try step.find(tx)
        }
        return found
      }
      return Verification(problems: problems)
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
    UNION ALL SELECT 'session_contexts', (SELECT COUNT(*) FROM session_contexts)
    UNION ALL SELECT 'session_items', (
      SELECT CAST(COALESCE(SUM(item_count), 0) AS BIGINT) FROM session_contexts)
    UNION ALL SELECT 'thread_sessions', (SELECT COUNT(*) FROM thread_sessions)
    UNION ALL SELECT 'approvals', (SELECT COUNT(*) FROM approvals)
    UNION ALL SELECT 'approval_policies', (SELECT COUNT(*) FROM approval_policies)
    UNION ALL SELECT 'grants', (SELECT COUNT(*) FROM grants)
    UNION ALL SELECT 'dead_letters', (SELECT COUNT(*) FROM dead_letters)
    UNION ALL SELECT 'tasks', (SELECT COUNT(*) FROM tasks)
    UNION ALL SELECT 'task_steps', (SELECT COUNT(*) FROM task_steps)
    UNION ALL SELECT 'files', (SELECT COUNT(*) FROM files WHERE deleted_at IS NULL)
    UNION ALL SELECT 'file_versions', (SELECT COUNT(*) FROM file_versions)
    UNION ALL SELECT 'chunks', (SELECT COUNT(*) FROM chunks)
    UNION ALL SELECT 'tokens', (SELECT COUNT(*) FROM tokens WHERE revoked_at IS NULL)
    UNION ALL SELECT 'audit_log', (SELECT COUNT(*) FROM audit_log)
    UNION ALL SELECT 'changes', (SELECT COUNT(*) FROM changes)
    UNION ALL SELECT 'providers', (SELECT COUNT(*) FROM provider_health)
    UNION ALL SELECT 'idempotency', (SELECT COUNT(*) FROM idempotency)
    """)
}
