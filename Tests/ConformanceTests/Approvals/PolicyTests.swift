import Holdfast
import HoldfastEngine
import HoldfastTesting
import Testing

@Suite(.timeLimit(.minutes(5))) struct PolicyTests {
  /// Goal: each policy makes of a request what it says; a permission without one, and one whose
  /// policy says so, needs a decision.
  ///
  /// Method: one request under each; the feed tells the same.
  @Test(arguments: Engines.available)
  func `a policy decides what it may decide`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let store = test.store
      for mode in PolicyMode.allCases { try await store.policies.set(mode.rawValue, mode) }
      let expected: [(String, ApprovalStatus, [String])] = [
        ("auto_approve", .approved, ["request", "decide"]),
        ("notify_then_do", .approved, ["request", "notify", "decide"]),
        ("require_approval", .pending, ["request"]), ("unknown", .pending, ["request"]),
        ("always_deny", .denied, ["request", "decide"]),
      ]
      for (permission, status, verbs) in expected {
        let request = ApprovalRequest("do it", permission: permission, id: permission)
        let events = try await store.changes.told { () async throws in
          let approval = try await store.approvals.request(request)
          #expect(approval.status == status && approval.grant == nil)
          #expect(approval.policy == PolicyMode(rawValue: permission))
          let isDecided = status != .pending
          #expect(approval.decidedBy == (isDecided ? "policy:\(permission)" : nil))
          #expect((approval.reason != nil) == isDecided)
          #expect(approval.decidedAt == (isDecided ? time.wallTime() : nil))
          #expect(try await store.approvals.get(permission) == approval)
        }
        #expect(events == verbs.map { "\($0) \(permission)" })
        let used = try await outcome {
          try await store.approvals.consume(permission, request.scope)
        }
        #expect(((try? used.get()) != nil) == (status == .approved))
      }
      await expectRefusal(.invalidState) {
        try await store.approvals.decide("always_deny", .approve)
      }
      #expect(try await store.grants.list().items.isEmpty)
    }
  }

  /// Goal: every change of a policy enters the feed, in `global`; a deletion of none does not.
  @Test(arguments: Engines.available)
  func `every change of a policy is in the feed`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let policies = test.store.policies
      let cursor = try await test.store.changes.cursor()
      try await policies.set("pay", .alwaysDeny)
      try await policies.set("pay", .requireApproval, grants: true)
      #expect(try await policies.delete("pay"))
      #expect(try await !policies.delete("pay"))
      let events = try await test.store.changes.all(since: cursor).filter { $0.kind == "policy" }
      #expect(events.map(\.summary) == ["put pay", "put pay", "delete pay"])
      #expect(events.allSatisfy { $0.namespace == "global" })
    }
  }

  /// Goal: a grant enters the feed when it is made, made longer and taken back.
  @Test(arguments: Engines.available)
  func `every change of a grant is in the feed`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let store = test.store
      let task = try await store.makeTask(run: "r")
      let request = ApprovalRequest("pay", task: task)
      let ids = try await [
        store.approvals.request(request).id, store.approvals.request(request).id,
      ]
      let cursor = try await store.changes.cursor()
      for id in ids {
        try await store.approvals.decide(id, .approve, grant: true)
        time.advance(by: .seconds(1))
      }
      let grant = try #require(try await store.grants.list().items.first)
      try await store.grants.revoke(grant.id)
      let events = try await store.changes.all(since: cursor).filter { $0.kind == "grant" }
      #expect(events.map(\.summary) == ["put", "put", "revoke"].map { "\($0) \(grant.id)" })
      #expect(events.allSatisfy { $0.namespace == "run:r" })
    }
  }

  /// Goal: a request that names no permission is held to the policy of its action.
  ///
  /// Method: an action that is always denied, without and with the permission's name.
  @Test(arguments: Engines.available)
  func `leaving the permission out escapes no policy`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      try await test.store.policies.set("delete_all", .alwaysDeny)
      let approvals = test.store.approvals
      #expect(try await approvals.request(ApprovalRequest("delete_all")).status == .denied)
      let other = ApprovalRequest("Delete_all")
      #expect(try await approvals.request(other).status == .pending)
    }
  }

  /// Goal: policies are set, replaced, listed and deleted, and survive a restart.
  ///
  /// Method: each of them; bad ones are refused and change nothing.
  @Test(arguments: Engines.available)
  func `policies are set listed and deleted`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let policies = test.store.policies
      let made = try await policies.set("mail/é", .requireApproval)
      #expect(made.isNew && !made.policy.grants && made.policy.setBy == "library")
      #expect(made.policy.createdAt == time.wallTime())
      time.advance(by: .seconds(1))
      let replaced = try await policies.set("mail/é", .autoApprove)
      #expect(!replaced.isNew && replaced.policy.grants && replaced.policy.mode == .autoApprove)
      #expect(replaced.policy.createdAt == made.policy.createdAt)
      #expect(replaced.policy.updatedAt == time.wallTime())
      #expect(replaced.policy.version > made.policy.version)
      for number in 0..<5 {
        try await policies.set("p\(number)", .requireApproval, grants: number % 2 == 0)
      }
      let events = try await test.store.changes.told { () async throws in
        for bad in ["", ".", "..", "a\u{0}", String(repeating: "i", count: 257)] {
          await expectRefusal(.invalid) { try await policies.set(bad, .autoApprove) }
          await expectRefusal(.invalid) { try await policies.get(bad) }
          await expectRefusal(.invalid) { try await policies.delete(bad) }
        }
        await expectRefusal(.invalid) { try await policies.set("p0", .alwaysDeny, grants: true) }
        await expectRefusal(.invalid) { try await policies.list(limit: 1_001) }
        #expect(try await !policies.delete("missing"))
        #expect(try await policies.get("missing") == nil)
      }
      #expect(events.isEmpty)
      let store = try await test.restart()
      var listed: [String] = []
      var after: String?
      repeat {
        let page = try await store.policies.list(after: after, limit: 2)
        listed += page.items.map(\.permission)
        after = page.next
      } while after != nil
      #expect(listed == ["mail/é", "p0", "p1", "p2", "p3", "p4"])
      #expect(try await store.policies.get("mail/é") == replaced.policy)
      let deletion = try await store.changes.told { () async throws in
        #expect(try await store.policies.delete("mail/é"))
        #expect(try await !store.policies.delete("mail/é"))
      }
      #expect(deletion == ["delete mail/é"])
      let approval = try await store.approvals.request(ApprovalRequest("mail/é"))
      #expect(approval.status == .pending && approval.policy == nil)
    }
  }
}

@Suite(.timeLimit(.minutes(5))) struct GrantTests {
  /// Goal: a grant exists only where a policy makes it, for five minutes, or where the decider asks
  /// for it, for 15; it approves the same permission of the same task and nothing else.
  ///
  /// Method: decisions with and without asking, and a policy; requests of the same and of others,
  /// to the microsecond at which the grant ends.
  @Test(arguments: Engines.available)
  func `a grant is made by a policy or where it is asked for`(
    on engine: TestEngine
  ) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let store = test.store
      try await store.policies.set("auto", .autoApprove)
      try await store.policies.set("granting", .requireApproval, grants: true)
      try await store.policies.set("plain", .autoApprove, grants: false)
      let ways: [(permission: String, isAskedFor: Bool, seconds: Int?)] = [
        ("mail", false, nil), ("mail", true, 900), ("auto", false, 300), ("granting", false, 300),
        ("granting", true, 900), ("plain", false, nil),
      ]
      for (permission, isAskedFor, seconds) in ways {
        let task = try await store.makeTask(run: "r")
        let request = ApprovalRequest("do it", task: task, permission: permission)
        let first = try await store.approvals.request(request)
        if first.status == .pending {
          try await store.approvals.decide(first.id, .approve, by: "alice", grant: isAskedFor)
        }
        let grants = try await store.grants.list(GrantQuery(task: task)).items
        guard let seconds else {
          #expect(grants.isEmpty)
          continue
        }
        let grant = try #require(grants.first)
        #expect(grants.count == 1 && grant.permission == permission && grant.run == "r")
        #expect(grant.source == (isAskedFor ? .decision : .policy))
        #expect(grant.approval == first.id && grant.createdAt == time.wallTime())
        #expect(grant.grantedBy == (permission == "auto" ? "policy:auto" : "alice"))
        #expect(grant.expiresAt == time.wallTime() + .seconds(seconds))
        #expect(try await store.grants.get(grant.id) == grant)
        if permission == "auto" { continue }
        var other = ApprovalRequest("something else", task: task, permission: permission)
        time.advance(by: .seconds(seconds) - .microseconds(1))
        let second = try await store.approvals.request(other)
        #expect(second.status == .approved && second.grant == grant.id)
        #expect(second.decidedBy == "grant:\(grant.id)")
        // What a grant approved makes the grant no longer.
        #expect(try await store.grants.list(GrantQuery(task: task)).items == [grant])
        other.permission = "another"
        let elsewhere = try await store.approvals.request(other)
        #expect(elsewhere.status == .pending)
        try await store.approvals.decide(elsewhere.id, .approve)
        let stranger = try await store.approvals.request(
          ApprovalRequest("do it", task: try await store.makeTask(), permission: permission))
        #expect(stranger.status == .pending)
        time.advance(by: .microseconds(1))
        let third = try await store.approvals.request(request)
        #expect(third.status == .pending && third.grant == nil)
        #expect(try await store.grants.list(GrantQuery(task: task)).items.isEmpty)
        let ended = GrantQuery(task: task, includesEnded: true)
        #expect(try await store.grants.list(ended).items == [grant])
      }
    }
  }

  /// Goal: a decision that cannot grant is refused and decides nothing.
  ///
  /// Method: a denial that asks for a grant, and an approval without a task.
  @Test(arguments: Engines.available)
  func `a grant that cannot be decides nothing`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let approvals = test.store.approvals
      let asked = try await approvals.request(ApprovalRequest("a"))
      for decision in ApprovalDecision.allCases {
        await expectRefusal(.invalid) {
          try await approvals.decide(asked.id, decision, grant: true)
        }
      }
      #expect(try await approvals.get(asked.id) == asked)
    }
  }

  /// Goal: the grant is part of a decision: the same person cannot ask for it, or do without it,
  /// afterwards; the same call again is answered again.
  ///
  /// Method: approves with and without, then the other way round; another reason changes nothing.
  @Test(arguments: Engines.available)
  func `a decision is the same with the same grant only`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let store = test.store
      for grant in [false, true] {
        let task = try await store.makeTask()
        let asked = try await store.approvals.request(ApprovalRequest("a", task: task))
        let decided = try await store.approvals.decide(
          asked.id, .approve, by: "alice", reason: "fine", grant: grant)
        let error = await expectRefusal(.invalidState) {
          try await store.approvals.decide(asked.id, .approve, by: "alice", grant: !grant)
        }
        #expect(error?.details["status"] == "approved")
        let again = try await store.approvals.decide(
          asked.id, .approve, by: "alice", reason: "very fine", grant: grant)
        #expect(again == decided && again.reason == "fine")
        #expect(try await store.grants.list(GrantQuery(task: task)).items.count == (grant ? 1 : 0))
      }
    }
  }

  /// Goal: a grant of an archived run is not written any more.
  @Test(arguments: Engines.available)
  func `a grant of an archived run stays as it is`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let store = test.store
      try await store.runs.begin("r")
      let task = try await store.makeTask(run: "r")
      let asked = try await store.approvals.request(ApprovalRequest("a", task: task))
      try await store.approvals.decide(asked.id, .approve, grant: true)
      let grant = try #require(try await store.grants.list().items.first)
      try await store.tasks.cancel(task)
      try await store.runs.apply(.archive, to: "r")
      let events = try await store.changes.made { () async throws in
        await expectRefusal(.invalidState) { try await store.grants.revoke(grant.id) }
      }
      #expect(events.isEmpty)
      #expect(try await store.grants.get(grant.id) == grant)
    }
  }

  /// Goal: a policy can be changed and deleted however many grants it made, and all of them end
  /// with it: none helps again under a later policy, also one of the same kind.
  ///
  /// Method: twenty thousand live grants; the policy denies, and is set back as it was.
  @Test(arguments: Engines.available)
  func `a policy with many grants can be stopped`(on engine: TestEngine) async throws {
    try await withStore(on: engine, options: .testing(time: ManualTimeSource())) { test in
      let store = test.store
      try await store.policies.set("p", .autoApprove)
      let task = try await store.makeTask(run: "r")
      let request = ApprovalRequest("a", task: task, permission: "p")
      try await store.approvals.request(request)
      let grant = try #require(try await store.grants.list().items.first)
      #expect(grant.source == .policy && !grant.isVoid)
      let copies = Statement(
        """
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
        INSERT INTO grants (id, permission, task, run, source, approval, granted_by, version,
          created_at, expires_at, term)
        SELECT 'copy ' || n.i, g.permission, 'task ' || n.i, g.run, g.source, g.approval,
          g.granted_by, g.version, g.created_at, g.expires_at, g.term
        FROM grants AS g
        CROSS JOIN n
        """)
      _ = try await store.engine.write(WriteOptions(), [Step(copies)])
      #expect(try await store.grants.list(GrantQuery(limit: 1_000)).items.count == 1_000)
      let events = try await store.changes.told { () async throws in
        try await store.policies.set("p", .alwaysDeny)
      }
      #expect(events == ["put p"])
      try await store.policies.set("p", .requireApproval)
      #expect(try await store.policies.delete("p"))
      try await store.policies.set("p", .autoApprove)
      #expect(try await store.grants.list().items.isEmpty)
      let ended = try #require(try await store.grants.get(grant.id))
      #expect(ended.isVoid && ended.revokedAt == nil && ended.version == grant.version)
      #expect(try await store.grants.revoke(grant.id) == ended)
      let next = try await store.approvals.request(request)
      #expect(next.status == .approved && next.grant == nil)
      #expect(try await store.grants.list().items.map(\.approval) == [next.id])
    }
  }

  /// Goal: a revoked grant is worth nothing, and is kept as history.
  ///
  /// Method: revokes one, twice; an expired one stays as it is.
  @Test(arguments: Engines.available)
  func `a grant can be revoked`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let store = test.store
      let task = try await store.makeTask()
      let request = ApprovalRequest("a", task: task)
      func grant() async throws -> Grant {
        let asked = try await store.approvals.request(request)
        try await store.approvals.decide(asked.id, .approve, grant: true)
        return try #require(try await store.grants.list().items.first)
      }
      let first = try await grant()
      time.advance(by: .seconds(1))
      let events = try await store.changes.told { () async throws in
        let revoked = try await store.grants.revoke(first.id)
        #expect(revoked.revokedAt == time.wallTime() && revoked.revokedBy == "library")
        #expect(revoked.version > first.version)
        #expect(try await store.grants.revoke(first.id) == revoked)
        #expect(try await store.grants.get(first.id) == revoked)
      }
      #expect(events == ["revoke \(first.id)"])
      #expect(try await store.grants.list().items.isEmpty)
      let second = try await grant()
      #expect(second.id != first.id)
      time.advance(by: .seconds(900))
      #expect(try await store.grants.revoke(second.id) == second)
      #expect(try await store.grants.list().items.isEmpty)
      let all = try await store.grants.list(GrantQuery(includesEnded: true)).items
      #expect(all.map(\.id) == [first.id, second.id])
      await expectRefusal(.notFound) { try await store.grants.revoke("missing") }
      #expect(try await store.grants.get("missing") == nil)
      for bad in ["", "..", "a\u{0}"] {
        await expectRefusal(.invalid) { try await store.grants.revoke(bad) }
        await expectRefusal(.invalid) { try await store.grants.get(bad) }
        await expectRefusal(.invalid) { try await store.grants.list(GrantQuery(task: bad)) }
        await expectRefusal(.invalid) { try await store.grants.list(GrantQuery(permission: bad)) }
      }
      await expectRefusal(.invalid) { try await store.grants.list(GrantQuery(after: "x")) }
    }
  }

  /// Goal: what a policy granted ends with the policy; what a person granted does not; and nothing
  /// helps against a policy that always denies.
  ///
  /// Method: one grant of each kind; the policy is set to the same, to another one, and deleted.
  @Test(arguments: Engines.available)
  func `a policy's grants end with it`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let store = test.store
      for change in ["set", "delete", "deny"] {
        try await store.policies.set("p", .requireApproval, grants: true)
        let tasks = try await [store.makeTask(), store.makeTask()]
        for (task, isAskedFor) in zip(tasks, [false, true]) {
          let asked = try await store.approvals.request(
            ApprovalRequest("a", task: task, permission: "p"))
          try await store.approvals.decide(asked.id, .approve, grant: isAskedFor)
        }
        try await store.policies.set("p", .requireApproval, grants: true)
        let query = GrantQuery(permission: "p")
        #expect(Set(try await store.grants.list(query).items.map(\.task)) == Set(tasks))
        switch change {
        case "set": try await store.policies.set("p", .requireApproval)
        case "delete": try await store.policies.delete("p")
        default: try await store.policies.set("p", .alwaysDeny)
        }
        #expect(try await store.grants.list(query).items.map(\.task) == [tasks[1]])
        let next = try await store.approvals.request(
          ApprovalRequest("b", task: tasks[1], permission: "p"))
        #expect(next.status == (change == "deny" ? .denied : .approved))
        for grant in try await store.grants.list(query).items {
          try await store.grants.revoke(grant.id)
        }
      }
    }
  }

  /// Goal: grants are listed by permission and task, those that end soonest first, in pages.
  ///
  /// Method: grants of several permissions and tasks that end at different times, two at once.
  @Test(arguments: Engines.available)
  func `grants are listed by permission and task`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let store = test.store
      var all: [(permission: String, task: String)] = []
      for number in 0..<6 {
        let task = try await store.makeTask()
        for permission in ["p", "q"] {
          let asked = try await store.approvals.request(
            ApprovalRequest("a", task: task, permission: permission))
          try await store.approvals.decide(asked.id, .approve, grant: true)
          all.append((permission, task))
        }
        if number == 2 { time.advance(by: .seconds(600)) }
      }
      func listed(_ query: GrantQuery) async throws -> [String] {
        var query = query
        query.limit = 1
        var found: [String] = []
        repeat {
          let page = try await store.grants.list(query)
          found += page.items.map { $0.permission + $0.task }
          query.after = page.next
        } while query.after != nil
        return found
      }
      for isLater in [false, true] {
        // The first three tasks' grants end 600 s before the others.
        if isLater { time.advance(by: .seconds(300)) }
        for isEnded in [false, true] {
          let shown = isLater && !isEnded ? Array(all[6...]) : all
          let names = shown.map { $0.permission + $0.task }
          let query = GrantQuery(includesEnded: isEnded)
          #expect(try await listed(query) == names)
          var byTask = query
          byTask.task = all[11].task
          #expect(try await listed(byTask) == names.suffix(2))
          byTask.permission = "q"
          #expect(try await listed(byTask) == names.suffix(1))
          var byPermission = query
          byPermission.permission = "q"
          #expect(
            try await listed(byPermission)
              == shown.filter { $0.permission == "q" }.map { $0.permission + $0.task })
        }
      }
      #expect(try await listed(GrantQuery(permission: "none")).isEmpty)
    }
  }
}
