import Holdfast
import HoldfastTesting
import Testing

@Suite(.timeLimit(.minutes(2))) struct TaskAccessTests {
  /// Goal: a unique key tells nobody of a task that they may not see.
  ///
  /// Method: a task of one run holds the key; a token of another run enqueues beside it, alone and
  /// among others, and one that sees both gets the task.
  @Test(arguments: Engines.available)
  func `a unique key gives no hidden task away`(on engine: TestEngine) async throws {
    try await withServer(on: engine) { server in
      let agent = try await server.token(.agent, "run:1")
      let hidden: Value = ["command": "a", "run": "2", "unique_key": "k", "parameters": ["s": 1]]
      let made = try await server.send("POST", "/v1/tasks", hidden)
      #expect(made.status == 201)
      let own: Value = ["command": "a", "run": "1", "unique_key": "k"]
      let refused = try await server.send("POST", "/v1/tasks", own, as: agent)
      #expect(refused.status == 409 && refused.code == "conflict")
      #expect(refused.body["details"]?["task"] == nil && refused.body["parameters"] == nil)
      let turn: Value = [
        "operations": [
          [
            "op": "tasks.enqueue_many",
            "tasks": [["command": "b", "run": "1"], own],
          ]
        ]
      ]
      let all = try await server.send("POST", "/v1/transactions", turn, as: agent)
      #expect(all.status == 409 && all.code == "conflict")
      let listed = try await server.send("GET", "/v1/tasks", as: agent)
      #expect(listed.body["items"] == [])
      let shown = try await server.send("POST", "/v1/tasks", own)
      #expect(shown.status == 200 && shown.body["id"] == made.body["id"])
    }
  }

  /// Goal: what waits for an approval goes on by the decision and by nothing else.
  ///
  /// Method: an agent tries to set such a task to every state by both verbs.
  @Test(arguments: Engines.available)
  func `a task that waits for an approval is not set free by its agent`(
    on engine: TestEngine
  ) async throws {
    try await withServer(on: engine) { server in
      let agent = try await server.token(.agent)
      _ = try await server.send("POST", "/v1/tasks", ["command": "a", "id": "t"], as: agent)
      let asked = try await server.send(
        "POST", "/v1/approvals", ["action": "send", "task": "t"], as: agent)
      #expect(asked.status == 201)
      for status in ["pending", "running", "failed", "completed"] {
        let set = try await server.send(
          "POST", "/v1/tasks/t/status", ["status": .string(status)], as: agent)
        #expect(set.status == 409 && set.code == "invalid_state", "\(status)")
        let saved = try await server.send(
          "PUT", "/v1/tasks/t", ["command": "a", "status": .string(status)], as: agent)
        #expect(saved.status == 409 && saved.code == "invalid_state", "\(status)")
      }
      let task = try await server.send("GET", "/v1/tasks/t", as: agent)
      #expect(task.body["status"] == "awaiting_approval")
    }
  }

  /// Goal: nobody plants the letter of a task, of which redriving would make a new task.
  ///
  /// Method: a letter with such a source, new and over one that is there.
  @Test(arguments: Engines.available)
  func `the letter of a task is the store's to write`(on engine: TestEngine) async throws {
    try await withServer(on: engine) { server in
      let mail: Value = ["id": "x", "source": "mail", "message": 1]
      #expect(try await server.send("POST", "/v1/dead-letters", mail).status == 201)
      for id in ["x", "y"] {
        let planted = try await server.send(
          "POST", "/v1/dead-letters",
          ["id": .string(id), "source": "task:t", "message": [:]])
        #expect(planted.status == 422 && planted.details["field"] == "source")
      }
      let kept = try await server.send("GET", "/v1/dead-letters/x")
      #expect(kept.body["source"] == "mail")
    }
  }
}
