import Holdfast
import HoldfastTesting
import Testing

@Suite(.timeLimit(.minutes(5))) struct RedriveTests {
  /// Goal: a redriven message is due at once, with its edit; the edit, who and when stay in the
  /// history.
  ///
  /// Method: a given-up and an open letter, with and without an edit, a null among them.
  @Test(arguments: Engines.available)
  func `a redriven message is due at once and keeps its history`(
    on engine: TestEngine
  ) async throws {
    let time = ManualTimeSource()
    var options = StoreOptions.testing(time: time)
    options.actor = "alice"
    try await withStore(on: engine, options: options) { test in
      let letters = test.store.deadLetters
      try await letters.save(DeadLetterEntry("a", source: "slack", message: ["v": 1]))
      try await letters.retryFailed("a", next: nil, error: "gone")
      time.advance(by: .seconds(5))
      let redriven = try await letters.redrive("a", message: ["v": 2], reason: "new channel")
      #expect(redriven.status == .open && redriven.retryCount == 0)
      #expect(redriven.nextRetryAt == time.wallTime() && redriven.givenUpAt == nil)
      #expect(redriven.message == ["v": 2])
      #expect(try await letters.retryable().map(\.id) == ["a"])
      let event = try #require(redriven.history.last)
      #expect(event.action == "redrive" && event.by == "alice" && event.at == time.wallTime())
      #expect(event.reason == "new channel" && event.messageBefore == ["v": 1])
      #expect(event.retryCount == 1)
      try await letters.retryFailed("a", next: time.wallTime() + .seconds(60))
      let again = try await letters.redrive("a")
      #expect(again.nextRetryAt == time.wallTime() && again.message == ["v": 2])
      #expect(again.history.last?.messageBefore == nil)
      let null = try await letters.redrive("a", message: .null)
      #expect(null.message == .null && null.history.last?.messageBefore == ["v": 2])
      #expect(try await test.restart().deadLetters.get("a") == null)
    }
  }

  /// Goal: several letters are redriven all or none, also where the body catches the error.
  ///
  /// Method: a list with a resolved one and with a missing one.
  @Test(arguments: Engines.available)
  func `many are redriven all or none`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let store = test.store
      let letters = store.deadLetters
      for id in ["a", "b", "c"] {
        try await letters.save(DeadLetterEntry(id, source: "slack", message: 1))
        try await letters.retryFailed(id, next: nil)
      }
      try await letters.resolve("c")
      let events = try await store.changes.made { () async throws in
        for (ids, code) in [
          (["a", "b", "c"], StoreError.Code.invalidState), (["a", "missing"], .notFound),
        ] {
          let error = await refusal { try await letters.redriveMany(ids) }
          #expect(error?.code == code)
          #expect(error?.details["index"] == .integer(Int64(ids.count - 1)))
          try await store.transaction { tx in
            do { try tx.deadLetters.redriveMany(ids) } catch let error as StoreError {
              #expect(error.code == code)
            }
          }
        }
      }
      #expect(events.isEmpty)
      #expect(try await letters.redriveMany([]).isEmpty)
      let redriven = try await letters.redriveMany(["b", "a", "b"], message: 2)
      #expect(redriven.map(\.id) == ["b", "a", "b"])
      #expect(redriven.allSatisfy { $0.status == .open && $0.message == 2 })
      #expect(redriven.allSatisfy { $0.history.count == 2 })
    }
  }

  /// Goal: all letters that a filter matches are redriven, in as many transactions as it takes; no
  /// other is touched, nor is one redriven twice.
  ///
  /// Method: letters of two sources, some resolved, one of an archived run, in pages of two.
  @Test(arguments: Engines.available)
  func `all that match a filter are redriven once`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let store = test.store
      let letters = store.deadLetters
      for number in 0..<9 {
        let source = number % 3 == 0 ? "mail" : "slack"
        let run = number == 1 ? "42" : nil
        try await letters.save(
          DeadLetterEntry("\(number)", source: source, message: 1, run: run))
        try await letters.retryFailed("\(number)", next: nil)
      }
      try await letters.resolve("2")
      try await store.runs.begin("42")
      try await store.runs.apply(.archive, to: "42")
      #expect(
        try await letters.redriveAll(DeadLetterQuery(source: "slack", limit: 2), reason: "fixed")
          == 4)
      for letter in try await letters.list().items {
        let isRedriven = ["4", "5", "7", "8"].contains(letter.id)
        #expect((letter.status == .open) == isRedriven, "\(letter.id)")
        #expect(letter.history.count { $0.action == "redrive" } == (isRedriven ? 1 : 0))
      }
    }
  }

  /// Goal: a dead task becomes a new task that points at it, with other parameters if wished; its
  /// letter is resolved and says which task it became.
  ///
  /// Method: failed tasks, redriven plainly and with an edit; one that is not finished, one that is
  /// gone, and edits that are no parameters are refused and leave no task.
  @Test(arguments: Engines.available)
  func `a dead task becomes a new task`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let store = test.store
      let letters = store.deadLetters
      for id in ["t1", "t2", "t3"] {
        try await store.transaction { tx in
          var draft = TaskDraft("send", parameters: ["to": "a"], run: "42")
          draft.id = id
          try tx.tasks.enqueue(draft)
          if id != "t3" { try tx.tasks.fail(id, error: "e") }
          try tx.deadLetters.bury(
            task: id, queue: "default", command: "send", error: "e", run: "42", attempts: 5)
        }
      }
      @Sendable func letter(of task: String) async throws -> DeadLetter {
        try #require(
          try await letters.list(DeadLetterQuery(source: "task:\(task)")).items.first)
      }
      let first = try await letters.redrive(letter(of: "t1").id)
      let made = try #require(first.replayedAs)
      #expect(first.status == .resolved && first.history.last?.task == made)
      let task = try #require(try await store.tasks.get(made))
      #expect(task.source == "t1" && task.parameters == ["to": "a"] && task.run == "42")
      await expectRefusal(.invalidState) { try await letters.redrive(first.id) }
      let second = try await letter(of: "t2")
      for edit: Value in [5, ["to": "b"]] {
        await expectRefusal(.invalid) { try await letters.redrive(second.id, message: edit) }
      }
      let edited = try await letters.redrive(second.id, message: ["parameters": ["to": "b"]])
      #expect(edited.history.last?.messageBefore == second.message)
      #expect(try await store.tasks.get(edited.replayedAs ?? "")?.parameters == ["to": "b"])
      let running = try await letter(of: "t3")
      await expectRefusal(.invalidState) { try await letters.redrive(running.id) }
      let gone = try await letters.save(DeadLetterEntry(source: "task:gone", message: [:]))
      await expectRefusal(.notFound) { try await letters.redrive(gone.id) }
      #expect(try await letters.redriveAll(DeadLetterQuery(source: "task")) == 0)
      #expect(try await store.tasks.list().items.count == 5)
      let records = try await store.audit.list(AuditQuery(action: "dead_letter.redrive")).items
      #expect(records.map { $0.details["task"]?.stringValue } == [edited.replayedAs, made])
    }
  }

  /// Goal: what a task has done since its letter was written is not done again: the letter of a
  /// task that is no longer failed is not redriven, alone, in a list, or by a filter.
  ///
  /// Method: dead tasks that were requeued and are pending, completed or cancelled, before a dead
  /// one; the one that died again is redriven.
  @Test(arguments: Engines.available)
  func `a task that was taken up again is not redriven`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let store = test.store
      let letters = store.deadLetters
      for id in ["dead", "again", "pending", "completed", "cancelled"] {
        try await store.transaction { tx in
          var draft = TaskDraft("send")
          draft.id = id
          try tx.tasks.save(draft, status: .failed, error: "e")
          try tx.deadLetters.bury(
            task: id, queue: "default", command: "send", error: "e", run: nil, attempts: 5)
          if id != "dead" { try tx.tasks.requeue(id) }
          if id == "again" { try tx.tasks.fail(id, error: "e") }
          if id == "cancelled" { try tx.tasks.cancel(id) }
          guard id == "completed" else { return }
          try tx.tasks.updateStatus(id, to: .running)
          try tx.tasks.complete(id)
        }
      }
      func letter(of task: String) async throws -> String {
        try #require(try await letters.list(DeadLetterQuery(source: "task:\(task)")).items.first).id
      }
      let dead = try await letter(of: "dead")
      let events = try await store.changes.made { () async throws in
        for id in ["pending", "completed", "cancelled"] {
          let letter = try await letter(of: id)
          let error = await expectRefusal(.invalidState) { try await letters.redrive(letter) }
          #expect(error?.details["task_status"] == .string(id))
          try await store.transaction { tx in
            let error = #expect(throws: StoreError.self) {
              try tx.deadLetters.redriveMany([dead, letter])
            }
            #expect(error?.details["index"] == 1)
          }
        }
      }
      #expect(events.isEmpty)
      #expect(try await letters.redriveAll(DeadLetterQuery(source: "task", limit: 2)) == 2)
      let made = try await store.tasks.list().items.compactMap(\.source)
      #expect(Set(made) == ["dead", "again"] && made.count == 2)
      let left = try await letters.list(DeadLetterQuery(status: .givenUp)).items
      #expect(left.compactMap(\.task) == ["cancelled", "completed", "pending"])
    }
  }

  /// Goal: every change of a letter is in the feed, under the run's namespace.
  ///
  /// Method: a letter goes through its life; events and their versions.
  @Test(arguments: Engines.available)
  func `every change is in the feed`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let letters = test.store.deadLetters
      let cursor = try await test.store.changes.cursor()
      try await letters.save(DeadLetterEntry("a", source: "s", message: 1, run: "42"))
      try await letters.retryFailed("a")
      try await letters.retryFailed("a", next: nil)
      try await letters.redrive("a")
      let last = try await letters.resolve("a")
      let all = try await test.store.changes.all(since: cursor)
      let events = all.filter { $0.kind == "dead_letter" }
      #expect(
        events.map(\.operation) == ["save", "retry_failed", "give_up", "redrive", "resolve"])
      #expect(events.allSatisfy { $0.subject == "a" })
      #expect(events.allSatisfy { $0.namespace == "run:42" })
      #expect(events.last?.revision == last.version)
    }
  }

  /// Goal: the audit log says who redrove and who resolved a letter.
  ///
  /// Method: both, under an actor, and once in a transaction that fails.
  @Test(arguments: Engines.available)
  func `redrives and resolutions are audited`(on engine: TestEngine) async throws {
    var options = StoreOptions.testing()
    options.actor = "alice"
    try await withStore(on: engine, options: options) { test in
      let store = test.store
      try await store.deadLetters.save(
        DeadLetterEntry("a", source: "slack", message: 1, run: "42"))
      try await store.deadLetters.redrive("a", message: 2)
      try await store.deadLetters.resolve("a")
      await expectRefusal(.invalidState) { try await store.deadLetters.redrive("a") }
      let records = try await store.audit.list(AuditQuery(run: "42")).items
      #expect(records.map(\.action) == ["dead_letter.resolve", "dead_letter.redrive"])
      #expect(records.allSatisfy { $0.actor == "alice" && $0.subject == "dead_letter:a" })
      #expect(records.last?.details["edited"] == true)
    }
  }

  /// Goal: a letter under an archived run is readable and no more; under a deleted one it is gone,
  /// and none can be saved.
  ///
  /// Method: every write at each.
  @Test(arguments: Engines.available)
  func `letters follow their run`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let store = test.store
      let letters = store.deadLetters
      try await store.runs.begin("42")
      let due = Instant(microseconds: 1)
      let letter = try await letters.save(
        DeadLetterEntry("a", source: "s", message: 1, run: "42", nextRetryAt: due))
      try await letters.save(DeadLetterEntry("b", source: "s", message: 1, nextRetryAt: due))
      try await store.runs.apply(.archive, to: "42")
      let events = try await store.changes.made { () async throws in
        await expectRefusal(.invalidState) { try await letters.retryFailed("a", next: nil) }
        await expectRefusal(.invalidState) { try await letters.resolve("a") }
        await expectRefusal(.invalidState) { try await letters.redrive("a") }
        for id in ["a", "c"] {
          await expectRefusal(.invalidState) {
            try await letters.save(DeadLetterEntry(id, source: "s", message: 2, run: "42"))
          }
        }
      }
      #expect(events.isEmpty)
      #expect(try await letters.get("a") == letter)
      #expect(try await letters.retryable().map(\.id) == ["b"])
      try await store.runs.delete("42")
      #expect(try await letters.get("a") == nil)
      #expect(try await letters.list().items.map(\.id) == ["b"])
      await expectRefusal(.invalidState) {
        try await letters.save(DeadLetterEntry("a", source: "s", message: 2, run: "42"))
      }
      try await letters.save(DeadLetterEntry("d", source: "s", message: 2, run: "never begun"))
      try await store.runs.delete("never begun")
      #expect(try await letters.get("d") == nil)
      #expect(try await store.runs.get("never begun") == nil)
    }
  }

  /// Goal: a transaction that fails leaves no letter, and one that succeeds has it beside the rest.
  ///
  /// Method: a letter and a key in one body, once with an error at the end.
  @Test(arguments: Engines.available)
  func `a letter commits with the rest`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let store = test.store
      for fails in [true, false] {
        do {
          try await store.transaction { tx in
            try tx.deadLetters.save(DeadLetterEntry("a", source: "s", message: 1))
            try tx.deadLetters.redrive("a", message: 2)
            try tx.kv(.global).put("k", 1)
            if fails { throw OwnError(number: 1) }
          }
          #expect(!fails)
        } catch is OwnError {
          #expect(fails)
        }
        #expect(try await store.deadLetters.get("a")?.message == (fails ? nil : 2))
      }
      let key = WriteSettings.idempotent("once")
      let entry = DeadLetterEntry(source: "s", message: 1)
      let first = try await store.deadLetters.save(entry, with: key)
      #expect(try await store.deadLetters.save(entry, with: key) == first)
      #expect(try await store.deadLetters.list().items.count == 2)
      let other = DeadLetterEntry(source: "s", message: 2)
      await expectRefusal(.conflict) { try await store.deadLetters.save(other, with: key) }
    }
  }
}
