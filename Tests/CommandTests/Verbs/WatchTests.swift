import Foundation
import HoldfastTesting
import Testing

/// `holdfast kv watch`.
@Suite(.timeLimit(.minutes(5))) struct WatchVerb {
  /// Goal: a watcher sees what another process does, at once and once, and goes on where it was.
  ///
  /// Method: a watcher on the store, and one on a server, each see a put, a delete and a clear that
  /// other processes make, and nothing of other prefixes or namespaces; both end by the signal that
  /// interrupts them; from the cursor of the first line a new one sees the rest again.
  @Test(arguments: Engines.available, [false, true])
  func `a watcher sees what others do`(on engine: TestEngine, remote: Bool) async throws {
    let place = try await Place(engine)
    let server = remote ? try await place.serve() : nil
    let environment = server?.environment ?? ["HOLDFAST_STORE": place.store]
    try await place.done("kv", "put", "run:1", "before", "1")
    let watch = ["kv", "watch", "run:1", "--prefix", "s/"]
    let watcher = try Tool(.holdfast, watch, environment: environment, folder: place.folder)
    #expect(await watcher.says("Watching run:1."))
    try await place.done("kv", "put", "run:1", "s/1", "1")
    #expect(await watcher.writes("put\ts/1\t"))
    try await place.done("kv", "put", "run:1", "other", "1")
    try await place.done("kv", "put", "run:2", "s/1", "1")
    try await place.done("kv", "delete", "run:1", "s/1", "--yes")
    try await place.done("kv", "clear", "run:1", "--yes")
    #expect(await watcher.writes("\nclear\t"))
    watcher.signal(SIGINT)
    let end = await watcher.finish()
    #expect(end.signal == SIGINT)
    #expect(end.lines.map { $0.split(separator: "\t").first } == ["put", "delete", "clear"])
    let cursor = try #require(end.lines.first?.split(separator: "\t").last.map(String.init))
    let again = try Tool(
      .holdfast, watch + ["--since", cursor, "--json"], environment: environment,
      folder: place.folder)
    #expect(await again.writes(#""operation":"clear""#))
    again.signal(SIGTERM)
    let rest = await again.finish()
    #expect(rest.signal == SIGTERM)
    #expect(rest.lines.count == 2)
    #expect(rest.lines.first?.contains(#""operation":"delete""#) == true)
  }

  /// Goal: a watcher ends when nobody reads it, when its server goes, and for a cursor that is
  /// none.
  ///
  /// Method: a server is stopped under a watcher, which says how to go on; a wrong cursor exits 64.
  @Test func `a watcher that cannot go on says so`() async throws {
    let place = try await Place()
    let server = try await place.serve()
    let watcher = try Tool(
      .holdfast, ["kv", "watch", "run:1"], environment: server.environment, folder: place.folder)
    #expect(await watcher.says("Watching"))
    server.tool.signal(SIGTERM)
    #expect(await server.tool.finish().code == 0)
    let end = await watcher.finish()
    #expect(end.code == 69)
    #expect(end.errors.contains("--since "))
    let wrong = try await place.holdfast("kv", "watch", "run:1", "--since", "elsewhere")
    #expect(wrong.code == 64)
  }
}
