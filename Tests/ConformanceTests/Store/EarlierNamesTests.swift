import Holdfast
import HoldfastTesting
import Testing

/// For people who come from the older Go and Rust stores: each test bears the old name and shows
/// the old behaviour, or the stated difference.
@Suite(.timeLimit(.minutes(5))) struct EarlierNamesTests {
  /// Goal: `put_with_ttl` is `put(ttl:)`.
  ///
  /// Method: a key of half a second is gone after half a second (one of the older stores served it
  /// until a cleanup, up to a minute later).
  @Test(arguments: Engines.available)
  func `put_with_ttl is put with a ttl`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let kv = test.store.kv(.run("42"))
      try await kv.put("k", "v", ttl: .milliseconds(500))
      #expect(try await kv.get("k") == "v")
      time.advance(by: .milliseconds(500))
      #expect(try await kv.get("k") == nil)
    }
  }

  /// Goal: `list` is `keys`, `list_with_values` is `entries`.
  ///
  /// Method: some keys under a prefix, both ways.
  @Test(arguments: Engines.available)
  func `list is keys and list_with_values is entries`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let kv = test.store.kv(.run("42"))
      try await kv.putMany([Put("a/1", 1), Put("a/2", 2), Put("b", 3)])
      #expect(try await kv.keys(prefix: "a/").all() == ["a/1", "a/2"])
      let entries = try await kv.entries(prefix: "a/").all()
      #expect(entries.map(\.key) == ["a/1", "a/2"] && entries.map(\.value) == [1, 2])
    }
  }

  /// Goal: `transaction` with `kv_get`, `kv_put`, `kv_delete` is `kv.transaction`, and `tx.kv(…)`
  /// where a transaction spans namespaces.
  ///
  /// Method: both forms.
  @Test(arguments: Engines.available)
  func `kv_get kv_put and kv_delete are tx kv`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let kv = test.store.kv(.run("42"))
      try await kv.transaction { kv in
        try kv.put("a", 1)
        try kv.put("b", try kv.get("a") ?? nil)
        try kv.delete("a")
      }
      try await test.store.transaction { tx in
        let value = try tx.kv(.run("42")).get("b") ?? nil
        try tx.kv(.bot("7")).put("b", value)
      }
      #expect(try await kv.keys().all() == ["b"])
      #expect(try await test.store.kv(.bot("7")).get("b") == 1)
    }
  }

  /// Goal: a bot's `get`, `set`, `delete`, `list_keys`, `get_entry` are get, put, delete, keys,
  /// getEntry of the namespace `bot:ID`.
  ///
  /// Method: each of them.
  @Test(arguments: Engines.available)
  func `a bot's set is put and its list_keys is keys`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let kv = test.store.kv(.bot("7"))
      try await kv.put("memory", ["fact": "sky"], description: "what it learned")
      #expect(try await kv.get("memory") == ["fact": "sky"])
      let entry = try #require(try await kv.getEntry("memory"))
      #expect(entry.key == "memory" && entry.description == "what it learned")
      #expect(entry.createdAt == entry.updatedAt)
      #expect(try await kv.keys().all() == ["memory"])
      #expect(try await kv.delete("memory"))
      #expect(try await kv.get("memory") == nil)
    }
  }

  /// Goal: `Get`, `Set`, `Delete`, `List`, `GetAll` of variables with exact keys are the operations
  /// on keys.
  ///
  /// Method: keys that the old stores kept apart stay apart.
  @Test(arguments: Engines.available)
  func `Set and GetAll with exact keys are put and entries`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let kv = test.store.kv(try Namespace("settings"))
      try await kv.put("API_KEY", "upper")
      try await kv.put("api_key", "lower")
      #expect(try await kv.get("API_KEY") == "upper")
      let all = try await kv.entries().all()
      #expect(all.map(\.key) == ["API_KEY", "api_key"])
      #expect(try await kv.delete("API_KEY"))
      #expect(try await kv.get("api_key") == "lower")
    }
  }

  /// Goal: `SaveTask` is `save`, `UpdateTaskStatus` is `updateStatus`, `ListTasks` is `list`.
  ///
  /// Method: a task that is led by hand, as the older stores did.
  @Test(arguments: Engines.available)
  func `SaveTask is save and UpdateTaskStatus is updateStatus`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let tasks = test.store.tasks
      try await tasks.save(draft("summarise") { $0.id = "t1" })
      #expect(try await tasks.updateStatus("t1", to: .running).startedAt != nil)
      #expect(try await tasks.list(TaskQuery(status: .running)).items.map(\.id) == ["t1"])
      // The older stores took any status over any other.
      try await tasks.complete("t1", result: "short")
      await expectRefusal(.invalidState) { try await tasks.updateStatus("t1", to: .running) }
    }
  }

  /// Goal: `CompleteTask(id, result, error)` is `complete`, and `fail` where there is an error.
  ///
  /// Method: both; an error never ends as completed, as it did.
  @Test(arguments: Engines.available)
  func `CompleteTask is complete or fail`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let tasks = test.store.tasks
      for id in ["good", "bad"] { try await tasks.save(draft { $0.id = id }, status: .running) }
      let good = try await tasks.complete("good", result: ["text": "done"])
      #expect(good.status == .completed && good.result == ["text": "done"] && good.error == nil)
      let bad = try await tasks.fail("bad", error: "no answer")
      #expect(bad.status == .failed && bad.error == "no answer" && bad.completedAt != nil)
    }
  }

  /// Goal: `FailStuckTasks` is `failStuck()`.
  ///
  /// Method: a task that was running when its process died.
  @Test(arguments: Engines.available)
  func `FailStuckTasks is failStuck`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      try await test.store.tasks.save(draft { $0.id = "t1" }, status: .running)
      let store = try await test.restart()
      #expect(try await store.tasks.failStuck() == 1)
      #expect(try await store.tasks.get("t1")?.error == "stuck_on_startup")
    }
  }

  /// Goal: `RequeuePendingTasks` is a list of pending tasks, the oldest first: the table is the
  /// queue.
  ///
  /// Method: pending tasks are there after a restart without anything being put back.
  @Test(arguments: Engines.available)
  func `RequeuePendingTasks is a list of pending tasks`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      for id in ["t1", "t2"] { try await test.store.tasks.enqueue(draft { $0.id = id }) }
      let tasks = try await test.restart().tasks
      let waiting = try await tasks.list(TaskQuery(status: .pending, order: .oldest))
      #expect(waiting.items.map(\.id) == ["t1", "t2"])
      #expect(try await tasks.claim(limit: 2).map(\.id) == ["t1", "t2"])
    }
  }

  /// Goal: `DBSizeBytes` is `size`.
  ///
  /// Method: it grows with what is stored.
  @Test(arguments: Engines.available)
  func `DBSizeBytes is size`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let before = try await test.store.size()
      try await test.store.kv(.global).put("k", .bytes(Array(repeating: 7, count: 1 << 20)))
      #expect(try await test.store.size() > before)
    }
  }

  /// Goal: `SaveSessionContext`, `GetSessionContext`, `GetSessionContextByThread`,
  /// `TouchSessionContext`, `ListSessionContexts`, `DeleteSessionContext` are save, get,
  /// getByThread, touch, list and delete.
  ///
  /// Method: one session by all of them; of two of a thread the one last used is found, where the
  /// older stores gave any.
  @Test(arguments: Engines.available)
  func `GetSessionContextByThread is getByThread`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let sessions = test.store.sessions
      try await sessions.save(SessionEntry("a", channel: "slack", thread: "17", user: "u1"))
      try await sessions.save(SessionEntry("b", channel: "slack", thread: "17"))
      try await sessions.touch("a")
      #expect(try await sessions.get("a")?.user == "u1")
      #expect(try await sessions.getByThread(channel: "slack", thread: "17")?.id == "a")
      #expect(try await sessions.list().items.count == 2)
      #expect(try await sessions.delete("a"))
      await expectRefusal(.notFound) { try await sessions.touch("a") }
    }
  }

  /// Goal: `SaveThreadSession`, `GetThreadSession`, `TouchThreadSession`, `ListThreadSessions`,
  /// `DeleteThreadSession` are upsert, get, touch, list and delete of threads.
  ///
  /// Method: one thread by all of them.
  @Test(arguments: Engines.available)
  func `SaveThreadSession is upsert`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let threads = test.store.threads
      try await threads.upsert(channel: "slack", thread: "17", sessionKey: "a")
      try await threads.upsert(channel: "slack", thread: "17", sessionKey: "b")
      try await threads.touch(channel: "slack", thread: "17")
      #expect(try await threads.get(channel: "slack", thread: "17")?.sessionKey == "b")
      #expect(try await threads.list().items.count == 1)
      #expect(try await threads.delete(channel: "slack", thread: "17"))
      #expect(try await threads.get(channel: "slack", thread: "17") == nil)
    }
  }

  /// Goal: `SaveDeadLetter`, `GetDeadLetter`, `ListRetryable`, `IncrementRetry`,
  /// `ResolveDeadLetter` are save, get, retryable, retryFailed and resolve.
  ///
  /// Method: one letter by all of them; what was given up is retried no more, where the older
  /// stores kept no such state.
  @Test(arguments: Engines.available)
  func `IncrementRetry is retryFailed`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let letters = test.store.deadLetters
      let now = time.wallTime()
      try await letters.save(
        DeadLetterEntry("a", source: "slack", message: "hi", error: "gone", nextRetryAt: now))
      #expect(try await letters.retryable(limit: 10).map(\.id) == ["a"])
      try await letters.retryFailed("a", next: now + .seconds(60))
      #expect(try await letters.get("a")?.retryCount == 1)
      #expect(try await letters.retryable(limit: 10).isEmpty)
      time.advance(by: .seconds(60))
      #expect(try await letters.retryable(limit: 10).count == 1)
      try await letters.retryFailed("a", next: nil)
      #expect(try await letters.retryable(limit: 10).isEmpty)
      try await letters.resolve("a")
      #expect(try await letters.list(DeadLetterQuery(status: .resolved)).items.count == 1)
    }
  }

  /// Goal: `SaveApproval`, `GetApproval` and `DeleteApproval` are request, get and delete.
  ///
  /// Method: one approval; what differs is that its task is cancelled with it.
  @Test(arguments: Engines.available)
  func `SaveApproval GetApproval and DeleteApproval are request get and delete`(
    on engine: TestEngine
  ) async throws {
    try await withStore(on: engine) { test in
      let task = try await test.store.tasks.enqueue("send").task.id
      let saved = try await test.store.approvals.request(
        ApprovalRequest("send_email", parameters: ["to": "u1"], task: task, id: "a1"))
      #expect(try await test.store.approvals.get("a1") == saved)
      #expect(try await test.store.approvals.delete("a1"))
      #expect(try await test.store.approvals.get("a1") == nil)
      #expect(try await test.store.tasks.get(task)?.status == .cancelled)
    }
  }

  /// Goal: `ListExpiredApprovals` is `expired(maxAge:)`.
  ///
  /// Method: what nobody decided within ten minutes of its request, and nothing else.
  @Test(arguments: Engines.available)
  func `ListExpiredApprovals is expired with a maxAge`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let approvals = test.store.approvals
      try await approvals.request(ApprovalRequest("old", id: "old"))
      try await approvals.request(ApprovalRequest("decided", id: "decided"))
      try await approvals.decide("decided", .deny)
      time.advance(by: .seconds(1))
      try await approvals.request(ApprovalRequest("new", id: "new"))
      time.advance(by: .seconds(599))
      let expired = try await approvals.expired(maxAge: .seconds(600)).items
      #expect(expired.map(\.id) == ["old"])
    }
  }

  /// Goal: `RunRetention` is `retention.run`.
  ///
  /// Method: of two finished tasks the one that finished more than a week ago goes.
  @Test(arguments: Engines.available)
  func `RunRetention is retention run`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let tasks = test.store.tasks
      try await tasks.save(draft { $0.id = "old" }, status: .completed)
      time.advance(by: .seconds(8 * 86_400))
      try await tasks.save(draft { $0.id = "new" }, status: .completed)
      let report = try await test.store.retention.run()
      #expect(report.isComplete && report.counts[.tasks] == 1)
      #expect(try await tasks.list().items.map(\.id) == ["new"])
    }
  }

  /// Goal: `log`, `get_for_bot` and `get_for_memory` are record, list(bot:) and list(memory:).
  ///
  /// Method: three records, of two bots and two memories.
  @Test(arguments: Engines.available)
  func `get_for_bot and get_for_memory are list`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let audit = test.store.audit
      for (memory, bot) in [("m1", "b1"), ("m2", "b1"), ("m1", "b2")] {
        try await audit.record(AuditEntry(memory: memory, .add, bot: bot))
        time.advance(by: .seconds(1))
      }
      let ofBot = try await audit.list(AuditQuery(bot: "b1")).items
      #expect(ofBot.map(\.memory) == ["m2", "m1"] && ofBot.allSatisfy { $0.bot == "b1" })
      let ofMemory = try await audit.list(AuditQuery(memory: "m1")).items
      #expect(ofMemory.map(\.bot) == ["b2", "b1"])
      #expect(ofMemory.allSatisfy { $0.action == "memory.add" })
    }
  }

  /// Goal: `save`, `load` and `load_all` of providers are put, get and list.
  ///
  /// Method: two providers, found again by another process; the list is in order of priority.
  @Test(arguments: Engines.available)
  func `load_all of providers is list`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      try await test.store.providers.put("backup", priority: 2)
      let first = try await test.store.providers.put("zeta", priority: 1)
      let providers = try await test.restart().providers
      #expect(try await providers.get("zeta") == first)
      #expect(try await providers.get("none") == nil)
      #expect(try await providers.list().items.map(\.name) == ["zeta", "backup"])
    }
  }
}
