package import HoldfastCore
import NIOConcurrencyHelpers

// What the engine tells of itself and of the server.

extension PostgresEngine {
  package func health() async throws(StoreError) -> EngineHealth {
    let database = try await read(Step(HealthSQL.database))
    let held = try await read(
      Step(HealthSQL.oldestWriter, SessionOpener.lockKey(identity)))
    let census = pool.census
    var details: Object = [
      "schema": .string(identity.schema), "timeline": .integer(identity.timeline),
      "pool": [
        "connections": .integer(Int64(census.live)), "idle": .integer(Int64(census.idle)),
        "busy": .integer(Int64(census.live - census.idle)),
        "waiting": .integer(Int64(census.waiting)), "opened": .integer(Int64(census.opened)),
      ],
      "retries": .integer(Int64(retries.withLockedValue(\.self))),
      "listening": .bool(notifier.isListening),
      "database_bytes": .integer(database.rows.first?[2].integer ?? 0),
      "fsync": .bool(database.rows.first?[3].integer == 1),
    ]
    if let oldest = held.rows.first, let process = oldest[0].integer {
      details["feed_held_by"] = [
        "process": .integer(process), "program": .string(oldest[1].text ?? ""),
        "milliseconds": .integer(oldest[2].integer ?? 0),
      ]
    }
    return EngineHealth(
      database: "PostgreSQL \(database.rows.first?[0].text ?? identity.serverVersion)",
      migration: migration, bytes: database.rows.first?[1].integer ?? 0, details: details)
  }

  /// Raises the floor of the store's time, so that it never goes back with the database's clock.
  package func maintain() async throws(StoreError) {
    _ = try await write(WriteOptions(isolation: .readCommitted), [Step(Self.raiseFloor)])
  }

  /// A sequence, so that no row is written and no two nodes meet.
  private static let raiseFloor = Statement(
    sqlite: "SELECT 1",
    postgres: """
      SELECT setval('holdfast_time_floor', holdfast_now())
      FROM holdfast_time_floor
      WHERE last_value < holdfast_now()
      """)

  package func verify() async throws(StoreError) -> [String] {
    do {
      return try await read(.scan) { connection in
        try Verification(connection: connection).run()
      }
    } catch let error as StoreError {
      // Damage is what verify looks for, so it is a finding and no failure.
      guard error.code == .corrupt else { throw error }
      return [error.message]
    } catch {
      throw StoreError(.internal, "The verification failed.", cause: error)
    }
  }
}

/// Looks through the tables and indexes of a store.
private struct Verification {
  let connection: any Connection

  func run() throws -> [String] {
    try connection.run(HealthSQL.noTimeLimit, [])
    var faults: [String] = []
    try connection.forEachRow(HealthSQL.brokenIndexes, []) { row in
      faults.append("The index \(row.text(0)) is not valid.")
    }
    try connection.run(HealthSQL.readEverything, [])
    if try connection.row(HealthSQL.canCheckIndexes, [], { $0.text(0) == "t" }) == true {
      try connection.run(HealthSQL.checkIndexes, [])
    }
    return faults
  }
}

/// The statements of health and verification.
private enum HealthSQL {
  static let database = Statement(
    sqlite: "",
    postgres: """
      SELECT
        current_setting('server_version'),
        (SELECT COALESCE(SUM(pg_total_relation_size(c.oid)), 0)::BIGINT
          FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
          WHERE n.nspname = current_schema() AND c.relkind = 'r'),
        pg_database_size(current_database()),
        current_setting('fsync') = 'on'
      """)

  /// The oldest open transaction of this store's writers that has an id: the feed waits for it.
  static let oldestWriter = Statement(
    sqlite: "",
    postgres: """
      SELECT a.pid, a.application_name,
        (EXTRACT(EPOCH FROM clock_timestamp() - a.xact_start) * 1000)::BIGINT
      FROM pg_locks AS l JOIN pg_stat_activity AS a ON a.pid = l.pid
      WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2
        AND l.classid = $1::INTEGER::OID AND l.objid = $2::INTEGER::OID
        AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND a.backend_xid IS NOT NULL
      ORDER BY a.xact_start
      LIMIT 1
      """)

  static let noTimeLimit = Statement(sqlite: "", postgres: "SET LOCAL statement_timeout = 0")

  static let brokenIndexes = Statement(
    sqlite: "",
    postgres: """
      SELECT c.relname
      FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
        JOIN pg_namespace AS n ON n.oid = c.relnamespace
      WHERE n.nspname = current_schema() AND NOT (i.indisvalid AND i.indisready)
      """)

  /// Reads every row of every table, so that the server checks its pages.
  static let readEverything = Statement(
    sqlite: "",
    postgres: """
      DO $holdfast$
      DECLARE
        place RECORD;
      BEGIN
        FOR place IN
          SELECT c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
          WHERE n.nspname = current_schema() AND c.relkind = 'r'
        LOOP
          EXECUTE format('SELECT COUNT(*) FROM %I AS t WHERE t IS NOT NULL', place.relname);
        END LOOP;
      END $holdfast$
      """)

  static let canCheckIndexes = Statement(
    sqlite: "",
    postgres: """
      SELECT EXISTS (SELECT 1 FROM pg_extension WHERE extname = 'amcheck')
        AND current_setting('is_superuser') = 'on'
      """)

  static let checkIndexes = Statement(
    sqlite: "",
    postgres: """
      SELECT bt_index_check(i.indexrelid)
      FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
        JOIN pg_namespace AS n ON n.oid = c.relnamespace JOIN pg_am AS m ON m.oid = c.relam
      WHERE n.nspname = current_schema() AND m.amname = 'btree'
      """)
}
