import HoldfastTesting
import Testing

@Suite(.timeLimit(.minutes(5))) struct PrivatePostgresTests {
  /// Goal: every test may have a schema of its own.
  ///
  /// Method: asks for more schemas than are made at a time; no name comes twice.
  @Test func `schemas are never given twice`() async throws {
    let server = try await PrivatePostgres.shared
    var names: Set<String> = []
    for _ in 0..<70 { names.insert(try await server.schema()) }
    #expect(names.count == 70)
  }

  /// Goal: a server can be stopped and started again with its data.
  ///
  /// Method: makes a table, restarts a server as after a crash, and drops the table.
  @Test func `a restart keeps the data`() async throws {
    let server = try await PrivatePostgres.start(syncs: false)
    try await server.run("CREATE TABLE kept (one INTEGER)")
    try await server.restart(mode: .immediate)
    try await server.run("DROP TABLE kept")
  }
}
