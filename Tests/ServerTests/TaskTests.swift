import Holdfast
import HoldfastTesting
import Testing

@Suite(.timeLimit(.minutes(2))) struct TaskTests {
  /// Goal: a task lives through its routes: enqueued, claimed, kept, done.
  ///
  /// Method: one life on every engine; a retried, a fenced and a missing one beside it.
  @Test(arguments: Engines.available)
  func `a task lives through its routes`(on engine: TestEngine) async throws {
    try await withServer(on: engine) { server in
      let made = try await server.send(
        "POST", "/v1/tasks",
        [
          "id": "a/b", "command": "send", "parameters": ["to": "x"], "queue": "mail",
          "priority": 3, "max_attempts": 2, "retry_base": "2s", "unique_key": "k",
        ])
      #expect(made.status == 201 && made.headers["location"] == "/v1/tasks/a%2Fb")
      #expect(made.body["status"] == "pending" && made.body["is_new"] == true)
      #expect(made.body["retry_base"] == "2s" && made.body["retry_cap"] == "1h")
      #expect(made.body["result"] == .null && made.body["run"] == .null)
      let twin = try await server.send(
        "POST", "/v1/tasks", ["command": "send", "queue": "mail", "unique_key": "k"])
      #expect(twin.status == 200 && twin.body["is_new"] == false && twin.body["id"] == "a/b")
      let taken = try await server.send("POST", "/v1/tasks", ["command": "x", "id": "a/b"])
      #expect(taken.status == 409 && taken.code == "conflict")
      let claimed = try await server.send(
        "POST", "/v1/tasks/claim",
        ["queues": ["mail"], "limit": 5, "lease": "10s", "owner": "w"])
      #expect(claimed.status == 200)
      let items = try #require(claimed.body["items"]?.arrayValue)
      #expect(items.count == 1 && items[0]["fencing_token"] == 1)
      #expect(items[0]["lease_owner"] == "w" && items[0]["parameters"] == ["to": "x"])
      let path = "/v1/tasks/a%2Fb"
      let token: Value = ["fencing_token": 1]
      #expect(try await server.send("POST", "\(path)/heartbeat", token).status == 200)
      #expect(try await server.send("POST", "\(path)/heartbeat", [:]).status == 422)
      let progress = try await server.send(
        "POST", "\(path)/progress", ["fencing_token": 1, "progress": [1, 2]])
      #expect(progress.body["progress"] == [1, 2])
      let step = try await server.send(
        "POST", "\(path)/steps", ["fencing_token": 1, "name": "s", "result": ["r": 1]])
      #expect(step.status == 201 && step.body["position"] == 1)
      let again = try await server.send(
        "POST", "\(path)/steps", ["fencing_token": 1, "name": "s", "result": 9])
      #expect(again.status == 200 && again.body["result"] == ["r": 1])
      for verb in ["complete", "progress", "fail", "release", "heartbeat", "steps"] {
        let body: Value = [
          "fencing_token": 7, "error": "e", "progress": 1, "name": "n", "result": 1,
        ]
        let kept = Object(
          (body.objectValue ?? [:]).filter { field in
            switch (verb, field.name) {
            case (_, "fencing_token"), ("complete", "result"), ("progress", "progress"),
              ("fail", "error"), ("steps", "name"), ("steps", "result"):
              true
            default: false
            }
          }.map { ($0.name, $0.value) })
        let fenced = try await server.send("POST", "\(path)/\(verb)", .object(kept))
        #expect(fenced.status == 409 && fenced.code == "fenced", "\(verb)")
      }
      let done = try await server.send(
        "POST", "\(path)/complete", ["fencing_token": 1, "result": "sent"])
      #expect(done.status == 200 && done.body["status"] == "completed")
      let read = try await server.send("GET", path)
      #expect(read.body["result"] == "sent" && read.version == done.version)
      #expect(read.body["completed_at"]?.stringValue != nil)
      let steps = try await server.send("GET", "\(path)/steps")
      #expect(steps.body["items"]?.arrayValue?.first?["name"] == "s")
      let replayed = try await server.send("POST", "\(path)/replay", [:])
      #expect(replayed.status == 201 && replayed.body["source"] == "a/b")
      #expect(try await server.send("POST", "\(path)/cancel").code == "invalid_state")
      #expect(try await server.send("GET", "/v1/tasks/none").status == 404)
      #expect(try await server.send("POST", "/v1/tasks/none/cancel").status == 404)
    }
  }

  /// Goal: a failed task is tried again, given up, and taken up anew; the plain way works too.
  ///
  /// Method: each of the verbs.
  @Test func `a task fails and is taken up again`() async throws {
    try await withServer { server in
      try await server.store.tasks.enqueue("a")
      func claim() async throws -> Value {
        let answer = try await server.send("POST", "/v1/tasks/claim", [:])
        return answer.body["items"]?.arrayValue?.first ?? .null
      }
      let first = try await claim()
      let id = try #require(first["id"]?.stringValue)
      let path = "/v1/tasks/\(id)"
      let retried = try await server.send(
        "POST", "\(path)/fail", ["error": "e", "retry_after": "1ms", "fencing_token": 1])
      #expect(retried.body["status"] == "pending" && retried.body["error"] == "e")
      let released = try await server.send("POST", "/v1/tasks/claim", ["wait": "20s"])
      #expect(released.body["items"]?.arrayValue?.first?["fencing_token"] == 2)
      let bad = try await server.send(
        "POST", "\(path)/fail", ["error": "e", "retry": false, "retry_after": "1s"])
      #expect(bad.status == 422 && bad.details["field"] == "retry_after")
      let failed = try await server.send(
        "POST", "\(path)/fail", ["error": "e", "retry": false, "fencing_token": 2])
      #expect(failed.body["status"] == "failed")
      let requeued = try await server.send("POST", "\(path)/requeue", ["delay": "1h"])
      #expect(requeued.body["status"] == "pending" && requeued.body["attempt"] == 0)
      let cancelled = try await server.send("POST", "\(path)/cancel", ["reason": "why"])
      #expect(cancelled.body["status"] == "cancelled" && cancelled.body["error"] == "why")
      let saved = try await server.send(
        "PUT", "/v1/tasks/plain", ["command": "c", "status": "running"])
      #expect(saved.status == 201 && saved.body["lease_expires_at"] == .null)
      let step = try await server.send(
        "POST", "/v1/tasks/plain/status", ["status": "completed", "result": 1])
      #expect(step.status == 200 && step.body["result"] == 1)
      let over = try await server.send("PUT", "/v1/tasks/plain", ["command": "c"])
      #expect(over.status == 409, "\(over.body)")
      #expect(over.code == "invalid_state")
      let verb = try await server.send("POST", "\(path)/status", ["status": "pending"])
      #expect(verb.status == 422 && verb.details["reason"] == "verb")
      let stuck = try await server.send("POST", "/v1/tasks/fail-stuck", ["owner": "w"])
      #expect(stuck.body["failed"] == 0)
    }
  }

  /// Goal: what cannot be is refused with the field's name, and writes nothing.
  ///
  /// Method: a list of bad bodies, queries and paths.
  @Test func `a bad request for a task is refused`() async throws {
    try await withServer { server in
      let bad: [(String, Value)] = [
        ("", [:]), ("", ["command": ""]), ("", ["command": "a", "priority": 101]),
        ("", ["command": "a", "priority": "high"]), ("", ["command": "a", "delay": "soon"]),
        ("", ["command": "a", "run_at": "today"]), ("", ["command": "a", "id": "stats"]),
        ("", ["command": "a", "id": ".."]), ("", ["command": "a", "more": 1]),
        ("", ["command": "a", "delay": "1s", "run_at": "2026-01-01T00:00:00Z"]),
        ("", ["command": "a", "max_attempts": 0]), ("/claim", ["lease": "500ms"]),
        ("/claim", ["lease": "365d"]), ("/claim", ["limit": 0]), ("/claim", ["limit": 1_001]),
        ("/claim", ["queues": []]), ("/claim", ["wait": "long"]), ("/claim", ["queue": "a"]),
        ("/enqueue-many", ["tasks": [1]]), ("/enqueue-many", [:]),
        ("/x/status", ["status": "lost"]), ("/x/fail", [:]), ("/x/steps", ["name": "n"]),
      ]
      for (path, body) in bad {
        let answer = try await server.send("POST", "/v1/tasks\(path)", body)
        #expect(answer.status == 422 && answer.code == "invalid", "\(path) \(body.json)")
      }
      let fields: [(String, String, Value)] = [
        ("", "priority", 101), ("", "max_attempts", 0), ("/claim", "lease", "500ms"),
        ("/claim", "limit", 0), ("/claim", "queues", []), ("", "retry_cap", "9999d"),
      ]
      for (path, field, value) in fields {
        var body: Object = path.isEmpty ? ["command": "a"] : [:]
        body[field] = value
        let answer = try await server.send("POST", "/v1/tasks\(path)", .object(body))
        #expect(answer.details["field"] == .string(field))
      }
      let waiting = try await server.send(
        "PUT", "/v1/tasks/x", ["command": "a", "status": "awaiting_approval"])
      #expect(waiting.status == 422 && waiting.details["field"] == "status")
      for query in ["status=lost", "order=up", "limit=0", "after=x", "since=now", "more=1"] {
        #expect(try await server.send("GET", "/v1/tasks?\(query)").status == 400, "\(query)")
      }
      #expect(try await server.send("PUT", "/v1/tasks/stats", ["command": "a"]).status == 400)
      let many = try await server.send(
        "POST", "/v1/tasks/enqueue-many",
        ["tasks": [["command": "a"], ["command": "b", "priority": 300]]])
      #expect(many.status == 422 && many.details["index"] == 1)
      #expect(try await server.store.tasks.list().items.isEmpty)
    }
  }

  /// Goal: tasks are listed, counted and summed up, and enqueued many at once.
  ///
  /// Method: a few tasks, each filter, the total, and the numbers.
  @Test(arguments: Engines.available)
  func `tasks are listed and counted`(on engine: TestEngine) async throws {
    try await withServer(on: engine) { server in
      let many = try await server.send(
        "POST", "/v1/tasks/enqueue-many",
        [
          "tasks": [
            ["id": "1", "command": "a", "caller": "c"], ["id": "2", "command": "b", "run": "42"],
            ["id": "3", "command": "a", "queue": "q"],
          ]
        ])
      #expect(many.status == 200 && many.body["items"]?.arrayValue?.count == 3)
      func ids(_ query: String) async throws -> [String] {
        let answer = try await server.send("GET", "/v1/tasks?\(query)")
        #expect(answer.status == 200, "\(query)")
        return (answer.body["items"]?.arrayValue ?? []).compactMap { $0["id"]?.stringValue }
      }
      #expect(try await ids("") == ["3", "2", "1"])
      #expect(try await ids("order=oldest") == ["1", "2", "3"])
      #expect(try await ids("command=a&order=oldest") == ["1", "3"])
      #expect(try await ids("queue=q") == ["3"])
      #expect(try await ids("run=42") == ["2"])
      #expect(try await ids("caller=c&status=pending") == ["1"])
      #expect(try await ids("status=failed").isEmpty)
      let page = try await server.send("GET", "/v1/tasks?limit=2&total=true")
      #expect(page.body["total"] == 3)
      let next = try #require(page.body["next"]?.stringValue)
      #expect(try await ids("limit=2&after=\(next)") == ["1"])
      let stats = try await server.send("GET", "/v1/tasks/stats")
      #expect(stats.body["by_status"]?["pending"] == 3)
      #expect(stats.body["by_command"]?["a"]?["count"] == 2)
      #expect(stats.body["by_queue"]?["q"]?["due"] == 1)
      let one = try await server.send("GET", "/v1/tasks/stats?queue=q")
      #expect(one.body["by_status"]?["pending"] == 1)
    }
  }

  /// Goal: a token reaches the tasks of its namespaces only: it sees, claims, counts and writes no
  /// others; cancelling is for operators.
  ///
  /// Method: an agent of one run beside tasks of another and of none.
  @Test(arguments: Engines.available)
  func `a token reaches the tasks of its namespaces`(on engine: TestEngine) async throws {
    try await withServer(on: engine) { server in
      let agent = try await server.token(.agent, "run:1", "run:1:**")
      let reader = try await server.token(.reader)
      let boss = try await server.token(.operator, "run:1")
      for run in ["1", "2", nil] as [String?] {
        var draft = TaskDraft("work", run: run)
        draft.id = "of-\(run ?? "none")"
        draft.priority = run == "1" ? -5 : 5
        try await server.store.tasks.enqueue(draft)
      }
      func send(
        _ method: String, _ path: String, _ body: Value? = nil, as token: String
      ) async throws -> Answer {
        try await server.send(method, "/v1/tasks\(path)", body, as: token)
      }
      let listed = try await send("GET", "?total=true", as: agent)
      #expect(listed.body["items"]?.arrayValue?.count == 1 && listed.body["total"] == 1)
      let stats = try await send("GET", "/stats", as: agent)
      #expect(stats.body["by_status"]?["pending"] == 1)
      #expect(try await send("GET", "/of-1", as: agent).status == 200)
      #expect(try await send("GET", "/of-2", as: agent).status == 404)
      #expect(try await send("GET", "/of-none/steps", as: agent).status == 404)
      for id in ["of-2", "of-none"] {
        let write = try await send("POST", "/\(id)/status", ["status": "running"], as: agent)
        #expect(write.status == 403, "\(id)")
      }
      #expect(try await send("POST", "", ["command": "a", "run": "2"], as: agent).status == 403)
      #expect(try await send("POST", "", ["command": "a"], as: agent).status == 403)
      #expect(try await send("POST", "", ["command": "a", "run": "1"], as: agent).status == 201)
      #expect(try await send("POST", "", ["command": "a"], as: reader).status == 403)
      #expect(try await send("POST", "/claim", [:], as: reader).status == 403)
      let claimed = try await send("POST", "/claim", ["limit": 10], as: agent)
      let items = claimed.body["items"]?.arrayValue ?? []
      #expect(items.count == 2 && items.allSatisfy { $0["run"] == "1" })
      #expect(try await send("POST", "/of-1/cancel", as: agent).status == 403)
      #expect(try await send("POST", "/of-1/cancel", as: boss).status == 200)
      #expect(try await send("POST", "/of-2/cancel", as: boss).status == 403)
      #expect(try await send("POST", "/fail-stuck", [:], as: boss).status == 403)
      let many: Value = ["tasks": [["command": "a", "run": "1"], ["command": "a", "run": "2"]]]
      #expect(try await send("POST", "/enqueue-many", many, as: agent).status == 403)
    }
  }

  /// Goal: every write verb is an operation of a transaction, all or nothing.
  ///
  /// Method: a key, a task and its completion in one transaction; a failure in the last part; one
  /// that touches a task of another namespace.
  @Test(arguments: Engines.available)
  func `tasks take part in transactions`(on engine: TestEngine) async throws {
    try await withServer(on: engine) { server in
      func transact(_ operations: Value, as token: String? = nil) async throws -> Answer {
        try await server.send("POST", "/v1/transactions", ["operations": operations], as: token)
      }
      let done = try await transact([
        ["op": "kv.put", "namespace": "global", "key": "k", "value": 1],
        ["op": "tasks.enqueue", "command": "a", "id": "1"],
        ["op": "tasks.update_status", "id": "1", "status": "running"],
        ["op": "tasks.progress", "id": "1", "progress": 0.5],
        ["op": "tasks.step", "id": "1", "name": "s", "result": 1],
        ["op": "tasks.complete", "id": "1", "result": "ok"],
      ])
      #expect(done.status == 200, "\(done.text)")
      let task = try #require(try await server.store.tasks.get("1"))
      #expect(task.status == .completed && done.body["version"] == .integer(task.version))
      let claim = try await transact([
        ["op": "tasks.enqueue", "command": "a", "id": "2"],
        ["op": "tasks.claim", "queues": ["default"]],
      ])
      #expect(claim.status == 422 && claim.code == "invalid" && claim.details["field"] == "op")
      #expect(claim.details["index"] == 1)
      #expect(try await server.store.tasks.get("2") == nil)
      let failed = try await transact([
        ["op": "tasks.enqueue", "command": "a", "id": "2"],
        ["op": "tasks.complete", "id": "2"],
      ])
      #expect(failed.status == 409 && failed.code == "invalid_state")
      #expect(failed.details["index"] == 1)
      #expect(try await server.store.tasks.get("2") == nil)
      try await server.store.tasks.enqueue(TaskDraft("a", run: "9"))
      let id = try #require(try await server.store.tasks.list().items.first?.id)
      let agent = try await server.token(.agent, "run:1")
      let elsewhere = try await transact(
        [["op": "tasks.update_status", "id": .string(id), "status": "running"]], as: agent)
      #expect(elsewhere.status == 403)
      let conditional = try await server.send(
        "POST", "/v1/tasks/\(id)/status", ["status": "running"], headers: ["If-Match": "\"1\""])
      #expect(conditional.status == 412)
    }
  }

  /// Goal: a claim that waits is answered as soon as something is enqueued.
  ///
  /// Method: sends the claim, enqueues once it sleeps; its clock stands still, so that nothing but
  /// the enqueueing wakes it.
  @Test(arguments: Engines.available)
  func `a claim over HTTP waits for a task`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withServer(on: engine, store: .testing(time: time)) { server in
      async let waiting = server.send("POST", "/v1/tasks/claim", ["wait": "50s"])
      try await time.sleepers(atLeast: 1)
      let task = try await server.store.tasks.enqueue("a").task
      let answer = try await waiting
      #expect(answer.status == 200 && answer.headers["cache-control"] == "no-store")
      #expect(answer.body["items"]?.arrayValue?.first?["id"] == .string(task.id))
    }
  }
}
