import HoldfastCore
import HoldfastTesting
import NIOConcurrencyHelpers
import Testing

@testable import HoldfastEngine

@Suite(.timeLimit(.minutes(5))) struct PostgresFailureTests {
  /// An engine whose one connection goes through a proxy.
  private func throughProxy() async throws -> (PostgresEngine, CuttingProxy) {
    let server = try await PrivatePostgres.shared
    let proxy = try CuttingProxy(to: server.port)
    let url = server.url(schema: try await server.schema(), port: proxy.port)
    var options = EngineOptions()
    options.poolConnectionsMax = 1
    let engine = try await PostgresEngine.open(
      url: url, options: options, migrations: storeMigrations)
    // The line for announcements goes through the proxy too; once it stands, the proxy knows it.
    let subscription = engine.subscribe {}
    var listening = false
    for _ in 0..<10_000 where !listening {
      listening = try await engine.health().details["listening"] == .bool(true)
    }
    #expect(listening)
    engine.unsubscribe(subscription)
    return (engine, proxy)
  }

  /// Goal: a commit whose answer is lost is reported as what it is, neither success nor failure.
  ///
  /// Method: the proxy passes a pipeline, then a body's COMMIT, to the server and cuts the
  /// connection before the answer. Both calls must end as `uncertain`, and both writes be there.
  @Test func `a lost answer to a commit is uncertain`() async throws {
    let (engine, proxy) = try await throughProxy()
    proxy.arm(.afterRequest)
    await expectError(.uncertain) {
      try await engine.write(WriteOptions(), PostgresSQL.steps("a", "x"))
    }
    #expect(try await engine.value("a") == "x")
    await expectError(.uncertain) {
      try await engine.write(WriteOptions()) { connection in
        _ = try connection.run(PostgresSQL.steps("b", "x"))
        proxy.arm(.afterRequest)
      }
    }
    #expect(try await engine.value("b") == "x")
    await engine.close()
    proxy.stop()
  }

  /// Goal: a commit that may have been sent is uncertain even where it never arrived.
  ///
  /// Method: the proxy cuts before it passes on a pipeline; nothing may be there.
  @Test func `a commit lost on its way is uncertain too`() async throws {
    let (engine, proxy) = try await throughProxy()
    proxy.arm(.beforeRequest)
    await expectError(.uncertain) {
      try await engine.write(WriteOptions(), PostgresSQL.steps("a", "x"))
    }
    #expect(try await engine.value("a") == nil)
    await engine.close()
    proxy.stop()
  }

  /// Goal: a connection that breaks before COMMIT costs nothing but another attempt.
  ///
  /// Method: the proxy cuts at a statement inside a body, and at a read; both succeed on a new
  /// connection, the body having run twice.
  @Test func `a connection that breaks before the commit is replaced`() async throws {
    let (engine, proxy) = try await throughProxy()
    let runs = NIOLockedValueBox(0)
    try await engine.write(WriteOptions()) { connection in
      _ = try connection.run([Step(PostgresSQL.get, [.text("a")])])
      let first = runs.withLockedValue { runs in
        runs += 1
        return runs == 1
      }
      if first { proxy.arm(.afterRequest) }
      _ = try connection.run(PostgresSQL.steps("a", "x"))
    }
    #expect(runs.withLockedValue { $0 } == 2)
    proxy.arm(.afterRequest)
    #expect(try await engine.value("a") == "x")
    proxy.arm(.beforeRequest)
    let read = try await engine.read(.scan) { connection in
      try connection.row(PostgresSQL.get, [.text("a")]) { $0.text(0) }
    }
    #expect(read == "x")
    #expect(engine.pool.census.opened == 4)
    await engine.close()
    proxy.stop()
  }

  /// Goal: a server that goes away under load costs no acknowledged write, clients see only
  /// `unavailable` or `uncertain`, and the engine recovers by itself.
  ///
  /// Method: eight tasks write keys of their own while the server is restarted, once in order and
  /// once as after a crash. Each task ends only after it has succeeded again ten times after the
  /// last restart.
  @Test func `a restart under load loses nothing`() async throws {
    let server = try await PrivatePostgres.start()
    let url = try await server.freshURL()
    let engine = try await PostgresEngine.open(
      url: url, options: EngineOptions(), migrations: storeMigrations)
    let acknowledged = NIOLockedValueBox<[String]>([])
    let restarted = NIOLockedValueBox(false)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for writer in 0..<8 {
        group.addTask {
          var number = 0
          var since = 0
          while since < 10, number < 50_000 {
            let key = "w\(writer).\(number)"
            number += 1
            do {
              if number % 3 == 0 {
                try await engine.write(WriteOptions(hotRows: [Int64(writer % 2)])) { connection in
                  _ = try connection.run(PostgresSQL.steps(key, "x"))
                }
              } else {
                _ = try await engine.write(WriteOptions(), PostgresSQL.steps(key, "x"))
              }
              acknowledged.withLockedValue { $0.append(key) }
              if restarted.withLockedValue(\.self) { since += 1 }
            } catch let error as StoreError {
              #expect(
                [.unavailable, .uncertain].contains(error.code), "\(error) \(error.cause as Any)")
            }
          }
          #expect(since == 10, "writer \(writer) did not recover")
        }
      }
      group.addTask {
        try await server.restart(mode: .fast)
        try await server.restart(mode: .immediate)
        restarted.withLockedValue { $0 = true }
      }
      try await group.waitForAll()
    }
    let present = try await engine.read(.scan) { connection in
      Set(try connection.rows(Statement("SELECT key FROM kv")) { $0.text(0) })
    }
    let missing = acknowledged.withLockedValue { $0.filter { !present.contains($0) } }
    #expect(missing.isEmpty)
    await engine.close()
  }

  /// Goal: while there is no server, callers are told within the bound, and later calls work again.
  ///
  /// Method: stops the server, calls, starts it, and calls until a call is answered.
  @Test func `without a server calls are unavailable`() async throws {
    let server = try await PrivatePostgres.start(syncs: false)
    var options = EngineOptions()
    options.busyWaitMax = .seconds(2)
    let engine = try await PostgresEngine.open(
      url: try await server.freshURL(), options: options, migrations: storeMigrations)
    try await server.stop()
    let error = await expectError(.unavailable) { try await engine.value("a") }
    // The caller may be anybody's client; where the database is stands in the cause alone.
    #expect(error?.message.contains("127.0.0.1") == false)
    #expect((error?.cause as? StoreError)?.message.contains("127.0.0.1") == true)
    await expectError(.unavailable) {
      try await engine.write(WriteOptions(), PostgresSQL.steps("a", "x"))
    }
    try await server.resume()
    // The first calls may still meet the pause between two attempts to connect.
    var answered = false
    for _ in 0..<40 where !answered {
      answered = (try? await engine.read(Step(PostgresSQL.count))) != nil
    }
    #expect(answered)
    await engine.close()
  }

  /// Goal: what a test's probe fails is failed as the database would.
  ///
  /// Method: a probe that throws before the commit; nothing may be kept, in a pipeline and in a
  /// body.
  @Test func `a probe before the commit keeps it from happening`() async throws {
    let fails = NIOLockedValueBox(false)
    let engine = try await PostgresFixture().open {
      $0.probe = { point throws(StoreError) in
        guard point == .beforeCommit, fails.withLockedValue(\.self) else { return }
        throw StoreError(.exhausted, "No room, says the test.")
      }
    }
    fails.withLockedValue { $0 = true }
    await expectError(.exhausted) {
      try await engine.write(WriteOptions(), PostgresSQL.steps("a", "x"))
    }
    await expectError(.exhausted) {
      try await engine.write(WriteOptions()) { _ = try $0.run(PostgresSQL.steps("a", "x")) }
    }
    fails.withLockedValue { $0 = false }
    #expect(try await engine.value("a") == nil)
    await engine.close()
  }
}
