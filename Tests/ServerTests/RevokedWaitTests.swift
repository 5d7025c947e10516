import Holdfast
import HoldfastTesting
import Testing

@Suite(.timeLimit(.minutes(2))) struct RevokedWaitTests {
  /// Goal: a wait for a decision tells nothing to a token that was revoked meanwhile.
  ///
  /// Method: the token goes once the wait sleeps; then somebody decides.
  @Test(arguments: Engines.available)
  func `a revoked token is told of no decision`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withServer(on: engine, store: .testing(time: time)) { server in
      let secret = try await server.token(.reader, name: "r")
      let asked = try await server.store.approvals.request(ApprovalRequest("a"))
      async let waiting = server.send("GET", "/v1/approvals/\(asked.id)?wait=30s", as: secret)
      // The wait, and the one that reads the feed for all.
      try await time.sleepers(atLeast: 2)
      try await server.store.tokens.revoke("r")
      try await server.store.approvals.decide(asked.id, .approve, reason: "she asked")
      let answer = try await waiting
      #expect(answer.status == 401 && answer.code == "unauthenticated", "\(answer.text)")
      #expect(!answer.text.contains("she asked"))
    }
  }

  /// Goal: a claim that waits hands nothing to a token that was revoked meanwhile.
  ///
  /// Method: the token goes once the claim sleeps; then something is enqueued.
  @Test(arguments: Engines.available)
  func `a revoked token is handed no task`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withServer(on: engine, store: .testing(time: time)) { server in
      let secret = try await server.token(.agent, name: "w")
      async let waiting = server.send("POST", "/v1/tasks/claim", ["wait": "30s"], as: secret)
      try await time.sleepers(atLeast: 1)
      try await server.store.tokens.revoke("w")
      try await server.store.tasks.enqueue("secret-work")
      let answer = try await waiting
      #expect(answer.status == 401 && answer.code == "unauthenticated", "\(answer.text)")
      #expect(!answer.text.contains("secret-work"))
    }
  }
}
