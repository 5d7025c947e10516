import Holdfast
import HoldfastTesting
import Testing

@Suite(.timeLimit(.minutes(2))) struct ProviderRouteTests {
  /// Goal: a provider lives through its routes, from closed to open and back.
  ///
  /// Method: put, outcomes of each kind, acquire, and delete, on every engine; the clock is moved.
  @Test(arguments: Engines.available)
  func `a provider lives through its routes`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withServer(on: engine, store: .testing(time: time)) { server in
      let path = "/v1/providers/a%2Fb"
      let made = try await server.send("PUT", path, ["priority": 3])
      #expect(made.status == 201 && made.headers["location"] == path)
      #expect(made.body["circuit"] == "closed" && made.body["priority"] == 3)
      #expect(made.body["wait"] == .null && made.body["last_error"] == .null)
      #expect(try await server.send("PUT", path, ["priority": 4]).status == 200)
      let counted = try await server.send("POST", "\(path)/success", ["latency": "840ms"])
      #expect(counted.status == 200 && counted.body["last_latency"] == "840ms")
      #expect(try await server.send("POST", "\(path)/success").body["total_successes"] == 2)
      #expect(try await server.send("GET", path).body["total_successes"] == 2)
      let callers = try await server.send(
        "POST", "\(path)/failure", ["kind": "context_length", "error": "too long"])
      #expect(callers.body["total_failures"] == 0 && callers.body["last_error"] == .null)
      for _ in 0..<3 {
        let failed = try await server.send(
          "POST", "\(path)/failure", ["kind": "timeout", "error": "no answer"])
        #expect(failed.status == 200 && failed.body["last_error"] == "no answer")
      }
      let open = try await server.send("GET", path)
      #expect(open.body["circuit"] == "open" && open.body["openings"] == 1)
      let denied = try await server.send("POST", "\(path)/acquire")
      #expect(denied.status == 200 && denied.body["allowed"] == false)
      #expect(denied.body["reason"] == "open")
      #expect(denied.body["wait_until"] == open.body["retry_at"])
      time.advance(by: .seconds(30))
      let probe = try await server.send("POST", "\(path)/acquire")
      let token = try #require(probe.body["probe_token"])
      #expect(probe.body["allowed"] == true && token.integerValue != nil)
      #expect(try await server.send("POST", "\(path)/acquire").body["reason"] == "probing")
      let late = try await server.send("POST", "\(path)/success", ["probe_token": 1])
      #expect(late.status == 409 && late.code == "fenced")
      let limited = try await server.send(
        "POST", "\(path)/rate-limited", ["retry_after": "20s", "probe_token": token])
      #expect(limited.body["circuit"] == "open")
      #expect(
        limited.body["rate_limited_until"] == .string((time.wallTime() + .seconds(20)).rfc3339))
      let health = try await server.send("GET", "/v1/health")
      #expect(health.body["circuits"] == ["closed": 0, "open": 1, "half_open": 0])
      #expect(try await server.send("DELETE", path).status == 204)
      for (method, tail) in [
        ("DELETE", ""), ("GET", ""), ("POST", "/acquire"), ("POST", "/success"),
        ("POST", "/failure"), ("POST", "/rate-limited"),
      ] {
        #expect(try await server.send(method, path + tail).status == 404, "\(method) \(tail)")
      }
    }
  }

  /// Goal: a state goes in as it came out, and what cannot be is refused with the field's name.
  ///
  /// Method: puts what GET gave, without what the store itself knows; then bad fields.
  @Test(arguments: Engines.available)
  func `a state goes in as it came out`(on engine: TestEngine) async throws {
    try await withServer(on: engine) { server in
      let state: Object = [
        "priority": -2, "circuit": "half_open", "consecutive_failures": 3,
        "consecutive_successes": 0, "opened_at": "2026-01-02T03:04:05.678901Z", "wait": "28713ms",
        "openings": 2, "probe_expires_at": "2026-01-02T03:05:05.678901Z",
        "rate_limited_until": .null, "last_error": "down", "last_latency": "12ms",
        "last_success_at": "2026-01-02T03:00:00.000000Z", "total_successes": 7,
        "total_failures": 8, "up_since": .null,
      ]
      var sent = state
      sent["probe_token"] = 17
      let put = try await server.send("PUT", "/v1/providers/p", .object(sent))
      #expect(put.status == 201)
      let read = try await server.send("GET", "/v1/providers/p")
      for (name, value) in state { #expect(read.body[name] == value, "\(name)") }
      let closed = try await server.send(
        "POST", "/v1/providers/p/success", ["probe_token": 17])
      #expect(closed.body["circuit"] == "closed")
      let bad: [(Object, String)] = [
        (["priority": 5_000], "priority"), (["priority": "high"], "priority"),
        (["circuit": "ajar"], "circuit"), (["circuit": "open"], "opened_at"),
        (["wait": "30s"], "opened_at"),
        (["circuit": "open", "opened_at": "2026-01-02T03:04:05Z"], "wait"),
        (["consecutive_failures": -1], "consecutive_failures"),
        (["total_failures": -1], "total_failures"), (["probe_token": 3], "probe_expires_at"),
        (["last_latency": "soon"], "last_latency"), (["up_since": "today"], "up_since"),
        (["colour": "red"], "colour"), (["name": "q"], "name"),
      ]
      for (body, field) in bad {
        let answer = try await server.send("PUT", "/v1/providers/p", .object(body))
        #expect(answer.status == 422 && answer.details["field"] == .string(field), "\(body)")
      }
      let kind = try await server.send("POST", "/v1/providers/p/failure", ["kind": "mood"])
      #expect(kind.status == 422 && kind.details["field"] == "kind")
      let pause = try await server.send(
        "POST", "/v1/providers/p/rate-limited", ["retry_after": "-1s"])
      #expect(pause.status == 422 && pause.details["field"] == "retry_after")
      #expect(
        try await server.send("POST", "/v1/providers/p/acquire", ["force": true]).status == 422)
      #expect(try await server.send("PUT", "/v1/providers/..%2F..").status == 201)
      #expect(try await server.send("GET", "/v1/providers?after=x").status == 400)
    }
  }

  /// Goal: providers belong to `global`: who may not see that sees none; readers write none.
  ///
  /// Method: tokens with a pattern and with a lesser role, at every route.
  @Test(arguments: Engines.available)
  func `providers are seen by those who see global`(on engine: TestEngine) async throws {
    try await withServer(on: engine) { server in
      try await server.store.providers.put("p")
      let patterns = [try NamespacePattern("run:**")]
      let stranger = try await server.store.tokens.create(
        "stranger", role: .admin, patterns: patterns)
      let reader = try await server.store.tokens.create("reader", role: .reader)
      func status(_ method: String, _ path: String, _ token: String) async throws -> Int {
        try await server.send(method, path, as: token).status
      }
      #expect(
        try await server.send("GET", "/v1/providers", as: stranger.secret).body["items"] == [])
      #expect(try await status("GET", "/v1/providers/p", stranger.secret) == 404)
      #expect(try await status("GET", "/v1/providers/p", reader.secret) == 200)
      for (method, tail) in [
        ("PUT", ""), ("DELETE", ""), ("POST", "/acquire"), ("POST", "/success"),
        ("POST", "/failure"), ("POST", "/rate-limited"),
      ] {
        for token in [stranger.secret, reader.secret] {
          #expect(try await status(method, "/v1/providers/p" + tail, token) == 403)
        }
      }
    }
  }

  /// Goal: providers take part in a transaction; asking whether one may be called does not.
  ///
  /// Method: one request with a put and failures, and one whose last operation fails.
  @Test(arguments: Engines.available)
  func `providers take part in a transaction`(on engine: TestEngine) async throws {
    try await withServer(on: engine) { server in
      let done = try await server.send(
        "POST", "/v1/transactions",
        [
          "operations": [
            ["op": "providers.put", "name": "p", "priority": 1],
            ["op": "providers.failure", "name": "p", "kind": "server"],
            ["op": "providers.success", "name": "p", "latency": "5ms"],
            ["op": "kv.put", "namespace": "global", "key": "k", "value": 1],
          ]
        ])
      #expect(done.status == 200)
      #expect(try await server.send("GET", "/v1/providers/p").body["total_failures"] == 1)
      let undone = try await server.send(
        "POST", "/v1/transactions",
        [
          "operations": [
            ["op": "providers.rate_limited", "name": "p"],
            ["op": "providers.success", "name": "missing"],
          ]
        ])
      #expect(undone.status == 404 && undone.details["index"] == 1)
      #expect(try await server.send("GET", "/v1/providers/p").body["total_failures"] == 1)
      let acquire = try await server.send(
        "POST", "/v1/transactions", ["operations": [["op": "providers.acquire", "name": "p"]]])
      #expect(acquire.status == 422)
    }
  }
}
