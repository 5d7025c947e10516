import Foundation
import HoldfastTesting
import Testing

/// A place for a test's store, and the program on it.
final class Place: Sendable {
  /// A private folder.
  let folder: String
  /// What `--store` is given.
  let store: String

  /// Makes a place.
  ///
  /// - Parameter engine: On which database.
  /// - Throws: What keeps the database from being there.
  init(_ engine: TestEngine = .sqlite) async throws {
    folder = try ScratchFolder.make()
    switch engine {
    case .sqlite: store = folder + "/store.db"
    case .postgres: store = try await PrivatePostgres.shared.freshURL()
    }
  }

  deinit { ScratchFolder.remove(folder) }

  /// Runs `holdfast` on the store.
  func holdfast(
    _ arguments: String..., input: String? = nil, environment: [String: String] = [:],
    streams: Tool.Streams = .pipes
  ) async throws -> Tool.Outcome {
    var variables = ["HOLDFAST_STORE": store]
    variables.merge(environment) { _, new in new }
    return try await Tool.run(
      .holdfast, arguments, input: input, environment: variables, folder: folder, streams: streams)
  }

  /// Runs `holdfast` and expects that it succeeds.
  ///
  /// - Returns: What it wrote.
  @discardableResult
  func done(
    _ arguments: String..., input: String? = nil, environment: [String: String] = [:],
    sourceLocation: SourceLocation = #_sourceLocation
  ) async throws -> String {
    var variables = ["HOLDFAST_STORE": store]
    variables.merge(environment) { _, new in new }
    let outcome = try await Tool.run(
      .holdfast, arguments, input: input, environment: variables, folder: folder)
    #expect(
      outcome.code == 0, "\(arguments): \(outcome.errors)", sourceLocation: sourceLocation)
    return outcome.output
  }

  /// Runs a line of a shell's in the folder, where `holdfast` means the store.
  func shell(_ line: String) async throws -> Tool.Outcome {
    try await Tool.run(
      .shell, ["-c", line], environment: ["HOLDFAST_STORE": store], folder: folder)
  }

  /// Writes a file into the folder.
  ///
  /// - Returns: Its path.
  func file(_ name: String, _ text: String) throws -> String {
    let path = folder + "/" + name
    try Data(text.utf8).write(to: URL(filePath: path))
    return path
  }

  /// Begins to serve the store on a free port.
  ///
  /// - Returns: The server, once it accepts connections.
  func serve(
    arguments: [String] = [], environment: [String: String] = [:]
  ) async throws -> Server {
    var variables = ["HOLDFAST_STORE": store]
    variables.merge(environment) { _, new in new }
    let tool = try Tool(
      .holdfast, ["serve", "--port", "0", "--data", folder + "/data"] + arguments,
      environment: variables, folder: folder)
    guard await tool.says("/v1/kv\n") else {
      throw Tool.CannotStart(what: await tool.finish().errors)
    }
    let port = try #require(
      tool.said.firstMatch(of: /https?:\/\/[a-z0-9.]+:([0-9]+)/).flatMap { Int($0.output.1) })
    let token = try? String(
      contentsOf: URL(filePath: folder + "/data/admin-token"), encoding: .utf8)
    return Server(
      tool: tool, port: port, token: (token ?? "").trimmingCharacters(in: .whitespacesAndNewlines))
  }
}

/// A server of a test's.
struct Server: Sendable {
  /// Its program.
  let tool: Tool
  /// Its port.
  let port: Int
  /// Its admin's token.
  let token: String

  /// What makes `holdfast` speak to it.
  var environment: [String: String] {
    ["HOLDFAST_STORE": "http://127.0.0.1:\(port)", "HOLDFAST_TOKEN": token]
  }

  struct NoAnswer: Error {}

  /// Asks over HTTP as anybody would, and gives the answer's body.
  func get(_ path: String) async throws -> String {
    let port = port
    let request =
      "GET \(path) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\nAuthorization: Bearer \(token)\r\n"
      + "Connection: close\r\n\r\n"
    let answer: String? = await withCheckedContinuation { continuation in
      Thread { continuation.resume(returning: Self.exchange(request, port)) }.start()
    }
    guard let answer, let end = answer.range(of: "\r\n\r\n") else { throw NoAnswer() }
    return String(answer[end.upperBound...])
  }

  private static func exchange(_ request: String, _ port: Int) -> String? {
    let file = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(file) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let isConnected = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(file, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
      }
    }
    guard isConnected else { return nil }
    let bytes = Array(request.utf8)
    guard send(file, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else { return nil }
    var answer: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = read(file, &piece, piece.count)
      guard count > 0 else { return String(decoding: answer, as: UTF8.self) }
      answer += piece[..<count]
    }
  }
}
