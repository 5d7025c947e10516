import Holdfast
import HoldfastTesting
import Testing

@Suite(.timeLimit(.minutes(2))) struct RunDeletionTests {
  /// Goal: no agent makes an approval that waits for a decision vanish with its run.
  ///
  /// Method: an undecided approval under a run, which agents may delete as such: by its route and
  /// in a transaction. Then an operator does, and the audit log says that the question went
  /// unanswered.
  @Test(arguments: Engines.available)
  func `a run with undecided approvals is deleted by operators only`(
    on engine: TestEngine
  ) async throws {
    try await withServer(on: engine) { server in
      let agent = try await server.token(.agent, "run:r", "run:r:**")
      let boss = try await server.token(.operator, name: "boss")
      try await server.store.runs.begin("r")
      try await server.store.approvals.request(ApprovalRequest("pay", run: "r", id: "1"))
      try await server.store.approvals.request(ApprovalRequest("pay", run: "r", id: "2"))
      try await server.store.approvals.decide("2", .approve)
      let refused = try await server.send("DELETE", "/v1/runs/r", as: agent)
      #expect(refused.status == 403 && refused.code == "forbidden")
      #expect(refused.body["detail"]?.stringValue?.contains("undecided approvals") == true)
      #expect(refused.details["role"] == "operator")
      let both = try await server.send(
        "POST", "/v1/transactions", ["operations": [["op": "runs.delete", "id": "r"]]], as: agent)
      #expect(both.status == 403 && both.code == "forbidden" && both.details["index"] == 0)
      #expect(try await server.store.approvals.get("1")?.status == .pending)

      #expect(try await server.send("DELETE", "/v1/runs/r", as: boss).status == 204)
      #expect(try await server.store.approvals.get("1") == nil)
      let records = try await server.store.audit.list(
        AuditQuery(action: AuditAction.approvalDelete)
      ).items
      #expect(records.map(\.subject) == ["approval:1"])
      #expect(records.map(\.actor) == ["boss"] && records.map(\.run) == ["r"])
      #expect(records.map(\.result) == ["pending"])
    }
  }

  /// Goal: what only operators may cancel, no agent cancels by deleting the run around it; a run in
  /// which everything has come to its end is its agents' to delete.
  @Test(arguments: Engines.available)
  func `a run with unfinished tasks is deleted by operators only`(
    on engine: TestEngine
  ) async throws {
    try await withServer(on: engine) { server in
      let agent = try await server.token(.agent)
      for run in ["r", "s"] {
        try await server.store.runs.begin(run)
        var draft = TaskDraft("work", run: run)
        draft.id = run
        try await server.store.tasks.save(draft)
      }
      try await server.store.tasks.fail("r", error: "no", retry: .never)
      #expect(try await server.send("DELETE", "/v1/runs/r", as: agent).status == 204)
      let refused = try await server.send("DELETE", "/v1/runs/s", as: agent)
      #expect(refused.status == 403 && refused.details["role"] == "operator")
      #expect(refused.body["detail"]?.stringValue?.contains("unfinished tasks") == true)
      #expect(try await server.store.tasks.get("s") != nil)
      #expect(try await server.send("DELETE", "/v1/runs/s").status == 204)
    }
  }
}
