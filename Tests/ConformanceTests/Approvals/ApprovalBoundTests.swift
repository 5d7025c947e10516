import Holdfast
import HoldfastTesting
import Testing

@Suite(.timeLimit(.minutes(5))) struct ApprovalBoundTests {
  /// Goal: how many approvals a process lets a task wait for says nothing about how many are closed
  /// with its waiting.
  ///
  /// Method: three are requested where a hundred may be; a process that allows one cancels the
  /// task.
  @Test(arguments: Engines.available)
  func `all that a task waited for is closed whatever the bound`(
    on engine: TestEngine
  ) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let task = try await test.store.makeTask()
      let parameters: Value = ["to": "ada"]
      for name in ["a", "b", "c"] {
        let request = ApprovalRequest("mail", parameters: parameters, task: task, id: name)
        try await test.store.approvals.request(request)
      }
      var narrow = StoreOptions.testing(time: time)
      narrow.limits.taskApprovalsMax = 1
      let store = try await test.restart(options: narrow)
      let events = try await store.changes.told { () async throws in
        try await store.tasks.cancel(task)
      }
      #expect(events == ["decide a", "decide b", "decide c"])
      for name in ["a", "b", "c"] {
        let approval = try #require(try await store.approvals.get(name))
        #expect(approval.status == .denied && approval.decidedBy == "task:\(task)")
        #expect(approval.reason == "The task has come to an end.")
        #expect(approval.parameters == parameters && approval.history.last?.event == "deny")
        let query = AuditQuery(action: "approval.decide", subject: "approval:\(name)")
        let record = try #require(try await store.audit.list(query).items.first)
        #expect(record.result == "denied")
        #expect(record.details["decided_by"] == .string("task:\(task)"))
        #expect(record.details["reason"] == "The task has come to an end.")
        #expect(record.details["digest"] == .string(approval.digest))
      }
      #expect(try await store.tasks.get(task)?.status == .cancelled)
    }
  }

  /// Goal: a task goes on with the last approval that it waits for, not before.
  ///
  /// Method: two are requested; a process that allows none decides them one after the other.
  @Test(arguments: Engines.available)
  func `a task goes on with its last approval whatever the bound`(
    on engine: TestEngine
  ) async throws {
    try await withStore(on: engine) { test in
      let task = try await test.store.makeTask()
      for name in ["a", "b"] {
        try await test.store.approvals.request(ApprovalRequest("mail", task: task, id: name))
      }
      var narrow = StoreOptions.testing()
      narrow.limits.taskApprovalsMax = 0
      let store = try await test.restart(options: narrow)
      try await store.approvals.decide("a", .approve)
      #expect(try await store.tasks.get(task)?.status == .awaitingApproval)
      try await store.approvals.decide("b", .approve)
      #expect(try await store.tasks.get(task)?.status == .pending)
    }
  }
}
