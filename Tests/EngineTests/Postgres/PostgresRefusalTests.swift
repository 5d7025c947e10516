import HoldfastCore
import HoldfastTesting
import Testing

@testable import HoldfastEngine

/// What the engine says when the server or the schema is not as it was, or not as it must be.
@Suite struct PostgresRefusalTests {
  /// Ends the sessions of one engine, as an operator does, and waits until they are gone.
  private func endSessions(_ name: String) async throws {
    try await PrivatePostgres.shared.run(
      "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity "
        + "WHERE application_name = '\(name)'")
  }

  private func open(
    _ url: String, _ change: (inout EngineOptions) -> Void = { _ in }
  ) async throws -> PostgresEngine {
    var options = EngineOptions()
    options.poolConnectionsMax = 1
    change(&options)
    return try await PostgresEngine.open(
      url: url, options: options, migrations: storeMigrations)
  }

  /// Goal: a writer that waits too long behind a hot row is told so, and keeps nobody waiting.
  ///
  /// Method: the first of two rows is held at a gate, the second is free; the waiting is cut short.
  @Test func `a writer that waits too long for a hot row is unavailable`() async throws {
    let engine = try await PostgresFixture().open { $0.busyWaitMax = .milliseconds(50) }
    let gate = Gate()
    async let held: Void = engine.write(WriteOptions(hotRows: [2])) { connection in
      gate.wait()
      _ = try connection.run(PostgresSQL.steps("held", "x"))
    }
    await gate.visited()
    let error = await expectError(.unavailable) {
      try await engine.write(WriteOptions(hotRows: [1, 2, 3]), PostgresSQL.steps("late", "x"))
    }
    #expect(error?.hint.contains("nothing was written") == true)
    gate.open()
    try await held
    _ = try await engine.write(WriteOptions(hotRows: [1, 2, 3]), PostgresSQL.steps("next", "x"))
    #expect(try await engine.value("late") == nil)
    #expect(try await engine.value("next") == "x")
    await engine.close()
  }

  /// Goal: a sum of whole numbers is one, whatever the server calls its type.
  @Test func `a numeric result is a whole number where it is one`() async throws {
    let engine = try await PostgresFixture().open()
    let row = try await engine.read(
      Step(Statement("SELECT SUM(x), CAST(1.5 AS NUMERIC) FROM (VALUES (2::BIGINT), (3)) AS v (x)"))
    ).rows.first
    #expect(row == [.integer(5), .text("1.5")])
    await engine.close()
  }

  /// Goal: a session that finds another schema under the name of the store's is not used.
  ///
  /// Method: the schema is renamed and an empty one takes its name; the sessions are ended, so that
  /// the next call needs a new one. Then the name is given back.
  @Test func `another schema under the same name is not the store`() async throws {
    let server = try await PrivatePostgres.shared
    let schema = try await server.schema()
    let name = "moved_\(schema)"
    let engine = try await open(server.url(schema: schema) + "&application_name=\(name)")
    _ = try await engine.write(WriteOptions(), PostgresSQL.steps("a", "x"))
    try await server.run(
      "ALTER SCHEMA \(schema) RENAME TO \(name); CREATE SCHEMA \(schema);")
    try await endSessions(name)
    await expectError(.incompatible) { try await engine.value("a") }
    try await server.run(
      "DROP SCHEMA \(schema); ALTER SCHEMA \(name) RENAME TO \(schema);")
    #expect(try await engine.value("a") == "x")
    await engine.close()
  }

  /// Goal: an older program stops at a store that was migrated while it had no session.
  ///
  /// Method: a newer migration is noted, as it would be; the sessions are ended.
  @Test func `a store that was migrated meanwhile is not used`() async throws {
    let server = try await PrivatePostgres.shared
    let schema = try await server.schema()
    let name = "newer_\(schema)"
    let engine = try await open(server.url(schema: schema) + "&application_name=\(name)")
    let newest = storeMigrations.count + 1
    try await server.run(
      "INSERT INTO \(schema).meta (name, value) VALUES ('migration.\(newest)', '')")
    try await endSessions(name)
    let error = await expectError(.incompatible) { try await engine.value("a") }
    #expect(error?.message.contains("\(newest)") == true)
    await engine.close()
  }

  /// Goal: a server that takes no writes is refused where one that takes them is asked for.
  ///
  /// Method: a database whose transactions only read.
  @Test func `a server that takes no writes is named`() async throws {
    let server = try await PrivatePostgres.shared
    try await server.run("CREATE DATABASE standby;")
    try await server.run("ALTER DATABASE standby SET default_transaction_read_only = on;")
    let error = await expectError(.unavailable) {
      try await open(
        "postgres:///standby?host=\(server.folder)&port=\(server.port)"
          + "&user=\(PrivatePostgres.user)&target_session_attrs=read-write")
    }
    #expect(error?.message.contains("takes writes") == true)
  }

  /// Goal: the time to connect is the URL's where it names one, within bounds.
  @Test func `the URL says how long to connect`() throws {
    func time(_ query: String) throws -> Duration {
      try PostgresTarget(url: "postgres://h/d\(query)").connectTimeMax
    }
    let standard = try time("")
    #expect(try time("?connect_timeout=3") == .seconds(3))
    #expect(try time("?connect_timeout=900") == .seconds(60))
    for query in ["?connect_timeout=0", "?connect_timeout=-1", "?connect_timeout=x"] {
      #expect(try time(query) == standard)
    }
  }

  /// Goal: a schema that somebody else's tables stand in is not taken.
  ///
  /// Method: a table with the name of one of Holdfast's.
  @Test func `a schema with a table of the same name is refused`() async throws {
    let server = try await PrivatePostgres.shared
    let schema = try await server.schema()
    try await server.run("CREATE TABLE \(schema).kv (mine TEXT)")
    let error = await expectError(.incompatible) { try await open(server.url(schema: schema)) }
    #expect(error?.message.contains(schema) == true)
    #expect(error?.hint.contains("schema of its own") == true)
  }

  /// Goal: a feed that cannot be read leaves its connection as it was.
  ///
  /// Method: the table is away for one call; the engine has one connection, which must read and
  /// write afterwards.
  @Test func `a feed that fails gives its connection back`() async throws {
    let server = try await PrivatePostgres.shared
    let schema = try await server.schema()
    let engine = try await open(server.url(schema: schema))
    let start = try await engine.feedEnd()
    _ = try await engine.write(WriteOptions(), PostgresSQL.steps("a", "x"))
    try await server.run("ALTER TABLE \(schema).changes RENAME TO away")
    for _ in 0..<2 {
      await expectError(.incompatible) { try await engine.feed(after: start, limit: 10) }
    }
    try await server.run("ALTER TABLE \(schema).away RENAME TO changes")
    #expect(try await engine.feed(after: start, limit: 10).events.count == 1)
    _ = try await engine.write(WriteOptions(), PostgresSQL.steps("b", "x"))
    #expect(try await engine.feed(after: start, limit: 10).events.count == 2)
    #expect(engine.pool.census.opened == 1)
    await engine.close()
  }

  /// Goal: what is larger than the socket takes at once arrives whole.
  ///
  /// Method: a value of many megabytes, written and read in one step each.
  @Test func `a value larger than the socket's room arrives whole`() async throws {
    let engine = try await PostgresFixture().open()
    let value = String(repeating: "0123456789abcdef", count: 1 << 20)
    _ = try await engine.write(WriteOptions(), PostgresSQL.steps("large", value))
    #expect(try await engine.value("large") == value)
    await engine.close()
  }
}
