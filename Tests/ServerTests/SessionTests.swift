import Holdfast
import HoldfastTesting
import Testing

@Suite(.timeLimit(.minutes(2))) struct SessionTests {
  /// Goal: a session lives through its routes, with its items.
  ///
  /// Method: save, read, append, pop, clear, touch and delete one session on every engine.
  @Test(arguments: Engines.available)
  func `a session lives through its routes`(on engine: TestEngine) async throws {
    try await withServer(on: engine) { server in
      let made = try await server.send(
        "POST", "/v1/sessions",
        ["id": "a/b", "run": "42", "channel": "slack", "thread": "17", "data": ["lang": "de"]])
      #expect(made.status == 201 && made.headers["location"] == "/v1/sessions/a%2Fb")
      #expect(made.body["user"] == .null && made.body["data"] == ["lang": "de"])
      let path = "/v1/sessions/a%2Fb"
      let read = try await server.send("GET", path)
      #expect(read.body == made.body && read.version == read.body["version"]?.integerValue)
      let appended = try await server.send(
        "POST", "\(path)/items", ["items": [["role": "user"], ["role": "tool", "n": 1.0]]])
      #expect(appended.status == 201 && appended.body["positions"] == [1, 2])
      #expect(appended.body["count"] == 2)
      let items = try await server.send("GET", "\(path)/items")
      #expect(
        items.body["items"]
          == [
            ["position": 1, "item": ["role": "user"]],
            ["position": 2, "item": ["role": "tool", "n": 1.0]],
          ])
      #expect(items.body["next"] == .null)
      let popped = try await server.send("POST", "\(path)/pop")
      #expect(popped.body["position"] == 2 && popped.body["item"] == ["role": "tool", "n": 1.0])
      #expect(
        try await server.send("POST", "\(path)/items", ["items": [["n": 3]]]).body["positions"]
          == [3])
      #expect(try await server.send("DELETE", "\(path)/items").status == 204)
      #expect(try await server.send("GET", "\(path)/items").body["items"] == [])
      #expect(try await server.send("POST", "\(path)/pop").body["item"] == .null)
      #expect(try await server.send("POST", "\(path)/touch").body["item_count"] == 0)
      let put = try await server.send("PUT", path, ["user": "u1", "data": .null])
      #expect(put.status == 200 && put.body["data"] == .null && put.body["run"] == "42")
      let stale = try await server.send("PUT", path, [:], headers: ["If-Match": "\"1\""])
      #expect(stale.status == 412)
      #expect(try await server.send("DELETE", path).status == 204)
      #expect(try await server.send("DELETE", path).status == 404)
      #expect(try await server.send("GET", path).status == 404)
      #expect(try await server.send("PUT", path, [:]).status == 201)
    }
  }

  /// Goal: items are read from the end, from a position and in pages; bad requests are refused.
  ///
  /// Method: ten items, and the positions that each query gives.
  @Test(arguments: Engines.available)
  func `items are read in pages`(on engine: TestEngine) async throws {
    try await withServer(on: engine) { server in
      try await server.store.sessions.save(SessionEntry("s"))
      let items = (1...10).map { Value.object(["n": .integer($0)]) }
      try await server.store.sessions.append(items, to: "s")
      func positions(_ query: String) async throws -> [Int64] {
        let answer = try await server.send("GET", "/v1/sessions/s/items?\(query)")
        #expect(answer.status == 200, "\(query)")
        return (answer.body["items"]?.arrayValue ?? []).compactMap { $0["position"]?.integerValue }
      }
      #expect(try await positions("last=3") == [8, 9, 10])
      #expect(try await positions("from=9") == [9, 10])
      #expect(try await positions("limit=2") == [1, 2])
      let page = try await server.send("GET", "/v1/sessions/s/items?limit=4&from=5")
      let next = try #require(page.body["next"]?.stringValue)
      #expect(try await positions("limit=4&from=5&after=\(next)") == [9, 10])
      for query in ["last=0", "last=x", "from=x", "after=x", "limit=0", "limit=1001", "n=1"] {
        #expect(try await server.send("GET", "/v1/sessions/s/items?\(query)").status == 400)
      }
      let bad = try await server.send("POST", "/v1/sessions/s/items", ["items": [["n": 1], 2]])
      #expect(bad.status == 422 && bad.details["index"] == 1)
      for body: Value in [[:], ["items": 1], ["items": [], "more": 1]] {
        #expect(try await server.send("POST", "/v1/sessions/s/items", body).status == 422)
      }
      for path in ["items", "touch", "pop"] {
        let body: Value = path == "items" ? ["items": []] : [:]
        let answer = try await server.send("POST", "/v1/sessions/none/\(path)", body)
        #expect(answer.status == 404 && answer.code == "not_found")
      }
      #expect(try await server.send("GET", "/v1/sessions/none/items").status == 404)
      #expect(try await server.send("DELETE", "/v1/sessions/none/items").status == 404)
    }
  }

  /// Goal: sessions are listed by each of their filters, and found by their thread.
  ///
  /// Method: four sessions, and the list that each query gives.
  @Test(arguments: Engines.available)
  func `sessions are listed and found by thread`(on engine: TestEngine) async throws {
    try await withServer(on: engine) { server in
      let sessions = server.store.sessions
      try await sessions.save(SessionEntry("1", channel: "c", thread: "t", user: "u"))
      try await sessions.save(SessionEntry("2", run: "42", channel: "c", thread: "t"))
      try await sessions.save(SessionEntry("3", channel: "d", thread: "t", user: "u"))
      let last = try await sessions.save(SessionEntry("4")).session
      try await sessions.touch("1")
      func ids(_ query: String) async throws -> [String] {
        let answer = try await server.send("GET", "/v1/sessions?\(query)")
        #expect(answer.status == 200, "\(query)")
        return (answer.body["items"]?.arrayValue ?? []).compactMap { $0["id"]?.stringValue }
      }
      #expect(try await ids("") == ["4", "3", "2", "1"])
      #expect(try await ids("channel=c") == ["2", "1"])
      #expect(try await ids("channel=c&thread=t") == ["1"])
      #expect(try await ids("channel=c&thread=T").isEmpty)
      #expect(try await ids("user=u") == ["3", "1"])
      #expect(try await ids("run=42") == ["2"])
      #expect(try await ids("since=\(last.createdAt.rfc3339)").first == "4")
      let page = try await server.send("GET", "/v1/sessions?limit=3")
      let next = try #require(page.body["next"]?.stringValue)
      #expect(try await ids("limit=3&after=\(next)") == ["1"])
      for query in ["thread=t", "channel=c&thread=t&user=u", "after=x", "limit=0", "until=now"] {
        #expect(try await server.send("GET", "/v1/sessions?\(query)").status == 400, "\(query)")
      }
    }
  }

  /// Goal: a thread session lives through its routes.
  ///
  /// Method: put, get, touch, list and delete one whose names need escaping.
  @Test(arguments: Engines.available)
  func `a thread lives through its routes`(on engine: TestEngine) async throws {
    try await withServer(on: engine) { server in
      let path = "/v1/threads/a%2Fb/17.5%20x"
      let made = try await server.send("PUT", path, ["session_key": "s1", "data": ["n": 1]])
      #expect(made.status == 201 && made.headers["location"] == path)
      #expect(made.body["channel"] == "a/b" && made.body["thread"] == "17.5 x")
      #expect(try await server.send("PUT", path, ["session_key": "s2"]).status == 200)
      let read = try await server.send("GET", path)
      #expect(read.body["session_key"] == "s2" && read.body["data"] == [:])
      #expect(read.version == read.body["version"]?.integerValue)
      #expect(try await server.send("POST", "\(path)/touch").status == 200)
      let listed = try await server.send("GET", "/v1/threads?channel=a%2Fb")
      #expect(listed.body["items"]?.arrayValue?.count == 1)
      #expect(try await server.send("GET", "/v1/threads?channel=c").body["items"] == [])
      #expect(try await server.send("PUT", path, [:]).details["field"] == "session_key")
      #expect(try await server.send("DELETE", path).status == 204)
      #expect(try await server.send("DELETE", path).status == 404)
      #expect(try await server.send("GET", path).status == 404)
      #expect(try await server.send("POST", "\(path)/touch").status == 404)
    }
  }

  /// Goal: a token sees and changes the sessions and letters of its namespaces only.
  ///
  /// Method: a token for one run; reads of others look missing, writes are refused.
  @Test(arguments: Engines.available)
  func `a token reaches its own namespaces only`(on engine: TestEngine) async throws {
    try await withServer(on: engine) { server in
      let store = server.store
      let token = try await server.token(.operator, "run:42")
      for (id, run) in [("mine", "42"), ("other", "43"), ("free", nil)] as [(String, String?)] {
        try await store.sessions.save(SessionEntry(id, run: run, channel: "c", thread: "t"))
        try await store.deadLetters.save(
          DeadLetterEntry(id, source: "slack", message: 1, run: run))
      }
      try await store.threads.upsert(channel: "c", thread: "t", sessionKey: "free")
      for noun in ["sessions", "dead-letters"] {
        let list = try await server.send("GET", "/v1/\(noun)", as: token)
        #expect(list.body["items"]?.arrayValue?.compactMap { $0["id"]?.stringValue } == ["mine"])
        #expect(try await server.send("GET", "/v1/\(noun)/mine", as: token).status == 200)
        for id in ["other", "free", "none"] {
          #expect(try await server.send("GET", "/v1/\(noun)/\(id)", as: token).status == 404)
        }
      }
      #expect(try await server.send("GET", "/v1/sessions/other/items", as: token).status == 404)
      for id in ["other", "free"] {
        let writes: [(String, String, Value?)] = [
          ("PUT", "sessions/\(id)", [:]), ("PUT", "sessions/\(id)", ["run": "42"]),
          ("DELETE", "sessions/\(id)", nil), ("POST", "sessions/\(id)/touch", nil),
          ("POST", "sessions/\(id)/items", ["items": [["n": 1]]]),
          ("POST", "sessions/\(id)/pop", nil), ("DELETE", "sessions/\(id)/items", nil),
          ("POST", "dead-letters/\(id)/resolve", nil),
          ("POST", "dead-letters/\(id)/retry-failed", nil),
          ("POST", "dead-letters/\(id)/redrive", nil),
          ("POST", "dead-letters", ["id": .string(id), "source": "s", "message": 1, "run": "42"]),
          ("POST", "dead-letters/redrive", ["ids": ["mine", .string(id)]]),
        ]
        for (method, path, body) in writes {
          let answer = try await server.send(method, "/v1/\(path)", body, as: token)
          #expect(answer.status == 403, "\(method) \(path)")
        }
        let operation: Value = [
          "operations": [["op": "sessions.append", "id": .string(id), "items": [["n": 1]]]]
        ]
        #expect(
          try await server.send("POST", "/v1/transactions", operation, as: token).status == 403)
      }
      #expect(try await server.send("POST", "/v1/sessions", [:], as: token).status == 403)
      #expect(try await server.send("GET", "/v1/threads/c/t", as: token).status == 404)
      #expect(try await server.send("GET", "/v1/threads", as: token).body["items"] == [])
      let upsert = try await server.send(
        "PUT", "/v1/threads/c/t", ["session_key": "s"], as: token)
      #expect(upsert.status == 403)
      let redriven = try await server.send("POST", "/v1/dead-letters/redrive", [:], as: token)
      #expect(redriven.body["items"]?.arrayValue?.compactMap { $0["id"]?.stringValue } == ["mine"])
      #expect(try await store.deadLetters.get("other")?.history.isEmpty == true)
      #expect(try await store.sessions.get("other")?.itemCount == 0)
      let appended = try await server.send(
        "POST", "/v1/sessions/mine/items", ["items": [["n": 1]]], as: token)
      #expect(appended.status == 201)
      let reader = try await server.token(.reader)
      #expect(try await server.send("POST", "/v1/sessions", [:], as: reader).status == 403)
      let agent = try await server.token(.agent)
      #expect(
        try await server.send("POST", "/v1/dead-letters/free/redrive", as: agent).status == 403)
    }
  }

  /// Goal: a conversation can be part of a transaction, with what else is written, or not at all.
  ///
  /// Method: a session, items, a thread, a letter and a key in one request; then with a last part
  /// that fails.
  @Test(arguments: Engines.available)
  func `a conversation is part of a transaction`(on engine: TestEngine) async throws {
    try await withServer(on: engine) { server in
      let parts: [Value] = [
        ["op": "sessions.save", "id": "s", "run": "42"],
        ["op": "sessions.append", "id": "s", "items": [["n": 1], ["n": 2]]],
        ["op": "sessions.pop", "id": "s"],
        ["op": "threads.upsert", "channel": "c", "thread": "t", "session_key": "s"],
        ["op": "dead_letters.save", "id": "l", "source": "slack", "message": ["n": 1]],
        ["op": "kv.put", "namespace": "run:42", "key": "k", "value": 1],
      ]
      let failing: Value = .array(parts + [["op": "sessions.touch", "id": "missing"]])
      let failed = try await server.send("POST", "/v1/transactions", ["operations": failing])
      #expect(failed.status == 404 && failed.details["index"] == 6)
      #expect(try await server.store.sessions.get("s") == nil)
      #expect(try await server.store.deadLetters.get("l") == nil)
      let done = try await server.send(
        "POST", "/v1/transactions", ["operations": .array(parts)])
      #expect(done.status == 200)
      let results = done.body["results"]?.arrayValue ?? []
      #expect(results.count == 6 && results[1]["positions"] == [1, 2])
      #expect(results[2]["position"] == 2)
      #expect(try await server.store.sessions.count("s") == 1)
      #expect(try await server.store.threads.get(channel: "c", thread: "t")?.sessionKey == "s")
    }
  }
}
