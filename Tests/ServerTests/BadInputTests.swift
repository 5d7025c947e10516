import Holdfast
import HoldfastEngine
import HoldfastTesting
import Testing

@Suite(.timeLimit(.minutes(2))) struct BadInputTests {
  /// A body whose value is a text of these bytes.
  private func quoted(_ bytes: [UInt8]) -> [UInt8] {
    Array("{\"value\":\"".utf8) + bytes + Array("\"}".utf8)
  }

  /// Goal: a text that is no value says why, and writes nothing.
  ///
  /// Method: one body for each reason, among them bytes that are no UTF-8.
  @Test func `a body that is no value says why`() async throws {
    let deep = String(repeating: "[", count: 300) + String(repeating: "]", count: 300)
    let bodies: [([UInt8], String)] = [
      (Array(#"{"value":"\uD800"}"#.utf8), "surrogate"),
      (Array(#"{"value":"\uDC00\uD800"}"#.utf8), "surrogate"),
      (Array(#"{"value":9223372036854775809}"#.utf8), "number_range"),
      (Array(#"{"value":-18446744073709551617}"#.utf8), "number_range"),
      (Array("{\"value\":\(deep)}".utf8), "too_deep"),
      (quoted([0xC3, 0x28]), "encoding"), (quoted([0xED, 0xA0, 0x80]), "encoding"),
    ]
    try await withServer { server in
      for (body, reason) in bodies {
        let answer = try await Wire.with(port: server.port) { wire in
          let head = server.head(
            "PUT", "/v1/kv/global/a", headers: ["Content-Type": "application/json"],
            length: body.count)
          try await wire.write(Array(head.utf8) + body)
          return Answer(try await wire.readToEnd())
        }
        #expect(answer.status == 400 && answer.code == "invalid", "\(reason): \(answer.text)")
        #expect(answer.details["reason"] == .string(reason), "\(answer.text)")
      }
      #expect(try await server.store.kv(.global).count() == 0)
    }
  }

  /// Goal: a time to live that cannot be is refused by name, and writes nothing.
  ///
  /// Method: negative, nothing, and more than ten years; for a key, its expiry and an approval.
  @Test(arguments: ["-1s", "0s", "3651d", "99999999999999999999d"])
  func `a time to live that cannot be is refused`(_ ttl: String) async throws {
    try await withServer { server in
      try await server.store.kv(.global).put("there", 1)
      let requests: [(String, String, Object)] = [
        ("PUT", "/v1/kv/global/a", ["value": 1]), ("POST", "/v1/kv/global/there/expire", [:]),
        ("POST", "/v1/approvals", ["action": "a"]),
      ]
      for (method, path, fields) in requests {
        var body = fields
        body["ttl"] = .string(ttl)
        let answer = try await server.send(method, path, .object(body))
        #expect(answer.status == 422 && answer.code == "invalid", "\(path): \(answer.text)")
        #expect(answer.details["field"] == "ttl", "\(path): \(answer.text)")
      }
      #expect(try await server.store.kv(.global).get("a") == nil)
      #expect(try await server.store.kv(.global).getEntry("there")?.expiresAt == nil)
      #expect(try await server.store.approvals.list().items.isEmpty)
    }
  }

  /// Goal: a lease of no time is none: nothing is claimed, and a lease that is there stays.
  ///
  /// Method: a claim and a heartbeat with it.
  @Test func `a lease of no time is refused`() async throws {
    try await withServer { server in
      let id = try await server.store.tasks.enqueue("a").task.id
      let claim = try await server.send("POST", "/v1/tasks/claim", ["lease": "0s"])
      #expect(claim.status == 422 && claim.details["field"] == "lease", "\(claim.text)")
      let claimed = try #require(try await server.store.tasks.claim().first)
      #expect(claimed.id == id)
      let beat = try await server.send(
        "POST", "/v1/tasks/\(id)/heartbeat",
        ["fencing_token": .integer(claimed.token), "lease": "0s"])
      #expect(beat.status == 422 && beat.details["field"] == "lease", "\(beat.text)")
      #expect(
        try await server.store.tasks.get(id)?.leaseExpiresAt == claimed.record.leaseExpiresAt)
    }
  }

  /// Goal: nobody decides an approval whose time is over.
  ///
  /// Method: the clock is moved to its end; both decisions are tried.
  @Test(arguments: Engines.available)
  func `an expired approval is not decided`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withServer(on: engine, store: .testing(time: time)) { server in
      try await server.store.approvals.request(
        ApprovalRequest("a", ttl: .seconds(10), id: "late"))
      time.advance(by: .seconds(10))
      for decision in ["approve", "deny"] {
        let answer = try await server.send(
          "POST", "/v1/approvals/late/decide", ["decision": .string(decision)])
        #expect(answer.status == 409 && answer.code == "invalid_state", "\(answer.text)")
        #expect(answer.body["hint"]?.stringValue?.isEmpty == false)
      }
      #expect(try await server.send("GET", "/v1/approvals/late").body["status"] == "expired")
    }
  }

  /// Goal: a provider whose row is damaged is told as what it is, and hides no other.
  ///
  /// Method: a row that somebody spoilt with an SQL tool, at each route; then it is mended.
  @Test func `a damaged provider is told`() async throws {
    try await withServer { server in
      try await server.store.providers.put("bad", priority: 1)
      try await server.store.providers.put("good", priority: 2)
      try await server.store.breakProvider("bad")
      let path = "/v1/providers/bad"
      for (method, tail) in [("GET", ""), ("POST", "/acquire"), ("POST", "/failure")] {
        let answer = try await server.send(method, path + tail)
        #expect(answer.status == 500 && answer.code == "corrupt", "\(method) \(tail)")
      }
      let list = try await server.send("GET", "/v1/providers")
      #expect(list.status == 200 && list.body["unreadable"] == ["bad"])
      #expect(list.body["items"]?.arrayValue?.map { $0["name"] } == ["good"])
      let mended = try await server.send("PUT", path, ["circuit": "closed"])
      #expect(mended.status == 200 && mended.body["circuit"] == "closed", "\(mended.text)")
      #expect(try await server.send("GET", path).status == 200)
    }
  }
}
