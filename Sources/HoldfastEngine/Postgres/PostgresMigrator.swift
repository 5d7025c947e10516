import HoldfastCore

/// Brings the schema of a store up to what this program knows.
///
/// It also makes sure that the store knows which incarnation of itself it is. It blocks, and has the
/// session for itself.
///
/// Invariants: a migration runs under the store's exclusive lock, in a transaction of its own together
/// with its row in `meta`; a migration that ran never changes, or the store is refused.
struct PostgresMigrator {
  let session: Session
  let identity: StoreIdentity
  let options: EngineOptions
  let migrations: [Migration]

  /// How long the text of one migration may run.
  private static let patience = Duration.seconds(3_600)

  /// Migrates where that is needed and allowed.
  ///
  /// - Throws: `incompatible` for a store that is newer, other than expected, or older while
  ///   migrating is not allowed; `unavailable` where others hold the store for too long; `not_found`
  ///   for an empty schema where none may be created.
  func run() throws(StoreError) {
    let missing = try pending()
    if !missing.isEmpty { try checkAllowed(missing) }
    if missing.isEmpty {
      let begins = try needsIncarnation()
      guard begins else { return }
    }
    try lock()
    // Another process may have been faster.
    for migration in try pending() { try run(migration) }
    if try needsIncarnation() {
      try Incarnation(session: session, identity: identity, options: options).begin()
    }
    let unlocked = session.run(Self.pipeline(Self.unlock, SessionOpener.lockKey(identity)))
    _ = try unlocked.result(0)
  }

  private func checkAllowed(_ missing: [Migration]) throws(StoreError) {
    if missing.count == migrations.count, !options.createsMissing {
      throw StoreError(
        .notFound, "The schema \(identity.schema) holds no store.",
        hint: "Correct the URL, or create the store.")
    }
    guard options.migratesByItself else {
      throw StoreError(
        .incompatible, "The store lacks \(missing.count) migrations.",
        hint: "Run holdfast migrate.")
    }
  }

  // MARK: What ran already

  /// The migrations that have not run yet.
  ///
  /// - Throws: `incompatible` for a store from a newer program, or one whose migrations were others.
  func pending() throws(StoreError) -> [Migration] {
    let recorded = try metadata(like: "migration.%")
    var ran: Set<Int> = []
    for (name, checksum) in recorded {
      let number = Int(name.dropFirst("migration.".count)) ?? 0
      guard let migration = migrations.first(where: { $0.number == number }) else {
        throw StoreError(
          .incompatible, "The store was written by a newer version of Holdfast.",
          hint: "Run the newest version of Holdfast.",
          details: ["migration": .integer(Int64(number))])
      }
      guard checksum == migration.checksum(for: .postgres) else {
        throw StoreError(
          .incompatible, "Migration \(number) of this store is not the one this program knows.",
          hint: "Run the version of Holdfast that made the store.")
      }
      ran.insert(number)
    }
    return migrations.filter { !ran.contains($0.number) }
  }

  private func needsIncarnation() throws(StoreError) -> Bool {
    try metadata(like: "feed.origin")["feed.origin"] != identity.origin
  }

  /// Rows of `meta`, where this very schema has that table.
  private func metadata(like pattern: String) throws(StoreError) -> [String: String] {
    let answer = session.run(Self.pipeline(Self.metaExists, [.integer(identity.schemaNumber)]))
    let exists = try answer.result(0).withRow { $0.text(0) == "t" }
    guard exists else { return [:] }
    let rows = try session.run(Self.pipeline(Self.meta, [.text(pattern)])).result(0)
    var found: [String: String] = [:]
    for (name, value) in rows.map({ ($0.text(0), $0.text(1)) }) { found[name] = value }
    return found
  }

  // MARK: Running

  private func run(_ migration: Migration) throws(StoreError) {
    do throws(StoreError) {
      try session.run(
        script: "BEGIN; SET LOCAL statement_timeout = 0;\n" + migration.postgres,
        patience: Self.patience)
      let record: [Bound] = [
        .text("migration.\(migration.number)"), .text(migration.checksum(for: .postgres)),
      ]
      _ = try session.run(Self.pipeline(Self.record, record)).result(0)
      if let probe = options.probe { try probe(.migration) }
      try session.run(script: "COMMIT", patience: Self.patience)
    } catch {
      try? session.run(script: "ROLLBACK", patience: Wire.patience)
      throw explained(error, migration)
    }
  }

  private func explained(_ error: StoreError, _ migration: Migration) -> StoreError {
    guard let failure = error.cause as? DatabaseFailure, failure.state == "42P07" else {
      return error.adding("migration", .integer(Int64(migration.number)))
    }
    return StoreError(
      .incompatible,
      "The schema \(identity.schema) already holds a table that Holdfast needs for itself.",
      hint: "Give the store a schema of its own.", cause: failure)
  }

  /// Takes the store's lock exclusively: every other session of every process holds it shared.
  private func lock() throws(StoreError) {
    let key = SessionOpener.lockKey(identity)
    let answer = session.run(Self.pipeline(Self.lock, key))
    guard let failure = answer.failure else { return }
    guard failure.state == "55P03" else { throw failure.storeError }
    let holders = try session.run(Self.pipeline(Self.holders, key)).result(0)
    let names = holders.map { $0.text(0) }
    throw StoreError(
      .unavailable,
      "The store cannot be migrated while others use it: \(names.joined(separator: ", ")).",
      hint: "Stop them, then try again.")
  }

  private static func pipeline(_ statement: Statement, _ bindings: [Bound]) -> Pipeline {
    var pipeline = Pipeline()
    pipeline.add(statement, bindings)
    pipeline.sync()
    return pipeline
  }

  private static let metaExists = Statement(
    sqlite: "",
    postgres: """
      SELECT EXISTS (
        SELECT 1 FROM pg_class
        WHERE relname = 'meta' AND relkind = 'r' AND relnamespace = $1::BIGINT::OID)
      """)

  private static let meta = Statement(
    sqlite: "", postgres: "SELECT name, value FROM meta WHERE name LIKE $1")

  private static let record = Statement(
    sqlite: "", postgres: "INSERT INTO meta (name, value) VALUES ($1, $2)")

  private static let lock = Statement(
    sqlite: "", postgres: "SELECT pg_advisory_lock($1::INTEGER, $2::INTEGER)")

  private static let unlock = Statement(
    sqlite: "", postgres: "SELECT pg_advisory_unlock($1::INTEGER, $2::INTEGER)")

  /// Who holds the store's lock, once a program and address.
  private static let holders = Statement(
    sqlite: "",
    postgres: """
      SELECT DISTINCT concat(
        COALESCE(NULLIF(a.application_name, ''), 'a program'), ' (process ', l.pid,
        ', ', COALESCE(host(a.client_addr), 'local'), ')')
      FROM pg_locks AS l LEFT JOIN pg_stat_activity AS a ON a.pid = l.pid
      WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2
        AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND l.classid = $1::INTEGER::OID AND l.objid = $2::INTEGER::OID
      LIMIT 10
      """)
}
