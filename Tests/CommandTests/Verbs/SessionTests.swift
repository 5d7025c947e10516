import HoldfastTesting
import Testing

/// The verbs of sessions, threads and dead letters.
@Suite(.timeLimit(.minutes(5))) struct SessionVerbs {
  /// Goal: a conversation goes through its verbs.
  ///
  /// Method: a session is saved, filled, read, popped, cleared and deleted; what is missing exits
  /// 66, what cannot be meant 64.
  @Test(arguments: Engines.available)
  func `a session goes through its verbs`(on engine: TestEngine) async throws {
    let place = try await Place(engine)
    let saved = try await place.done(
      "session", "save", "s1", "--channel", "slack", "--thread", "17", "--data", #"{"lang":"de"}"#)
    #expect(saved.contains("channel\tslack\n") && saved.contains("item_count\t0\n"))
    let appended = try await place.done(
      "session", "append", "s1", #"{"role":"user"}"#, #"{"role":"tool"}"#)
    #expect(appended.contains("positions\t[1,2]\n"))
    #expect(try await place.holdfast("session", "append", "s1", "text").code == 64)
    #expect(try await place.holdfast("session", "append", "none", "{}").code == 66)
    #expect(
      try await place.done("session", "items", "s1", "--last", "1")
        == "2\t{\"role\":\"tool\"}\n")
    #expect(try await place.holdfast("session", "pop", "s1").code == 64)
    #expect(try await place.done("session", "pop", "s1", "--yes") == "2\t{\"role\":\"tool\"}\n")
    #expect(try await place.done("session", "append", "s1", "{}").contains("positions\t[3]\n"))
    #expect(try await place.holdfast("session", "items", "s1").lines.count == 2)
    #expect(try await place.done("session", "touch", "s1").contains("item_count\t2\n"))
    let found = try await place.done("session", "list", "--channel", "slack", "--thread", "17")
    #expect(found.hasPrefix("s1\t2\t"))
    #expect(try await place.holdfast("session", "list", "--thread", "17").code == 64)
    #expect(try await place.holdfast("session", "clear", "s1").code == 64)
    try await place.done("session", "clear", "s1", "--yes")
    #expect(try await place.done("session", "items", "s1").isEmpty)
    #expect(try await place.done("session", "pop", "s1", "--yes").isEmpty)
    try await place.done("session", "delete", "s1", "--yes")
    #expect(try await place.holdfast("session", "get", "s1").code == 66)
    #expect(try await place.holdfast("session", "delete", "s1", "--yes").code == 66)
  }

  /// Goal: a thread goes through its verbs.
  ///
  /// Method: one thread is put, read, touched, listed and deleted.
  @Test(arguments: Engines.available)
  func `a thread goes through its verbs`(on engine: TestEngine) async throws {
    let place = try await Place(engine)
    #expect(
      try await place.done("thread", "put", "slack", "a/b", "s1").contains("session_key\ts1\n"))
    #expect(try await place.done("thread", "get", "slack", "a/b").contains("thread\ta/b\n"))
    try await place.done("thread", "touch", "slack", "a/b")
    #expect(
      try await place.done("thread", "list", "--channel", "slack").hasPrefix("slack\ta/b\ts1\t"))
    #expect(try await place.holdfast("thread", "delete", "slack", "a/b").code == 64)
    try await place.done("thread", "delete", "slack", "a/b", "--yes")
    #expect(try await place.holdfast("thread", "get", "slack", "a/b").code == 66)
  }

  /// Goal: dead letters go through their verbs.
  ///
  /// Method: letters are saved, failed, given up, redriven by name and by filter, and resolved.
  @Test(arguments: Engines.available)
  func `dead letters go through their verbs`(on engine: TestEngine) async throws {
    let place = try await Place(engine)
    for id in ["l1", "l2"] {
      try await place.done(
        "dead-letter", "save", "slack", #"{"text":"hi"}"#, "--id", id, "--error", "gone",
        "--next", "2099-01-01T00:00:00Z")
    }
    #expect(
      try await place.done("dead-letter", "retry-failed", "l1").contains("retry_count\t1\n"))
    let both = try await place.holdfast(
      "dead-letter", "retry-failed", "l1", "--give-up", "--next", "2030-01-01T00:00:00Z")
    #expect(both.code == 64)
    #expect(
      try await place.done("dead-letter", "retry-failed", "l1", "--give-up")
        .contains("status\tgiven_up\n"))
    let given = try await place.holdfast("dead-letter", "list", "--status", "given_up")
    #expect(given.lines.map { $0.prefix(2) } == ["l1"])
    #expect(try await place.holdfast("dead-letter", "list", "--status", "lost").code == 64)
    let redriven = try await place.done(
      "dead-letter", "redrive", "l1", "--message", "5", "--reason", "new address")
    #expect(redriven.hasPrefix("l1\topen\tslack\t"))
    let due = try await place.holdfast("dead-letter", "list", "--retryable")
    #expect(due.lines.map { $0.prefix(2) } == ["l1"])
    #expect(try await place.holdfast("dead-letter", "redrive-all").code == 64)
    let all = try await place.holdfast(
      "dead-letter", "redrive-all", "--source", "slack", "--yes")
    #expect(all.lines.count == 2)
    #expect(try await place.holdfast("dead-letter", "resolve", "l1").code == 64)
    #expect(
      try await place.done("dead-letter", "resolve", "l1", "--yes").contains("status\tresolved\n"))
    #expect(try await place.holdfast("dead-letter", "redrive", "l1").code == 65)
    #expect(try await place.holdfast("dead-letter", "get", "none").code == 66)
    let letter = try await place.done("dead-letter", "get", "l1")
    #expect(letter.contains("message\t5\n") && letter.contains("new address"))
  }
}
