import Holdfast
import HoldfastEngine
import HoldfastTesting
import Testing

/// Tasks that wait for approvals, and what becomes of approvals with their runs.
@Suite(.timeLimit(.minutes(5))) struct ApprovalTaskTests {
  /// Goal: a task that needs an approval waits for it; approving returns it to pending, and denying
  /// or expiry cancels it with the reason, in the decision's transaction.
  ///
  /// Method: a pending and a leased task for each end. The events of the decision and of the task
  /// bear one revision; a worker that held the task is fenced, and no attempt is lost.
  @Test(arguments: Engines.available)
  func `a task waits for its approval`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let store = test.store
      for end in ["approve", "deny", "deny plainly", "expire", "delete"] {
        for isLeased in [false, true] {
          let task = try await store.makeTask(run: "r")
          let claimed = isLeased ? try await store.tasks.claim(lease: .seconds(60)) : []
          var request = ApprovalRequest("a", task: task, ttl: .seconds(30))
          request.token = claimed.first?.record.fencingToken
          let asked = try await store.approvals.request(request)
          #expect(asked.run == "r" && asked.status == .pending)
          let waiting = try #require(try await store.tasks.get(task))
          #expect(waiting.status == .awaitingApproval && waiting.version == asked.version)
          #expect(waiting.leaseExpiresAt == nil)
          for lost in claimed {
            await expectRefusal(.fenced) {
              try await store.tasks.complete(task, token: lost.record.fencingToken)
            }
          }
          #expect(try await store.tasks.claim().isEmpty)
          let cursor = try await store.changes.cursor()
          var reason: String?
          switch end {
          case "approve": try await store.approvals.decide(asked.id, .approve)
          case "deny":
            reason = "not on a Sunday"
            try await store.approvals.decide(asked.id, .deny, reason: "not on a Sunday")
          case "deny plainly":
            reason = "The approval was denied."
            try await store.approvals.decide(asked.id, .deny)
          case "expire":
            reason = "The approval expired undecided."
            time.advance(by: .seconds(30))
            #expect(try await store.tasks.get(task)?.status == .awaitingApproval)
            _ = try await store.transaction { try $0.approvals.expireDue(limit: 9) }
          default:
            reason = "The approval was deleted."
            try await store.approvals.delete(asked.id)
          }
          let after = try #require(try await store.tasks.get(task))
          #expect(after.status == (reason == nil ? .pending : .cancelled), "\(end)")
          #expect(after.error == reason && (after.completedAt == nil) == (reason == nil))
          let events = try await store.changes.all(since: cursor)
          let kinds = events.filter { $0.kind != "audit" }.map(\.kind)
          #expect(Set(kinds) == ["approval", "task"] && kinds.count == 2, "\(end)")
          #expect(Set(events.map(\.revision)) == [after.version], "\(end)")
          guard reason == nil else { continue }
          let again = try #require(try await store.tasks.claim().first)
          #expect(again.id == task && again.record.attempt == 1)
          try await store.tasks.complete(task, token: again.record.fencingToken)
        }
      }
    }
  }

  /// Goal: what is approved at once does not touch its task, and what is denied at once cancels it.
  ///
  /// Method: a leased task under each policy; a finished one cannot wait.
  @Test(arguments: Engines.available)
  func `a policy's decision reaches the task`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let store = test.store
      try await store.policies.set("yes", .autoApprove)
      try await store.policies.set("no", .alwaysDeny)
      let task = try await store.makeTask()
      let claimed = try #require(try await store.tasks.claim().first)
      let token = claimed.record.fencingToken
      let yes = try await store.approvals.request(ApprovalRequest("yes", task: task, token: token))
      #expect(yes.status == .approved)
      #expect(try await store.tasks.get(task) == claimed.record)
      let no = try await store.approvals.request(ApprovalRequest("no", task: task, token: token))
      #expect(no.status == .denied)
      let ended = try #require(try await store.tasks.get(task))
      #expect(ended.status == .cancelled && ended.error == no.reason)
      let events = try await store.changes.made { () async throws in
        // A policy that would approve does not help a task that has come to an end either.
        for action in ["no", "other", "yes"] {
          await expectRefusal(.invalidState) {
            try await store.approvals.request(ApprovalRequest(action, task: task))
          }
        }
        await expectRefusal(.notFound) {
          try await store.approvals.request(ApprovalRequest("other", task: "missing"))
        }
      }
      #expect(events.isEmpty)
      #expect(try await store.approvals.list(ApprovalQuery(task: task)).items.count == 2)
    }
  }

  /// Goal: a worker that says with which lease it holds its task cannot take it out of another's
  /// hands, and a request cannot name another run than its task's.
  ///
  /// Method: an old token, a made-up one, none, and the right one; runs that are not the task's.
  @Test(arguments: Engines.available)
  func `a request is held to its task's lease and run`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let store = test.store
      let task = try await store.makeTask(run: "r")
      let old = try #require(try await store.tasks.claim(lease: .seconds(1)).first)
      time.advance(by: .seconds(1))
      let held = try #require(try await store.tasks.claim(lease: .seconds(60)).first)
      for token in [old.record.fencingToken, 99, nil] {
        await expectRefusal(.fenced) {
          try await store.approvals.request(ApprovalRequest("a", task: task, token: token))
        }
      }
      for run in ["R", "other"] {
        await expectRefusal(.invalid) {
          try await store.approvals.request(
            ApprovalRequest(
              "a", task: task, run: run, token: held.record.fencingToken))
        }
      }
      #expect(try await store.tasks.get(task) == held.record)
      let request = ApprovalRequest(
        "a", task: task, run: "r", token: held.record.fencingToken)
      #expect(try await store.approvals.request(request).run == "r")
    }
  }

  /// Goal: a task that waits for several approvals goes on with the last, and ends with the first
  /// that is denied; what it still waited for then is closed.
  ///
  /// Method: two approvals each; decisions in both orders; a task that was cancelled meanwhile.
  @Test(arguments: Engines.available)
  func `a task waits for all its approvals`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let store = test.store
      func ask(_ task: String) async throws -> [String] {
        let first = try await store.approvals.request(ApprovalRequest("a", task: task))
        let second = try await store.approvals.request(
          ApprovalRequest("b", task: task, ttl: .seconds(10)))
        return [first.id, second.id]
      }
      func status(_ task: String) async throws -> TaskStatus? {
        try await store.tasks.get(task)?.status
      }
      let both = try await store.makeTask()
      for id in try await ask(both) {
        #expect(try await status(both) == .awaitingApproval)
        try await store.approvals.decide(id, .approve)
      }
      #expect(try await status(both) == .pending)
      let denied = try await store.makeTask()
      let ids = try await ask(denied)
      try await store.approvals.decide(ids[0], .deny)
      #expect(try await status(denied) == .cancelled)
      await expectRefusal(.invalidState) { try await store.approvals.decide(ids[1], .approve) }
      // The second's time is over, though nobody has noted it: the task must not go on.
      let late = try await store.makeTask()
      let lateIDs = try await ask(late)
      time.advance(by: .seconds(10))
      try await store.approvals.decide(lateIDs[0], .approve)
      #expect(try await status(late) == .awaitingApproval)
      _ = try await store.transaction { try $0.approvals.expireDue(limit: 9) }
      #expect(try await status(late) == .cancelled)
      let cancelled = try await store.makeTask()
      let cancelledIDs = try await ask(cancelled)
      try await store.tasks.cancel(cancelled, reason: "enough")
      for id in cancelledIDs {
        await expectRefusal(.invalidState) { try await store.approvals.decide(id, .approve) }
      }
      let ended = try #require(try await store.tasks.get(cancelled))
      #expect(ended.status == .cancelled && ended.error == "enough")
    }
  }

  /// Goal: a restart loses none of it: the approval, the wait of its task and the policy are there,
  /// and a decision after it moves the task.
  ///
  /// Method: closes and opens between each step.
  @Test(arguments: Engines.available)
  func `a restart loses nothing of an approval`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let task = try await test.store.makeTask()
      try await test.store.policies.set("a", .requireApproval, grants: true)
      let request = ApprovalRequest("a", task: task)
      let asked = try await test.store.approvals.request(request)
      var store = try await test.restart()
      #expect(try await store.tasks.get(task)?.status == .awaitingApproval)
      #expect(try await store.approvals.list(.pending).items == [asked])
      let decided = try await store.approvals.decide(asked.id, .approve, by: "alice")
      store = try await test.restart()
      #expect(try await store.approvals.get(asked.id) == decided)
      #expect(try await store.tasks.get(task)?.status == .pending)
      #expect(try await store.grants.list().items.map(\.task) == [task])
      let used = try await store.approvals.consume(asked.id, request.scope)
      store = try await test.restart()
      #expect(try await store.approvals.get(asked.id) == used)
      await expectRefusal(.invalidState) {
        try await store.approvals.consume(asked.id, request.scope)
      }
      #expect(try await store.approvals.request(request).status == .approved)
    }
  }

  /// Goal: approvals and grants of a run go with it, an undecided one keeps it from being archived,
  /// and an archived or deleted run takes no approvals.
  ///
  /// Method: each of them; approvals of others stay.
  @Test(arguments: Engines.available)
  func `approvals go with their run`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let store = test.store
      try await store.runs.begin("kept")
      try await store.runs.begin("gone")
      let request = ApprovalRequest("a", run: "kept", ttl: .seconds(60), id: "1")
      let asked = try await store.approvals.request(request)
      let error = await expectRefusal(.invalidState) {
        try await store.runs.apply(.archive, to: "kept")
      }
      #expect(error?.message.contains("approvals") == true)
      let approved = try await store.approvals.request(ApprovalRequest("b", run: "kept", id: "2"))
      try await store.approvals.decide(approved.id, .approve)
      time.advance(by: .seconds(60))
      // The first is expired from now on, whoever has noted that.
      try await store.runs.apply(.archive, to: "kept")
      for call: @Sendable () async throws -> Void in [
        { try await store.approvals.request(ApprovalRequest("c", run: "kept")) },
        { try await store.approvals.decide(asked.id, .deny) },
        { try await store.approvals.consume(approved.id, ApprovalScope("b")) },
        { try await store.approvals.delete(asked.id) },
      ] {
        await expectRefusal(.invalidState) { try await call() }
      }
      #expect(try await store.approvals.list(ApprovalQuery(run: "kept")).items.count == 2)
      let task = try await store.makeTask(run: "gone")
      let granted = try await store.approvals.request(ApprovalRequest("a", task: task))
      try await store.approvals.decide(granted.id, .approve, grant: true)
      try await store.approvals.request(ApprovalRequest("a", run: "gone"))
      try await store.approvals.request(ApprovalRequest("a", id: "other"))
      try await store.runs.delete("gone")
      #expect(try await store.approvals.get(granted.id) == nil)
      #expect(try await store.grants.list(GrantQuery(includesEnded: true)).items.isEmpty)
      #expect(Set(try await store.approvals.list().items.map(\.id)) == ["1", "2", "other"])
      await expectRefusal(.invalidState) {
        try await store.approvals.request(ApprovalRequest("a", run: "gone"))
      }
      let records = try await store.audit.list(AuditQuery(run: "gone")).items
      #expect(records.contains { $0.subject == "approval:\(granted.id)" })
    }
  }

  /// Goal: requests, decisions, uses, expiries and deletions, policies and grants are in the audit
  /// log, with who did it, and stay there; parameters are not.
  ///
  /// Method: each of them once; reads the log by subject.
  @Test(arguments: Engines.available)
  func `what happens to an approval is recorded`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let store = test.store
      let task = try await store.makeTask()
      let request = ApprovalRequest(
        "send", parameters: ["secret": "hunter2"], caller: "bot", task: task, id: "1")
      try await store.approvals.request(request)
      try await store.approvals.decide("1", .approve, by: "alice", reason: "fine", grant: true)
      try await store.approvals.decide("1", .approve, by: "alice", grant: true)
      try await store.approvals.consume("1", request.scope)
      try await store.approvals.delete("1")
      let grant = try #require(try await store.grants.list().items.first)
      try await store.grants.revoke(grant.id)
      try await store.policies.set("p", .autoApprove)
      try await store.policies.delete("p")
      try await store.approvals.request(ApprovalRequest("a", ttl: .seconds(1), id: "2"))
      time.advance(by: .seconds(1))
      try await store.sweep()
      let expected: [String: [(String, String)]] = [
        "approval:1": [
          ("approval.request", "library"), ("approval.decide", "alice"),
          ("approval.consume", "library"), ("approval.delete", "library"),
        ],
        "approval:2": [("approval.request", "library"), ("approval.expire", "upkeep")],
        "grant:\(grant.id)": [("grant.create", "library"), ("grant.revoke", "library")],
        "policy:p": [("policy.put", "library"), ("policy.delete", "library")],
      ]
      for (subject, actions) in expected {
        let records = try await store.audit.list(AuditQuery(subject: subject)).items
        #expect(records.reversed().map(\.action) == actions.map(\.0), "\(subject)")
        #expect(records.reversed().map(\.actor) == actions.map(\.1), "\(subject)")
      }
      let all = try await store.audit.list(AuditQuery()).items
      #expect(!all.contains { $0.details.json.contains("hunter2") })
      let decision = try #require(all.first { $0.action == "approval.decide" })
      #expect(decision.details["digest"] == .string(request.scope.digest))
      #expect(decision.details["reason"] == "fine" && decision.result == "approved")
    }
  }

  /// Goal: a task that waits although its approval was closed is found by `verify`, and one that
  /// never had an approval is not.
  ///
  /// Method: takes an approval's row to denied behind the store's back.
  @Test(arguments: Engines.available)
  func `a forgotten task is found`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let store = test.store
      let byHand = try await store.makeTask()
      try await store.transaction { _ = try $0.tasks.awaitApproval(byHand) }
      let task = try await store.makeTask()
      let asked = try await store.approvals.request(ApprovalRequest("a", task: task))
      time.advance(by: .seconds(1))
      #expect(try await store.verify().isValid)
      let denied = Statement(
        """
        UPDATE approvals
        SET status = 'denied', decision = 'deny', decided_by = 'x', decided_at = holdfast_now(),
          closed_at = holdfast_now()
        WHERE id = $1
        """)
      _ = try await store.engine.write(WriteOptions(), [Step(denied, [.text(asked.id)])])
      #expect(
        try await store.verify().problems == [
          "Tasks that still wait for an approval that was closed: 1"
        ])
      try await store.tasks.cancel(task)
      #expect(try await store.verify().isValid)
    }
  }
}
