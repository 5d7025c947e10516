import Foundation
import Holdfast
import HoldfastServer
import Hummingbird
import Logging

/// Rows 7 and 8: a value read and written over HTTP by 32 connections.
enum HTTPRows {
  private static let seconds = 3

  static func measure(_ bench: Bench) async throws -> [Row] {
    let paths = try await bench.makeStores("http")
    let store = try await Store.open(StoreLocation(paths.ours), options: Bench.options())
    let secret = try await store.tokens.create("bench", role: .agent).secret
    var logger = Logger(label: "benchmarks")
    logger.logLevel = .critical
    let ours = try await RunningServer.start { ready in
      var options = ServerOptions()
      options.port = 0
      options.logger = logger
      let server = HoldfastServer(store: store, options: options, whenReady: ready)
      return { try await server.run() }
    }
    let empty = try await RunningServer.start { ready in
      let router = Router()
      router.get("v1/kv/:namespace/:key") { _, _ in HTTPResponse.Status.ok }
      let application = Application(
        router: router, configuration: .init(address: .hostname("127.0.0.1", port: 0)),
        onServerRunning: { await ready($0.localAddress?.port ?? 0) }, logger: logger)
      return { try await application.run() }
    }
    let load = Load(folder: bench.folder, secret: secret, seconds: seconds)
    var rows: [Row] = []
    if bench.settings.wants(["7"]) {
      let comparison = try await Comparison.run(
        bench, ours: { try await load.get(from: ours.port) },
        theirs: { try await load.get(from: empty.port) })
      rows.append(
        Row(
          number: "7", work: "HTTP: get of a value, 32 connections",
          against: "an empty Hummingbird route in the same program, under the same `wrk`",
          comparison: comparison, target: 0.85))
    }
    if bench.settings.wants(["8"]) {
      let theirs = try Baseline(path: paths.theirs)
      let order = Bench.order(WriteRows.sequentialCount, seed: 8)
      let comparison = try await Comparison.run(
        bench, ours: { try await load.put(to: ours.port) },
        theirs: { try theirs.put(order, group: 1) })
      rows.append(
        Row(
          number: "8", work: "HTTP: durable put, 32 connections, random keys",
          against: "row 2's C loop", comparison: comparison, target: 2))
    }
    await ours.stop()
    await empty.stop()
    await store.close()
    return rows
  }
}

/// A server in this program, until it is stopped.
struct RunningServer {
  let port: Int
  private let task: Task<Void, any Error>

  /// Starts a server and waits until it listens.
  ///
  /// - Parameter make: Takes what is to be called with the port; returns what runs the server.
  /// - Returns: The server, listening.
  /// - Throws: What kept it from listening.
  static func start(
    _ make: (@escaping @Sendable (Int) async -> Void) -> @Sendable () async throws -> Void
  ) async throws -> RunningServer {
    let (ports, announce) = AsyncThrowingStream<Int, any Error>.makeStream()
    let run = make { announce.yield($0) }
    let task = Task {
      do {
        try await run()
      } catch {
        announce.finish(throwing: error)
        throw error
      }
    }
    for try await port in ports { return RunningServer(port: port, task: task) }
    throw Failure("a server ended before it listened")
  }

  func stop() async {
    task.cancel()
    _ = await task.result
  }
}

/// `wrk` with 32 connections.
struct Load {
  let folder: String
  let secret: String
  let seconds: Int

  /// Reads one value again and again.
  func get(from port: Int) async throws -> Double {
    try await run(port: port, script: nil)
  }

  /// Writes values under random keys; the requests are laid out before the time begins.
  func put(to port: Int) async throws -> Double {
    let script = folder + "/put.lua"
    let text = """
      local requests = {}
      function init(arguments)
        local body = '{"value":' .. [[\(Bench.json)]] .. '}'
        math.randomseed(tonumber(tostring(requests):match("0x(%x+)"), 16) % 2147483647)
        wrk.headers["Content-Type"] = "application/json"
        for i = 1, 10000 do
          local path = string.format(
            "/v1/kv/\(Bench.namespace.text)/key-%08d", math.random(0, \(Bench.keyCount - 1)))
          requests[i] = wrk.format("PUT", path, nil, body)
        end
      end
      local place = 0
      function request()
        place = place % #requests + 1
        return requests[place]
      end
      """
    try Data(text.utf8).write(to: URL(fileURLWithPath: script))
    return try await run(port: port, script: script)
  }

  private func run(port: Int, script: String?) async throws -> Double {
    let output = try await Program.runAside(
      ["wrk", "--threads=1", "--connections=32", "--duration=\(seconds)s"]
        + ["--header=Authorization: Bearer \(secret)"]
        + (script.map { ["--script=\($0)"] } ?? [])
        + ["http://127.0.0.1:\(port)/v1/kv/\(Bench.namespace.text)/\(Bench.key(4_711))"])
    guard !output.contains("Non-2xx") else { throw Failure("wrk was refused: \(output)") }
    return try Program.number(after: "Requests/sec:", in: output)
  }
}
