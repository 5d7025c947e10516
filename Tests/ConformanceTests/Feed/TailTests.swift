import CSQLite
import Holdfast
import HoldfastTesting
import Testing

/// What watchers of one process share, and where it must not be seen.
@Suite(.timeLimit(.minutes(5))) struct TailTests {
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
      for number in 0..<40 {
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
  /// Method: nothing is written, and the database fails from now on; whenever the claim sleeps, the
  /// clock moves by five seconds. Without a look of its own it would sleep to the end of its wait.
  @Test(arguments: Engines.available)
  func `a claim that waits looks by itself too`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    let faults = FaultInjection()
    var options = StoreOptions.testing(time: time)
    options.inject(faults)
    try await withStore(on: engine, options: options) { test in
      let store = test.store
      let (moments, said) = AsyncStream<Bool>.makeStream()
      var isOver = moments.makeAsyncIterator()
      func watchForSleep() -> Task<Void, any Error> {
        Task {
          try await time.sleepers(atLeast: 1)
          said.yield(false)
        }
      }
      let waiting = Task {
        defer { said.yield(true) }
        return try await store.tasks.claim(wait: .seconds(60))
      }
      var watch = watchForSleep()
      #expect(await isOver.next() == false)
      faults.fail(.statement, times: 1_000, with: StoreError(.exhausted, "The disk is full."))
      while true {
        // A late announcement may have woken it meanwhile: then it slept anew, and once more.
        time.advance(by: .seconds(5))
        watch = watchForSleep()
        guard await isOver.next() == false else { break }
      }
      watch.cancel()
      #expect(await refusal { try await waiting.value }?.code == .exhausted)
      faults.clear()
    }
  }
}
