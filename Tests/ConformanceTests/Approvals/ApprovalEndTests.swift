import Holdfast
import HoldfastTesting
import Testing

/// What becomes of approvals whose tasks go another way than by a decision.
@Suite(.timeLimit(.minutes(5))) struct ApprovalEndTests {
  /// Goal: what a task waits for is closed when the task leaves its waiting by anything but a
  /// decision, in the same transaction: nothing undecided is left of a task that does not wait.
  ///
  /// Method: a task with an approval that has time and one whose time is over is cancelled, failed,
  /// and moved on by hand; the feed and the audit log say the same.
  @Test(arguments: Engines.available)
  func `a task's end closes what it waited for`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let store = test.store
      for end in ["cancel", "fail", "resume"] {
        try await store.runs.begin(end)
        let task = try await store.makeTask(run: end)
        let late = try await store.approvals.request(
          ApprovalRequest("a", task: task, ttl: .seconds(1)))
        let open = try await store.approvals.request(ApprovalRequest("b", task: task))
        time.advance(by: .seconds(1))
        let events = try await store.changes.told { () async throws in
          switch end {
          case "cancel": try await store.tasks.cancel(task)
          case "fail": try await store.tasks.fail(task, error: "no")
          default: try await store.tasks.updateStatus(task, to: .pending)
          }
        }
        #expect(events == ["expired \(late.id)", "decide \(open.id)"])
        let denied = try #require(try await store.approvals.get(open.id))
        #expect(denied.status == .denied && denied.decidedBy == "task:\(task)")
        #expect(denied.reason != nil && denied.history.map(\.event) == ["request", "deny"])
        #expect(try await store.tasks.get(task)?.version == denied.version)
        #expect(try await store.approvals.get(late.id)?.history.last?.event == "expire")
        let query = AuditQuery(subject: "approval:\(open.id)")
        let record = try #require(try await store.audit.list(query).items.first)
        #expect(record.action == "approval.decide" && record.result == "denied")
        await expectRefusal(.invalidState) { try await store.approvals.decide(open.id, .approve) }
        if end == "resume" { try await store.tasks.cancel(task) }
        try await store.runs.apply(.archive, to: end)
      }
    }
  }

  /// Goal: approvals of a task's earlier life have no say in its next one.
  ///
  /// Method: the first approval's task is cancelled and requeued, waits for a second one and goes
  /// on with it; then the first one's time comes, and it is deleted.
  @Test(arguments: Engines.available)
  func `an old approval does not act on a requeued task`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let store = test.store
      let task = try await store.makeTask()
      let first = try await store.approvals.request(
        ApprovalRequest("a", task: task, ttl: .seconds(2)))
      try await store.tasks.cancel(task)
      try await store.tasks.requeue(task)
      #expect(try await store.approvals.list(.pending).items.isEmpty)
      let second = try await store.approvals.request(ApprovalRequest("b", task: task))
      try await store.approvals.decide(second.id, .approve)
      #expect(try await store.tasks.get(task)?.status == .pending)
      time.advance(by: .seconds(2))
      try await store.sweep()
      try await store.approvals.delete(first.id)
      #expect(try await store.tasks.claim().map(\.id) == [task])
    }
  }

  /// Goal: what was approved for a task is of no use once the task has come to an end, and nothing
  /// more is approved for it, also not by a grant.
  ///
  /// Method: an approved approval and a live grant of a task that is cancelled, then requeued.
  @Test(arguments: Engines.available)
  func `nothing is allowed to a finished task`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let store = test.store
      let task = try await store.makeTask()
      let request = ApprovalRequest("a", task: task)
      let asked = try await store.approvals.request(request)
      let approved = try await store.approvals.decide(asked.id, .approve, grant: true)
      try await store.tasks.cancel(task)
      let events = try await store.changes.made { () async throws in
        let error = await expectRefusal(.invalidState) {
          try await store.approvals.consume(asked.id, request.scope)
        }
        #expect(error?.details["task_status"] == "cancelled")
        await expectRefusal(.invalidState) { try await store.approvals.request(request) }
      }
      #expect(events.isEmpty)
      #expect(try await store.approvals.get(asked.id) == approved)
      try await store.tasks.requeue(task)
      #expect(try await store.approvals.request(request).grant != nil)
      #expect(try await store.approvals.consume(asked.id, request.scope).status == .consumed)
    }
  }

  /// Goal: a request that is refused for its task's state has written nothing, also where the body
  /// of a transaction catches the error and goes on.
  ///
  /// Method: a completed, a failed and a sleeping task, with and without a policy.
  @Test(arguments: Engines.available)
  func `a refused request leaves nothing`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let store = test.store
      try await store.policies.set("no", .alwaysDeny)
      var tasks: [String] = []
      for status in [TaskStatus.completed, .failed, .waiting] {
        let task = try await store.makeTask()
        if status != .failed { try await store.tasks.updateStatus(task, to: .running) }
        try await store.tasks.updateStatus(task, to: status)
        tasks.append(task)
      }
      let ended = tasks
      let events = try await store.changes.made { () async throws in
        try await store.transaction { tx in
          for task in ended {
            for action in ["a", "no"] {
              let error = #expect(throws: StoreError.self) {
                try tx.approvals.request(ApprovalRequest(action, task: task))
              }
              #expect(error?.code == .invalidState)
            }
          }
          try tx.kv(.global).put("k", 1)
        }
      }
      #expect(events == ["put k"])
      #expect(try await store.approvals.list().items.isEmpty)
    }
  }

  /// Goal: a task waits for a bounded number of approvals, so that whatever closes them stays
  /// small; a sweep closes all that one task waited for, and counts them.
  ///
  /// Method: as many as there can be, one more, and one that a policy approves; all expire at once.
  @Test(arguments: Engines.available)
  func `a task waits for so many approvals at most`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    var options = StoreOptions.testing(time: time)
    options.limits.taskApprovalsMax = 3
    try await withStore(on: engine, options: options) { test in
      let store = test.store
      try await store.policies.set("yes", .autoApprove)
      let task = try await store.makeTask()
      let request = ApprovalRequest("a", task: task, ttl: .seconds(1))
      for _ in 0..<3 { try await store.approvals.request(request) }
      await expectRefusal(.invalidState) { try await store.approvals.request(request) }
      let granted = ApprovalRequest("yes", task: task)
      #expect(try await store.approvals.request(granted).status == .approved)
      #expect(try await store.tasks.get(task)?.status == .awaitingApproval)
      time.advance(by: .seconds(1))
      #expect(try await store.transaction { try $0.approvals.expireDue(limit: 1) } == 3)
      #expect(try await store.transaction { try $0.approvals.expireDue(limit: 1) } == 0)
      #expect(try await store.tasks.get(task)?.status == .cancelled)
      let records = try await store.audit.list(AuditQuery(action: "approval.expire")).items
      #expect(Set(records.compactMap(\.subject)).count == 3 && records.count == 3)
    }
  }

  /// Goal: who uses an approval too early is told to wait, and who comes too late to ask again.
  @Test(arguments: Engines.available)
  func `a refused use says what to do`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let approvals = test.store.approvals
      let asked = try await approvals.request(ApprovalRequest("a"))
      let scope = ApprovalScope("a")
      let early = await expectRefusal(.invalidState) {
        try await approvals.consume(asked.id, scope)
      }
      #expect(early?.hint == "Wait for the decision.")
      try await approvals.decide(asked.id, .deny)
      let late = await expectRefusal(.invalidState) {
        try await approvals.consume(asked.id, scope)
      }
      #expect(late?.hint == "Request another approval.")
    }
  }
}
