import HoldfastCore
import HoldfastTesting
import NIOConcurrencyHelpers
import Testing

@testable import HoldfastEngine

/// What the engine says when the server or the schema is not as it was, or not as it must be.
@Suite(.timeLimit(.minutes(5))) struct PostgresRefusalTests {
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
  /// Then a write of both rows must come through: where one was left behind, it never would. It is
  /// tried again, for the short bound is its own too; and another engine reads.
  @Test func `a writer that waits too long for a hot row is unavailable`() async throws {
    let fixture = try await PostgresFixture()
    let engine = try await fixture.open { $0.busyWaitMax = .milliseconds(50) }
    let reader = try await fixture.open()
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
    _ = try? await held
    var isThrough = false
    for _ in 0..<50 where !isThrough {
      do throws(StoreError) {
        _ = try await engine.write(
          WriteOptions(hotRows: [1, 2, 3]), PostgresSQL.steps("next", "x"))
        isThrough = true
      } catch {
        #expect(error.code == .unavailable)
      }
    }
    #expect(isThrough)
    #expect(try await reader.value("late") == nil)
    #expect(try await reader.value("next") == "x")
    await engine.close()
    await reader.close()
  }

  /// Goal: a transaction that meets others again and again is given up after its time, with nothing
  /// of it written.
  ///
  /// Method: a body reads a key, another engine writes it, and only then the body does, at every
  /// attempt. So many attempts as would prove that there is no bound end the test.
  @Test func `a transaction that never gets through is unavailable`() async throws {
    let fixture = try await PostgresFixture()
    let engine = try await fixture.open { $0.retryTimeMax = .milliseconds(50) }
    let other = try await fixture.open()
    _ = try await other.write(WriteOptions(), PostgresSQL.steps("k", "first"))
    let attempts = NIOLockedValueBox(0)
    let error = await expectError(.unavailable) {
      try await engine.write(WriteOptions()) { connection in
        let attempt = attempts.withLockedValue { attempts in
          attempts += 1
          return attempts
        }
        guard attempt <= 100 else { throw Refusal(number: attempt) }
        _ = try connection.run([Step(PostgresSQL.get, [.text("k")])])
        Self.write("k", "other \(attempt)", through: other)
        _ = try connection.run(PostgresSQL.steps("own", "x") + PostgresSQL.steps("k", "mine"))
      }
    }
    #expect(error?.details["sqlstate"] == .string("40001"))
    let ran = attempts.withLockedValue(\.self)
    #expect(ran == engine.retries.withLockedValue { $0 } + 1)
    #expect(try await other.value("own") == nil)
    #expect(try await other.value("k") == "other \(ran)")
    await engine.close()
    await other.close()
  }

  /// Writes from within another engine's body, which waits for it on its own thread.
  private static func write(_ key: String, _ value: String, through engine: PostgresEngine) {
    let isDone = Monitor(false)
    Task {
      _ = try? await engine.write(WriteOptions(), PostgresSQL.steps(key, value))
      isDone.change { $0 = true }
    }
    _ = isDone.wait { $0 ? () : nil }
  }

  /// Goal: who waits too long for a row that another transaction has written is told so, and the
  /// same write succeeds when that one is done.
  ///
  /// Method: a body writes a row and is held at a gate; another engine, which waits briefly, writes
  /// the row as steps and in a body, without queueing before it.
  @Test func `a writer that waits too long for a row lock is unavailable`() async throws {
    let fixture = try await PostgresFixture()
    let holder = try await fixture.open()
    _ = try await holder.write(WriteOptions(), PostgresSQL.steps("k", "first"))
    let hasty = try await fixture.open { $0.busyWaitMax = .milliseconds(200) }
    let gate = Gate()
    async let held: Void = holder.write(WriteOptions()) { connection in
      _ = try connection.run(PostgresSQL.steps("k", "held"))
      gate.wait()
    }
    await gate.visited()
    let late = PostgresSQL.steps("k", "late")
    let first = await expectError(.unavailable) { try await hasty.write(WriteOptions(), late) }
    let second = await expectError(.unavailable) {
      try await hasty.write(WriteOptions()) { _ = try $0.run(late) }
    }
    for error in [first, second] { #expect(error?.details["sqlstate"] == .string("55P03")) }
    gate.open()
    try await held
    #expect(try await holder.value("k") == "held")
    _ = try await hasty.write(WriteOptions(), late)
    #expect(try await holder.value("k") == "late")
    await hasty.close()
    await holder.close()
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
