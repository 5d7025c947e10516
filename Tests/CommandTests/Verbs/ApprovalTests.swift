import HoldfastTesting
import Testing

/// The verbs of approvals, policies and grants.
@Suite(.timeLimit(.minutes(5))) struct ApprovalVerbs {
  /// Goal: an approval goes through its verbs, and each refusal has its exit code.
  ///
  /// Method: request, approve, repeat, deny, consume something else, consume, consume again.
  @Test(arguments: Engines.available)
  func `an approval goes through its verbs`(on engine: TestEngine) async throws {
    let place = try await Place(engine)
    let asked = try await place.done(
      "approval", "request", "send_email", "--parameters", #"{"to":"u1"}"#, "--caller", "bot",
      "--id", "a1", "--run", "r1", "--ttl", "10m")
    #expect(asked.contains("status\tpending\n") && asked.contains("permission\tsend_email\n"))
    let again = try await place.holdfast("approval", "request", "send_email", "--id", "a1")
    #expect(again.code == 75)
    #expect(try await place.holdfast("approval", "get", "nobody").code == 66)
    let pending = try await place.holdfast("approval", "list", "--status", "pending")
    #expect(pending.lines.map { $0.prefix(2) } == ["a1"])
    func consume() async throws -> Tool.Outcome {
      try await place.holdfast(
        "approval", "consume", "a1", "send_email", "--parameters", #"{"to":"u1"}"#, "--caller",
        "bot")
    }
    #expect(try await consume().code == 65)
    let approved = try await place.done("approval", "approve", "a1", "--reason", "she asked")
    #expect(approved.contains("status\tapproved\n") && approved.contains("reason\tshe asked\n"))
    #expect(approved.contains("decided_by\tlocal:"))
    #expect(try await place.done("approval", "decide", "a1", "approve") == approved)
    #expect(try await place.holdfast("approval", "deny", "a1").code == 65)
    #expect(try await place.holdfast("approval", "decide", "a1", "maybe").code == 64)
    #expect(try await place.done("approval", "wait", "a1") == approved)
    #expect(try await place.holdfast("approval", "consume", "a1", "send_email").code == 75)
    #expect(try await consume().output.contains("status\tconsumed\n"))
    #expect(try await consume().code == 65)
    #expect(try await place.holdfast("approval", "delete", "a1").code == 64)
    try await place.done("approval", "delete", "a1", "--yes")
    #expect(try await place.holdfast("approval", "delete", "a1", "--yes").code == 66)
  }

  /// Goal: a wait says by its exit code what became of the approval.
  ///
  /// Method: an undecided one with hardly any time, one that was denied, one that is not there.
  @Test func `a wait says what became of it`() async throws {
    let place = try await Place()
    try await place.done("approval", "request", "a", "--id", "a1")
    let undecided = try await place.holdfast("approval", "wait", "a1", "--timeout", "1ms")
    #expect(undecided.code == 69 && undecided.output.contains("status\tpending\n"))
    try await place.done("approval", "deny", "a1", "--by", "Alice")
    let denied = try await place.holdfast("approval", "wait", "a1")
    #expect(denied.code == 65 && denied.output.contains("by\tAlice\n"))
    #expect(try await place.holdfast("approval", "wait", "none").code == 66)
    #expect(try await place.holdfast("approval", "wait", "a1", "--timeout", "soon").code == 64)
    #expect(try await place.holdfast("approval", "list", "--max-age", "1ms").lines.isEmpty)
    let both = try await place.holdfast(
      "approval", "list", "--max-age", "1ms", "--status", "pending")
    #expect(both.code == 64)
  }

  /// Goal: policies and grants have their verbs.
  ///
  /// Method: sets and deletes policies; a grant is made by a policy, listed and revoked.
  @Test(arguments: Engines.available)
  func `policies and grants have their verbs`(on engine: TestEngine) async throws {
    let place = try await Place(engine)
    let set = try await place.done("policy", "set", "mail", "auto_approve")
    #expect(set.contains("mode\tauto_approve\n") && set.contains("grants\ttrue\n"))
    let plain = try await place.done("policy", "set", "read", "auto_approve", "--no-grants")
    #expect(plain.contains("grants\tfalse\n"))
    #expect(try await place.holdfast("policy", "set", "mail", "maybe").code == 64)
    #expect(
      try await place.holdfast("policy", "list").lines.map { $0.prefix(4) } == ["mail", "read"])
    #expect(try await place.done("policy", "get", "mail") == set)
    #expect(try await place.done("approval", "request", "mail").contains("status\tapproved\n"))
    #expect(try await place.holdfast("grant", "list").lines.isEmpty)
    try await place.done("task", "enqueue", "work", "--id", "t1")
    try await place.done("approval", "request", "mail", "--task", "t1")
    let grants = try await place.holdfast("grant", "list", "--task", "t1")
    #expect(grants.lines.count == 1)
    let id = try #require(grants.lines.first?.split(separator: "\t").first).description
    #expect(try await place.done("grant", "get", id).contains("source\tpolicy\n"))
    #expect(try await place.holdfast("grant", "revoke", id).code == 64)
    try await place.done("grant", "revoke", id, "--yes")
    #expect(try await place.holdfast("grant", "list").lines.isEmpty)
    #expect(try await place.holdfast("grant", "list", "--ended").lines.count == 1)
    try await place.done("policy", "delete", "mail", "--yes")
    #expect(try await place.holdfast("policy", "get", "mail").code == 66)
    #expect(try await place.done("approval", "request", "mail").contains("status\tpending\n"))
  }
}
