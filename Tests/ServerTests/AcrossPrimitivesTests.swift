import Holdfast
import HoldfastTesting
import Testing

@Suite(.timeLimit(.minutes(2))) struct AcrossPrimitivesTests {
  private static let turn: [Value] = [
    ["op": "kv.put", "namespace": "run:r", "key": "plan", "value": ["step": 1]],
    ["op": "tasks.enqueue", "command": "send", "queue": "mail", "run": "r"],
    ["op": "audit.record", "action": "mail.order", "run": "r", "result": "ok"],
    ["op": "sessions.append", "id": "s", "items": [["role": "user"]]],
  ]

  /// Goal: a key, a task, an audit record and an item are written by one request, or none of them;
  /// the failure names the place of the operation that failed.
  ///
  /// Method: let the last operation fail in several ways, look at each part and at the feed, and
  /// send the transaction once more whole: its numbers have no gap.
  @Test(arguments: Engines.available)
  func `a turn over primitives is written whole or not`(on engine: TestEngine) async throws {
    try await withServer(on: engine) { server in
      let store = server.store
      try await store.runs.begin("r")
      try await store.sessions.save(SessionEntry("s", run: "r"))
      let before = try await store.audit.list().items
      let cursor = try await store.changes.cursor()
      let failing: [(Value, Int, String)] = [
        (["op": "sessions.append", "id": "s", "items": ["no object"]], 422, "invalid"),
        (["op": "sessions.append", "id": "none", "items": [["role": "user"]]], 404, "not_found"),
        (["op": "sessions.append", "id": "s"], 422, "invalid"),
      ]
      for (last, status, code) in failing {
        let answer = try await server.send(
          "POST", "/v1/transactions", ["operations": .array(Self.turn.dropLast() + [last])])
        #expect(answer.status == status, "\(last)")
        #expect(answer.code == code, "\(last)")
        #expect(answer.details["index"] == 3, "\(last)")
        #expect(try await store.kv(.run("r")).get("plan") == nil)
        #expect(try await store.tasks.list().items.isEmpty)
        #expect(try await store.audit.list().items == before)
        #expect(try await store.sessions.items(of: "s").items.isEmpty)
      }
      #expect(try await store.changes.page(since: cursor).items.isEmpty)
      let answer = try await server.send(
        "POST", "/v1/transactions", ["operations": .array(Self.turn)])
      #expect(answer.status == 200)
      let results = try #require(answer.body["results"]?.arrayValue)
      #expect(results.count == 4)
      #expect(results[1]["is_new"] == true)
      // Each connection of PostgreSQL's has a chain of its own.
      let chain = results[2]["chain"]?.integerValue
      let last = before.filter { $0.chain == chain }.map(\.number).max() ?? 0
      #expect(results[2]["number"] == .integer(last + 1))
      #expect(results[3]["positions"] == [1])
      let version = try #require(answer.body["version"]?.integerValue)
      #expect(results[0]["version"] == .integer(version))
      #expect(results[1]["version"] == .integer(version))
      #expect(results[3]["version"] == .integer(version))
      let events = try await store.changes.page(since: cursor).items
      #expect(events.map(\.kind) == ["kv", "task", "audit", "item"])
      #expect(Set(events.map(\.revision)) == [version])
      #expect(try await store.tasks.claim(from: ["mail"]).count == 1)
    }
  }
}
