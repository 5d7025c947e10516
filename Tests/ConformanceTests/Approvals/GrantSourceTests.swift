import Holdfast
import HoldfastTesting
import Testing

@Suite(.timeLimit(.minutes(5))) struct GrantSourceTests {
  /// Goal: what a decider granted does not hang on the policy: a later grant of the policy takes
  /// nothing of it away.
  ///
  /// Method: a decider asks for a grant for 15 minutes; near its end, approvals that were asked for
  /// before are approved so that the policy grants; then the policy changes.
  @Test(arguments: Engines.available)
  func `a policy's grant stands beside the one that was asked for`(
    on engine: TestEngine
  ) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let store = test.store
      try await store.policies.set("pay", .requireApproval, grants: true)
      let task = try await store.makeTask()
      let request = ApprovalRequest("pay", task: task)
      var ids: [String] = []
      for _ in 0..<3 { ids.append(try await store.approvals.request(request).id) }
      try await store.approvals.decide(ids[0], .approve, by: "ada", grant: true)
      let asked = try #require(try await store.grants.list().items.first)
      #expect(asked.source == .decision && asked.expiresAt == time.wallTime() + .seconds(900))
      time.advance(by: .seconds(840))
      try await store.approvals.decide(ids[1], .approve, by: "bob")
      let both = try await store.grants.list().items
      #expect(both.map(\.source) == [.decision, .policy] && both.first == asked)
      #expect(both.last?.expiresAt == time.wallTime() + .seconds(300))
      time.advance(by: .seconds(1))
      try await store.approvals.decide(ids[2], .approve, by: "bob")
      let longer = try await store.grants.list().items
      #expect(longer.map(\.id) == both.map(\.id) && longer.first == asked)
      #expect(longer.last?.expiresAt == time.wallTime() + .seconds(300))
      try await store.policies.set("pay", .requireApproval, grants: false)
      #expect(try await store.grants.list().items == [asked])
      let promised = try await store.approvals.request(request)
      #expect(promised.status == .approved && promised.grant == asked.id)
      time.advance(by: .seconds(59))
      #expect(try await store.approvals.request(request).status == .pending)
    }
  }

  /// Goal: a decider who asks for a grant gets one that outlives the policy, also where the policy
  /// has granted the same already.
  ///
  /// Method: the policy grants for as long as a decider would; the decider asks; the policy goes.
  @Test(arguments: Engines.available)
  func `a grant that is asked for is made beside a policy's`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    var options = StoreOptions.testing(time: time)
    options.limits.policyGrantLifetime = options.limits.grantLifetime
    try await withStore(on: engine, options: options) { test in
      let store = test.store
      try await store.policies.set("pay", .requireApproval, grants: true)
      let task = try await store.makeTask()
      let request = ApprovalRequest("pay", task: task)
      let first = try await store.approvals.request(request).id
      let second = try await store.approvals.request(request).id
      try await store.approvals.decide(first, .approve, by: "ada")
      #expect(try await store.grants.list().items.map(\.source) == [.policy])
      try await store.approvals.decide(second, .approve, by: "ada", grant: true)
      #expect(try await store.policies.delete("pay"))
      let left = try await store.grants.list().items
      #expect(left.map(\.approval) == [second] && left.first?.source == .decision)
    }
  }
}
