import HoldfastCore
import HoldfastEngine
import Testing

@Suite(.timeLimit(.minutes(5))) struct SQLiteFeedTests {
  private func event(_ engine: SQLiteEngine, _ subject: String) async throws {
    _ = try await engine.write(WriteOptions(), [Step(SQL.event, [.text(subject)])])
  }

  private func code(
    _ engine: SQLiteEngine, after cursor: FeedCursor
  ) async -> StoreError.Code? {
    do throws(StoreError) {
      _ = try await engine.feed(after: cursor, limit: 10)
      return nil
    } catch {
      return error.code
    }
  }

  /// Goal: first the cursor, then the events after it, each once and in order, page by page.
  ///
  /// Method: seven events in pages of three; an empty page keeps the place.
  @Test(arguments: [3, 200])
  func `the feed gives every event once in order`(limit: Int) async throws {
    try await SQLiteFixture().with { engine in
      let start = try await engine.feedEnd()
      #expect(start.position == 0)
      for number in 1...7 { try await event(engine, "\(number)") }
      var cursor = start
      var subjects: [String] = []
      while true {
        let page = try await engine.feed(after: cursor, limit: limit)
        guard !page.events.isEmpty else {
          #expect(page.next == cursor)
          break
        }
        #expect(page.events.count <= limit)
        #expect(page.next == page.events.last?.cursor)
        subjects += page.events.compactMap(\.subject)
        cursor = page.next
      }
      #expect(subjects == (1...7).map(String.init))
      #expect(try await engine.feedEnd() == cursor)
      let again = try await engine.feed(after: FeedCursor(token: cursor.token), limit: limit)
      #expect(again.events.isEmpty)
    }
  }

  /// Goal: whoever has fallen behind what is kept, or comes with another history's cursor, is told
  /// so.
  ///
  /// Method: remove rows from the front; try each kind of cursor at its edge.
  @Test func `a cursor whose events are not kept whole is refused`() async throws {
    try await SQLiteFixture().with { engine in
      let start = try await engine.feedEnd()
      for number in 1...9 { try await event(engine, "\(number)") }
      let trim = Statement("DELETE FROM changes WHERE position <= 4")
      try await engine.write(WriteOptions()) { _ = try $0.run(trim, []) }

      func at(_ position: Int64, incarnation: String? = nil, place: Int64 = 0) -> FeedCursor {
        FeedCursor(
          incarnation: incarnation ?? start.incarnation, timeline: 0, position: position,
          place: place)
      }
      #expect(await code(engine, after: start) == .trimmed)
      #expect(await code(engine, after: at(3)) == .trimmed)
      #expect(await code(engine, after: at(4)) == nil)
      #expect(await code(engine, after: at(9)) == nil)
      #expect(await code(engine, after: at(10)) == .trimmed)
      #expect(await code(engine, after: at(5, incarnation: "another")) == .trimmed)
      #expect(await code(engine, after: at(5, place: 1)) == .trimmed)
    }
  }

  /// Goal: every commit of any store wakes a subscriber.
  ///
  /// Method: two engines on one file, a subscriber at each. For each of twenty commits the test
  /// waits until both were called after it; a missed call would wait for ever.
  @Test(.timeLimit(.minutes(1)))
  func `a subscriber is called after every commit of any store`() async throws {
    let fixture = try SQLiteFixture()
    try await fixture.with { one in
      try await fixture.with { other in
        let calls = (AsyncStream<Void>.makeStream(), AsyncStream<Void>.makeStream())
        let subscriptions = (
          one.subscribe { calls.0.continuation.yield() },
          other.subscribe { calls.1.continuation.yield() }
        )
        var places = (try await one.feedEnd(), try await other.feedEnd())
        var streams = (calls.0.stream.makeAsyncIterator(), calls.1.stream.makeAsyncIterator())
        for round in 0..<20 {
          let writer = round % 2 == 0 ? one : other
          async let written: Void = event(writer, "\(round)")
          places.0 = try await next(one, places.0, &streams.0, "\(round)")
          places.1 = try await next(other, places.1, &streams.1, "\(round)")
          try await written
        }
        one.unsubscribe(subscriptions.0)
        other.unsubscribe(subscriptions.1)
      }
    }
  }

  /// Waits for the calls of a subscription until the feed shows the next event.
  private func next(
    _ engine: SQLiteEngine, _ place: FeedCursor,
    _ calls: inout AsyncStream<Void>.AsyncIterator, _ subject: String
  ) async throws -> FeedCursor {
    while await calls.next() != nil {
      let page = try await engine.feed(after: place, limit: 10)
      guard let event = page.events.first else { continue }
      #expect(page.events.map(\.subject) == [subject])
      return event.cursor
    }
    return place
  }

  /// Goal: a subscription can end and another begin; the close ends all.
  @Test func `subscriptions come and go`() async throws {
    try await SQLiteFixture().with { engine in
      for _ in 0..<20 {
        let called = AsyncStream<Void>.makeStream()
        let subscription = engine.subscribe { called.continuation.yield() }
        try await event(engine, "k")
        var calls = called.stream.makeAsyncIterator()
        await calls.next()
        engine.unsubscribe(subscription)
      }
      _ = engine.subscribe {}
    }
  }
}

@Suite(.timeLimit(.minutes(5))) struct SQLiteStateTests {
  /// Goal: health tells what an operator needs, and the facade's numbers agree with what was done.
  @Test func `health tells of the file and the engine`() async throws {
    try await SQLiteFixture().with { engine in
      try await engine.put("k", 1)
      let health = try await engine.health()
      #expect(health.database.hasPrefix("SQLite 3."))
      #expect(health.migration == SQLiteFixture.migrations.count)
      #expect(health.bytes > 4_096)
      #expect(health.details["page_bytes"] == .integer(4_096))
      #expect(health.details["readers"]?["connections"] == .integer(1))
    }
  }

  /// Goal: verify finds what is wrong.
  ///
  /// Method: another program damages an index by editing the schema.
  @Test func `verify finds an index that does not fit its table`() async throws {
    let fixture = try SQLiteFixture()
    try await fixture.with { try await $0.put("k", 1) }
    try fixture.foreign(
      """
      CREATE TABLE t (a INTEGER, b INTEGER);
      CREATE INDEX t_a ON t (a);
      INSERT INTO t VALUES (1, 2);
      PRAGMA writable_schema = ON;
      UPDATE sqlite_schema SET sql = 'CREATE INDEX t_a ON t (b)' WHERE name = 't_a';
      """)
    let engine = try await fixture.open()
    let faults = try await engine.verify()
    #expect(faults.contains { $0.contains("t_a") })
    await engine.close()
  }

  /// Goal: pages that were freed go back to the system in slices.
  ///
  /// Method: fill, delete, and vacuum until nothing is free.
  @Test func `freed pages are given back in slices`() async throws {
    try await SQLiteFixture().with { engine in
      let text = String(repeating: "x", count: 400_000)
      _ = try await engine.write(WriteOptions(), [Step(SQL.fill, [.text("big"), .text(text)])])
      let delete = Statement("DELETE FROM meta WHERE name = 'big'")
      _ = try await engine.write(WriteOptions(), [Step(delete)])
      let first = try await engine.vacuumSlice(pages: 10)
      #expect(first == 10)
      var rest = 0
      while case let pages = try await engine.vacuumSlice(pages: 40), pages > 0 { rest += pages }
      #expect(rest > 80)
      #expect(try await engine.health().details["pages_free"] == .integer(0))
    }
  }
}
