import CSQLite
import HoldfastCore
import NIOConcurrencyHelpers
import Testing

@testable import HoldfastEngine

@Suite(.timeLimit(.minutes(5))) struct TurnTests {
  /// Goal: who has just written cannot write again before somebody who waits.
  ///
  /// Method: one lock holds the turn, another waits for it; the first gives it up and asks at once:
  /// it is refused, because the other holds the gate.
  @Test func `who waits comes before who has just written`() throws {
    let fixture = try SQLiteFixture()
    let first = try TurnLock(beside: fixture.path)
    let second = try TurnLock(beside: fixture.path)
    let gate = Gate()
    let waiting = Monitor((asks: 0, hasTurn: false))
    #expect(first.take { false })
    let thread = try WorkerThread(name: "test") {
      let isTaken = second.take {
        waiting.change { $0.asks += 1 }
        // Until the first has asked again, the second stays where it waits.
        gate.wait()
        return true
      }
      waiting.change { $0.hasTurn = isTaken }
    }
    _ = waiting.wait { $0.asks > 0 ? () : nil }
    first.giveUp()
    let overtook = first.take { false }
    #expect(!overtook)
    if overtook { first.giveUp() }
    gate.open()
    _ = waiting.wait { $0.hasTurn ? () : nil }
    thread.join()
    #expect(first.take { false } == false)
    second.giveUp()
    #expect(first.take { false })
    first.giveUp()
  }

  /// Goal: closing one descriptor of the lock file gives up nothing that another holds.
  ///
  /// Method: hold the turn, open and drop a second lock object, and try with a third.
  @Test func `a lock survives the close of another descriptor`() throws {
    let fixture = try SQLiteFixture()
    let held = try TurnLock(beside: fixture.path)
    #expect(held.take { false })
    do { _ = try TurnLock(beside: fixture.path) }
    let other = try TurnLock(beside: fixture.path)
    #expect(other.take { false } == false)
    #expect(other.isFree == false)
    held.giveUp()
    #expect(other.isFree)
  }

  /// Goal: a call does not wait for ever for another process.
  ///
  /// Method: somebody else holds the turn; a write fails in bounded time, and nothing of it is
  /// there.
  @Test func `a write gives up when the turn does not come`() async throws {
    let fixture = try SQLiteFixture()
    try await fixture.with {
      // Long enough for a busy machine: the second write must not give up.
      $0.busyWaitMax = .seconds(1)
    } _: { engine in
      let other = try TurnLock(beside: fixture.path)
      #expect(other.take { true })
      await #expect(
        performing: {
          try await engine.put("k", 1)
        }, throws: { ($0 as? StoreError)?.code == .unavailable })
      other.giveUp()
      try await engine.put("other", 1)
      try await engine.expect("k", is: nil)
    }
  }

  /// Goal: a program that locks the file without taking turns is waited for, within the same bound.
  ///
  /// Method: a bare connection holds SQLite's write lock.
  @Test func `a stranger's lock is waited for within a bound`() async throws {
    let fixture = try SQLiteFixture()
    try await fixture.with {
      // Long enough for a busy machine: the second write must not give up.
      $0.busyWaitMax = .seconds(1)
    } _: { engine in
      var handle: OpaquePointer?
      sqlite3_open(fixture.path, &handle)
      defer { sqlite3_close(handle) }
      sqlite3_exec(handle, "BEGIN IMMEDIATE", nil, nil, nil)
      await #expect(
        performing: {
          try await engine.put("k", 1)
        }, throws: { ($0 as? StoreError)?.code == .unavailable })
      sqlite3_exec(handle, "COMMIT", nil, nil, nil)
      try await engine.put("k", 2)
      try await engine.expect("k", is: 2)
    }
  }
}

@Suite(.timeLimit(.minutes(5))) struct CheckpointTests {
  /// Goal: no checkpoint ever runs while anybody could commit, for SQLite before 3.51.3 may then
  /// damage the file.
  ///
  /// Method: at each checkpoint, before it and after it, a stranger tries to begin a writing
  /// transaction, and another store tries to take the turn. The turn must be taken, and either the
  /// stranger is refused, or all of the log is in the database already, so that there is nothing to
  /// copy. The same beside a reader that keeps the checkpoints from copying all of the log.
  @Test(arguments: [false, true])
  func `a checkpoint runs only while nobody can commit`(besideReader: Bool) async throws {
    let fixture = try SQLiteFixture()
    let stranger = try Stranger(fixture.path)
    let turn = try TurnLock(beside: fixture.path)
    let seen = NIOLockedValueBox((checkpoints: 0, unsafe: 0, withoutTurn: 0))
    let engine = try await fixture.open {
      $0.checkpointBytes = 64 << 10
      $0.probe = { point in
        guard point == .beforeCheckpoint || point == .afterCheckpoint else { return }
        let couldCommit = stranger.couldCommit() && !stranger.seesEmptyLog()
        let isFree = turn.isFree
        seen.withLockedValue {
          $0.checkpoints += 1
          if couldCommit { $0.unsafe += 1 }
          if isFree { $0.withoutTurn += 1 }
        }
      }
    }
    let gate = Gate()
    try await engine.put("k", 0)
    async let held = engine.read(.scan) { connection in
      _ = try connection.row(SQL.get, [.text("k")]) { $0.integer(0) }
      if besideReader { gate.wait() }
    }
    if besideReader { await gate.visited() } else { try await held }
    for number in 0..<300 { try await engine.put("k", Int64(number)) }
    gate.open()
    try await held
    await engine.close()
    let (checkpoints, unsafe, withoutTurn) = seen.withLockedValue { $0 }
    #expect(checkpoints > 8)
    #expect(unsafe == 0)
    #expect(withoutTurn == 0)
    stranger.close()
    try await fixture.with { try await $0.expect("k", is: 299) }
  }

  /// Goal: the close leaves everything in the database file, and an empty log.
  ///
  /// Method: write, close, and look at the files.
  @Test func `a close copies the log`() async throws {
    let fixture = try SQLiteFixture()
    try await fixture.with { try await $0.put("k", 1) }
    let copy = try SQLiteFixture()
    try copy.write(try fixture.bytes(of: "store.db"))
    try await copy.with { try await $0.expect("k", is: 1) }
    #expect(try fixture.bytes(of: "store.db-wal").isEmpty)
  }

  /// Goal: a reader that stays only delays the restart of the log; nothing fails.
  ///
  /// Method: a scan holds its snapshot while the log grows past its bound; after it is gone, the
  /// log begins anew.
  @Test func `a long reader only delays the restart`() async throws {
    try await SQLiteFixture().with {
      $0.checkpointBytes = 64 << 10
    } _: { engine in
      let gate = Gate()
      try await engine.put("k", 0)
      async let held = engine.read(.scan) { connection in
        _ = try connection.row(SQL.get, [.text("k")]) { $0.integer(0) }
        gate.wait()
        return try connection.row(SQL.get, [.text("k")]) { $0.integer(0) }
      }
      await gate.visited()
      let before = try await engine.health().details["writer"]?["checkpoints_restart"]?.integerValue
      for number in 1..<100 { try await engine.put("k", Int64(number)) }
      var writer = try await engine.health().details["writer"]
      let restarts = try #require(before)
      // The first may still come: while the snapshot reads the database only, it is not in the way.
      #expect((writer?["checkpoints_restart"]?.integerValue ?? .max) <= restarts + 1)
      #expect((writer?["checkpoints_incomplete"]?.integerValue ?? 0) > 0)
      gate.open()
      #expect(try await held == 0)
      for number in 100..<300 { try await engine.put("k", Int64(number)) }
      writer = try await engine.health().details["writer"]
      #expect((writer?["checkpoints_restart"]?.integerValue ?? 0) > restarts + 1)
    }
  }
}

/// A program that uses the file without knowing of turns.
private final class Stranger: @unchecked Sendable {
  // Unchecked: used by the writer's thread inside the probe, and by the test after the close.
  private var handle: OpaquePointer?
  private let path: String

  init(_ path: String) throws { self.path = path }

  private func connect() {
    guard handle == nil else { return }
    sqlite3_open(path, &handle)
    _ = holdfast_no_checkpoint_on_close(handle)
    sqlite3_exec(handle, "PRAGMA wal_autocheckpoint = 0; SELECT count(*) FROM meta", nil, nil, nil)
  }

  func couldCommit() -> Bool {
    connect()
    guard sqlite3_exec(handle, "BEGIN IMMEDIATE", nil, nil, nil) == SQLITE_OK else { return false }
    sqlite3_exec(handle, "ROLLBACK", nil, nil, nil)
    return true
  }

  func seesEmptyLog() -> Bool {
    guard let region = holdfast_wal_region(handle) else { return false }
    var header = holdfast_wal_header_read(region)
    return header.whole && header.backfilled >= holdfast_wal_header_frames(&header)
  }

  func close() { sqlite3_close(handle) }
}
