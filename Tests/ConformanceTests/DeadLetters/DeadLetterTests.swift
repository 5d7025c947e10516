import Holdfast
import HoldfastTesting
import Testing

@Suite(.timeLimit(.minutes(5))) struct DeadLetterTests {
  /// Goal: a letter is kept with all that it was given, and waits for its first try.
  ///
  /// Method: saves one with everything and one with little; reads back, also after a restart.
  @Test(arguments: Engines.available)
  func `a letter is kept with what it was given`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    let options = StoreOptions.testing(time: time, ids: SeededIDSource(seed: 7))
    try await withStore(on: engine, options: options) { test in
      let letters = test.store.deadLetters
      let due = time.wallTime() + .seconds(90)
      let letter = try await letters.save(
        DeadLetterEntry(
          "letter 1", source: "slack", message: ["text": "é", "n": [1, nil]], error: "no channel",
          channel: "C1", thread: "17.5", run: "42", nextRetryAt: due))
      #expect(letter.id == "letter 1" && letter.source == "slack" && letter.run == "42")
      #expect(letter.channel == "C1" && letter.thread == "17.5" && letter.error == "no channel")
      #expect(letter.message == ["text": "é", "n": [1, nil]])
      #expect(letter.status == .open && letter.retryCount == 0 && letter.nextRetryAt == due)
      #expect(letter.givenUpAt == nil && letter.resolvedAt == nil && letter.history.isEmpty)
      #expect(letter.createdAt == time.wallTime() && letter.updatedAt == letter.createdAt)
      #expect(letter.task == nil && letter.replayedAs == nil)
      let plain = try await letters.save(DeadLetterEntry(source: "mail", message: nil))
      #expect(plain.id.utf8.count == 36 && plain.message == .null && plain.error == nil)
      let next = try #require(plain.nextRetryAt)
      #expect(next >= time.wallTime() && next <= time.wallTime() + .seconds(60))
      let again = try await test.restart().deadLetters
      #expect(try await again.get("letter 1") == letter)
      #expect(try await again.get(plain.id) == plain)
      #expect(try await again.get("missing") == nil)
    }
  }

  /// Goal: the letter of a spent task starts as given up, and one that dies again is the same
  /// letter while nobody resolved it.
  ///
  /// Method: buries a task three times, with a resolution in between.
  @Test(arguments: Engines.available)
  func `the letter of a spent task starts as given up`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let store = test.store
      @Sendable func bury(_ error: String) async throws -> DeadLetter {
        try await store.transaction { tx in
          try tx.deadLetters.bury(
            task: "t1", queue: "mail", command: "send", error: error, run: "42", attempts: 5)
        }
      }
      let first = try await bury("refused")
      #expect(first.source == "task:t1" && first.task == "t1" && first.run == "42")
      #expect(first.status == .givenUp && first.retryCount == 5 && first.nextRetryAt == nil)
      #expect(first.givenUpAt != nil && first.error == "refused")
      #expect(first.message == ["queue": "mail", "command": "send"])
      let second = try await bury("refused again")
      #expect(second.id == first.id && second.error == "refused again")
      #expect(second.history.map(\.reason) == ["refused"])
      #expect(second.createdAt == first.createdAt)
      try await store.deadLetters.resolve(first.id)
      let third = try await bury("once more")
      #expect(third.id != first.id)
      #expect(try await store.deadLetters.retryable().isEmpty)
      let saved = try await store.deadLetters.save(
        DeadLetterEntry(source: "task:t2", message: [:]))
      #expect(saved.status == .givenUp && saved.task == "t2")
    }
  }

  /// Goal: the letter of a task is the store's own: nobody saves over it or turns another into one,
  /// and the word for all tasks is no source.
  ///
  /// Method: saves over a buried letter with every kind of source, and the other way round.
  @Test(arguments: Engines.available)
  func `nobody saves over a task's letter`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let letters = test.store.deadLetters
      let buried = try await test.store.transaction { tx in
        try tx.deadLetters.bury(
          task: "t1", queue: "mail", command: "send", error: "no", run: nil, attempts: 5)
      }
      let plain = try await letters.save(DeadLetterEntry("plain", source: "slack", message: 1))
      let events = try await test.store.changes.made { () async throws in
        for source in ["slack", "task:t1", "task:t2"] {
          await expectRefusal(.invalidState) {
            try await letters.save(DeadLetterEntry(buried.id, source: source, message: 1))
          }
        }
        await expectRefusal(.invalidState) {
          try await letters.save(DeadLetterEntry("plain", source: "task:t1", message: 1))
        }
        await expectRefusal(.invalid, reason: "reserved") {
          try await letters.save(DeadLetterEntry(source: "task", message: 1))
        }
      }
      #expect(events.isEmpty)
      #expect(try await letters.get(buried.id) == buried)
      #expect(try await letters.get("plain") == plain)
    }
  }

  /// Goal: a letter names its task to the byte.
  ///
  /// Method: an id that begins with a mark, which is one character with the colon before it.
  @Test(arguments: Engines.available)
  func `a letter's task is named to the byte`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let store = test.store
      let marked = "\u{301}victim"
      for id in [marked, "victim"] {
        var draft = TaskDraft("send", parameters: ["id": .string(id)])
        draft.id = id
        try await store.tasks.save(draft, status: .failed, error: "no")
      }
      let letter = try await store.transaction { tx in
        try tx.deadLetters.bury(
          task: marked, queue: "default", command: "send", error: "no", run: nil, attempts: 5)
      }
      #expect(letter.task.map { Array($0.utf8) } == Array(marked.utf8))
      let task = try #require(try await store.deadLetters.redrive(letter.id).replayedAs)
      #expect(try await store.tasks.get(task)?.parameters == ["id": .string(marked)])
    }
  }

  /// Goal: a letter that somebody saved under a task's source is not taken for the task's own.
  ///
  /// Method: letters of another run and with another message; the task dies, twice.
  @Test(arguments: Engines.available)
  func `a planted letter is not the task's own`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let letters = test.store.deadLetters
      let message: Value = ["queue": "mail", "command": "send"]
      let planted = [
        try await letters.save(DeadLetterEntry(source: "task:t1", message: message, run: "7")),
        try await letters.save(DeadLetterEntry(source: "task:t1", message: message)),
        try await letters.save(DeadLetterEntry(source: "task:t1", message: ["a": 1], run: "42")),
      ]
      @Sendable func bury() async throws -> DeadLetter {
        try await test.store.transaction { tx in
          try tx.deadLetters.bury(
            task: "t1", queue: "mail", command: "send", error: "no", run: "42", attempts: 5)
        }
      }
      let own = try await bury()
      #expect(!planted.map(\.id).contains(own.id) && own.run == "42" && own.history.isEmpty)
      #expect(try await bury().id == own.id)
      for letter in planted { #expect(try await letters.get(letter.id) == letter) }
    }
  }

  /// Goal: who may see some letters only gets those that are due, however many others are before
  /// them.
  ///
  /// Method: more hidden letters than the limit, and than are looked at in one go, before a few.
  @Test(arguments: Engines.available)
  func `what is due is not hidden behind what is not seen`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let letters = test.store.deadLetters
      let due = time.wallTime()
      try await test.store.transaction { tx in
        for _ in 0..<450 {
          try tx.deadLetters.save(
            DeadLetterEntry(source: "s", message: 1, run: "hidden", nextRetryAt: due))
        }
      }
      for place in 0..<5 {
        try await letters.save(
          DeadLetterEntry(
            "own \(place)", source: "s", message: 1, run: "own",
            nextRetryAt: due + .microseconds(Int64(place / 2))))
      }
      time.advance(by: .seconds(1))
      let own = Namespace.run("own")
      let all = try await letters.retryable(limit: 10) { $0 == own }
      #expect(all.items.map(\.id) == (0..<5).map { "own \($0)" } && all.next == nil)
      #expect(try await letters.retryable(limit: 2) { _ in false }.items.isEmpty)
      #expect(try await letters.retryable(limit: 500).count == 455)
      for isVisible: @Sendable (Namespace) -> Bool in [{ $0 == own }, { _ in true }] {
        var found: [String] = []
        var cursor: String?
        repeat {
          let page = try await letters.retryable(after: cursor, limit: 2, where: isVisible)
          found += page.items.map(\.id).filter { $0.hasPrefix("own") }
          cursor = page.next
        } while cursor != nil
        #expect(found == all.items.map(\.id))
      }
      var (found, cursor) = (0, String?.none)
      repeat {
        let page = try await letters.retryable(after: cursor, limit: 100, where: nil)
        found += page.items.count
        cursor = page.next
      } while cursor != nil
      #expect(found == 455)
      let foreign = try await letters.list(DeadLetterQuery(limit: 1)).next
      await expectRefusal(.invalid) {
        try await letters.retryable(after: foreign, limit: 1, where: nil)
      }
    }
  }

  /// Goal: what cannot be is refused and leaves nothing.
  ///
  /// Method: each kind of bad input; the feed stays silent.
  @Test(arguments: Engines.available)
  func `bad input is refused and leaves nothing`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let letters = test.store.deadLetters
      let long = String(repeating: "i", count: 257)
      let events = try await test.store.changes.made { () async throws in
        for bad in ["", ".", "..", "a\u{0}", long] {
          let entries = [
            DeadLetterEntry(bad, source: "s", message: 1), DeadLetterEntry(source: bad, message: 1),
            DeadLetterEntry(source: "task:" + bad, message: 1),
            DeadLetterEntry(source: "s", message: 1, channel: bad),
            DeadLetterEntry(source: "s", message: 1, thread: bad),
            DeadLetterEntry(source: "s", message: 1, run: bad),
          ]
          for entry in entries { await expectRefusal(.invalid) { try await letters.save(entry) } }
          await expectRefusal(.invalid) { try await letters.get(bad) }
          await expectRefusal(.invalid) { try await letters.resolve(bad) }
          await expectRefusal(.invalid) { try await letters.list(DeadLetterQuery(source: bad)) }
          await expectRefusal(.invalid) { try await letters.list(DeadLetterQuery(run: bad)) }
        }
        await expectRefusal(.invalid) {
          try await letters.save(DeadLetterEntry(source: "s", message: 1, error: "bad\u{0}"))
        }
        await expectRefusal(.tooLarge) {
          try await letters.save(
            DeadLetterEntry(source: "s", message: 1, error: String(repeating: "e", count: 4_097)))
        }
        await expectRefusal(.invalid) { try await letters.list(DeadLetterQuery(after: "x")) }
        await expectRefusal(.invalid) { try await letters.list(DeadLetterQuery(limit: 0)) }
        await expectRefusal(.invalid) { try await letters.retryable(limit: 1_001) }
        await expectRefusal(.notFound) { try await letters.resolve("missing") }
        await expectRefusal(.notFound) { try await letters.retryFailed("missing", next: nil) }
        await expectRefusal(.notFound) { try await letters.redrive("missing") }
      }
      #expect(events.isEmpty)
      #expect(try await letters.list().items.isEmpty)
    }
  }

  /// Goal: saving over a letter replaces what failed and keeps the rest; over a resolved one, or
  /// under another run, it is refused.
  ///
  /// Method: saves over an open, a given-up and a resolved letter.
  @Test(arguments: Engines.available)
  func `saving over a letter keeps what it went through`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let letters = test.store.deadLetters
      let first = try await letters.save(
        DeadLetterEntry("a", source: "slack", message: 1, run: "42"))
      try await letters.retryFailed("a", next: time.wallTime() + .seconds(5), error: "late")
      time.advance(by: .seconds(1))
      let second = try await letters.save(
        DeadLetterEntry(
          "a", source: "mail", message: 2, channel: "c", nextRetryAt: time.wallTime()))
      #expect(second.source == "mail" && second.message == 2 && second.channel == "c")
      #expect(second.run == "42" && second.retryCount == 1 && second.createdAt == first.createdAt)
      #expect(second.nextRetryAt == time.wallTime() && second.version > first.version)
      #expect(second.history.map(\.action) == ["retry_failed", "save"])
      #expect(second.history.last?.messageBefore == 1)
      await expectRefusal(.invalidState) {
        try await letters.save(DeadLetterEntry("a", source: "mail", message: 3, run: "43"))
      }
      try await letters.retryFailed("a", next: nil)
      let third = try await letters.save(
        DeadLetterEntry("a", source: "mail", message: 2, nextRetryAt: time.wallTime()))
      #expect(third.status == .givenUp && third.nextRetryAt == nil)
      #expect(third.history.last?.messageBefore == nil)
      try await letters.resolve("a")
      let resolved = try await letters.get("a")
      await expectRefusal(.invalidState) {
        try await letters.save(DeadLetterEntry("a", source: "mail", message: 4))
      }
      #expect(try await letters.get("a") == resolved)
    }
  }

  /// Goal: retryable gives the letters that are open and due, the soonest first.
  ///
  /// Method: letters due at several times, one given up, one resolved; the clock moves.
  @Test(arguments: Engines.available)
  func `retryable gives what is due and the soonest first`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let letters = test.store.deadLetters
      let start = time.wallTime()
      for (id, seconds) in [("c", 30), ("a", 10), ("b", 20), ("d", 40), ("e", 10), ("f", 5)] {
        try await letters.save(
          DeadLetterEntry(
            id, source: "slack", message: 1, nextRetryAt: start + .seconds(seconds)))
      }
      try await letters.retryFailed("f", next: nil)
      try await letters.resolve("e")
      #expect(try await letters.retryable().isEmpty)
      time.advance(by: .seconds(10) - .microseconds(1))
      #expect(try await letters.retryable().isEmpty)
      time.advance(by: .microseconds(1))
      #expect(try await letters.retryable().map(\.id) == ["a"])
      time.advance(by: .seconds(25))
      #expect(try await letters.retryable().map(\.id) == ["a", "b", "c"])
      #expect(try await letters.retryable(limit: 2).map(\.id) == ["a", "b"])
      try await letters.retryFailed("a", next: start + .seconds(33))
      #expect(try await letters.retryable().map(\.id) == ["b", "c", "a"])
      time.advance(by: .seconds(3_600))
      #expect(try await letters.retryable().map(\.id) == ["b", "c", "a", "d"])
    }
  }

  /// Goal: a failed try counts up; without a next one the letter is given up and nothing retries it
  /// by itself; who and why stay in the history.
  ///
  /// Method: fails by hand, and by the store's back-off until the tries are used up.
  @Test(arguments: Engines.available)
  func `failed tries count up until the letter is given up`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    var options = StoreOptions.testing(time: time, ids: SeededIDSource(seed: 3))
    options.limits.deadLetterRetries.triesMax = 4
    options.actor = "the loop"
    try await withStore(on: engine, options: options) { test in
      let letters = test.store.deadLetters
      try await letters.save(DeadLetterEntry("a", source: "slack", message: 1))
      let by = time.wallTime() + .seconds(7)
      let first = try await letters.retryFailed("a", next: by, error: "busy")
      #expect(first.retryCount == 1 && first.nextRetryAt == by && first.error == "busy")
      for count in 2...3 {
        let letter = try await letters.retryFailed("a")
        #expect(letter.retryCount == count && letter.status == .open && letter.error == "busy")
        let delay = try #require(letter.nextRetryAt) - time.wallTime()
        #expect(delay >= .zero && delay <= .seconds(60 << count))
      }
      let last = try await letters.retryFailed("a", error: "dead")
      #expect(last.status == .givenUp && last.retryCount == 4 && last.nextRetryAt == nil)
      #expect(last.givenUpAt == time.wallTime() && last.error == "dead")
      #expect(
        last.history.map(\.action) == ["retry_failed", "retry_failed", "retry_failed", "give_up"])
      #expect(last.history.map(\.retryCount) == [0, 1, 2, 3])
      #expect(last.history.map(\.reason) == ["busy", nil, nil, "dead"])
      #expect(last.history.allSatisfy { $0.by == "the loop" && $0.at == time.wallTime() })
      time.advance(by: .seconds(1_000_000))
      #expect(try await letters.retryable().isEmpty)
      await expectRefusal(.invalidState) { try await letters.retryFailed("a") }
      await expectRefusal(.invalidState) {
        try await letters.retryFailed("a", next: time.wallTime())
      }
      #expect(try await letters.get("a") == last)
    }
  }

  /// Goal: a resolved letter never changes again.
  ///
  /// Method: every write at it; the feed stays silent.
  @Test(arguments: Engines.available)
  func `a resolved letter stays as it is`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let letters = test.store.deadLetters
      try await letters.save(DeadLetterEntry("a", source: "slack", message: 1))
      let resolved = try await letters.resolve("a", reason: "sent by hand")
      #expect(resolved.status == .resolved && resolved.resolvedAt != nil)
      #expect(resolved.nextRetryAt == nil && resolved.history.last?.reason == "sent by hand")
      let events = try await test.store.changes.made { () async throws in
        await expectRefusal(.invalidState) { try await letters.resolve("a") }
        await expectRefusal(.invalidState) { try await letters.retryFailed("a") }
        await expectRefusal(.invalidState) { try await letters.retryFailed("a", next: nil) }
        await expectRefusal(.invalidState) { try await letters.redrive("a", message: 2) }
        await expectRefusal(.invalidState) { try await letters.redriveMany(["a"]) }
        #expect(try await letters.redriveAll(DeadLetterQuery()) == 0)
      }
      #expect(events.isEmpty)
      #expect(try await letters.get("a") == resolved)
    }
  }

  /// Goal: letters are listed by status, source, run and time, the newest first, in pages.
  ///
  /// Method: letters of every kind, several in one microsecond; every query against a filter over
  /// an array, in pages of every size.
  @Test(arguments: Engines.available)
  func `letters are listed by status source run and time`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let letters = test.store.deadLetters
      var all: [DeadLetter] = []
      for number in 0..<18 {
        if number % 3 == 0 { time.advance(by: .seconds(1)) }
        let source = ["slack", "mail", "task:\(number)"][number % 3]
        let id = "letter-\(number)"
        try await letters.save(
          DeadLetterEntry(id, source: source, message: 1, run: number < 9 ? "42" : nil))
        if number % 4 == 1 { try await letters.resolve(id) }
        if number % 6 == 0 { try await letters.retryFailed(id, next: nil) }
        all.insert(try #require(try await letters.get(id)), at: 0)
      }
      let middle = all[9].createdAt
      let queries =
        DeadLetterStatus.allCases.map { DeadLetterQuery(status: $0) } + [
          DeadLetterQuery(), DeadLetterQuery(source: "slack"), DeadLetterQuery(source: "task"),
          DeadLetterQuery(source: "task:5"), DeadLetterQuery(source: "nobody"),
          DeadLetterQuery(run: "42"), DeadLetterQuery(run: "43"),
          DeadLetterQuery(status: .givenUp, source: "task"),
          DeadLetterQuery(status: .resolved, source: "mail"),
          DeadLetterQuery(status: .open, source: "task", run: "42"),
          DeadLetterQuery(source: "slack", run: "42", since: middle),
          DeadLetterQuery(since: middle), DeadLetterQuery(until: middle),
          DeadLetterQuery(status: .givenUp, since: middle, until: middle + .seconds(2)),
          DeadLetterQuery(since: middle, until: middle),
        ]
      for query in queries {
        let expected = all.filter { letter in
          (query.status.map { $0 == letter.status } ?? true)
            && (query.source.map { $0 == letter.source || $0 == "task" && letter.task != nil }
              ?? true)
            && (query.run.map { $0 == letter.run } ?? true)
            && (query.since.map { letter.createdAt >= $0 } ?? true)
            && (query.until.map { letter.createdAt < $0 } ?? true)
        }
        for limit in [1, 2, 5, 1_000] {
          var query = query
          query.limit = limit
          var listed: [DeadLetter] = []
          repeat {
            let page = try await letters.list(query)
            #expect(page.items.count <= limit)
            listed += page.items
            query.after = page.next
          } while query.after != nil
          #expect(listed == expected, "\(query)")
        }
      }
    }
  }

  /// Goal: a page of large letters ends early, and the next one goes on.
  ///
  /// Method: letters of one megabyte under a small bound.
  @Test(arguments: Engines.available)
  func `a page of large letters ends early`(on engine: TestEngine) async throws {
    var options = StoreOptions.testing()
    options.limits.pageBytesMax = 250_000
    try await withStore(on: engine, options: options) { test in
      let letters = test.store.deadLetters
      let text = Value.string(String(repeating: "x", count: 100_000))
      for number in 0..<4 {
        try await letters.save(DeadLetterEntry("\(number)", source: "s", message: text))
      }
      let page = try await letters.list()
      #expect(page.items.map(\.id) == ["3", "2", "1"])
      #expect(try await letters.list(DeadLetterQuery(after: page.next)).items.map(\.id) == ["0"])
    }
  }
}
