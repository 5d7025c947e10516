import Holdfast
import HoldfastTesting
import Testing

/// Hidden things that stand beside visible ones in one list or under one key.
@Suite(.timeLimit(.minutes(2))) struct HiddenTwinTests {
  /// Goal: what is hidden takes no place in a list of what is due, and hides no session of the same
  /// thread.
  ///
  /// Method: a hidden letter that is due sooner, and a hidden session that was used later.
  @Test(arguments: Engines.available)
  func `what is hidden takes nothing from what is seen`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withServer(on: engine, store: .testing(time: time)) { server in
      let due = time.wallTime()
      for (run, wait) in [("hidden", 1), ("mine", 2), ("hidden2", 3)] {
        try await server.store.deadLetters.save(
          DeadLetterEntry(
            run, source: "mail", message: 1, run: run, nextRetryAt: due + .seconds(wait)))
        time.advance(by: .seconds(1))
        try await server.store.sessions.save(
          SessionEntry(run, run: run, channel: "c", thread: "t"))
      }
      time.advance(by: .seconds(5))
      let token = try await server.token(.reader, "run:mine")
      for (path, all) in [
        ("/v1/dead-letters?retryable&limit=1", "hidden"),
        ("/v1/sessions?channel=c&thread=t", "hidden2"),
      ] {
        let seen = try await server.send("GET", path, as: token)
        #expect(seen.body["items"]?.arrayValue?.map { $0["id"] } == ["mine"], "\(path)")
        #expect(!seen.text.contains("hidden"))
        let whole = try await server.send("GET", path)
        #expect(whole.body["items"]?.arrayValue?.map { $0["id"] } == [.string(all)], "\(path)")
      }
      let stranger = try await server.token(.reader, "run:else")
      for path in ["/v1/dead-letters?retryable", "/v1/sessions?channel=c&thread=t"] {
        let none = try await server.send("GET", path, as: stranger)
        #expect(none.text == #"{"items":[],"next":null}"#)
      }
    }
  }

  /// Goal: a conflict with a hidden task says that there is one, which it must, and not which.
  ///
  /// Method: an unfinished hidden task with a unique key; every verb that meets it, alone and in a
  /// transaction.
  @Test(arguments: Engines.available)
  func `a conflict names no hidden task`(on engine: TestEngine) async throws {
    try await withServer(on: engine) { server in
      var draft = TaskDraft("secret", queue: "q", run: "hidden")
      draft.id = "hidden"
      draft.uniqueKey = "k"
      draft.parameters = ["word": "hidden"]
      var own = TaskDraft("work", queue: "q", run: "mine")
      own.id = "mine"
      own.uniqueKey = "k"
      try await server.store.tasks.save(own)
      try await server.store.tasks.fail("mine", error: "x", retry: .never)
      try await server.store.tasks.save(draft)
      let token = try await server.token(.operator, "run:mine")
      let task: Value = ["command": "work", "queue": "q", "run": "mine", "unique_key": "k"]
      let attempts: [(String, String, Value?)] = [
        ("POST", "/v1/tasks", task), ("PUT", "/v1/tasks/new", task),
        ("POST", "/v1/tasks/enqueue-many", ["tasks": [task]]),
        ("POST", "/v1/tasks/mine/requeue", nil),
        (
          "POST", "/v1/transactions", ["operations": [["op": "tasks.requeue", "id": "mine"]]]
        ),
      ]
      for (method, path, body) in attempts {
        let answer = try await server.send(method, path, body, as: token)
        #expect(answer.status == 409 && answer.code == "conflict", "\(path): \(answer.text)")
        #expect(!answer.text.contains("hidden"), "\(path): \(answer.text)")
      }
      let known = try await server.send("POST", "/v1/tasks/mine/requeue")
      #expect(known.status == 409 && known.details["task"] == "hidden")
    }
  }

  /// Goal: what concerns the store as a whole names runs, bots and tokens of anybody's, so it is
  /// not for those who reach `global` alone.
  @Test(arguments: Engines.available)
  func `tokens and retention are no part of the namespace global`(
    on engine: TestEngine
  ) async throws {
    try await withServer(on: engine) { server in
      let reader = try await server.token(.reader, "global")
      let cursor = try await server.store.changes.cursor().description
      _ = try await server.token(.agent, "run:hidden", name: "hidden")
      let policy: Value = ["kind": "tasks", "namespace": "run:hidden", "keep_for": "1d"]
      #expect(try await server.send("PUT", "/v1/retention", policy).status == 200)
      try await server.store.kv(.global).put("seen", 1)
      let changes = try await server.send(
        "GET", "/v1/changes?wait=0s&since=\(cursor)", as: reader)
      #expect(changes.text.contains("seen") && !changes.text.contains("hidden"))
      let records = try await server.send("GET", "/v1/audit", as: reader)
      #expect(records.body["items"] == [])
      for record in try await server.store.audit.list().items {
        let answer = try await server.send("GET", "/v1/audit/\(record.id)", as: reader)
        #expect(answer.status == 404)
      }
    }
  }
}
