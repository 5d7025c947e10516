import HoldfastCore
import HoldfastTesting
import NIOConcurrencyHelpers
import Testing

@testable import HoldfastEngine

@Suite(.timeLimit(.minutes(5))) struct PostgresConcurrencyTests {
  /// Goal: writers that meet at one row all get through, each addition counts, and retries are
  /// counted.
  ///
  /// Method: eight writers add to one row in bodies that read first. Without hot rows they collide
  /// and run again; with them they queue, and hardly any collision is left. The server is the
  /// test's own: while any other serializable transaction of the database is open that has written,
  /// PostgreSQL takes those that queue for concurrent ones, and most would run again.
  @Test(arguments: [true, false])
  func `eight writers on one row lose nothing`(queueing: Bool) async throws {
    let fixture = try await PostgresFixture(on: .start(syncs: false))
    // The server ends with the last who holds it.
    defer { withExtendedLifetime(fixture) {} }
    let engine = try await fixture.open()
    _ = try await engine.write(WriteOptions(), PostgresSQL.steps("hot", "0"))
    let options = WriteOptions(hotRows: queueing ? [7] : [])
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<8 {
        group.addTask {
          for _ in 0..<25 {
            try await engine.write(options) { connection in
              let old = try connection.row(PostgresSQL.get, [.text("hot")]) { $0.integer(0) } ?? 0
              try connection.run(PostgresSQL.put, [.text("hot"), .text(String(old + 1))])
            }
          }
        }
      }
      try await group.waitForAll()
    }
    #expect(try await engine.value("hot") == "200")
    let retries = engine.retries.withLockedValue(\.self)
    if queueing { #expect(retries < 5) } else { #expect(retries > 0) }
    let told = try await engine.health().details["retries"]
    #expect(told == .integer(Int64(retries)))
    await engine.close()
  }

  /// Goal: the same holds for statements that are known beforehand.
  ///
  /// Method: eight writers add to one row by one statement each, on a server of their own.
  @Test(arguments: [true, false])
  func `eight pipelines on one row lose nothing`(queueing: Bool) async throws {
    let fixture = try await PostgresFixture(on: .start(syncs: false))
    // The server ends with the last who holds it.
    defer { withExtendedLifetime(fixture) {} }
    let engine = try await fixture.open()
    _ = try await engine.write(WriteOptions(), PostgresSQL.steps("hot", "0"))
    let options = WriteOptions(hotRows: queueing ? [7, 3] : [])
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<8 {
        group.addTask {
          for _ in 0..<25 {
            _ = try await engine.write(
              options,
              [
                Step(PostgresSQL.add, [.text("hot"), .integer(1)]),
                Step(PostgresSQL.event, [.text("hot")]),
              ])
          }
        }
      }
      try await group.waitForAll()
    }
    #expect(try await engine.value("hot") == "200")
    if queueing { #expect(engine.retries.withLockedValue { $0 } < 5) }
    await engine.close()
  }

  /// Goal: a transaction that fails leaves no lock behind.
  ///
  /// Method: pipelines and bodies fail under a hot row in every way: a refused statement, a thrown
  /// error, a text that is invalid. Then the row is taken again from a second engine, and the
  /// server must hold no advisory lock but the sessions' own.
  @Test func `a hot row is let go on every path`() async throws {
    let fixture = try await PostgresFixture()
    let engine = try await fixture.open { $0.poolConnectionsMax = 2 }
    let other = try await fixture.open { $0.busyWaitMax = .seconds(2) }
    let options = WriteOptions(hotRows: [11, 4])
    let failing = [Step(PostgresSQL.divideByZero, [.integer(0)])]
    await expectError(.internal) { try await engine.write(options, failing) }
    await expectError(.internal) {
      try await engine.write(options) { _ = try $0.run(failing) }
    }
    await expectError(.conflict) {
      try await engine.write(options) { connection in
        try connection.run(PostgresSQL.put, [.text("a"), .text("x")])
        throw StoreError(.conflict, "Decided so.")
      }
    }
    _ = try await other.write(options, PostgresSQL.steps("a", "mine"))
    let held = Statement(
      sqlite: "",
      postgres: """
        SELECT COUNT(*) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1
          AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
          AND pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2
            AND objid = (SELECT oid FROM pg_namespace WHERE nspname = current_schema()))
        """)
    #expect(try await engine.read(Step(held)).rows == [[.integer(0)]])
    await engine.close()
    await other.close()
  }

  /// Goal: when all connections are busy, callers are told so after the bound, and later calls
  /// work.
  ///
  /// Method: one connection, held by a body until the test lets it go; another call must end as
  /// `unavailable` within its bound.
  @Test func `an exhausted pool is unavailable`() async throws {
    let engine = try await PostgresFixture().open {
      $0.poolConnectionsMax = 1
      $0.busyWaitMax = .milliseconds(200)
    }
    let gate = Monitor((inside: false, open: false))
    async let holder: Void = engine.read(.scan) { connection in
      _ = try connection.row(PostgresSQL.count) { $0.integer(0) }
      gate.change { $0.inside = true }
      _ = gate.wait(atMost: .seconds(10)) { $0.open ? () : nil }
    }
    let worker = WorkerPool(name: "test", threadsMax: 1)
    _ = try await worker.run { () throws(StoreError) in
      gate.wait(atMost: .seconds(10)) { $0.inside ? () : nil } != nil
    }
    await expectError(.unavailable) { try await engine.value("a") }
    await expectError(.unavailable) {
      try await engine.write(WriteOptions(), PostgresSQL.steps("a", "x"))
    }
    gate.change { $0.open = true }
    try await holder
    #expect(try await engine.value("a") == nil)
    worker.close()
    await engine.close()
  }

  /// Goal: more callers than connections all get their turn.
  ///
  /// Method: 200 tasks write a key each over two connections.
  @Test func `callers queue for connections`() async throws {
    let engine = try await PostgresFixture().open { $0.poolConnectionsMax = 2 }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<200 {
        group.addTask {
          _ = try await engine.write(WriteOptions(), PostgresSQL.steps("k\(number)", "v"))
        }
      }
      try await group.waitForAll()
    }
    #expect(try await engine.read(Step(PostgresSQL.count)).rows == [[.integer(200)]])
    #expect(engine.pool.census.live <= 2)
    await engine.close()
  }

  /// Goal: closing finishes what was accepted, and refuses what comes later.
  ///
  /// Method: closes while writes are under way; those that returned must be there, later ones are
  /// refused as `closed`, and closing twice does no harm.
  @Test func `close finishes what was accepted`() async throws {
    let fixture = try await PostgresFixture()
    let engine = try await fixture.open { $0.poolConnectionsMax = 2 }
    let acknowledged = NIOLockedValueBox(0)
    await withTaskGroup(of: Void.self) { group in
      for number in 0..<50 {
        group.addTask {
          do {
            _ = try await engine.write(WriteOptions(), PostgresSQL.steps("k\(number)", "v"))
            acknowledged.withLockedValue { $0 += 1 }
          } catch {
            #expect((error as? StoreError)?.code == .closed)
          }
        }
      }
      group.addTask { await engine.close() }
    }
    await expectError(.closed) { try await engine.value("k1") }
    await engine.close()
    let again = try await fixture.open()
    let count = try await again.read(Step(PostgresSQL.count)).rows[0][0].integer
    #expect(count == Int64(acknowledged.withLockedValue { $0 }))
    await again.close()
  }

  /// Goal: nobody who waits when the store is closed waits for ever, and no other connection is
  /// hurt.
  ///
  /// Method: bodies that collide again and again are closed on in the middle of their pauses, while
  /// another engine goes on; each call must end, with its result or as `closed` or `unavailable`.
  @Test func `close leaves nobody behind`() async throws {
    let fixture = try await PostgresFixture()
    let other = try await PostgresFixture().open()
    for _ in 0..<10 {
      let engine = try await fixture.open()
      await withTaskGroup(of: Void.self) { group in
        for _ in 0..<8 {
          group.addTask {
            do {
              for _ in 0..<20 {
                try await engine.write(WriteOptions()) { connection in
                  let old =
                    try connection.row(PostgresSQL.get, [.text("hot")]) { $0.integer(0) } ?? 0
                  try connection.run(PostgresSQL.put, [.text("hot"), .text(String(old + 1))])
                }
              }
            } catch {
              let code = (error as? StoreError)?.code
              #expect(code == .closed || code == .unavailable, "\(error)")
            }
          }
        }
        group.addTask {
          _ = try? await engine.value("hot")
          await engine.close()
          await engine.close()
        }
      }
      #expect(try await other.value("hot") == nil)
    }
    await other.close()
  }

  /// Goal: a relaxed write and a sweep at READ COMMITTED run as asked.
  ///
  /// Method: asks the server inside the transactions for the settings.
  @Test func `durability and isolation are the transaction's own`() async throws {
    let engine = try await PostgresFixture().open()
    let ask = Statement(
      sqlite: "",
      postgres: """
        SELECT current_setting('synchronous_commit'), current_setting('transaction_isolation')
        """)
    let relaxed = try await engine.write(
      WriteOptions(durability: .relaxed, isolation: .readCommitted), [Step(ask)])
    #expect(relaxed[0].rows == [[.text("off"), .text("read committed")]])
    let plain = try await engine.write(WriteOptions()) { try $0.run([Step(ask)]) }
    #expect(plain[0].rows == [[.text("on"), .text("serializable")]])
    #expect(try await engine.read(Step(ask)).rows == [[.text("on"), .text("serializable")]])
    await engine.close()
  }

  /// Goal: whatever the URL or the server's configuration says, a durable write waits for the disk;
  /// who asks for more than that keeps it.
  ///
  /// Method: the URL sets each level; the server is asked inside a pipeline, a body and a read.
  @Test(arguments: [
    ("off", "on"), ("local", "on"), ("remote_write", "on"), ("remote_apply", "remote_apply"),
  ])
  func `a durable write is flushed whatever the URL says`(
    given: String, expected: String
  ) async throws {
    let url = try await PostgresFixture().url + "%20-csynchronous_commit%3D\(given)"
    let engine = try await PostgresEngine.open(
      url: url, options: EngineOptions(), migrations: storeMigrations)
    let ask = Statement(sqlite: "", postgres: "SELECT current_setting('synchronous_commit')")
    let steps = try await engine.write(WriteOptions(), [Step(ask), Step(ask)])
    #expect(steps.map(\.rows) == [[[.text(expected)]], [[.text(expected)]]])
    let body = try await engine.write(WriteOptions()) { try $0.run([Step(ask)]) }
    #expect(body[0].rows == [[.text(expected)]])
    #expect(try await engine.read(Step(ask)).rows == [[.text(expected)]])
    let relaxed = try await engine.write(WriteOptions(durability: .relaxed), [Step(ask)])
    #expect(relaxed[0].rows == [[.text("off")]])
    await engine.close()
  }
}
