import HoldfastTesting
import Testing

/// The verbs of tasks.
@Suite(.timeLimit(.minutes(5))) struct TaskVerbs {
  /// Goal: a task goes through its life by verbs.
  ///
  /// Method: enqueue, claim, heartbeat, progress, step, complete, replay; a wrong token exits 75, a
  /// missing task 66, an impossible step 65.
  @Test(arguments: Engines.available)
  func `a task goes through its verbs`(on engine: TestEngine) async throws {
    let place = try await Place(engine)
    let made = try await place.done(
      "task", "enqueue", "send", "--id", "t1", "--parameters", #"{"to":"x"}"#, "--queue", "mail",
      "--unique", "k", "--priority", "5")
    #expect(made.contains("status\tpending\n") && made.contains("is_new\ttrue\n"))
    #expect(
      try await place.done("task", "enqueue", "send", "--queue", "mail", "--unique", "k")
        .contains("is_new\tfalse\n"))
    let claimed = try await place.done(
      "task", "claim", "--queue", "mail", "--lease", "1h", "--owner", "w")
    #expect(claimed.contains("t1\t1\tmail\tsend\t1\t"))
    try await place.done("task", "heartbeat", "t1", "--token", "1")
    #expect(
      try await place.done("task", "progress", "t1", "0.5", "--token", "1")
        .contains("progress\t0.5\n"))
    try await place.done("task", "step", "t1", "charge", #"{"n":1}"#, "--token", "1")
    #expect(try await place.done("task", "steps", "t1").contains("1\tcharge\t"))
    #expect(try await place.holdfast("task", "complete", "t1", "--token", "7").code == 75)
    #expect(try await place.holdfast("task", "complete", "t1").code == 75)
    #expect(try await place.holdfast("task", "requeue", "t1").code == 65)
    let done = try await place.done("task", "complete", "t1", "--token", "1", "--result", "ok")
    #expect(done.contains("status\tcompleted\n") && done.contains("result\tok\n"))
    #expect(try await place.done("task", "replay", "t1").contains("source\tt1\n"))
    #expect(try await place.done("task", "list", "--queue", "mail").contains("t1\tcompleted"))
    #expect(try await place.done("task", "stats").contains("by_status"))
    // How many there are in all is a scan: it is asked for once, with the first page.
    let pages = try await place.done("task", "list", "--all", "--limit", "1", "--total", "--json")
      .split(separator: "\n")
    #expect(pages.count == 2 && pages.filter { $0.contains(#""total":2"#) }.count == 1)
    #expect(try await place.holdfast("task", "get", "none").code == 66)
    #expect(try await place.holdfast("task", "enqueue", "a", "--priority", "101").code == 64)
    #expect(try await place.holdfast("task", "list", "--status", "lost").code == 64)
  }

  /// Goal: a task fails, is cancelled, requeued and released by verbs.
  ///
  /// Method: each once.
  @Test func `a task fails and comes back`() async throws {
    let place = try await Place()
    try await place.done("task", "enqueue", "a", "--id", "t1")
    try await place.done("task", "claim")
    #expect(
      try await place.done("task", "release", "t1", "--token", "1").contains("attempt\t0\n"))
    try await place.done("task", "claim")
    #expect(
      try await place.holdfast(
        "task", "fail", "t1", "e", "--no-retry", "--retry-after", "1s"
      ).code == 64)
    #expect(
      try await place.done("task", "fail", "t1", "no answer", "--token", "2", "--no-retry")
        .contains("error\tno answer\n"))
    #expect(try await place.done("task", "requeue", "t1").contains("status\tpending\n"))
    #expect(try await place.holdfast("task", "cancel", "t1").code == 64)
    #expect(
      try await place.done("task", "cancel", "t1", "--reason", "twice", "--yes")
        .contains("error\ttwice\n"))
    #expect(try await place.holdfast("task", "fail-stuck").code == 64)
    #expect(try await place.done("task", "fail-stuck", "--owner", "w", "--yes") == "0\n")
  }

  /// Goal: everything that HTTP takes of a task can be said by verbs, and the plain way has verbs.
  ///
  /// Method: tasks are enqueued many at once and with every option, saved, moved, and counted.
  @Test func `tasks are kept without workers`() async throws {
    let place = try await Place()
    let many = try await place.done(
      "task", "enqueue-many", #"{"command":"a","id":"1"}"#,
      #"[{"command":"b","id":"2"},{"command":"a","id":"3","queue":"q"}]"#)
    #expect(
      many == "1\tpending\tdefault\ta\ttrue\n2\tpending\tdefault\tb\ttrue\n"
        + "3\tpending\tq\ta\ttrue\n")
    #expect(try await place.holdfast("task", "enqueue-many", "text").code == 64)
    let made = try await place.done(
      "task", "enqueue", "a", "--id", "4", "--retry-base", "2s", "--retry-cap", "1m",
      "--response-channel", "slack", "--response-thread", "17", "--delay", "1h")
    for line in [
      "retry_base\t2s\n", "retry_cap\t1m\n", "response_channel\tslack\n",
      "response_thread\t17\n",
    ] {
      #expect(made.contains(line), "\(line)")
    }
    let saved = try await place.done(
      "task", "save", "5", "import", "--status", "running", "--caller", "c",
      "--started-at", "2026-01-01T00:00:00Z")
    #expect(saved.contains("status\trunning\n") && saved.contains("caller\tc\n"))
    let failed = try await place.done("task", "status", "5", "failed", "--error", "no such file")
    #expect(failed.contains("status\tfailed\n") && failed.contains("error\tno such file\n"))
    #expect(try await place.holdfast("task", "status", "5", "awaiting_approval").code == 64)
    let counted = try await place.holdfast("task", "list", "--total", "--limit", "2")
    #expect(counted.lines.count == 2 && counted.errors.contains("5 in all."))
    #expect(
      try await place.done("task", "list", "--total", "--limit", "1", "--json")
        .contains(#""total":5"#))
  }
}
