import HoldfastCore
import Testing

@testable import HoldfastEngine

/// How a commit of somebody else is noticed.
@Suite(.timeLimit(.minutes(1))) struct CommitWatchTests {
  /// Goal: whoever begins to watch while a store commits hears of that commit, though the log is
  /// not written any more from then on: between its last write and what readers see lies a flush.
  ///
  /// Method: a log that nobody writes stands for one whose last write is over. A first commit shows
  /// when the watch has had its first look; the second one comes after it.
  @Test func `a commit that was under way when the watch began is told`() async throws {
    let fixture = try SQLiteFixture()
    try await fixture.with({ $0.bodyTimeMax = .seconds(60) }) { engine in
      try await engine.put("before", 1)
      try fixture.write([0], to: "quiet-wal")
      let opening = SQLiteOpening(
        path: fixture.path, clock: SQLiteClock(source: SystemTimeSource()),
        options: EngineOptions())
      let watch = try CommitWatch(
        wal: try WALIndex(of: try opening.connect(.copier)),
        turn: try TurnLock(beside: fixture.path), databasePath: "\(fixture.folder)/quiet")
      try await engine.put("k", 1)
      let gate = Gate()
      async let committed: Void = engine.write(WriteOptions()) { connection in
        try connection.run(SQL.put, [.text("k"), .integer(2)])
        gate.wait()
      }
      await gate.visited()
      let calls = AsyncStream<Void>.makeStream()
      _ = watch.subscribe { calls.continuation.yield() }
      var told = calls.stream.makeAsyncIterator()
      let first: Void? = await told.next()
      gate.open()
      try await committed
      let second: Void? = await told.next()
      #expect(first != nil && second != nil)
      watch.close()
    }
  }
}
