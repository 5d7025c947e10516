import Holdfast
import HoldfastTesting
import Testing

/// What is kept of what was done to a letter.
@Suite(.timeLimit(.minutes(5))) struct DeadLetterHistoryTests {
  /// Goal: nothing that is done to a letter is refused because of what was done to it before; the
  /// history stays within its bound, and says what went of it.
  ///
  /// Method: edits with messages that come to many times the bound, then failures with long errors.
  /// The oldest messages go first, the last edit's stays; then the oldest events go.
  @Test(arguments: Engines.available)
  func `a history stays within its bound`(on engine: TestEngine) async throws {
    var options = StoreOptions.testing()
    options.limits.deadLetterHistoryBytesMax = 20_000
    options.limits.valueBytesMax = 16_000
    try await withStore(on: engine, options: options) { test in
      let letters = test.store.deadLetters
      func message(_ number: Int) -> Value {
        ["n": .integer(Int64(number)), "text": .string(String(repeating: "x", count: 6_000))]
      }
      try await letters.save(DeadLetterEntry("a", source: "s", message: message(0)))
      for number in 1...8 { try await letters.redrive("a", message: message(number)) }
      let edited = try #require(try await letters.get("a"))
      #expect(edited.message == message(8) && edited.historyDropped == 0)
      #expect(
        edited.history.map { $0.messageBefore?["n"]?.integerValue } == [
          nil, nil, nil, nil, 4, 5, 6, 7,
        ])
      #expect(edited.history.map(\.isMessageDropped) == (0..<8).map { $0 < 4 })
      let error = String(repeating: "e", count: 4_000)
      for _ in 0..<8 {
        try await letters.retryFailed("a", next: Instant(microseconds: 1), error: error)
      }
      let failed = try #require(try await letters.get("a"))
      #expect(failed.historyDropped > 8 && failed.history.count + failed.historyDropped == 16)
      #expect(failed.history.allSatisfy { $0.action == "retry_failed" })
      let resolved = try await letters.resolve("a")
      #expect(resolved.history.last?.action == "resolve")
      #expect(try await test.restart().deadLetters.get("a") == resolved)
    }
  }

  /// Goal: a message that is as large and as deep as a value may be can be edited, and its letter
  /// redriven, failed and resolved.
  ///
  /// Method: under a small limit, twice an edit of such a message; a repeated call gives the first
  /// answer.
  @Test(arguments: Engines.available)
  func `a letter at the limits can be edited`(on engine: TestEngine) async throws {
    var options = StoreOptions.testing()
    options.limits.valueBytesMax = 10_000
    options.limits.deadLetterHistoryBytesMax = 1_000
    try await withStore(on: engine, options: options) { test in
      let letters = test.store.deadLetters
      let deep = (1..<options.limits.nestingMax).reduce(
        Value.array([.string(String(repeating: "y", count: 2_000))])
      ) { value, _ in [value] }
      let long = Value.string(String(repeating: "x", count: 9_998))
      try await letters.save(DeadLetterEntry("a", source: "s", message: deep))
      let key = WriteSettings.idempotent("once")
      let edited = try await letters.redrive("a", message: long, with: key)
      #expect(edited.history.last?.messageBefore == deep)
      #expect(try await letters.redrive("a", message: long, with: key) == edited)
      let saved = try await letters.save(DeadLetterEntry("a", source: "s", message: deep))
      #expect(saved.history.map(\.messageBefore) == [nil, long])
      #expect(saved.history.map(\.isMessageDropped) == [true, false])
      try await letters.retryFailed("a", next: nil, error: "no")
      #expect(try await letters.redrive("a").history.count == 4)
      #expect(try await letters.resolve("a").history[1].messageBefore == long)
      await expectRefusal(.invalid) {
        try await letters.save(DeadLetterEntry(source: "s", message: [deep]))
      }
    }
  }

  /// Goal: a task dies with its letter however often it died before.
  ///
  /// Method: more deaths than the history holds.
  @Test(arguments: Engines.available)
  func `a task's letter takes every death`(on engine: TestEngine) async throws {
    var options = StoreOptions.testing()
    options.limits.deadLetterHistoryBytesMax = 10_000
    try await withStore(on: engine, options: options) { test in
      let error = String(repeating: "e", count: 4_000)
      let letter = try await test.store.transaction { tx in
        var ids: Set<String> = []
        for _ in 0..<6 {
          ids.insert(
            try tx.deadLetters.bury(
              task: "t", queue: "q", command: "c", error: error, run: nil, attempts: 5
            ).id)
        }
        #expect(ids.count == 1)
        return try tx.deadLetters.get(ids.first ?? "")
      }
      #expect(letter?.history.count == 2 && letter?.historyDropped == 3)
    }
  }
}
