import CSQLite
import HoldfastCore
import HoldfastEngine
import NIOConcurrencyHelpers
import Testing

@Suite(.timeLimit(.minutes(5))) struct SQLiteWriteTests {
  /// Holds the writer inside a body until calls have gathered behind it, so that they run in one
  /// group with it.
  ///
  /// What becomes of the holding body, which writes nothing, does not matter.
  private func gathered(
    _ engine: SQLiteEngine, _ count: Int, behind holder: Durability = .durable,
    _ call: @escaping @Sendable (Int) async throws -> Void
  ) async throws -> [(any Error)?] {
    let gate = Gate()
    async let held: Void = engine.write(WriteOptions(durability: holder)) { _ in gate.wait() }
    await gate.visited()
    let errors = NIOLockedValueBox([(any Error)?](repeating: nil, count: count))
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<count {
        group.addTask {
          do { try await call(number) } catch {
            errors.withLockedValue { $0[number] = error }
          }
        }
      }
      // Every call waits in the queue before the gate opens.
      while try await engine.health().details["writer"]?["waiting"] != .integer(Int64(count)) {
        await Task.yield()
      }
      gate.open()
      try await group.waitForAll()
    }
    _ = try? await held
    return errors.withLockedValue { $0 }
  }

  /// Bounds that end no group by the clock, however long a test holds its first body, and refuse
  /// nobody who waits behind it.
  private static func patient(_ options: inout EngineOptions) {
    options.groupTimeMax = .seconds(60)
    options.busyWaitMax = .seconds(60)
  }

  /// Goal: what was written is there after the engine was closed and opened again.
  ///
  /// Method: write through both forms, read back before and after.
  @Test func `what was written stays`() async throws {
    let fixture = try SQLiteFixture()
    try await fixture.with { engine in
      try await engine.put("steps", 7)
      try await engine.write(WriteOptions()) { connection in
        _ = try connection.run(SQL.put, [.text("body"), .integer(8)])
      }
      try await engine.expect("steps", is: 7)
      try await engine.expect("body", is: 8)
      try await engine.expect("missing", is: nil)
    }
    try await fixture.with { engine in
      try await engine.expect("steps", is: 7)
      try await engine.expect("body", is: 8)
    }
  }

  /// Goal: many writers lose nothing, and their writes are grouped.
  ///
  /// Method: sixteen tasks add to one counter and one each, their first writes while the writer is
  /// held; count, and look at the group sizes.
  @Test func `concurrent increments are all kept`() async throws {
    try await SQLiteFixture().with(Self.patient) { engine in
      let errors = try await gathered(engine, 16) { task in
        for _ in 0..<50 {
          _ = try await engine.write(
            WriteOptions(),
            [Step(SQL.add, [.text("all")]), Step(SQL.add, [.text("task \(task)")])])
        }
      }
      #expect(errors.compactMap { $0 }.isEmpty)
      try await engine.expect("all", is: 800)
      try await engine.expect("task 3", is: 50)
      let writer = try await engine.health().details["writer"]
      #expect((writer?["group_largest"]?.integerValue ?? 0) >= 16)
      #expect((writer?["groups"]?.integerValue ?? .max) < 800)
    }
  }

  /// Goal: a group holds no more bodies than the options allow, however many wait.
  ///
  /// Method: twelve wait behind one that is held. A last write comes behind them, so that what the
  /// writer tells of itself includes them.
  @Test func `a group is cut at its bound`() async throws {
    try await SQLiteFixture().with {
      Self.patient(&$0)
      $0.groupBodiesMax = 4
    } _: { engine in
      let errors = try await gathered(engine, 12) { number in
        try await engine.write(WriteOptions()) { connection in
          _ = try connection.run(SQL.put, [.text("\(number)"), .integer(1)])
        }
      }
      #expect(errors.compactMap { $0 }.isEmpty)
      try await engine.put("last", 1)
      let health = try await engine.health()
      #expect(health.details["writer"]?["group_largest"] == .integer(4))
      for number in 0..<12 { try await engine.expect("\(number)", is: 1) }
    }
  }

  /// Goal: a body that throws disturbs no neighbour, and its own error comes out unchanged.
  ///
  /// Method: twelve bodies in one group, every third throws after it wrote; exactly the others'
  /// rows are there, and the revisions have no gap: what a failed body drew is drawn again.
  @Test func `a body that throws leaves its neighbours alone`() async throws {
    try await SQLiteFixture().with(Self.patient) { engine in
      let errors = try await gathered(engine, 12) { number in
        try await engine.write(WriteOptions()) { connection in
          _ = try connection.run(SQL.put, [.text("\(number)"), .integer(1)])
          _ = try connection.run(SQL.event, [.text("\(number)")])
          if number % 3 == 0 { throw Refusal(number: number) }
        }
      }
      for number in 0..<12 {
        #expect((errors[number] as? Refusal)?.number == (number % 3 == 0 ? number : nil))
        try await engine.expect("\(number)", is: (number % 3 == 0 ? nil : 1))
      }
      let revisions = try await engine.read(Step(SQL.revisions)).rows.map { $0[0].integer }
      #expect(revisions == (1...8).map(Int64.init))
      let health = try await engine.health()
      #expect((health.details["writer"]?["group_largest"]?.integerValue ?? 0) >= 12)
    }
  }

  /// Goal: steps that fail in the midst are undone whole, though they have no savepoint.
  ///
  /// Method: eight calls of two steps in one group, one of whose second steps breaks a rule of the
  /// schema. Only that call fails, nothing of it is there, and all others are.
  @Test func `steps that fail leave nothing behind`() async throws {
    try await SQLiteFixture().with { engine in
      let errors = try await gathered(engine, 8) { number in
        let second = number == 5 ? Step(SQL.wrong) : Step(SQL.add, [.text("others")])
        _ = try await engine.write(
          WriteOptions(), [Step(SQL.put, [.text("\(number)"), .integer(1)]), second])
      }
      #expect((errors[5] as? StoreError)?.code == .internal)
      #expect(errors.compactMap { $0 }.count == 1)
      try await engine.expect("5", is: nil)
      try await engine.expect("4", is: 1)
      try await engine.expect("others", is: 7)
    }
  }

  /// Goal: an error of the database dooms the body even if the body swallows it.
  ///
  /// Method: write, break a rule, catch the error, write on: nothing of it is kept, and the later
  /// write fails with the first error.
  @Test func `a swallowed database error dooms the body`() async throws {
    try await SQLiteFixture().with { engine in
      await #expect(throws: StoreError.self) {
        try await engine.write(WriteOptions()) { connection in
          _ = try connection.run(SQL.put, [.text("a"), .integer(1)])
          _ = try? connection.run(SQL.wrong, [])
          #expect(throws: StoreError.self) {
            _ = try connection.run(SQL.put, [.text("b"), .integer(1)])
          }
        }
      }
      try await engine.expect("a", is: nil)
      try await engine.expect("b", is: nil)
    }
  }

  /// Goal: when the room runs out in one body, SQLite drops its whole transaction, neighbours
  /// included; each then runs again alone, and only the one without room fails.
  ///
  /// Method: bound the pages of the file, then run a group of which one body writes more than fits.
  @Test func `a body without room does not take its group along`() async throws {
    try await SQLiteFixture().with { engine in
      let bound = Statement("PRAGMA max_page_count = 60")
      try await engine.write(WriteOptions()) { connection in
        try connection.forEachRow(bound, []) { _ in }
      }
      let large = String(repeating: "x", count: 400_000)
      let errors = try await gathered(engine, 6) { number in
        try await engine.write(WriteOptions()) { connection in
          _ = try connection.run(SQL.put, [.text("\(number)"), .integer(1)])
          if number == 3 { _ = try connection.run(SQL.fill, [.text("large"), .text(large)]) }
        }
      }
      #expect((errors[3] as? StoreError)?.code == .exhausted)
      #expect(errors.compactMap { $0 }.count == 1)
      for number in 0..<6 {
        try await engine.expect("\(number)", is: (number == 3 ? nil : 1))
      }
      let health = try await engine.health()
      #expect(health.details["writer"]?["reruns"] == .integer(1))
      // And the store works again.
      try await engine.put("after", 1)
      try await engine.expect("after", is: 1)
    }
  }

  /// Goal: who meets a full disk in a COMMIT is told of the disk: repeating alone would not help.
  ///
  /// Method: a probe stands for the disk.
  @Test func `a commit on a full disk says so`() async throws {
    let isFull = NIOLockedValueBox(false)
    try await SQLiteFixture().with {
      $0.probe = { (point) throws(StoreError) in
        guard point == .beforeCommit, isFull.withLockedValue(\.self) else { return }
        throw SQLiteFailure(code: SQLITE_FULL).storeError
      }
    } _: { engine in
      isFull.withLockedValue { $0 = true }
      let error = await expectError(.uncertain) { try await engine.put("k", 1) }
      isFull.withLockedValue { $0 = false }
      #expect(error?.message.contains("The disk is full") == true)
      #expect(error?.hint.hasPrefix("Make room") == true)
      #expect(error?.hint.contains("idempotency key") == true)
    }
  }

  /// Goal: after a COMMIT that failed, who commits when run again is answered as usual, and
  /// everybody else is told that the outcome is not known.
  ///
  /// Method: a probe stands for the disk: first one COMMIT fails, then all do.
  @Test(arguments: [1, 100])
  func `a failed commit is run again alone and then uncertain`(failures: Int) async throws {
    let left = NIOLockedValueBox(0)
    try await SQLiteFixture().with {
      $0.probe = { (point) throws(StoreError) in
        guard point == .beforeCommit else { return }
        let fails = left.withLockedValue { left in
          left -= 1
          return left >= 0
        }
        if fails { throw StoreError(.unavailable, "Flushing failed.") }
      }
    } _: { engine in
      let errors = try await gathered(engine, 5) { number in
        if number == 0 { left.withLockedValue { $0 = failures } }
        try await engine.write(WriteOptions()) { connection in
          _ = try connection.run(SQL.put, [.text("\(number)"), .integer(1)])
        }
      }
      left.withLockedValue { $0 = 0 }
      for number in 0..<5 {
        let error = errors[number] as? StoreError
        #expect(error?.code == (failures == 1 ? nil : .uncertain))
        try await engine.expect("\(number)", is: (failures == 1 ? 1 : nil))
      }
    }
  }

  /// Goal: a body that runs too long fails at its next call, and is not committed.
  ///
  /// Method: the body itself moves the clock past its limit between two writes.
  @Test func `a body past its time limit is not committed`() async throws {
    let time = ManualTime()
    try await SQLiteFixture().with {
      $0.time = time
    } _: { engine in
      await #expect(
        performing: {
          try await engine.write(WriteOptions()) { connection in
            _ = try connection.run(SQL.put, [.text("a"), .integer(1)])
            time.advance(.seconds(3))
            _ = try connection.run(SQL.put, [.text("b"), .integer(1)])
          }
        }, throws: { ($0 as? StoreError)?.code == .unavailable })
      try await engine.expect("a", is: nil)
    }
  }

  /// Goal: a call that is cancelled while it waits is not run; one that has begun is finished.
  ///
  /// Method: a body holds the writer; a second call waits and is cancelled, and so is the first
  /// task.
  @Test func `a cancelled call that has not begun is not run`() async throws {
    try await SQLiteFixture().with { engine in
      let gate = Gate()
      let first = Task {
        try await engine.write(WriteOptions()) { connection in
          gate.wait()
          _ = try connection.run(SQL.put, [.text("first"), .integer(1)])
        }
      }
      await gate.visited()
      let second = Task {
        try await engine.write(WriteOptions()) { connection in
          _ = try connection.run(SQL.put, [.text("second"), .integer(1)])
        }
      }
      while try await engine.health().details["writer"]?["waiting"] != .integer(1) {
        await Task.yield()
      }
      second.cancel()
      let refused = await #expect(throws: StoreError.self) { try await second.value }
      #expect(refused?.code == .unavailable && refused?.cause is CancellationError)
      first.cancel()
      gate.open()
      try await first.value
      try await engine.expect("first", is: 1)
      try await engine.expect("second", is: nil)
    }
  }

  /// Goal: a transaction that outlives its body can do nothing.
  ///
  /// Method: let the connection out of the body and use it.
  @Test func `a connection is dead after its body`() async throws {
    try await SQLiteFixture().with { engine in
      let leaked = NIOLockedValueBox<[SendableConnection]>([])
      try await engine.write(WriteOptions()) { connection in
        leaked.withLockedValue { $0.append(SendableConnection(connection)) }
      }
      let connection = leaked.withLockedValue { $0[0].connection }
      #expect(
        performing: {
          _ = try connection.run(SQL.put, [.text("late"), .integer(1)])
        }, throws: { ($0 as? StoreError)?.code == .invalidState })
    }
  }

  /// Goal: a relaxed write is kept, and the durable one after it is flushed again.
  ///
  /// Method: read the setting inside bodies of either kind.
  @Test func `only wholly relaxed groups are not flushed`() async throws {
    try await SQLiteFixture().with { engine in
      let level = Statement("PRAGMA synchronous")
      for (durability, expected) in [(Durability.relaxed, 1), (.durable, 2), (.relaxed, 1)] {
        let found = try await engine.write(WriteOptions(durability: durability)) { connection in
          _ = try connection.run(SQL.add, [.text("a")])
          return try connection.row(level) { $0.integer(0) }
        }
        #expect(found == Int64(expected))
      }
      try await engine.expect("a", is: 3)
    }
  }

  /// Goal: a group is relaxed only when all of it is.
  ///
  /// Method: relaxed and durable writes wait behind one that is held, and read the setting that
  /// their commit has. Behind a durable one all are of its group, which is flushed; behind a
  /// relaxed one those may join that are relaxed themselves, and no durable one.
  @Test(arguments: [Durability.relaxed, .durable])
  func `a group is relaxed only when all of it is`(holder: Durability) async throws {
    let level = Statement("PRAGMA synchronous")
    try await SQLiteFixture().with(Self.patient) { engine in
      let levels = NIOLockedValueBox([Int64?](repeating: nil, count: 12))
      let errors = try await gathered(engine, 12, behind: holder) { number in
        let options = WriteOptions(durability: number % 3 == 0 ? .durable : .relaxed)
        let found = try await engine.write(options) { connection in
          _ = try connection.run(SQL.add, [.text("a")])
          return try connection.row(level) { $0.integer(0) }
        }
        levels.withLockedValue { $0[number] = found }
      }
      #expect(errors.compactMap { $0 }.isEmpty)
      for (number, found) in levels.withLockedValue(\.self).enumerated() {
        let isFlushed = holder == .durable || number % 3 == 0
        #expect(isFlushed ? found == 2 : found == 1 || found == 2, "of number \(number)")
      }
      try await engine.expect("a", is: 12)
    }
  }

  /// Goal: after the close nothing is accepted, and what was accepted before is finished.
  ///
  /// Method: close while a call waits behind a body that is held.
  @Test func `a close finishes what was accepted`() async throws {
    let fixture = try SQLiteFixture()
    let engine = try await fixture.open()
    let gate = Gate()
    async let held: Void = engine.write(WriteOptions()) { _ in gate.wait() }
    await gate.visited()
    async let waiting: Void = engine.put("accepted", 1)
    while try await engine.health().details["writer"]?["waiting"] != .integer(1) {
      await Task.yield()
    }
    async let closed: Void = engine.close()
    async let closedToo: Void = engine.close()
    gate.open()
    try await held
    try await waiting
    _ = await (closed, closedToo)
    await #expect(throws: StoreError.self) { try await engine.put("late", 1) }
    await #expect(throws: StoreError.self) { try await engine.get("accepted") }
    try await fixture.with { try await $0.expect("accepted", is: 1) }
  }
}

/// Carries a connection out of its body, which a program should never do.
private struct SendableConnection: @unchecked Sendable {
  // Unchecked: the test uses it on one thread at a time.
  let connection: any Connection
  init(_ connection: any Connection) { self.connection = connection }
}
