import Holdfast
import HoldfastServer
import HoldfastTesting
import NIOCore
import ServiceLifecycle
import Testing

@Suite(.timeLimit(.minutes(2))) struct ShutdownTests {
  /// Goal: what was accepted before a shutdown is answered, and nothing is accepted after it.
  ///
  /// Method: shut down while a body is half sent, send the rest, and look into the store.
  @Test func `an accepted request is finished`() async throws {
    try await withServer { server in
      let body = #"{"value":1}"#
      let answer = try await Wire.with(port: server.port) { wire in
        try await wire.write(
          server.head(
            "PUT", "/v1/kv/global/a",
            headers: [
              "Content-Type": "application/json", "Expect": "100-continue",
              "Connection": "keep-alive",
            ], length: body.utf8.count))
        _ = try await wire.read(through: "\r\n\r\n")
        try await wire.write(String(body.prefix(4)))
        await server.shutDown()
        try await refused(server.port)
        try await wire.write(String(body.dropFirst(4)))
        return Answer(try await wire.readToEnd())
      }
      #expect(answer.status == 201)
      #expect(try await server.store.kv(.global).get("a") == 1)
    }
  }

  /// Waits until the port takes no more connections.
  private func refused(_ port: Int) async throws {
    while true {
      do {
        let answer = try await Wire.with(port: port) { wire in
          try await wire.write(
            "GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
          return try await wire.readToEnd()
        }
        if answer.isEmpty { return }
      } catch { return }
    }
  }

  /// Goal: streams and long polls do not hold a shutdown up.
  ///
  /// Method: shut down while one of each waits; both end, the poll with a place to go on from,
  /// which lies before the change that is made then. The store's log tells when the server has
  /// begun to work on the poll: it asks for the place behind all that is there.
  @Test func `streams and polls end`() async throws {
    let log = CapturedLog()
    var options = StoreOptions.testing()
    options.logger = log.logger
    try await withServer(store: options) { server in
      func looks() -> Int { log.lines.count { $0.contains("changes.cursor") } }
      try await server.store.kv(.global).put("before", 1)
      try await Wire.with(port: server.port) { stream in
        try await stream.write(server.head("GET", "/v1/changes"))
        _ = try await stream.read(through: "\n\n")
        let before = looks()
        try await Wire.with(port: server.port) { poll in
          try await poll.write(server.head("GET", "/v1/changes?wait=60s"))
          while looks() == before { await Task.yield() }
          await server.shutDown()
          _ = try await stream.readToEnd()
          let answer = Answer(try await poll.readToEnd())
          #expect(answer.status == 200 && answer.body["items"] == [])
          let next = try ChangeCursor(try #require(answer.body["next"]?.stringValue))
          try await server.store.kv(.global).put("after", 1)
          let page = try await server.store.changes.page(since: next)
          #expect(page.items.map(\.subject) == ["after"])
        }
      }
    }
  }

  /// Goal: a port that is taken is told as what it is.
  ///
  /// Method: a second server on the first one's port.
  @Test func `a taken port is told`() async throws {
    try await withServer { server in
      var options = ServerOptions()
      options.port = server.port
      let second = HoldfastServer(store: server.store, options: options)
      do {
        try await second.run()
        Issue.record("two servers listen on one port")
      } catch let error as StoreError {
        #expect(error.code == .unavailable)
        #expect(error.message.contains("\(server.port)"))
      }
    }
  }

  /// Goal: a certificate that cannot be used is told before anything listens.
  ///
  /// Method: files that are not there.
  @Test func `a missing certificate is told`() async throws {
    try await withServer { server in
      var options = ServerOptions()
      options.port = 0
      options.tls = ServerOptions.TLSFiles(certificate: "/none.pem", key: "/none.key")
      do {
        try await HoldfastServer(store: server.store, options: options).run()
        Issue.record("a server runs without its certificate")
      } catch StoreError.Code.invalid {}
    }
  }
}
