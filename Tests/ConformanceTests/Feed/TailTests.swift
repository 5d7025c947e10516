import CSQLite
import Holdfast
import HoldfastTesting
import Testing

/// What watchers of one process share, and where it must not be seen.
@Suite(.timeLimit(.minutes(2))) struct TailTests {
  /// Goal: a watcher that has seen everything hears of an error that does not pass, at once.
  ///
  /// Method: another program makes the file one of a newer version while the watcher waits; the
  /// clock stands still, so that no look of its own comes to the watcher's help.
  @Test func `a watcher that waits hears that the store is another's now`() async throws {
    let time = ManualTimeSource()
    try await withStore(on: .sqlite, options: .testing(time: time)) { test in
      let store = test.store
      let path = try #require(test.place.folder) + "/store.db"
      let version = try await store.number("PRAGMA user_version")
      let cursor = try await store.changes.cursor()
      try await store.kv(.global).put("k", 1)
      let watched = Task { try await store.kv(.global).watch(since: cursor).next(2) }
      // The watcher and the reader of the feed's end: both have seen all there is.
      try await time.sleepers(atLeast: 2)
      try Self.run("PRAGMA user_version = 1000", on: path)
      await expectRefusal(.incompatible) {
        try await withTaskCancellationHandler {
          try await watched.value
        } onCancel: {
          watched.cancel()
        }
      }
      try Self.run("PRAGMA user_version = \(version)", on: path)
    }
  }

  /// Runs SQL on a file as another program would.
  private static func run(_ sql: String, on path: String) throws {
    var handle: OpaquePointer?
    defer { sqlite3_close(handle) }
    sqlite3_open(path, &handle)
    sqlite3_busy_timeout(handle, 5_000)
    try #require(sqlite3_exec(handle, sql, nil, nil, nil) == SQLITE_OK)
  }

  /// Goal: whoever asks what has changed sees what was acknowledged before, whoever else watches.
  ///
  /// Method: while somebody watches, every put is followed at once by a page, and by a watch that
  /// does not wait.
  @Test(arguments: Engines.available)
  func `a first look shows what was acknowledged`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let store = test.store
      let watcher = Task { for try await _ in store.changes() {} }
      defer { watcher.cancel() }
      for number in 0..<200 {
        let cursor = try await store.changes.cursor()
        try await store.kv(.global).put("k", .integer(Int64(number)))
        let page = try await store.changes.page(since: cursor)
        try #require(page.items.map(\.summary) == ["put k"], "round \(number)")
        let iterator = store.changes(since: cursor).makeAsyncIterator()
        let batch = try await iterator.batch(waitingAtMost: .zero)
        try #require(batch.map(\.summary) == ["put k"], "round \(number)")
      }
    }
  }

  /// Goal: a claim that waits finds what is due although no wake-up came: one may get lost.
  ///
  /// Method: nothing is written, and the database fails from now on; by the clock the claim must
  /// have asked it after five seconds.
  @Test(arguments: Engines.available)
  func `a claim that waits looks by itself too`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    let faults = FaultInjection()
    var options = StoreOptions.testing(time: time)
    options.inject(faults)
    try await withStore(on: engine, options: options) { test in
      let store = test.store
      let waiting = Task { try await store.tasks.claim(wait: .seconds(60)) }
      try await time.sleepers(atLeast: 1)
      faults.fail(.statement, times: 1_000, with: StoreError(.exhausted, "The disk is full."))
      time.advance(by: .seconds(5))
      let error = await refusal {
        try await withTaskCancellationHandler {
          try await waiting.value
        } onCancel: {
          waiting.cancel()
        }
      }
      #expect(error?.code == .exhausted)
      faults.clear()
    }
  }
}
