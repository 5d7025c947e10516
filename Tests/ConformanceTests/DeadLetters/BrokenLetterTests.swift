import Holdfast
import HoldfastEngine
import HoldfastTesting
import Testing

@Suite(.timeLimit(.minutes(5))) struct BrokenLetterTests {
  /// Goal: what was done to a letter is never shown in part: a history that Holdfast did not write
  /// is `corrupt`, and is not written over.
  ///
  /// Method: an event without its name, put between others by an SQL tool; each call that reads the
  /// letter; then the history as it was.
  @Test(arguments: Engines.available)
  func `a history that cannot be read is corrupt`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let store = test.store
      let letters = store.deadLetters
      try await letters.save(DeadLetterEntry("a", source: "mail", message: 1))
      let letter = try await letters.retryFailed("a", next: nil, error: "gone")
      #expect(letter.history.count == 1)
      let kept = try await store.engine.read(Step(Statement("SELECT history FROM dead_letters")))
      let history = try #require(kept.rows.first?.first?.text)
      let write = Statement("UPDATE dead_letters SET history = $1")
      let nameless = #"[{"by":"x","at":"2026-01-01T00:00:00Z"},"#
      let broken = nameless + String(history.dropFirst())
      _ = try await store.engine.write(WriteOptions(), [Step(write, [.text(broken)])])
      await expectRefusal(.corrupt) { try await letters.get("a") }
      await expectRefusal(.corrupt) { try await letters.list() }
      await expectRefusal(.corrupt) { try await letters.redrive("a") }
      _ = try await store.engine.write(WriteOptions(), [Step(write, [.text(history)])])
      #expect(try await letters.get("a") == letter)
    }
  }
}
