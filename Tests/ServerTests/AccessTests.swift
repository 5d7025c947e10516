import Holdfast
import HoldfastTesting
import Testing

@testable import HoldfastServer

@Suite(.timeLimit(.minutes(2))) struct AccessTests {
  /// Goal: nothing but what is open to all is answered without a valid token.
  ///
  /// Method: every kind of route without a token, with a wrong one, and with a malformed field.
  @Test func `everything needs a token`() async throws {
    try await withServer { server in
      let paths = [
        "/v1/kv", "/v1/kv/global/a", "/v1/changes", "/v1/health", "/nothing", "/v1/tokens",
      ]
      for path in paths {
        let answer = try await server.send("GET", path, as: "")
        #expect(answer.status == 401, "\(path)")
        #expect(answer.code == "unauthenticated")
        #expect(answer.headers["www-authenticate"] == "Bearer")
      }
      for field in ["Bearer", "Bearer ", "Basic x", "hf_x", "Bearer hf_wrong"] {
        let answer = try await server.send(
          "GET", "/v1/kv", as: "", headers: ["Authorization": field])
        #expect(answer.status == 401, "\(field)")
      }
      #expect(try await server.send("GET", "/livez", as: "").status == 200)
      #expect(try await server.send("GET", "/readyz", as: "").status == 200)
      let lower = try await server.send(
        "GET", "/v1/kv", as: "", headers: ["Authorization": "bearer \(server.admin)"])
      #expect(lower.status == 200)
    }
  }

  /// Goal: a role may do exactly what the roles up to it may.
  ///
  /// Method: one request that each role is the least for, sent by all four.
  @Test(arguments: Role.allCases)
  func `a role is the least that may`(_ role: Role) async throws {
    try await withServer { server in
      let secret = try await server.token(role)
      try await server.store.runs.begin("r")
      let requests: [(Role, String, String, Value?)] = [
        (.reader, "GET", "/v1/kv/global", nil), (.reader, "GET", "/v1/health", nil),
        (.reader, "POST", "/v1/kv/global/get-many", ["keys": []]),
        (.agent, "PUT", "/v1/kv/global/a", ["value": 1]),
        (.agent, "POST", "/v1/transactions", ["operations": []]),
        (.agent, "POST", "/v1/runs", [:]), (.agent, "POST", "/v1/bots", ["slug": "s"]),
        (.operator, "POST", "/v1/runs/r/cancel", nil),
        (.admin, "POST", "/v1/tokens", ["name": "t", "role": "reader"]),
        (.admin, "GET", "/v1/tokens", nil), (.admin, "DELETE", "/v1/tokens/t", nil),
      ]
      for (least, method, path, body) in requests {
        let answer = try await server.send(method, path, body, as: secret)
        if role.allows(least) {
          #expect((200...299).contains(answer.status), "\(role) \(method) \(path)")
        } else {
          #expect(answer.status == 403, "\(role) \(method) \(path)")
          #expect(answer.code == "forbidden")
        }
      }
      let cancel: Value = ["operations": [["op": "runs.cancel", "id": "none"]]]
      let answer = try await server.send("POST", "/v1/transactions", cancel, as: secret)
      #expect(answer.status == (role.allows(.operator) ? 404 : 403))
    }
  }

  /// Goal: a token reaches its namespaces; elsewhere reads find nothing and writes are forbidden.
  ///
  /// Method: tokens of several patterns against what is theirs and what is not, there or not.
  @Test(arguments: [
    (["users:u1"], ["users:u1"]), (["users:*"], ["users:u1", "users:u2"]),
    (["users:**"], ["users:u1", "users:u2", "users:u1:memories"]), (["*"], ["global"]),
    (["**"], ["global", "users:u1", "users:u2", "users:u1:memories", "run:r", "bot:b"]),
    (["run:*", "global"], ["run:r", "global"]),
  ])
  func `a token reaches its namespaces`(_ patterns: [String], _ reached: [String]) async throws {
    let all = ["global", "users:u1", "users:u2", "users:u1:memories", "run:r", "bot:b"]
    try await withServer { server in
      let secret = try await server.store.tokens.create(
        "t", role: .agent, patterns: patterns.map { try NamespacePattern($0) }
      ).secret
      try await server.store.runs.begin("r")
      try await server.store.bots.create("b", slug: "b")
      for name in all { try await server.store.kv(Namespace(name)).put("k", 1) }
      for name in all {
        let isReached = reached.contains(name)
        let read = try await server.send("GET", "/v1/kv/\(name)/k", as: secret)
        #expect(read.status == (isReached ? 200 : 404), "\(name)")
        let list = try await server.send("GET", "/v1/kv/\(name)", as: secret)
        #expect(list.status == (isReached ? 200 : 404), "\(name)")
        for key in ["k", "none"] {
          let write = try await server.send(
            "PUT", "/v1/kv/\(name)/\(key)", ["value": 2], as: secret)
          let done = key == "k" ? 200 : 201
          #expect(write.status == (isReached ? done : 403), "\(name)/\(key)")
        }
        let both = try await server.send(
          "POST", "/v1/transactions",
          ["operations": [["op": "kv.put", "namespace": .string(name), "key": "t", "value": 1]]],
          as: secret)
        #expect(both.status == (isReached ? 200 : 403), "\(name)")
      }
      let missing = try await server.send("GET", "/v1/kv/users:u9/k", as: secret)
      let hidden = try await server.send("GET", "/v1/kv/hidden/k", as: secret)
      #expect(missing.status == 404 && hidden.status == 404)
      let listed = try await server.send("GET", "/v1/kv?limit=1000", as: secret)
      let names = listed.body["items"]?.arrayValue?.compactMap { $0["namespace"]?.stringValue }
      #expect(names.map(Set.init) == Set(reached))
      for (path, name) in [("/v1/runs/r", "run:r"), ("/v1/bots/b", "bot:b")] {
        let isReached = reached.contains(name)
        let expected = isReached ? 200 : 404
        #expect(try await server.send("GET", path, as: secret).status == expected)
        let change = try await server.send("PATCH", path, ["metadata": [:]], as: secret)
        #expect(change.status == (isReached ? 200 : 403))
      }
      let runs = try await server.send("GET", "/v1/runs?count=true", as: secret)
      let count: Int64 = reached.contains("run:r") ? 1 : 0
      #expect(runs.body["items"]?.arrayValue?.count == Int(count))
      #expect(runs.body["counts"]?["active"] == .integer(count))
    }
  }

  /// Goal: lists that are cut to a depth count only what may be seen, and pages lose nothing.
  ///
  /// Method: a token that reaches a part of a subtree, with pages of one.
  @Test func `a cut list counts only what is seen`() async throws {
    try await withServer { server in
      for name in ["a", "b:1", "b:2", "b:3", "c:1:x", "c:2"] {
        try await server.store.kv(Namespace(name)).put("k", 1)
      }
      let secret = try await server.token(.reader, "b:1", "b:3", "c:**")
      var seen: [String] = []
      var next: String? = ""
      while let after = next {
        let place = after.isEmpty ? "" : "&after=\(after)"
        let page = try await server.send(
          "GET", "/v1/kv?depth=1&count=true&limit=1\(place)", as: secret)
        for item in page.body["items"]?.arrayValue ?? [] {
          seen.append(
            "\(item["namespace"]?.stringValue ?? "") \(item["count"]?.integerValue ?? -1)")
        }
        next = page.body["next"]?.stringValue
      }
      #expect(seen == ["b 2", "c 2"])
      let bad = try await server.send("GET", "/v1/kv?depth=9", as: secret)
      #expect(bad.status == 400)
    }
  }

  /// Goal: what reaches further than a token does is forbidden.
  ///
  /// Method: clears with all below and deletions with tokens that reach only the top.
  @Test func `what reaches below needs a token that does`() async throws {
    try await withServer { server in
      try await server.store.runs.begin("r")
      let top = try await server.token(.agent, "run:*", "users", name: "top")
      let whole = try await server.token(.agent, "run:**", "users", "users:**", name: "whole")
      let clear = "/v1/kv/users?confirm=users&below=true"
      #expect(try await server.send("DELETE", clear, as: top).status == 403)
      #expect(try await server.send("DELETE", clear, as: whole).status == 204)
      #expect(try await server.send("DELETE", "/v1/runs/r", as: top).status == 403)
      #expect(try await server.send("DELETE", "/v1/runs/r", as: whole).status == 204)
      // A parent that may not be seen is as good as missing.
      try await server.store.bots.create("x", slug: "x")
      try await server.store.runs.begin("p")
      let own = try await server.token(.agent, "run:mine", name: "own")
      for parent in ["p", "none"] {
        let answer = try await server.send(
          "POST", "/v1/runs", ["id": "mine", "parent": .string(parent)], as: own)
        #expect(answer.status == 404)
        #expect(answer.details == ["parent": .string(parent)])
      }
    }
  }

  /// Goal: patterns decide about subtrees as they read.
  ///
  /// Method: the three questions for each form of pattern.
  @Test func `patterns decide about subtrees`() throws {
    func access(_ patterns: String...) throws -> Access {
      Access(name: "t", role: .agent, patterns: try patterns.map { try NamespacePattern($0) })
    }
    let users = try Namespace("users")
    #expect(try access("users:**").reachesBelow(users))
    #expect(try access("users:u1").reachesBelow(users))
    #expect(try access("users:u1:x:*").reachesBelow(users))
    #expect(try !access("users").reachesBelow(users))
    #expect(try !access("*").reachesBelow(users))
    #expect(try !access("other:**").reachesBelow(users))
    #expect(try access("**").coversAll(below: users))
    #expect(try access("users", "users:**").coversAll(below: users))
    #expect(try !access("users:**").coversAll(below: users))
    #expect(try !access("users", "users:*").coversAll(below: users))
    #expect(Access(name: "", role: .admin).coversAll(below: users))
  }
}
