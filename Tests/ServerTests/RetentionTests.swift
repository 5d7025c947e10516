import Holdfast
import HoldfastEngine
import HoldfastTesting
import Testing

@Suite(.timeLimit(.minutes(2))) struct RetentionRouteTests {
  /// Goal: administrators read and set policies and run retention; nobody else does.
  ///
  /// Method: every route with an administrator's token, with a lesser one, and with bad fields.
  @Test(arguments: Engines.available)
  func `administrators keep house`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withServer(on: engine, store: .testing(time: time)) { server in
      let list = try await server.send("GET", "/v1/retention")
      #expect(list.status == 200 && list.body["size_max"] == .null)
      #expect(list.body["items"]?.arrayValue?.first?["keep_for"] == "7d")
      let set = try await server.send(
        "PUT", "/v1/retention", ["kind": "tasks", "namespace": "run:a", "keep_for": "30s"])
      #expect(set.status == 200)
      #expect(set.body["items"]?.arrayValue?.last?["namespace"] == "run:a")
      // What a list shows can be put back: null is as good as left out.
      let general = try await server.send(
        "PUT", "/v1/retention", ["kind": "tasks", "namespace": .null, "keep_for": "7d"])
      #expect(general.status == 200)
      let sized = try await server.send("PUT", "/v1/retention", ["size_max": 5_000_000])
      #expect(sized.body["size_max"] == 5_000_000)
      let cleared = try await server.send("PUT", "/v1/retention", ["size_max": .null])
      #expect(cleared.body["size_max"] == .null)
      let task = try await server.store.tasks.save(
        TaskDraft("work", run: "a"), status: .completed
      ).id
      time.advance(by: .seconds(31))
      let dry = try await server.send("POST", "/v1/retention/run?dry_run")
      #expect(dry.status == 200 && dry.body["counts"]?["tasks"] == 1)
      #expect(try await server.store.tasks.get(task) != nil)
      let run = try await server.send("POST", "/v1/retention/run")
      #expect(run.body["dry_run"] == false && run.body["counts"]?["tasks"] == 1)
      #expect(try await server.store.tasks.get(task) == nil)
      for body: Value in [
        ["kind": "moods"], ["kind": "tasks", "keep_for": "-1s"],
        ["kind": "tasks", "keep_last": -1],
        ["kind": "audit", "namespace": "run:a"], ["keep_for": "1d"],
        ["kind": "tasks", "default": true, "keep_last": 1], ["size_max": -1],
      ] {
        #expect(try await server.send("PUT", "/v1/retention", body).status == 422, "\(body)")
      }
      let lesser = try await server.store.tokens.create("op", role: .operator)
      for (method, path) in [
        ("GET", "/v1/retention"), ("PUT", "/v1/retention"), ("POST", "/v1/retention/run"),
      ] {
        #expect(try await server.send(method, path, as: lesser.secret).status == 403)
      }
    }
  }

  /// Goal: a run that failed on a kind is not called complete, and says which kind it was.
  ///
  /// Method: audit records are edited that have to go. The edit is undone, for the store is looked
  /// through at the end.
  @Test(arguments: Engines.available)
  func `a run that fails on a kind is not complete`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withServer(on: engine, store: .testing(time: time)) { server in
      for _ in 0..<4 { try await server.store.audit.record(AuditEntry(action: "a")) }
      let engine = server.store.engine
      let edit = Statement("UPDATE audit_log SET action = 'x' WHERE action = 'a'")
      _ = try await engine.write(WriteOptions(), [Step(edit)])
      time.advance(by: .seconds(31 * 86_400))
      let run = try await server.send("POST", "/v1/retention/run")
      #expect(run.status == 200 && run.body["complete"] == false)
      #expect(run.body["failures"] == ["audit": "corrupt"])
      let undo = Statement("UPDATE audit_log SET action = 'a' WHERE action = 'x'")
      _ = try await engine.write(WriteOptions(), [Step(undo)])
    }
  }

  /// Goal: whoever asks for a dry run in the body gets one, and a body that says something else is
  /// refused before anything goes.
  ///
  /// Method: a finished task past its time; bodies with the flag, with a contradiction, and bad
  /// ones.
  @Test(arguments: Engines.available)
  func `a dry run is asked for in the body too`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withServer(on: engine, store: .testing(time: time)) { server in
      try await server.store.tasks.save(TaskDraft("work"), status: .completed)
      time.advance(by: .seconds(31 * 86_400))
      let path = "/v1/retention/run"
      let dry = try await server.send("POST", path, ["dry_run": true])
      #expect(dry.body["dry_run"] == true && dry.body["counts"]?["tasks"] == 1)
      let wrong: [(String, Value)] = [
        (path + "?dry_run", ["dry_run": false]), (path, ["dry": true]),
      ]
      for (target, body) in wrong {
        #expect(try await server.send("POST", target, body).status == 422)
      }
      #expect(try await server.send("POST", path, text: "no json").status == 415)
      #expect(try await server.store.tasks.stats().byStatus[.completed] == 1)
    }
  }

  /// Goal: the audit log says what was set, and for what.
  @Test(arguments: Engines.available)
  func `a policy is audited with its bounds`(on engine: TestEngine) async throws {
    try await withServer(on: engine) { server in
      let body: Value = [
        "kind": "tasks", "namespace": "run:9", "keep_for": "1h", "keep_last": 0,
        "over_size": true,
      ]
      #expect(try await server.send("PUT", "/v1/retention", body).status == 200)
      #expect(try await server.send("PUT", "/v1/retention", ["size_max": 77]).status == 200)
      let list = try await server.send("GET", "/v1/audit?action=retention.policy")
      let details = list.body["items"]?.arrayValue?.map { $0["details"] }
      #expect(
        details == [
          ["bytes": 77],
          ["over_size": true, "namespace": "run:9", "keep_for": "1h", "keep_last": 0],
        ])
    }
  }
}
