import HoldfastCore

/// What a connection says about where it leads.
struct StoreIdentity: Sendable, Equatable {
  /// The schema that the store lies in: the first of the search path that exists.
  let schema: String
  /// Its number in this database; it names the store in locks and channels.
  let schemaNumber: Int64
  /// Cluster, database and schema: another one than the store remembers means that the data was
  /// carried over.
  let origin: String
  /// PostgreSQL's timeline, which a promotion moves on.
  let timeline: Int64
  /// Such as `15.18`.
  let serverVersion: String

  /// The second half of the key of the lock that every session of this store holds shared.
  var lockNumber: Int32 { Int32(truncatingIfNeeded: schemaNumber) }

  /// Makes the numbers of this store's locks other ones than every other store's of the database.
  var salt: Int64 { schemaNumber &* 0x1E37_79B9_7F4A_7C15 &+ 0x484F_4C44 }

  /// The number of the first of the store's 64 doors, as locks; the last six bits are free.
  var doors: Int64 { (salt ^ 0x646F_6F72_7300_0000) & ~63 }

  /// Where commits of this store are announced.
  var channel: String { "holdfast_\(schemaNumber)" }

  /// The name in `meta` under which the begin of a timeline is noted.
  static func timelineName(_ timeline: Int64) -> String { "feed.timeline.\(timeline)" }
}

/// Makes a fresh connection into one of this store's sessions.
///
/// It blocks, like ``Connecting``.
///
/// Every session holds a shared advisory lock from here to its end. The lock does two things: a
/// migration takes it exclusively, so nobody writes in the meantime; and it marks this store's
/// writers for the reader of the feed, which must not pass an open transaction of theirs. So it has
/// to be held before the first statement that writes.
struct SessionOpener: Sendable {
  let connecting: Connecting
  let options: EngineOptions

  /// The first half of the lock's key: "HOLD".
  static let lockClass: Int32 = 0x484F_4C44

  /// Opens a connection, sets it up and asks where it leads.
  ///
  /// - Returns: The session, without the store's lock, and its identity.
  /// - Throws: As ``Connecting/open()``, and `not_found` where the search path names no schema.
  func begin() throws(StoreError) -> (Session, StoreIdentity) {
    let session = try connecting.open()
    var pipeline = Pipeline()
    let milliseconds = [
      Wire.statementTimeMax, options.busyWaitMax, max(options.bodyTimeMax * 2, .seconds(30)),
    ].map { Bound.text(String($0.microseconds / 1_000)) }
    let settings = pipeline.add(Self.settings, milliseconds)
    let identity = pipeline.add(Self.identity)
    pipeline.sync()
    let answer = session.run(pipeline)
    _ = try answer.result(settings)
    let found = try answer.result(identity).withRow { row throws(StoreError) in try read(row) }
    return (session, found)
  }

  /// Does the same for a store that is open already.
  ///
  /// Its callers may be anybody's clients: they learn that the database cannot be reached, but not
  /// where it is nor as whom it was asked, and are not told to sign in themselves. What failed is
  /// the cause, for the log of whoever owns the store.
  ///
  /// - Returns: The session, without the store's lock, and its identity.
  /// - Throws: `incompatible` and `exhausted` where ``begin()`` does, else `unavailable`.
  func beginAgain() throws(StoreError) -> (Session, StoreIdentity) {
    do throws(StoreError) {
      return try begin()
    } catch {
      let isTelling = error.code == .incompatible || error.code == .exhausted
      throw StoreError(
        isTelling ? error.code : .unavailable, "The database takes no connections now.",
        details: error.details["sqlstate"].map { ["sqlstate": $0] } ?? [:], cause: error)
    }
  }

  private func read(_ row: Row) throws(StoreError) -> StoreIdentity {
    guard let timeline = row.optionalText(4), let number = Int64(timeline, radix: 16) else {
      throw DatabaseFailure(state: "25006").storeError
    }
    guard let schema = row.optionalText(0) else {
      throw StoreError(
        .notFound, "No schema of the search path exists in \(connecting.target.shown).",
        hint: "Create the schema, or correct the search path in the URL.")
    }
    return StoreIdentity(
      schema: schema, schemaNumber: row.integer(1),
      origin: "\(row.text(3)).\(row.integer(2)).\(row.integer(1))", timeline: number,
      serverVersion: String(row.text(5).prefix { $0 != " " }))
  }

  /// Takes the store's lock for a session, and makes sure that it still is the store that was
  /// opened.
  ///
  /// - Parameters:
  ///   - session: A session from ``begin()``.
  ///   - identity: What it said.
  ///   - schemaNumber: The number of the store's schema when it was opened.
  ///   - migration: The newest migration that this program knows.
  /// - Throws: `unavailable` while a migration runs, `incompatible` after a newer one ran or where
  ///   the connection leads elsewhere.
  func join(
    _ session: Session, _ identity: StoreIdentity, schemaNumber: Int64, migration: Int
  ) throws(StoreError) {
    guard identity.schemaNumber == schemaNumber else {
      throw StoreError(
        .incompatible, "The search path leads to another schema than when the store was opened.",
        hint: "Open the store again.")
    }
    var pipeline = Pipeline()
    let lock = pipeline.add(Self.lockShared, Self.lockKey(identity))
    pipeline.add(Self.setDoors, [.text(String(identity.doors))])
    pipeline.sync()
    let state = pipeline.add(
      Self.state, [.text(StoreIdentity.timelineName(identity.timeline))])
    pipeline.sync()
    let answer = session.run(pipeline)
    _ = try answer.result(lock)
    let (newest, isNoted) = try answer.result(state).withRow { ($0.integer(0), $0.text(1) == "t") }
    guard newest == Int64(migration) else {
      throw StoreError(
        .incompatible,
        "The store was migrated to \(newest), this program knows \(migration).",
        hint: "Run the newest version of Holdfast everywhere.")
    }
    if !isNoted { try note(identity.timeline, session) }
  }

  /// The parameters of a statement about the store's lock.
  static func lockKey(_ identity: StoreIdentity) -> [Bound] {
    [.integer(Int64(lockClass)), .integer(Int64(identity.lockNumber))]
  }

  /// Notes where a new timeline begins, before anybody of this store writes there: every session
  /// comes by here first, and the first one's note stays.
  private func note(_ timeline: Int64, _ session: Session) throws(StoreError) {
    var pipeline = Pipeline()
    let noted = pipeline.add(Self.note, [.text(StoreIdentity.timelineName(timeline))])
    pipeline.sync()
    let answer = session.run(pipeline)
    // Of two that note at once one may be told to try again; the other's note is as good.
    if let failure = answer.failure, failure.isRetryable { return }
    _ = try answer.result(noted)
  }

  /// Sequential and bitmap scans are off because the serializable level locks what was scanned: on
  /// a small table that is the whole of it, and unrelated transactions fail.
  private static let settings = Statement(
    sqlite: "",
    postgres: """
      SELECT
        set_config('default_transaction_isolation', 'serializable', false),
        set_config('default_transaction_read_only', 'off', false),
        set_config('default_transaction_deferrable', 'off', false),
        set_config('synchronous_commit',
          CASE current_setting('synchronous_commit')
            WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, false),
        set_config('enable_seqscan', 'off', false),
        set_config('enable_bitmapscan', 'off', false),
        set_config('jit', 'off', false),
        set_config('TimeZone', 'UTC', false),
        set_config('bytea_output', 'hex', false),
        set_config('client_min_messages', 'warning', false),
        set_config('statement_timeout', $1, false),
        set_config('lock_timeout', $2, false),
        set_config('idle_in_transaction_session_timeout', $3, false)
      """)

  private static let identity = Statement(
    sqlite: "",
    postgres: """
      SELECT
        current_schema(),
        (SELECT oid FROM pg_namespace WHERE nspname = current_schema())::BIGINT,
        (SELECT oid FROM pg_database WHERE datname = current_database())::BIGINT,
        (SELECT system_identifier FROM pg_control_system())::TEXT,
        CASE WHEN pg_is_in_recovery() THEN NULL
          ELSE substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) END,
        current_setting('server_version')
      """)

  private static let lockShared = Statement(
    sqlite: "", postgres: "SELECT pg_advisory_lock_shared($1::INTEGER, $2::INTEGER)")

  /// Where statements find the numbers of the store's doors.
  private static let setDoors = Statement(
    sqlite: "", postgres: "SELECT set_config('holdfast.doors', $1, false)")

  private static let state = Statement(
    sqlite: "",
    postgres: """
      SELECT
        (SELECT COALESCE(MAX(substr(name, 11)::INTEGER), 0) FROM meta
          WHERE name LIKE 'migration.%'),
        EXISTS (SELECT 1 FROM meta WHERE name = $1)
      """)

  private static let note = Statement(
    sqlite: "",
    postgres: """
      INSERT INTO meta (name, value)
      VALUES ($1, pg_snapshot_xmax(pg_current_snapshot())::TEXT)
      ON CONFLICT (name) DO NOTHING
      """)
}
