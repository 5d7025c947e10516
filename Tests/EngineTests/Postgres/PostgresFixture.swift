import CSchema
import HoldfastCore
import HoldfastTesting
import Testing

@testable import HoldfastEngine

/// The store's own migrations, as every engine gets them.
let storeMigrations: [Migration] = (1...Int(holdfast_migration_count())).map { number in
  func text(_ pointer: UnsafePointer<CChar>?) -> String {
    pointer.map { String(cString: $0) } ?? ""
  }
  return Migration(
    number: number, name: text(holdfast_migration_name(Int32(number))),
    sqlite: text(holdfast_migration_sqlite(Int32(number))),
    postgres: text(holdfast_migration_postgres(Int32(number))))
}

/// A store in a schema of its own, and the engines that tests open on it.
struct PostgresFixture {
  let server: PrivatePostgres
  let url: String

  init() async throws { try await self.init(on: PrivatePostgres.shared) }

  /// A store on a server that the test has started for itself.
  init(on server: PrivatePostgres) async throws {
    self.server = server
    url = try await server.freshURL()
  }

  /// Opens an engine on the store.
  ///
  /// - Parameter configure: Changes the options.
  /// - Returns: The engine.
  /// - Throws: What opening throws.
  func open(_ configure: (inout EngineOptions) -> Void = { _ in }) async throws -> PostgresEngine {
    // Bounds that a busy machine does not reach; a test that is about one sets its own.
    var options = EngineOptions()
    options.busyWaitMax = .seconds(60)
    options.retryTimeMax = .seconds(60)
    options.bodyTimeMax = .seconds(60)
    configure(&options)
    return try await PostgresEngine.open(
      url: url, options: options, migrations: storeMigrations)
  }
}

/// The statements of the tests: keys of one namespace, and their events.
enum PostgresSQL {
  static let put = Statement(
    """
    INSERT INTO kv (namespace_id, key, version, created_at, updated_at, value)
    VALUES (1, $1, holdfast_revision(), holdfast_now(), holdfast_now(), $2)
    ON CONFLICT (namespace_id, key) DO UPDATE
    SET version = excluded.version, updated_at = excluded.updated_at, value = excluded.value
    """)
  static let event = Statement(
    """
    INSERT INTO changes (revision, kind, namespace, subject, operation, at)
    VALUES (holdfast_revision(), 'kv', 'test', $1, 'put', holdfast_now())
    """)
  static let get = Statement("SELECT value FROM kv WHERE namespace_id = 1 AND key = $1")
  static let version = Statement("SELECT version FROM kv WHERE namespace_id = 1 AND key = $1")
  static let count = Statement("SELECT COUNT(*) FROM kv")
  static let add = Statement(
    """
    UPDATE kv SET value = CAST(CAST(value AS BIGINT) + $2 AS TEXT), version = holdfast_revision()
    WHERE namespace_id = 1 AND key = $1
    """)
  static let divideByZero = Statement("SELECT 1 / CAST($1 AS BIGINT)")
  static let wait = Statement("SELECT pg_sleep(CAST($1 AS DOUBLE PRECISION))")

  /// A put as Holdfast does it: the entry and its event.
  static func steps(_ key: String, _ value: String) -> [Step] {
    [Step(put, [.text(key), .text(value)]), Step(event, [.text(key)])]
  }
}

extension PostgresEngine {
  /// The value of a key.
  func value(_ key: String) async throws -> String? {
    try await read(Step(PostgresSQL.get, [.text(key)])).rows.first?[0].text
  }
}

/// Expects a ``StoreError`` with one code.
///
/// - Returns: The error, for a closer look.
@discardableResult
func expectError<Result>(
  _ code: StoreError.Code, sourceLocation: SourceLocation = #_sourceLocation,
  _ work: () async throws -> Result
) async -> StoreError? {
  do {
    _ = try await work()
    Issue.record("nothing was thrown, not \(code)", sourceLocation: sourceLocation)
  } catch let error as StoreError {
    #expect(error.code == code, "\(error)", sourceLocation: sourceLocation)
    return error
  } catch {
    Issue.record(error, "not a StoreError", sourceLocation: sourceLocation)
  }
  return nil
}
