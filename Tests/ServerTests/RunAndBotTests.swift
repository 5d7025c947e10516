import Holdfast
import HoldfastTesting
import Testing

@Suite(.timeLimit(.minutes(2))) struct RunAndBotTests {
  /// Goal: a run lives through its routes, and a step that is not possible is refused.
  ///
  /// Method: begin, pause, resume, fail, archive and delete one run on every engine.
  @Test(arguments: Engines.available)
  func `a run lives through its routes`(on engine: TestEngine) async throws {
    try await withServer(on: engine) { server in
      let begun = try await server.send(
        "POST", "/v1/runs", ["id": "a/b", "tags": ["x", "x"], "metadata": ["k": 1]])
      #expect(begun.status == 201)
      #expect(begun.headers["location"] == "/v1/runs/a%2Fb")
      #expect(begun.body["tags"] == ["x"])
      #expect(begun.body["parent"] == .null)
      let path = "/v1/runs/a%2Fb"
      #expect(try await server.send("POST", "/v1/runs", ["id": "a/b"]).status == 409)
      #expect(try await server.send("PATCH", path, ["tags": ["y"]]).body["metadata"] == ["k": 1])
      #expect(try await server.send("POST", "\(path)/pause").body["status"] == "paused")
      let early = try await server.send("POST", "\(path)/complete")
      #expect(early.status == 409)
      #expect(early.code == "invalid_state")
      #expect(try await server.send("POST", "\(path)/resume").body["status"] == "active")
      let failed = try await server.send("POST", "\(path)/fail", ["error": "no route"])
      #expect(failed.body["error"] == "no route")
      #expect(failed.body["completed_at"]?.stringValue != nil)
      #expect(try await server.send("POST", "\(path)/archive").body["status"] == "archived")
      #expect(try await server.send("PUT", "/v1/kv/run:a%2Fb/k", ["value": 1]).status == 409)
      let read = try await server.send("GET", path)
      #expect(read.status == 200)
      #expect(read.body["version"]?.integerValue == read.version)
      #expect(try await server.send("DELETE", path).status == 204)
      #expect(try await server.send("GET", path).status == 404)
      let again = try await server.send("POST", "/v1/runs", ["id": "a/b"])
      #expect(again.code == "invalid_state")
      #expect(try await server.send("DELETE", "/v1/runs/none").status == 404)
      let child = try await server.send("POST", "/v1/runs", ["parent": "none"])
      #expect(child.status == 404)
    }
  }

  /// Goal: runs are listed by each of their filters, and counted when asked for.
  ///
  /// Method: four runs, and the list that each filter gives.
  @Test(arguments: Engines.available)
  func `runs are listed and counted`(on engine: TestEngine) async throws {
    try await withServer(on: engine) { server in
      let runs = server.store.runs
      try await runs.begin("1", tags: ["t"])
      let second = try await runs.begin("2", parent: "1")
      try await runs.begin("3", parent: "1", tags: ["t"])
      try await runs.begin("4")
      try await runs.apply(.complete, to: "3")
      try await runs.apply(.archive, to: "4")
      func ids(_ query: String) async throws -> [String] {
        let answer = try await server.send("GET", "/v1/runs?\(query)")
        #expect(answer.status == 200, "\(query)")
        return (answer.body["items"]?.arrayValue ?? []).compactMap { $0["id"]?.stringValue }
      }
      #expect(try await ids("") == ["3", "2", "1"])
      #expect(try await ids("archived=true") == ["4", "3", "2", "1"])
      #expect(try await ids("status=archived") == ["4"])
      #expect(try await ids("status=active&tag=t") == ["1"])
      #expect(try await ids("parent=1") == ["3", "2"])
      #expect(try await ids("until=\(second.createdAt.rfc3339)") == ["1"])
      #expect(try await ids("since=\(second.createdAt.rfc3339)") == ["3", "2"])
      let page = try await server.send("GET", "/v1/runs?limit=2&count=true")
      #expect(page.body["counts"]?["active"] == 2)
      #expect(page.body["counts"]?["paused"] == 0)
      #expect(page.body["counts"]?["archived"] == 1)
      let next = try #require(page.body["next"]?.stringValue)
      #expect(try await ids("limit=2&after=\(next)") == ["1"])
      #expect(try await server.send("GET", "/v1/runs?status=lost").status == 400)
      #expect(try await server.send("GET", "/v1/runs?since=today").status == 400)
      #expect(try await server.send("GET", "/v1/runs?after=x").status == 400)
      #expect(try await server.send("GET", "/v1/runs/..%2F").status == 404)
    }
  }

  /// Goal: a bot lives through its routes, and its slug is its own.
  ///
  /// Method: create, find by slug, update and delete on every engine.
  @Test(arguments: Engines.available)
  func `a bot lives through its routes`(on engine: TestEngine) async throws {
    try await withServer(on: engine) { server in
      let made = try await server.send("POST", "/v1/bots", ["slug": "helper", "name": "Helper"])
      #expect(made.status == 201)
      let id = try #require(made.body["id"]?.stringValue)
      #expect(made.headers["location"] == "/v1/bots/\(id)")
      #expect(try await server.send("POST", "/v1/bots", ["slug": "helper"]).status == 409)
      #expect(try await server.send("POST", "/v1/bots", [:]).details["field"] == "slug")
      let found = try await server.send("GET", "/v1/bots?slug=helper")
      #expect(found.body["items"]?.arrayValue?.first?["id"] == .string(id))
      #expect(try await server.send("GET", "/v1/bots?slug=none").body["items"] == [])
      let updated = try await server.send("PATCH", "/v1/bots/\(id)", ["name": "Aid"])
      #expect(updated.body["slug"] == "helper")
      #expect(updated.body["name"] == "Aid")
      try await server.store.kv(.bot(id)).put("k", 1)
      #expect(try await server.send("DELETE", "/v1/bots/\(id)").status == 204)
      #expect(try await server.send("DELETE", "/v1/bots/\(id)").status == 404)
      #expect(try await server.send("GET", "/v1/bots/\(id)").status == 404)
      #expect(try await server.store.kv(.bot(id)).count() == 0)
    }
  }
}
