import Holdfast
import HoldfastServer
import HoldfastTesting
import Logging
import NIOConcurrencyHelpers
import ServiceLifecycle
import Testing

/// A server on a port of its own, for as long as a test runs.
struct TestServer: Sendable {
  let store: Store
  let port: Int
  /// The secret of an administrator.
  let admin: String
  fileprivate let group: ServiceGroup
  fileprivate let running: Task<Void, any Error>

  /// Begins a graceful shutdown.
  func shutDown() async { await group.triggerGracefulShutdown() }

  /// Waits until the server has stopped.
  func stopped() async throws { try await running.value }

  /// Makes a token, and gives its secret.
  func token(_ role: Role, _ patterns: String..., name: String? = nil) async throws -> String {
    try await store.tokens.create(
      name ?? "\(role.rawValue) \(patterns.joined(separator: " "))", role: role,
      patterns: try patterns.map { try NamespacePattern($0) }
    ).secret
  }

  /// Sends a request on a connection of its own.
  func send(
    _ method: String, _ target: String, _ body: Value? = nil, as token: String? = nil,
    headers: [String: String] = [:]
  ) async throws -> Answer {
    let text = body?.json
    var headers = headers
    if text != nil, headers["Content-Type"] == nil {
      headers["Content-Type"] = "application/json"
    }
    return try await send(method, target, text: text, as: token, headers: headers)
  }

  /// Sends a request with a body as it is.
  func send(
    _ method: String, _ target: String, text: String?, as token: String? = nil,
    headers: [String: String] = [:]
  ) async throws -> Answer {
    try await Wire.with(port: port) { wire in
      try await wire.write(
        head(method, target, as: token, headers: headers, length: text?.utf8.count)
          + (text ?? ""))
      return Answer(try await wire.readToEnd())
    }
  }

  /// The head of a request after which the connection is to be closed.
  func head(
    _ method: String, _ target: String, as token: String? = nil,
    headers: [String: String] = [:], length: Int? = nil
  ) -> String {
    var lines = ["\(method) \(target) HTTP/1.1"]
    let fields = ["Host": "127.0.0.1:\(port)", "Connection": "close"]
      .merging(headers) { $1 }
    for (name, value) in fields where !value.isEmpty { lines.append("\(name): \(value)") }
    let secret = token ?? admin
    if !secret.isEmpty { lines.append("Authorization: Bearer \(secret)") }
    if let length { lines.append("Content-Length: \(length)") }
    return lines.joined(separator: "\r\n") + "\r\n\r\n"
  }
}

/// Runs a body against a server with a fresh store, then shuts it down.
func withServer(
  on engine: TestEngine = .sqlite, store storeOptions: StoreOptions = .testing(),
  _ change: (inout ServerOptions) -> Void = { _ in },
  _ body: (TestServer) async throws -> Void
) async throws {
  var options = ServerOptions()
  options.port = 0
  options.logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
  change(&options)
  try await withStore(on: engine, options: storeOptions) { [options] test in
    let store = test.store
    let (ports, found) = AsyncStream<Int>.makeStream()
    let server = HoldfastServer(store: store, options: options) { found.yield($0) }
    let group = ServiceGroup(
      configuration: .init(services: [.init(service: server)], logger: options.logger))
    let running = Task {
      defer { found.finish() }
      try await group.run()
    }
    var iterator = ports.makeAsyncIterator()
    guard let port = await iterator.next() else { return try await running.value }
    let admin = try await store.tokens.create("root", role: .admin).secret
    let testing = TestServer(
      store: store, port: port, admin: admin, group: group, running: running)
    do {
      try await body(testing)
    } catch {
      await testing.shutDown()
      try await testing.stopped()
      throw error
    }
    await testing.shutDown()
    try await testing.stopped()
  }
}
