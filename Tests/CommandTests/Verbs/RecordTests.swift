import HoldfastTesting
import Testing

/// The verbs of runs, bots and tokens.
@Suite(.timeLimit(.minutes(5))) struct RecordVerbs {
  /// Goal: a run goes through its life by verbs, and no other way.
  ///
  /// Method: every step is taken once from where it is possible; one that is not exits 65 and
  /// changes nothing.
  @Test(arguments: Engines.available)
  func `a run goes through its life`(on engine: TestEngine) async throws {
    let place = try await Place(engine)
    let begun = try await place.done(
      "run", "begin", "r1", "--tag", "airline", "--tag", "eu", "--metadata", #"{"customer":"u1"}"#)
    #expect(begun.contains("status\tactive\n"))
    #expect(begun.contains("tags\tairline,eu\n"))
    #expect(try await place.holdfast("run", "begin", "r1").code == 75)
    #expect(try await place.holdfast("run", "begin", "r2", "--parent", "nobody").code == 66)
    try await place.done("run", "begin", "r2", "--parent", "r1")
    #expect(try await place.done("run", "pause", "r1").contains("status\tpaused\n"))
    #expect(try await place.holdfast("run", "complete", "r1").code == 65)
    #expect(try await place.done("run", "resume", "r1").contains("status\tactive\n"))
    #expect(try await place.done("run", "complete", "r1").contains("status\tcompleted\n"))
    #expect(
      try await place.done("run", "fail", "r2", "--error", "no seat").contains("error\tno seat\n"))
    try await place.done("run", "begin", "r3")
    #expect(try await place.holdfast("run", "cancel", "r3").code == 64)
    #expect(try await place.done("run", "cancel", "r3", "--yes").contains("status\tcancelled\n"))
    #expect(try await place.done("run", "archive", "r3").contains("status\tarchived\n"))
    let listed = try await place.holdfast("run", "list")
    #expect(listed.lines.map { $0.prefix(2) } == ["r2", "r1"])
    let failed = try await place.holdfast("run", "list", "--status", "failed", "--parent", "r1")
    #expect(failed.lines.count == 1)
    #expect(try await place.holdfast("run", "list", "--archived").lines.count == 3)
    #expect(try await place.holdfast("run", "list", "--status", "nonsense").code == 64)
  }

  /// Goal: a run's tags and metadata can be replaced, and the run deleted for ever.
  ///
  /// Method: an update changes what it names; deleting wants a yes, takes the keys along and keeps
  /// the identifier from coming back.
  @Test func `a run is updated and deleted`() async throws {
    let place = try await Place()
    try await place.done("run", "begin", "r1", "--tag", "old")
    let updated = try await place.done(
      "run", "update", "r1", "--metadata", #"{"reward":1.0}"#, "--tag", "new")
    #expect(updated.contains("tags\tnew\n"))
    #expect(updated.contains(#"metadata"# + "\t" + #"{"reward":1.0}"#))
    #expect(try await place.done("run", "update", "r1", "--no-tags").contains("tags\t\n"))
    #expect(try await place.holdfast("run", "update", "r1", "--metadata", "5").code == 64)
    #expect(try await place.holdfast("run", "update", "r1", "--if-version", "999").code == 75)
    try await place.done("kv", "put", "run:r1", "key", "1")
    #expect(try await place.holdfast("run", "delete", "r1").code == 64)
    try await place.done("run", "delete", "r1", "--yes")
    #expect(try await place.holdfast("run", "get", "r1").code == 66)
    #expect(try await place.holdfast("kv", "get", "run:r1", "key").code == 66)
    #expect(try await place.holdfast("run", "begin", "r1").code == 65)
  }

  /// Goal: bots are made, found, changed and deleted by verbs.
  ///
  /// Method: one bot goes through all of them; a slug that is taken exits 75.
  @Test(arguments: Engines.available)
  func `a bot goes through its verbs`(on engine: TestEngine) async throws {
    let place = try await Place(engine)
    try await place.done("bot", "create", "mailer", "--id", "b1", "--name", "The mailer")
    #expect(try await place.holdfast("bot", "create", "mailer").code == 75)
    #expect(try await place.done("bot", "get", "b1").contains("name\tThe mailer\n"))
    let changed = try await place.done(
      "bot", "update", "b1", "--slug", "post", "--metadata", #"{"team":"mail"}"#)
    #expect(changed.contains("slug\tpost\n"))
    #expect(try await place.holdfast("bot", "list").lines.map { $0.prefix(7) } == ["post\tb1"])
    #expect(try await place.done("bot", "list", "--slug", "mailer").isEmpty)
    #expect(try await place.holdfast("bot", "delete", "b1").code == 64)
    try await place.done("bot", "delete", "b1", "--yes")
    #expect(try await place.holdfast("bot", "get", "b1").code == 66)
  }

  /// Goal: a token's secret is shown once and works at once.
  ///
  /// Method: tokens are made on the store while a server runs on it; the secret alone goes to
  /// standard output; a reader may read and not write, a pattern hides the rest, and a revoked
  /// token is nobody.
  @Test(arguments: Engines.available)
  func `a token made on the machine works over the network`(on engine: TestEngine) async throws {
    let place = try await Place(engine)
    let server = try await place.serve()
    try await place.done("kv", "put", "run:1", "key", "1")
    let secret = try await place.done(
      "token", "create", "alice", "--role", "reader", "--namespace", "run:**")
    #expect(secret.hasPrefix("hf_"))
    #expect(secret.utf8.count == 47)
    var alice = server.environment
    alice["HOLDFAST_TOKEN"] = secret.split(separator: "\n").first.map(String.init)
    #expect(try await place.done("kv", "get", "run:1", "key", environment: alice) == "1\n")
    let write = try await place.holdfast("kv", "put", "run:1", "key", "2", environment: alice)
    #expect(write.code == 77)
    #expect(try await place.holdfast("kv", "get", "global", "key", environment: alice).code == 66)
    #expect(try await place.holdfast("token", "list", environment: alice).code == 77)
    let tokens = try await place.holdfast("token", "list", environment: server.environment)
    #expect(tokens.lines.map { $0.split(separator: "\t").first } == ["admin", "alice"])
    #expect(!tokens.output.contains(secret.dropLast()))
    #expect(try await place.holdfast("token", "create", "alice", "--role", "agent").code == 75)
    #expect(try await place.holdfast("token", "create", "bob", "--role", "king").code == 64)
    #expect(try await place.holdfast("token", "revoke", "alice").code == 64)
    try await place.done("token", "revoke", "alice", "--yes")
    #expect(try await place.holdfast("kv", "get", "run:1", "key", environment: alice).code == 77)
    #expect(try await place.holdfast("token", "revoke", "alice", "--yes").code == 66)
  }
}
