import Holdfast
import HoldfastTesting
import Testing

@testable import HoldfastServer

@Suite(.timeLimit(.minutes(2))) struct ProtocolTests {
  /// Goal: an unknown route is 404, and a known one says which methods it has.
  ///
  /// Method: methods that a path has not, fixed words among them.
  @Test(arguments: [
    ("PATCH", "/v1/kv/global/a", "DELETE, GET, HEAD, PUT"),
    ("POST", "/v1/kv/global/a", "DELETE, GET, HEAD, PUT"),
    ("PATCH", "/v1/kv/global/get-many", "DELETE, GET, HEAD, POST, PUT"),
    ("GET", "/v1/kv/global/a/increment", "POST"), ("HEAD", "/v1/changes", "GET"),
    ("DELETE", "/v1/transactions", "POST"), ("PUT", "/v1/runs/r", "DELETE, GET, HEAD, PATCH"),
    ("OPTIONS", "/v1/kv", "GET, HEAD"),
  ])
  func `a wrong method is told the right ones`(
    _ method: String, _ path: String, _ allow: String
  ) async throws {
    try await withServer { server in
      let answer = try await server.send(method, path)
      #expect(answer.status == 405)
      #expect(answer.headers["allow"] == allow)
      for path in ["/", "/v2", "/v1/nothing", "/v1/kv/a/b/c", "/v1/kv/a/b/fly"] {
        #expect(try await server.send("GET", path).status == 404, "\(path)")
      }
    }
  }

  /// Goal: every answer bears a number by which its log lines are found.
  ///
  /// Method: send one, send one that is not fit, and none.
  @Test func `a request has a number`() async throws {
    try await withServer { server in
      let given = try await server.send("GET", "/livez", headers: ["X-Request-ID": "abc-1"])
      #expect(given.headers["x-request-id"] == "abc-1")
      let unfit = try await server.send("GET", "/livez", headers: ["X-Request-ID": "a b"])
      #expect(unfit.headers["x-request-id"]?.contains(" ") == false)
      let made = try await server.send("GET", "/nothing")
      #expect(made.headers["x-request-id"]?.isEmpty == false)
    }
  }

  /// Goal: a body over the limit is refused in a way that its sender can read, and nothing is taken.
  ///
  /// Method: announce too much and go on sending, with a length and in chunks; then ask for leave
  /// first.
  @Test func `a body over the limit is refused readably`() async throws {
    var options = StoreOptions.testing()
    options.limits.requestBytesMax = 100_000
    try await withServer(store: options) { server in
      let head = server.head(
        "PUT", "/v1/kv/global/a",
        headers: ["Content-Type": "application/json", "Connection": "keep-alive"],
        length: 8_000_000)
      for text in [
        head, head.replacing("Content-Length: 8000000", with: "Transfer-Encoding: chunked"),
      ] {
        let answer = try await Wire.with(port: server.port) { wire in
          try await wire.write(text)
          let piece = String(repeating: " ", count: 65_536)
          for _ in 0..<8 {
            // The server may have closed already.
            try? await wire.write(text == head ? piece : "10000\r\n\(piece)\r\n")
          }
          return Answer(try await wire.readToEnd())
        }
        #expect(answer.status == 413)
        #expect(answer.code == "too_large")
      }
      let asked = try await Wire.with(port: server.port) { wire in
        try await wire.write(
          server.head(
            "PUT", "/v1/kv/global/a",
            headers: ["Content-Type": "application/json", "Expect": "100-continue"],
            length: 8_000_000))
        return try await wire.readToEnd()
      }
      #expect(asked.hasPrefix("HTTP/1.1 413"))
      #expect(try await server.store.kv(.global).count() == 0)
    }
  }

  /// Goal: whoever is refused before the body was read sees why, and whoever is refused after it
  /// keeps the connection.
  ///
  /// Method: a long body without a token; then a conflict with a long body, and another request on
  /// the same connection.
  @Test func `a refusal ends only a connection with a rest`() async throws {
    try await withServer { server in
      try await server.store.kv(.global).put("a", 1)
      let body = #"{"value":""# + String(repeating: "x", count: 3_000_000) + #""}"#
      let headers = [
        "Content-Type": "application/json", "Connection": "keep-alive", "If-None-Match": "*",
      ]
      let head = server.head("PUT", "/v1/kv/global/a", headers: headers, length: body.utf8.count)
      let refused = try await Wire.with(port: server.port) { wire in
        try await wire.write(head.replacing(server.admin, with: "hf_unknown"))
        // The server may have closed already.
        try? await wire.write(body)
        return Answer(try await wire.readToEnd())
      }
      #expect(refused.status == 401)
      #expect(refused.headers["connection"] == "close")
      let both = try await Wire.with(port: server.port) { wire in
        try await wire.write(head + body + server.head("GET", "/v1/kv/global/a"))
        return try await wire.readToEnd()
      }
      #expect(both.split(separator: "HTTP/1.1 ").map { $0.prefix(3) } == ["412", "200"])
    }
  }

  /// Goal: bodies have a bound together, which is given back.
  ///
  /// Method: a bound that one body fits into and another does not, one after the other.
  @Test func `bodies have a bound together`() async throws {
    try await withServer {
      $0.bodyBytesAtOnceMax = 1_000
    } _: { server in
      for _ in 0..<5 {
        let fits = try await server.send(
          "PUT", "/v1/kv/global/a", ["value": .string(String(repeating: "x", count: 800))])
        #expect(fits.status < 300)
      }
      let large = try await server.send(
        "PUT", "/v1/kv/global/a", ["value": .string(String(repeating: "y", count: 1_000))])
      #expect(large.status == 503)
      #expect(large.headers["retry-after"] != nil)
    }
  }

  /// Goal: a peer that stops reading is let go, and holds no shutdown up.
  ///
  /// Method: ask for far more than buffers hold, read nothing, and wait for the server to stop; its
  /// own bound on a shutdown is longer than the test may take.
  @Test func `a peer that reads nothing is let go`() async throws {
    try await withServer {
      $0.stallTimeMax = .milliseconds(200)
      $0.shutdownTimeMax = .seconds(600)
    } _: { server in
      let half = Value.string(String(repeating: "x", count: 15 << 20))
      try await server.store.kv(.global).put("large", [half, half])
      try await Wire.with(port: server.port) { wire in
        try await wire.write(server.head("GET", "/v1/kv/global/large"))
        _ = try await wire.read(through: "\r\n\r\n")
        await server.shutDown()
        try await server.stopped()
        let rest = try? await wire.readToEnd()
        #expect((rest ?? "").utf8.count < 30 << 20)
      }
    }
  }

  /// Goal: no key, value, query or token stands in a log, however much is logged.
  ///
  /// Method: log everything, of reads, writes, refusals and faults in a request, and look for each.
  @Test func `a log holds no secret`() async throws {
    let log = CapturedLog()
    var options = StoreOptions.testing()
    options.logger = log.logger
    try await withServer(store: options) {
      $0.logger = log.logger
    } _: { server in
      let body: Value = ["value": "zebra", "description": "giraffe"]
      _ = try await server.send("PUT", "/v1/kv/global/okapi", body)
      _ = try await server.send("PUT", "/v1/kv/global/okapi", body, headers: ["If-Match": "\"1\""])
      _ = try await server.send("GET", "/v1/kv/global/okapi")
      _ = try await server.send("GET", "/v1/entry?namespace=global&key=okapi")
      _ = try await server.send("GET", "/v1/kv/global?prefix=okapi&bad=zebra")
      _ = try await server.send("PUT", "/v1/kv/global/okapi", text: "zebra")
      _ = try await server.send("GET", "/v1/kv", as: "hf_zebra")
      let lines = log.lines
      #expect(lines.contains { $0.contains("/v1/kv/{namespace}/{key}") })
      for word in ["zebra", "giraffe", "okapi", server.admin] {
        #expect(!lines.contains { $0.contains(word) }, "\(word)")
      }
    }
  }

  /// Goal: a client that asks for leave gets it, and its body arrives.
  ///
  /// Method: send the head, wait for the word, then the body.
  @Test func `a client that asks may send`() async throws {
    try await withServer { server in
      let body = #"{"value":1}"#
      try await Wire.with(port: server.port) { wire in
        try await wire.write(
          server.head(
            "PUT", "/v1/kv/global/a",
            headers: ["Content-Type": "application/json", "Expect": "100-continue"],
            length: body.utf8.count))
        let word = try await wire.read(through: "\r\n\r\n")
        #expect(word.hasPrefix("HTTP/1.1 100"))
        try await wire.write(body)
        #expect(Answer(try await wire.readToEnd()).status == 201)
      }
    }
  }

  /// Goal: a body that breaks off writes nothing, even where what came is JSON by itself.
  ///
  /// Method: end the connection inside of a body with a length, and inside of a chunked one.
  @Test func `a body that breaks off writes nothing`() async throws {
    try await withServer { server in
      let json = ["Content-Type": "application/json"]
      let whole = #"{"value":1}"#
      let bodies = [
        server.head("PUT", "/v1/kv/global/a", headers: json, length: 50) + whole,
        server.head("POST", "/v1/kv/global/n/increment", headers: json, length: 50),
        server.head(
          "PUT", "/v1/kv/global/a", headers: json.merging(["Transfer-Encoding": "chunked"]) { $1 })
          + "b\r\n\(whole)\r\n",
        server.head(
          "PUT", "/v1/kv/global/a", headers: json.merging(["Transfer-Encoding": "chunked"]) { $1 })
          + "ff\r\n\(whole)",
      ]
      for text in bodies {
        try await Wire.with(port: server.port) { wire in
          try await wire.write(text)
          wire.finishWriting()
          let answer = try await wire.readToEnd()
          #expect(answer.isEmpty || answer.hasPrefix("HTTP/1.1 400"), "\(text)")
        }
      }
      #expect(try await server.store.kv(.global).count() == 0)
    }
  }

  /// Goal: more requests than the bound are sent away with a time to come back.
  ///
  /// Method: a bound of none.
  @Test func `too many requests are sent away`() async throws {
    try await withServer {
      $0.requestsAtOnceMax = 0
    } _: { server in
      let answer = try await server.send("GET", "/v1/kv/global/a")
      #expect(answer.status == 503)
      #expect(answer.code == "unavailable")
      #expect(answer.headers["retry-after"] == "1")
    }
  }

  /// Goal: a page on the web cannot speak to a server on this machine.
  ///
  /// Method: other hosts, other origins, and the server's own.
  @Test func `a stranger's page is refused`() async throws {
    try await withServer {
      $0.hosts = ["holdfast.internal"]
      $0.origins = ["https://console.example"]
    } _: { server in
      let own = "127.0.0.1:\(server.port)"
      let cases: [([String: String], Int)] = [
        (["Host": "evil.example"], 403), (["Host": "127.0.0.1.evil.example"], 403),
        (["Host": "localhost:1"], 200), (["Host": "[::1]:7420"], 200),
        (["Host": "holdfast.internal:7420"], 200), (["Origin": "http://evil.example"], 403),
        (["Origin": "null"], 403), (["Origin": "http://\(own)"], 200),
        (["Origin": "https://console.example"], 200), (["Origin": "http://localhost:1"], 403),
      ]
      for (headers, status) in cases {
        let answer = try await server.send("GET", "/v1/kv", headers: headers)
        #expect(answer.status == status, "\(headers)")
      }
    }
  }

  /// Goal: several requests on one connection are answered in order.
  ///
  /// Method: write three at once, with a refused one in the middle.
  @Test func `requests on one connection keep their order`() async throws {
    try await withServer { server in
      let keep = ["Connection": "keep-alive"]
      let body = #"{"value":1}"#
      let json = keep.merging(["Content-Type": "application/json"]) { $1 }
      try await Wire.with(port: server.port) { wire in
        try await wire.write(
          server.head("PUT", "/v1/kv/global/a", headers: json, length: body.utf8.count) + body
            + server.head("GET", "/v1/kv/global/none", headers: keep)
            + server.head("GET", "/v1/kv/global/a"))
        let all = try await wire.readToEnd()
        let statuses = all.split(separator: "HTTP/1.1 ").map { $0.prefix(3) }
        #expect(statuses == ["201", "404", "200"])
      }
    }
  }

  /// Goal: work that does not notice the end of its time does not hold its caller up.
  ///
  /// Method: work that waits for a signal that never comes while the limit lasts, on a clock of the
  /// test's.
  @Test func `work is held to its time limit`() async throws {
    let time = ManualTimeSource()
    let (signals, signal) = AsyncStream<Void>.makeStream()
    async let late: Void = TimeLimit.run(
      .seconds(60), time, late: StoreError(.unavailable, "late")
    ) {
      for await _ in signals {}
    }
    try await time.sleepers(atLeast: 1)
    time.advance(by: .seconds(60))
    do {
      try await late
      Issue.record("the limit was not held")
    } catch StoreError.Code.unavailable {}
    signal.finish()
    let quick = try await TimeLimit.run(
      .seconds(60), time, late: StoreError(.unavailable, "late")
    ) { 5 }
    #expect(quick == 5)
  }
}
