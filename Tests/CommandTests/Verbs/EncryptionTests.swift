import AsyncHTTPClient
import Foundation
import HoldfastTesting
import NIOCore
import NIOHTTP1
import NIOSSL
import Testing

/// What `holdfast serve` does with TLS, and says without it.
@Suite(.timeLimit(.minutes(5))) struct Encryption {
  private static let warning = "nothing is encrypted"

  /// Asks a server for something as a browser would, trusting one certificate.
  ///
  /// - Returns: The answer's status and body.
  private func ask(
    _ server: Server, _ path: String, trusting certificate: Certificate
  ) async throws -> (status: UInt, body: String) {
    var configuration = HTTPClient.Configuration()
    var tls = TLSConfiguration.makeClientConfiguration()
    tls.trustRoots = .file(certificate.path)
    configuration.tlsConfiguration = tls
    let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    var request = HTTPClientRequest(url: "https://localhost:\(server.port)\(path)")
    request.headers.add(name: "Authorization", value: "Bearer \(server.token)")
    let asked = request
    let outcome = await Task {
      let response = try await client.execute(asked, timeout: .seconds(30))
      let body = try await response.body.collect(upTo: 1 << 20)
      return (status: response.status.code, body: String(buffer: body))
    }.result
    try await client.shutdown()
    return try outcome.get()
  }

  /// Goal: a server with a certificate is spoken to encrypted, and not otherwise.
  ///
  /// Method: a client that trusts the certificate reads what was put; one that trusts another is
  /// not let in by itself; a request in clear gets no answer. Nothing is warned of, whoever may
  /// reach the server.
  @Test func `a server with a certificate speaks TLS`() async throws {
    let place = try await Place()
    try await place.done("kv", "put", "run:1", "key", "1")
    let own = try Certificate("own", in: place.folder)
    let other = try Certificate("other", in: place.folder)
    let server = try await place.serve(
      arguments: ["--tls-certificate", own.path, "--tls-key", own.key, "--host", "0.0.0.0"])
    #expect(server.tool.said.contains("https://0.0.0.0:\(server.port)"))
    #expect(!server.tool.said.contains(Self.warning))
    let answer = try await ask(server, "/v1/kv/run:1/key", trusting: own)
    #expect(answer.status == 200)
    #expect(answer.body.hasPrefix(#"{"key":"key","value":1,"#))
    await #expect(throws: (any Error).self) {
      try await ask(server, "/v1/kv/run:1/key", trusting: other)
    }
    await #expect(throws: Server.NoAnswer.self) { try await server.get("/v1/kv/run:1/key") }
  }

  /// Goal: a certificate that cannot be used is told at the start, by what is wrong with it.
  ///
  /// Method: a missing file, a file that is no certificate, a key for a certificate, and the key of
  /// another certificate each end the program with a sentence and 64; one without the other is
  /// refused while parsing.
  @Test func `a certificate that cannot be used is told at the start`() async throws {
    let place = try await Place()
    let own = try Certificate("own", in: place.folder)
    let other = try Certificate("other", in: place.folder)
    let text = try place.file("text.pem", "no certificate\n")
    let cases = [
      (place.folder + "/nowhere.pem", own.key, "The certificate cannot be read from"),
      (text, own.key, "The certificate cannot be read from"),
      (own.path, text, "The private key cannot be read from"),
      (own.path, own.path, "The private key cannot be read from"),
      (own.path, other.key, "do not fit each other"),
    ]
    for (certificate, key, sentence) in cases {
      let outcome = try await place.holdfast(
        "serve", "--port", "0", "--data", place.folder + "/data", "--tls-certificate", certificate,
        "--tls-key", key)
      #expect(outcome.code == 64, "\(sentence)")
      #expect(outcome.errors.contains(sentence), "\(outcome.errors)")
    }
    let half = try await place.holdfast("serve", "--tls-certificate", own.path)
    #expect(half.code == 64)
    #expect(half.errors.contains("go together"))
  }

  /// Goal: who lets other machines in without TLS is told, and nobody else.
  ///
  /// Method: servers on every address and on this machine's own, in clear; the warning stands on
  /// standard error and in the log.
  @Test(arguments: [("0.0.0.0", true), ("127.0.0.1", false), ("localhost", false)])
  func `clear text beyond this machine is warned of`(host: String, warns: Bool) async throws {
    let place = try await Place()
    let server = try await place.serve(arguments: ["--host", host])
    #expect(server.tool.said.contains(Self.warning) == warns)
    #expect(server.tool.said.contains("lets other machines in without TLS") == warns)
  }
}
