import Holdfast
import HoldfastTesting
import Testing

@Suite(.timeLimit(.minutes(5))) struct EveryWriteTests {
  /// Goal: every operation that writes does so once for an idempotency key: the second call gets
  /// the first answer and leaves no trace, another request under the key is a `conflict`.
  ///
  /// Method: each operation once, again a second later, with one argument changed, and again in
  /// the reopened store; rows of all tables are compared around each repetition.
  @Test(arguments: Engines.available)
  func `every write happens once for its key`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      var answers: [(write: EveryWrite, at: String, answer: String)] = []
      for write in EveryWrite.all {
        let at = try await write.prepare(test.store)
        let key = WriteSettings.idempotent(write.name)
        let answer = "\(try await write.call(test.store, at, key, false))"
        time.advance(by: .seconds(1))
        let before = try await StoreRows(test.store)
        let again = "\(try await write.call(test.store, at, key, false))"
        #expect(again == answer, "\(write.name)")
        await expectRefusal(.conflict, "\(write.name)") {
          try await write.call(test.store, at, key, true)
        }
        let after = try await StoreRows(test.store)
        #expect(after.differences(from: before).isEmpty, "\(write.name)")
        answers.append((write, at, answer))
      }
      let store = try await test.restart()
      for (write, at, answer) in answers {
        let again = "\(try await write.call(store, at, .idempotent(write.name), false))"
        #expect(again == answer, "\(write.name) after a restart")
      }
    }
  }
}
