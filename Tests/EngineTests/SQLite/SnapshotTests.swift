import HoldfastCore
import NIOConcurrencyHelpers
import Testing

@testable import HoldfastEngine

@Suite(.timeLimit(.minutes(5))) struct SQLiteSnapshotTests {
  private final class Found: Sendable {
    let number: Int64?
    init(_ number: Int64?) { self.number = number }
  }

  private func hot(_ engine: SQLiteEngine, _ name: String) async throws -> Int64? {
    let step = Step(SQL.get, [.text(name)])
    let found = try await engine.readHot(HotKey(space: "test", name: name), step) { result in
      result.rows.first.map { (Found($0[0].integer), 8) }
    }
    return found?.number
  }

  /// Goal: a read sees what any store acknowledged before it began, through every way of reading.
  ///
  /// Method: two engines on one file write in turns; after each write the other reads by a step, by
  /// a body of either kind and through the hot map, each of which it had read before.
  @Test func `what another store committed is seen at once`() async throws {
    let fixture = try SQLiteFixture()
    try await fixture.with { one in
      try await fixture.with { other in
        for round in 1...100 {
          let (writer, reader) = round % 2 == 0 ? (one, other) : (other, one)
          try await writer.put("k", Int64(round))
          try await reader.expect("k", is: Int64(round))
          for kind in [ReadKind.point, .scan] {
            let seen = try await reader.read(kind) { connection in
              try connection.row(SQL.get, [.text("k")]) { $0.integer(0) }
            }
            #expect(seen == Int64(round))
          }
          let kept = try await hot(reader, "k")
          let keptByWriter = try await hot(writer, "k")
          #expect(kept == Int64(round))
          #expect(keptByWriter == Int64(round))
        }
      }
    }
  }

  /// Goal: two stores that write at once lose nothing, and draw no revision twice.
  ///
  /// Method: two engines, four tasks each, add to one counter and to the feed.
  @Test func `two stores on one file lose no increment`() async throws {
    let fixture = try SQLiteFixture()
    try await fixture.with { one in
      try await fixture.with { other in
        try await withThrowingTaskGroup(of: Void.self) { group in
          for task in 0..<8 {
            let engine = task % 2 == 0 ? one : other
            group.addTask {
              for _ in 0..<25 {
                _ = try await engine.write(
                  WriteOptions(), [Step(SQL.add, [.text("n")]), Step(SQL.event, [.text("n")])])
              }
            }
          }
          try await group.waitForAll()
        }
        try await one.expect("n", is: 200)
        let rows = try await other.read(Step(SQL.revisions)).rows
        #expect(rows.map { $0[0].integer } == (1...200).map(Int64.init))
      }
    }
  }

  /// Goal: a hit of the hot map reads nothing, a missing entry is kept too, and any commit empties
  /// it.
  ///
  /// Method: count the statements by the probe.
  @Test func `the hot map answers until somebody commits`() async throws {
    let statements = NIOLockedValueBox(0)
    let fixture = try SQLiteFixture()
    let other = try await fixture.open()
    try await fixture.with {
      $0.probe = { point in
        if point == .statement { statements.withLockedValue { $0 += 1 } }
      }
    } _: { engine in
      try await other.put("k", 1)
      for _ in 0..<10 {
        #expect(try await hot(engine, "k") == 1)
        #expect(try await hot(engine, "missing") == nil)
      }
      #expect(statements.withLockedValue { $0 } == 2)
      try await other.put("else", 1)
      #expect(try await hot(engine, "k") == 1)
      #expect(statements.withLockedValue { $0 } == 3)
    }
    await other.close()
  }

  /// Goal: one body reads one state, whatever is committed meanwhile.
  ///
  /// Method: a scan reads, waits until a write is acknowledged, and reads again.
  @Test func `a body reads one snapshot`() async throws {
    try await SQLiteFixture().with { engine in
      try await engine.put("k", 1)
      let gate = Gate()
      async let pair = engine.read(.scan) { connection in
        let first = try connection.row(SQL.get, [.text("k")]) { $0.integer(0) }
        gate.wait()
        return [first, try connection.row(SQL.get, [.text("k")]) { $0.integer(0) }]
      }
      await gate.visited()
      try await engine.put("k", 2)
      try await engine.expect("k", is: 2)
      gate.open()
      let seen = try await pair
      #expect(seen == [1, 1])
    }
  }

  /// Goal: an idle reader lets its snapshot go by itself, so that the log can begin anew.
  ///
  /// Method: another engine of the file reads once and then does nothing. Its snapshot would keep
  /// every later checkpoint from copying all of the log; yet the log must begin anew several times.
  @Test func `an idle snapshot is let go`() async throws {
    let fixture = try SQLiteFixture()
    let reader = try await fixture.open()
    try await fixture.with {
      $0.checkpointBytes = 64 << 10
    } _: { writer in
      try await writer.put("k", 1)
      try await writer.put("k", 2)
      try await reader.expect("k", is: 2)
      for round in 0..<400 { try await writer.put("k", Int64(round)) }
      let health = try await writer.health()
      let restarts = health.details["writer"]?["checkpoints_restart"]?.integerValue ?? 0
      #expect(restarts > 2)
      let log = health.details["log_bytes"]?.integerValue ?? .max
      #expect(log < 1 << 20)
    }
    await reader.close()
  }

  /// Goal: long reads take threads of their own and never all the connections.
  ///
  /// Method: as many scans as may run are held; a point read and a write go on.
  @Test func `held scans do not starve point reads`() async throws {
    try await SQLiteFixture().with {
      $0.readersMax = 3
    } _: { engine in
      let gate = Gate()
      try await engine.put("k", 1)
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<8 { group.addTask { try await engine.read(.scan) { _ in gate.wait() } } }
        await gate.visited()
        try await engine.expect("k", is: 1)
        try await engine.put("k", 2)
        try await engine.expect("k", is: 2)
        gate.open()
        try await group.waitForAll()
      }
    }
  }

  /// Goal: a read cannot write, not even by a statement that says so.
  @Test func `a read that writes is refused`() async throws {
    try await SQLiteFixture().with { engine in
      await #expect(throws: StoreError.self) {
        _ = try await engine.read(Step(SQL.add, [.text("k")]))
      }
      await #expect(throws: StoreError.self) {
        _ = try await engine.read(Step(Statement("SELECT holdfast_revision()")))
      }
    }
  }

  /// Goal: time is what the source says, one time a read, and never below what is stored.
  ///
  /// Method: a manual clock; a feed row of the far future, made by another program.
  @Test func `store time is never below the newest event`() async throws {
    let time = ManualTime()
    let fixture = try SQLiteFixture()
    let now = Step(Statement("SELECT holdfast_now()"))
    try await fixture.with {
      $0.time = time
    } _: { engine in
      #expect(try await engine.read(now).rows == [[.integer(1_000_000)]])
      time.advance(.seconds(1))
      #expect(try await engine.read(now).rows == [[.integer(2_000_000)]])
      try fixture.foreign(
        """
        INSERT INTO changes (revision, kind, namespace, operation, at)
        VALUES (41, 'kv', 'test', 'put', 9000000)
        """)
      #expect(try await engine.read(now).rows == [[.integer(9_000_000)]])
      time.setWall(Instant(microseconds: 5))
      let written = try await engine.write(WriteOptions(), [Step(SQL.event, [.text("k")])])
      #expect(written[0].rows == [[.integer(42), .integer(9_000_000)]])
    }
  }
}

@Suite(.timeLimit(.minutes(5))) struct HotMapTests {
  private final class Entry: Sendable {}

  private func key(_ number: Int) -> HotKey { HotKey(space: "s", name: "\(number)") }

  private func isKnown(_ map: inout HotMap, _ number: Int) -> Bool {
    if case .entry = map.find(key(number)) { return true }
    return false
  }

  /// Goal: the map stays within its bytes, and what is used stays longer.
  ///
  /// Method: keep a thousand entries of about a kilobyte in 64, using one of them all the time.
  @Test func `the map is bounded and keeps what is used`() {
    var map = HotMap(bytesMax: 64 << 10)
    for number in 0..<1_000 {
      map.keep(key(number), Entry(), size: 1_000)
      #expect(map.bytes <= 64 << 10)
      #expect(isKnown(&map, 0))
    }
    #expect(isKnown(&map, 999))
    #expect(!isKnown(&map, 500))
    #expect(map.count < 64)
  }

  /// Goal: after a change of state nothing is known, and the room is used again.
  @Test func `a change of state makes everything unknown`() {
    var map = HotMap(bytesMax: 64 << 10)
    for number in 0..<50 { map.keep(key(number), nil, size: 0) }
    #expect(isKnown(&map, 7))
    map.changeState()
    #expect(!isKnown(&map, 7))
    map.keep(key(7), Entry(), size: 10)
    #expect(isKnown(&map, 7))
    for number in 100..<2_000 { map.keep(key(number), nil, size: 0) }
    #expect(map.bytes <= 64 << 10)
  }

  /// Goal: an entry that is too large for the map is not kept, and pushes nothing out.
  @Test func `a huge entry is not kept`() {
    var map = HotMap(bytesMax: 64 << 10)
    map.keep(key(1), Entry(), size: 10)
    map.keep(key(2), Entry(), size: 60 << 10)
    #expect(isKnown(&map, 1))
    #expect(!isKnown(&map, 2))
  }
}
