import HoldfastCore
import HoldfastTesting
import NIOConcurrencyHelpers
import Testing

@testable import HoldfastEngine

@Suite(.timeLimit(.minutes(5))) struct PostgresFeedTests {
  /// Goal: a reader that follows the feed while many write sees every event exactly once, and for
  /// each key the versions grow.
  ///
  /// Method: eight writers put to thirty keys while the reader goes on from cursor to cursor in
  /// pages of seven, so that pages end inside transactions. At the end the events are compared with
  /// the writes.
  @Test func `every event is seen once and in the order of its key`() async throws {
    let fixture = try await PostgresFixture()
    let engine = try await fixture.open()
    let reader = try await fixture.open { $0.poolConnectionsMax = 1 }
    let start = try await reader.feedEnd()
    let writing = NIOLockedValueBox(true)
    let total = 8 * 60 * 2
    async let seen = follow(reader, from: start, while: writing)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for writer in 0..<8 {
        group.addTask {
          for round in 0..<60 {
            let first = "k\((writer * 7 + round * 3) % 30)"
            let second = "own\(writer).\(round)"
            _ = try await engine.write(
              WriteOptions(), PostgresSQL.steps(first, "v") + PostgresSQL.steps(second, "v"))
          }
        }
      }
      try await group.waitForAll()
    }
    writing.withLockedValue { $0 = false }
    let events = try await seen
    #expect(events.count == total)
    #expect(Set(events.map(\.cursor)).count == total)
    var newest: [String: Int64] = [:]
    for event in events {
      let key = event.subject ?? ""
      #expect(event.revision > newest[key] ?? 0, "\(key)")
      newest[key] = event.revision
    }
    for key in ["k0", "k17", "own3.59"] {
      let version = try await engine.read(Step(PostgresSQL.version, [.text(key)])).rows.first?[0]
        .integer
      #expect(version == newest[key])
    }
    await engine.close()
    await reader.close()
  }

  /// Reads on until nobody writes any more and nothing is held back.
  private func follow(
    _ engine: PostgresEngine, from start: FeedCursor, while writing: NIOLockedValueBox<Bool>
  ) async throws -> [FeedEvent] {
    var events: [FeedEvent] = []
    var cursor = start
    while true {
      let isOver = !writing.withLockedValue(\.self)
      let page = try await engine.feed(after: cursor, limit: 7)
      events += page.events
      cursor = try FeedCursor(token: page.next.token)
      if isOver, page.events.isEmpty, !page.heldBack { return events }
    }
  }

  /// Goal: the feed waits for an older transaction of this store, and for no stranger's.
  ///
  /// Method: a body holds a transaction that has written while another commits: nothing may be
  /// shown but that something is held back. When it ends, both events come, the older transaction's
  /// first. A stranger's transaction, open all the time in another database, holds up nothing.
  @Test func `the feed waits for its own writers and for nobody else`() async throws {
    let fixture = try await PostgresFixture()
    let engine = try await fixture.open()
    let stranger = try await PostgresStranger(fixture.server, database: "postgres")
    let start = try await engine.feedEnd()
    let gate = Monitor((inside: false, open: false))
    async let slow: Void = engine.write(WriteOptions()) { connection in
      _ = try connection.run(PostgresSQL.steps("slow", "x"))
      gate.change { $0.inside = true }
      _ = gate.wait(atMost: .seconds(10)) { $0.open ? () : nil }
    }
    let worker = WorkerPool(name: "test", threadsMax: 1)
    _ = try await worker.run { () throws(StoreError) in
      gate.wait(atMost: .seconds(10)) { $0.inside ? () : nil } != nil
    }
    _ = try await engine.write(WriteOptions(), PostgresSQL.steps("fast", "x"))
    let held = try await engine.feed(after: start, limit: 10)
    #expect(held.events.isEmpty)
    #expect(held.heldBack)
    #expect(try await engine.health().details["feed_held_by"] != nil)
    gate.change { $0.open = true }
    try await slow
    let free = try await engine.feed(after: held.next, limit: 10)
    #expect(free.events.map(\.subject) == ["slow", "fast"])
    #expect(!free.heldBack)
    worker.close()
    stranger.end()
    await engine.close()
  }

  /// Goal: a watcher learns when what it missed is gone, and whose cursor is whose.
  ///
  /// Method: writes the notes that upkeep, a promotion and a restore leave in `meta`, and asks with
  /// cursors before and after them.
  @Test func `a cursor is refused when what follows it is gone`() async throws {
    let engine = try await PostgresFixture().open()
    let start = try await engine.feedEnd()
    _ = try await engine.write(WriteOptions(), PostgresSQL.steps("a", "x"))
    let first = try #require(try await engine.feed(after: start, limit: 1).events.first).cursor
    let note = Statement(
      "INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = $2")
    func set(_ name: String, _ value: String) async throws {
      _ = try await engine.write(WriteOptions(), [Step(note, [.text(name), .text(value)])])
    }
    try await set("feed.trimmed", "\(first.position) \(first.place)")
    await expectError(.trimmed) { try await engine.feed(after: start, limit: 1) }
    #expect(try await engine.feed(after: first, limit: 1).events.isEmpty)

    let stranger = FeedCursor(incarnation: "elsewhere", timeline: 1, position: 1, place: 0)
    await expectError(.trimmed) { try await engine.feed(after: stranger, limit: 1) }

    let old = FeedCursor(
      incarnation: first.incarnation, timeline: first.timeline - 1, position: first.position,
      place: first.place)
    try await set("feed.timeline.\(first.timeline)", "\(first.position)")
    await expectError(.trimmed) { try await engine.feed(after: old, limit: 1) }
    try await set("feed.timeline.\(first.timeline)", "\(first.position + 1)")
    #expect(try await engine.feed(after: old, limit: 1).events.isEmpty)
    await engine.close()
  }

  /// Goal: data that was carried to another place begins a new incarnation.
  ///
  /// Method: makes the store believe that it came from elsewhere, and opens it again: the old feed
  /// is closed, old cursors are trimmed, revisions lie past all that is stored, and new events are
  /// read.
  @Test func `a restored store begins a new incarnation`() async throws {
    let fixture = try await PostgresFixture()
    let engine = try await fixture.open()
    let old = try await engine.feedEnd()
    _ = try await engine.write(WriteOptions(), PostgresSQL.steps("a", "x"))
    let moved = Statement("UPDATE meta SET value = 'elsewhere' WHERE name = 'feed.origin'")
    let ahead = Statement("UPDATE kv SET version = 5000000")
    let strayed = Statement(
      sqlite: "",
      postgres: """
        INSERT INTO changes (writer, revision, kind, namespace, operation, at)
        VALUES ('9000000000000', 5000000, 'kv', 'test', 'put', 1)
        """)
    _ = try await engine.write(WriteOptions(), [Step(moved), Step(ahead), Step(strayed)])
    await engine.close()

    let again = try await fixture.open()
    await expectError(.trimmed) { try await again.feed(after: old, limit: 10) }
    let start = try await again.feedEnd()
    #expect(start.incarnation != old.incarnation)
    _ = try await again.write(WriteOptions(), PostgresSQL.steps("b", "x"))
    let page = try await again.feed(after: start, limit: 10)
    #expect(page.events.map(\.subject) == ["b"])
    #expect(!page.heldBack)
    #expect(page.events.allSatisfy { $0.revision > 5_000_000 })
    await again.close()
    let third = try await fixture.open()
    #expect(try await third.feedEnd().incarnation == start.incarnation)
    await third.close()
  }

  /// Goal: a subscriber hears of commits, its own process's and another's.
  ///
  /// Method: two engines on one store stand for two processes; the subscriber of the first is to be
  /// called after each commit of either. The fallback looks after 1, 2, 4, 8 and 16 seconds, so
  /// with it alone the fifth commit would not be heard of in time, however fast the machine.
  @Test func `a commit wakes subscribers of every process`() async throws {
    let fixture = try await PostgresFixture()
    let engine = try await fixture.open()
    let other = try await fixture.open()
    let calls = Monitor(0)
    let worker = WorkerPool(name: "test", threadsMax: 1)
    let subscription = engine.subscribe { calls.change { $0 += 1 } }
    // The first call comes for nothing, when the line opens: from then on every commit is heard.
    let opened = try await worker.run { () throws(StoreError) in
      calls.wait(atMost: .seconds(60)) { $0 >= 1 ? () : nil } != nil
    }
    #expect(opened)
    for writer in [engine, other] {
      for number in 1...6 {
        calls.change { $0 = 0 }
        _ = try await writer.write(WriteOptions(), PostgresSQL.steps("a", "x"))
        let heard = try await worker.run { () throws(StoreError) in
          calls.wait(atMost: .seconds(15)) { $0 >= 1 ? () : nil } != nil
        }
        #expect(heard, "commit \(number)")
      }
    }
    engine.unsubscribe(subscription)
    worker.close()
    await engine.close()
    await other.close()
  }
}
