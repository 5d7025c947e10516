import Holdfast
import HoldfastTesting
import Testing

@Suite(.timeLimit(.minutes(2))) struct ApprovalRouteTests {
  /// Goal: an approval lives through its routes, and a step that is not possible is refused.
  ///
  /// Method: request, read, decide, repeat, consume something else, consume, consume again and
  /// delete on every engine.
  @Test(arguments: Engines.available)
  func `an approval lives through its routes`(on engine: TestEngine) async throws {
    try await withServer(on: engine) { server in
      let body: Value = [
        "id": "a/b", "action": "send", "resource": "mail", "parameters": ["to": "u1", "n": 1.0],
        "caller": "bot", "permission": "mail", "run": "r1", "channel": "c", "thread": "t",
        "ttl": "10m",
      ]
      let asked = try await server.send("POST", "/v1/approvals", body)
      #expect(asked.status == 201)
      #expect(asked.headers["location"] == "/v1/approvals/a%2Fb")
      for field in ["id", "action", "resource", "parameters", "caller", "permission", "run"] {
        #expect(asked.body[field] == body[field], "\(field)")
      }
      #expect(asked.body["channel"] == "c" && asked.body["thread"] == "t")
      #expect(asked.body["status"] == "pending" && asked.body["digest"]?.stringValue?.count == 64)
      for field in [
        "task", "decision", "decided_by", "by", "reason", "policy", "grant", "decided_at",
        "usable_until", "consumed_at",
      ] {
        #expect(asked.body[field] == .null, "\(field)")
      }
      #expect(asked.body["version"]?.integerValue == asked.version)
      let path = "/v1/approvals/a%2Fb"
      #expect(try await server.send("POST", "/v1/approvals", body).code == "conflict")
      #expect(try await server.send("GET", path).body == asked.body)
      let scope: Value = [
        "action": "send", "resource": "mail", "parameters": ["n": 1.0, "to": "u1"],
        "caller": "bot",
      ]
      let early = try await server.send("POST", "\(path)/consume", scope)
      #expect(early.status == 409 && early.code == "invalid_state")
      let decision: Value = ["decision": "approve", "by": "Alice", "reason": "looks right"]
      let decided = try await server.send("POST", "\(path)/decide", decision)
      #expect(decided.status == 200 && decided.body["status"] == "approved")
      #expect(decided.body["decision"] == "approve" && decided.body["decided_by"] == "root")
      #expect(decided.body["by"] == "Alice" && decided.body["reason"] == "looks right")
      #expect(decided.body["usable_until"]?.stringValue != nil)
      #expect(try await server.send("POST", "\(path)/decide", decision).body == decided.body)
      for other: Value in [
        ["decision": "deny", "by": "Alice"], ["decision": "approve", "by": "Bob"],
        ["decision": "approve"],
      ] {
        let second = try await server.send("POST", "\(path)/decide", other)
        #expect(second.status == 409 && second.code == "invalid_state")
      }
      var wrong = scope
      if case .object(var object) = wrong {
        object["parameters"] = ["n": 1, "to": "u1"]
        wrong = .object(object)
      }
      let elsewhere = try await server.send("POST", "\(path)/consume", wrong)
      #expect(elsewhere.status == 409 && elsewhere.code == "conflict")
      let used = try await server.send("POST", "\(path)/consume", scope)
      #expect(used.status == 200 && used.body["status"] == "consumed")
      #expect(
        used.body["history"]?.arrayValue?.compactMap { $0["event"]?.stringValue } == [
          "request", "approve", "consume",
        ])
      let again = try await server.send("POST", "\(path)/consume", scope)
      #expect(again.code == "invalid_state" && again.details["status"] == "consumed")
      #expect(try await server.send("DELETE", path).status == 204)
      #expect(try await server.send("DELETE", path).status == 404)
      #expect(try await server.send("GET", path).status == 404)
      #expect(try await server.send("POST", "\(path)/decide", decision).status == 404)
      #expect(try await server.send("POST", "\(path)/consume", scope).status == 404)
    }
  }

  /// Goal: a body that cannot be is told which field is wrong.
  ///
  /// Method: each of them; 422 for fields, 400 for path and query.
  @Test func `a bad request names its field`() async throws {
    try await withServer { server in
      let asked = try await server.send("POST", "/v1/approvals", ["action": "a", "id": "1"])
      #expect(asked.status == 201)
      let bodies: [(String, Value, String?)] = [
        ("", [:], "action"), ("", ["action": 5], "action"), ("", ["action": ""], nil),
        ("", ["action": "a", "ttl": "soon"], "ttl"),
        ("", ["action": "a", "nonsense": 1], "nonsense"),
        ("/1/decide", [:], "decision"), ("/1/decide", ["decision": "maybe"], "decision"),
        ("/1/decide", ["decision": "approve", "grant": "yes"], "grant"),
        ("/1/decide", ["decision": "approve", "grant": true], "grant"),
        ("/1/decide", ["decision": "deny", "id": "2"], "id"), ("/1/consume", [:], "action"),
      ]
      for (path, body, field) in bodies {
        let answer = try await server.send("POST", "/v1/approvals\(path)", body)
        #expect(answer.status == 422 && answer.code == "invalid", "\(path) \(body.json)")
        if let field { #expect(answer.details["field"] == .string(field), "\(path) \(body.json)") }
      }
      for query in ["status=lost", "limit=0", "after=x", "max_age=old", "wait=1s", "max_age=0s"] {
        #expect(try await server.send("GET", "/v1/approvals?\(query)").status == 400, "\(query)")
      }
      for query in ["wait=long", "wait=-1s", "status=pending", "wait=1s&wait=1s"] {
        #expect(try await server.send("GET", "/v1/approvals/1?\(query)").status == 400, "\(query)")
      }
      #expect(try await server.send("GET", "/v1/approvals/1").body == asked.body)
      #expect(try await server.send("PUT", "/v1/approvals/1", ["action": "a"]).status == 405)
      #expect(try await server.send("PUT", "/v1/policies/p", ["mode": "maybe"]).status == 422)
      #expect(
        try await server.send("PUT", "/v1/policies/p", ["mode": "always_deny", "grants": true])
          .status == 422)
      #expect(try await server.send("GET", "/v1/policies/p").status == 404)
      #expect(try await server.send("DELETE", "/v1/policies/p").status == 404)
      #expect(try await server.send("GET", "/v1/grants/p").status == 404)
      #expect(try await server.send("DELETE", "/v1/grants/p").status == 404)
    }
  }

  /// Goal: reading with `wait` answers as soon as the approval is decided, and after the wait with
  /// what there is; a closed one is answered at once.
  ///
  /// Method: waits over HTTP while another node decides; waits of no time and of a clock that
  /// stands still until it is moved, past the server's cap too.
  @Test(arguments: Engines.available)
  func `a read waits for the decision`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withServer(on: engine, store: .testing(time: time)) { server in
      let first = try await server.store.approvals.request(ApprovalRequest("a"))
      let path = "/v1/approvals/\(first.id)"
      async let waiting = server.send("GET", "\(path)?wait=30s")
      try await time.sleepers(atLeast: 2)
      try await server.store.approvals.decide(first.id, .deny, by: "alice", reason: "no")
      let answer = try await waiting
      #expect(answer.status == 200 && answer.body["status"] == "denied")
      #expect(answer.body["reason"] == "no")
      #expect(try await server.send("GET", "\(path)?wait=30s").body == answer.body)
      let second = try await server.store.approvals.request(
        ApprovalRequest("a", ttl: .seconds(50)))
      let other = "/v1/approvals/\(second.id)"
      #expect(try await server.send("GET", "\(other)?wait=0s").body["status"] == "pending")
      async let expiring = server.send("GET", "\(other)?wait=1h")
      try await time.sleepers(atLeast: 2)
      time.advance(by: .seconds(50))
      let expired = try await expiring
      #expect(expired.status == 200 && expired.body["status"] == "expired")
      #expect(expired.headers["etag"] == nil)
      let third = try await server.store.approvals.request(ApprovalRequest("a"))
      async let capped = server.send("GET", "/v1/approvals/\(third.id)?wait=1h")
      try await time.sleepers(atLeast: 2)
      time.advance(by: .seconds(60))
      #expect(try await capped.body["status"] == "pending")
      #expect(try await server.send("GET", "/v1/approvals/none?wait=30s").status == 404)
    }
  }

  /// Goal: whoever waits when the server stops is answered.
  ///
  /// Method: a wait, then a shutdown.
  @Test func `a shutdown answers those who wait`() async throws {
    let time = ManualTimeSource()
    try await withServer(store: .testing(time: time)) { server in
      let asked = try await server.store.approvals.request(ApprovalRequest("a"))
      async let waiting = server.send("GET", "/v1/approvals/\(asked.id)?wait=30s")
      try await time.sleepers(atLeast: 2)
      await server.shutDown()
      #expect(try await waiting.body["status"] == "pending")
    }
  }

  /// Goal: approvals are listed by each of their filters, and by age.
  ///
  /// Method: five approvals, and the list that each filter gives.
  @Test(arguments: Engines.available)
  func `approvals are listed by their filters`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withServer(on: engine, store: .testing(time: time)) { server in
      let approvals = server.store.approvals
      try await approvals.request(ApprovalRequest("a", caller: "bot", id: "1"))
      time.advance(by: .seconds(1))
      let second = try await approvals.request(ApprovalRequest("a", run: "r", id: "2"))
      try await approvals.request(ApprovalRequest("a", caller: "bot", run: "r", id: "3"))
      try await approvals.request(ApprovalRequest("a", ttl: .seconds(1), id: "4"))
      try await approvals.request(ApprovalRequest("a", id: "5"))
      try await approvals.decide("3", .approve)
      try await approvals.decide("5", .deny)
      time.advance(by: .seconds(1))
      func ids(_ query: String) async throws -> [String] {
        let answer = try await server.send("GET", "/v1/approvals?\(query)")
        #expect(answer.status == 200, "\(query)")
        return (answer.body["items"]?.arrayValue ?? []).compactMap { $0["id"]?.stringValue }
      }
      #expect(try await ids("") == ["5", "4", "3", "2", "1"])
      #expect(try await ids("status=pending") == ["2", "1"])
      #expect(try await ids("status=approved") == ["3"])
      #expect(try await ids("status=expired") == ["4"])
      #expect(try await ids("status=denied") == ["5"])
      #expect(try await ids("status=consumed").isEmpty)
      #expect(try await ids("caller=bot") == ["3", "1"])
      #expect(try await ids("run=r") == ["3", "2"])
      #expect(try await ids("run=r&status=pending") == ["2"])
      #expect(try await ids("task=none").isEmpty)
      #expect(try await ids("until=\(second.requestedAt.rfc3339)") == ["1"])
      #expect(try await ids("since=\(second.requestedAt.rfc3339)&caller=bot") == ["3"])
      #expect(try await ids("max_age=2s") == ["1"])
      #expect(try await ids("max_age=1s") == ["1", "2", "4"])
      let page = try await server.send("GET", "/v1/approvals?limit=2")
      let next = try #require(page.body["next"]?.stringValue)
      #expect(try await ids("limit=2&after=\(next)") == ["3", "2"])
    }
  }

  /// Goal: agents request and use, operators decide and delete, administrators set policies; a
  /// token sees what its patterns match, and the answer for the rest is that of what is not there.
  ///
  /// Method: every verb as every role, and as a token of another run.
  @Test(arguments: Engines.available)
  func `each role may do its part`(on engine: TestEngine) async throws {
    try await withServer(on: engine) { server in
      let reader = try await server.token(.reader)
      let agent = try await server.token(.agent, "run:r1")
      let stranger = try await server.token(.operator, "run:r2")
      let boss = try await server.token(.operator, "run:**", name: "boss")
      let body: Value = ["id": "1", "action": "a", "run": "r1"]
      #expect(try await server.send("POST", "/v1/approvals", body, as: reader).status == 403)
      #expect(try await server.send("POST", "/v1/approvals", body, as: stranger).status == 403)
      #expect(try await server.send("POST", "/v1/approvals", body, as: agent).status == 201)
      #expect(
        try await server.send("POST", "/v1/approvals", ["action": "a"], as: agent).status == 403)
      #expect(try await server.send("GET", "/v1/approvals/1", as: reader).status == 200)
      #expect(try await server.send("GET", "/v1/approvals/1?wait=1s", as: stranger).status == 404)
      let hidden = try await server.send("GET", "/v1/approvals/1", as: stranger)
      let missing = try await server.send("GET", "/v1/approvals/9", as: stranger)
      #expect(hidden.status == 404 && missing.status == 404)
      #expect(hidden.body["detail"] == missing.body["detail"])
      for (token, count) in [(agent, 1), (stranger, 0), (reader, 1)] {
        let list = try await server.send("GET", "/v1/approvals", as: token)
        #expect(list.body["items"]?.arrayValue?.count == count)
      }
      let decision: Value = ["decision": "approve", "by": "someone else"]
      for (token, status) in [(agent, 403), (stranger, 403), (boss, 200)] {
        let answer = try await server.send("POST", "/v1/approvals/1/decide", decision, as: token)
        #expect(answer.status == status)
        if status == 200 {
          #expect(answer.body["decided_by"] == "boss" && answer.body["by"] == "someone else")
        }
      }
      let scope: Value = ["action": "a"]
      for (token, status) in [(reader, 403), (stranger, 403), (agent, 200)] {
        #expect(
          try await server.send("POST", "/v1/approvals/1/consume", scope, as: token).status
            == status)
      }
      for (token, status) in [(agent, 403), (stranger, 403), (boss, 204)] {
        #expect(try await server.send("DELETE", "/v1/approvals/1", as: token).status == status)
      }
      let policy: Value = ["mode": "auto_approve"]
      #expect(try await server.send("PUT", "/v1/policies/p", policy, as: boss).status == 403)
      // A policy holds for requests from every namespace, so who reaches some sets none.
      for pattern in ["global", "*", "**"] {
        let local = try await server.token(.admin, pattern)
        #expect(try await server.send("PUT", "/v1/policies/p", policy, as: local).status == 403)
        let inside = try await server.send(
          "POST", "/v1/transactions",
          ["operations": [["op": "policies.set", "permission": "p", "mode": "auto_approve"]]],
          as: local)
        #expect(inside.status == 403)
        #expect(try await server.send("DELETE", "/v1/policies/p", as: local).status == 403)
      }
      #expect(try await server.send("PUT", "/v1/policies/p", policy).status == 201)
      #expect(try await server.send("GET", "/v1/policies/p", as: agent).status == 404)
      #expect(try await server.send("GET", "/v1/policies", as: agent).body["items"] == [])
      #expect(try await server.send("GET", "/v1/policies/p", as: reader).status == 200)
      #expect(try await server.send("DELETE", "/v1/policies/p", as: boss).status == 403)
    }
  }

  /// Goal: policies and grants have their routes.
  ///
  /// Method: set, replace, list and delete a policy, under conditions; list and revoke a grant.
  @Test(arguments: Engines.available)
  func `policies and grants have their routes`(on engine: TestEngine) async throws {
    try await withServer(on: engine) { server in
      let path = "/v1/policies/mail%2Fout"
      let made = try await server.send("PUT", path, ["mode": "require_approval"])
      #expect(made.status == 201 && made.headers["location"] == path)
      #expect(made.body["permission"] == "mail/out" && made.body["grants"] == false)
      #expect(made.body["set_by"] == "root")
      let stale = try await server.send(
        "PUT", path, ["mode": "auto_approve"], headers: ["If-Match": "\"1\""])
      #expect(stale.status == 412)
      let replaced = try await server.send(
        "PUT", path, ["mode": "auto_approve"],
        headers: ["If-Match": "\"\(made.version ?? 0)\""])
      #expect(replaced.status == 200 && replaced.body["grants"] == true)
      #expect(try await server.send("GET", path).body == replaced.body)
      let list = try await server.send("GET", "/v1/policies?limit=1")
      #expect(list.body["items"] == [replaced.body] && list.body["next"] == .null)
      let task = try await server.makeTask()
      let asked = try await server.send(
        "POST", "/v1/approvals",
        ["action": "a", "task": .string(task), "permission": "mail/out"])
      #expect(asked.status == 201 && asked.body["status"] == "approved")
      #expect(asked.body["policy"] == "auto_approve")
      let grants = try await server.send("GET", "/v1/grants?task=\(task)&permission=mail/out")
      let grant = try #require(grants.body["items"]?.arrayValue?.first)
      let id = try #require(grant["id"]?.stringValue)
      #expect(grant["source"] == "policy" && grant["approval"] == asked.body["id"])
      #expect(try await server.send("GET", "/v1/grants/\(id)").body == grant)
      let revoked = try await server.send("DELETE", "/v1/grants/\(id)")
      #expect(revoked.status == 200 && revoked.body["revoked_by"] == "root")
      #expect(try await server.send("GET", "/v1/grants").body["items"] == [])
      #expect(
        try await server.send("GET", "/v1/grants?ended=true").body["items"] == [revoked.body])
      #expect(try await server.send("DELETE", path).status == 204)
      #expect(try await server.send("GET", path).status == 404)
    }
  }

  /// Goal: every verb is an operation of a transaction, with the same access.
  ///
  /// Method: a request, its decision and its use with a key in one transaction; one that fails
  /// leaves nothing; a token may do there what it may do elsewhere.
  @Test(arguments: Engines.available)
  func `approvals take part in transactions`(on engine: TestEngine) async throws {
    try await withServer(on: engine) { server in
      func operations(_ last: Value) -> Value {
        [
          "operations": [
            ["op": "policies.set", "permission": "p", "mode": "require_approval"],
            ["op": "approvals.request", "id": "1", "action": "a", "permission": "p"],
            ["op": "approvals.decide", "id": "1", "decision": "approve"], last,
            ["op": "kv.put", "namespace": "global", "key": "k", "value": 1],
          ]
        ]
      }
      let wrong: Value = ["op": "approvals.consume", "id": "1", "action": "b"]
      let refused = try await server.send("POST", "/v1/transactions", operations(wrong))
      #expect(refused.status == 409 && refused.details["index"] == 3)
      #expect(try await server.send("GET", "/v1/approvals/1").status == 404)
      #expect(try await server.send("GET", "/v1/policies/p").status == 404)
      let right: Value = ["op": "approvals.consume", "id": "1", "action": "a"]
      let done = try await server.send("POST", "/v1/transactions", operations(right))
      #expect(done.status == 200)
      #expect(done.body["results"]?.arrayValue?[3]["status"] == "consumed")
      let stranger = try await server.token(.operator, "run:r2")
      let reached = try await server.send(
        "POST", "/v1/transactions",
        ["operations": [["op": "approvals.delete", "id": "1"]]], as: stranger)
      #expect(reached.status == 403)
      let deleted = try await server.send(
        "POST", "/v1/transactions",
        [
          "operations": [
            ["op": "approvals.delete", "id": "1"], ["op": "policies.delete", "permission": "p"],
          ]
        ])
      #expect(deleted.body["results"] == [["deleted": true], ["deleted": true]])
    }
  }
}

extension TestServer {
  /// Makes a task, and gives its identifier.
  fileprivate func makeTask(run: String? = nil) async throws -> String {
    try await store.tasks.enqueue("work", run: run).task.id
  }
}
