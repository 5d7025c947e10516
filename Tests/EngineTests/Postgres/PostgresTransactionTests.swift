import HoldfastCore
import HoldfastTesting
import NIOConcurrencyHelpers
import Testing

@testable import HoldfastEngine

@Suite(.timeLimit(.minutes(5))) struct PostgresTransactionTests {
  /// Goal: statements that are known beforehand are one transaction.
  ///
  /// Method: puts a key in a pipeline and reads it back; a second pipeline fails in its last
  /// statement and must leave nothing.
  @Test func `a pipeline is all or nothing`() async throws {
    let engine = try await PostgresFixture().open()
    let results = try await engine.write(WriteOptions(), PostgresSQL.steps("a", "one"))
    #expect(results.map(\.changes) == [1, 1])
    #expect(try await engine.value("a") == "one")
    await #expect(throws: StoreError.self) {
      try await engine.write(
        WriteOptions(),
        PostgresSQL.steps("b", "two") + [Step(PostgresSQL.divideByZero, [.integer(0)])])
    }
    #expect(try await engine.value("b") == nil)
    #expect(try await engine.value("a") == "one")
    await engine.close()
  }

  /// Goal: a body sees what it wrote, and its result comes back.
  ///
  /// Method: a body writes, reads its own write and returns it.
  @Test func `a body reads its own writes`() async throws {
    let engine = try await PostgresFixture().open()
    let seen = try await engine.write(WriteOptions()) { connection in
      try connection.run(PostgresSQL.put, [.text("a"), .text("mine")])
      return try connection.row(PostgresSQL.get, [.text("a")]) { $0.text(0) }
    }
    #expect(seen == "mine")
    let counted = try await engine.read(.scan) { connection in
      try connection.row(PostgresSQL.count) { $0.integer(0) }
    }
    #expect(counted == 1)
    await engine.close()
  }

  struct Own: Error, Equatable {}

  /// Goal: what a body throws comes out unchanged, and nothing of the body stays.
  ///
  /// Method: a body writes and throws an error of its own.
  @Test func `a body that throws leaves nothing`() async throws {
    let engine = try await PostgresFixture().open()
    await #expect(throws: Own()) {
      try await engine.write(WriteOptions()) { connection in
        try connection.run(PostgresSQL.put, [.text("a"), .text("x")])
        throw Own()
      }
    }
    #expect(try await engine.value("a") == nil)
    await engine.close()
  }

  /// Goal: a body that swallows a database error does not commit.
  ///
  /// Method: swallows a division by zero after a write; the error must come out, and the write be
  /// gone.
  @Test func `a swallowed database error dooms the transaction`() async throws {
    let engine = try await PostgresFixture().open()
    await #expect(throws: StoreError.self) {
      try await engine.write(WriteOptions()) { connection in
        try connection.run(PostgresSQL.put, [.text("a"), .text("x")])
        _ = try? connection.run(PostgresSQL.divideByZero, [.integer(0)])
      }
    }
    #expect(try await engine.value("a") == nil)
    await engine.close()
  }

  /// Goal: a transaction is of no use after its body.
  ///
  /// Method: lets the connection escape and uses it afterwards.
  @Test func `a connection that outlives its body is refused`() async throws {
    // Unchecked: one thread after the other uses it, the body's and then the test's.
    final class Escaped: @unchecked Sendable { var connection: (any Connection)? }
    let engine = try await PostgresFixture().open()
    let escaped = Escaped()
    try await engine.write(WriteOptions()) { escaped.connection = $0 }
    await expectError(.invalidState) {
      try escaped.connection?.run(PostgresSQL.put, [.text("a"), .text("x")])
    }
    await engine.close()
  }

  /// Goal: a NUL never cuts a text off silently.
  ///
  /// Method: writes a text with a NUL as a step and inside a body.
  @Test func `a text with a NUL is invalid`() async throws {
    let engine = try await PostgresFixture().open()
    await expectError(.invalid) {
      _ = try await engine.write(WriteOptions(), PostgresSQL.steps("a", "x\0y"))
    }
    await expectError(.invalid) {
      try await engine.write(WriteOptions()) {
        try $0.run(PostgresSQL.put, [.text("a"), .text("\0")])
      }
    }
    #expect(try await engine.value("a") == nil)
    await engine.close()
  }

  /// Goal: bytes, texts and numbers come back as they went in, empty and large ones included.
  ///
  /// Method: sends each through the server and compares.
  @Test func `every kind of value survives the wire`() async throws {
    let engine = try await PostgresFixture().open()
    let echo = Statement(
      sqlite: "", postgres: "SELECT $1::BYTEA, $2::TEXT, $3::BIGINT, $4::TEXT, $5::BYTEA")
    let large = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    let sent: [Bound] = [
      .blob(large), .text("näh\u{1F980}'\\"), .integer(.min), .null, .blob([]),
    ]
    #expect(try await engine.read(Step(echo, sent)).rows == [sent])
    await engine.close()
  }

  /// Goal: two transactions that each read what the other writes cannot both commit on what they
  /// read.
  ///
  /// Method: two bodies each count the other's key and write their own only if it is missing; both
  /// begin before either writes (the first run of each waits for the other's). One of both must be
  /// there.
  @Test func `write skew is impossible`() async throws {
    let engine = try await PostgresFixture().open()
    let arrived = Monitor(0)
    @Sendable func claim(_ mine: String, unless other: String) async throws {
      let first = NIOLockedValueBox(true)
      try await engine.write(WriteOptions()) { connection in
        let taken = try connection.row(PostgresSQL.get, [.text(other)]) { $0.text(0) } != nil
        if first.withLockedValue({ first in
          defer { first = false }
          return first
        }) {
          arrived.change { $0 += 1 }
          _ = arrived.wait(atMost: .seconds(60)) { $0 >= 2 ? () : nil }
        }
        if !taken { try connection.run(PostgresSQL.put, [.text(mine), .text("on")]) }
      }
    }
    async let one: Void = claim("left", unless: "right")
    async let two: Void = claim("right", unless: "left")
    _ = try await (one, two)
    let present = try await [engine.value("left"), engine.value("right")].compactMap(\.self)
    #expect(present.count == 1)
    #expect(engine.retries.withLockedValue { $0 } >= 1)
    await engine.close()
  }

  /// Goal: a body may not hold the database for ever.
  ///
  /// Method: the injected clock moves past the limit inside a body; its next call must be refused.
  @Test func `a body past its time limit is unavailable`() async throws {
    let time = StepTime()
    let engine = try await PostgresFixture().open { $0.time = time }
    await expectError(.unavailable) {
      try await engine.write(WriteOptions()) { connection in
        try connection.run(PostgresSQL.put, [.text("a"), .text("x")])
        time.advance(by: .seconds(61))
        try connection.run(PostgresSQL.put, [.text("b"), .text("x")])
      }
    }
    #expect(try await engine.value("a") == nil)
    await engine.close()
  }

  /// Goal: a source of time that overrules the database's sets the time of every transaction.
  ///
  /// Method: writes at a time of the source's, in a pipeline and in a body, and reads the row's
  /// time.
  @Test func `time comes from the source that overrules`() async throws {
    let time = StepTime(overrules: true)
    let engine = try await PostgresFixture().open { $0.time = time }
    let updated = Statement("SELECT updated_at, holdfast_now() FROM kv WHERE key = $1")
    _ = try await engine.write(WriteOptions(), PostgresSQL.steps("a", "x"))
    time.advance(by: .seconds(60))
    _ = try await engine.write(WriteOptions()) {
      try $0.run(PostgresSQL.put, [.text("b"), .text("x")])
    }
    let first = try await engine.read(Step(updated, [.text("a")])).rows[0]
    let second = try await engine.read(Step(updated, [.text("b")])).rows[0]
    #expect(first == [.integer(StepTime.start), .integer(StepTime.start + 60_000_000)])
    #expect(second[0] == .integer(StepTime.start + 60_000_000))
    await engine.close()
  }
}

/// A clock that moves when a test says so.
final class StepTime: TimeSource {
  static let start: Int64 = 1_000_000_000_000_000
  private let elapsed = NIOLockedValueBox(Duration.zero)
  let overrulesDatabase: Bool

  init(overrules: Bool = false) { overrulesDatabase = overrules }

  func advance(by duration: Duration) { elapsed.withLockedValue { $0 += duration } }

  func wallTime() -> Instant { Instant(microseconds: Self.start) + monotonicTime() }
  func monotonicTime() -> Duration { elapsed.withLockedValue(\.self) }
  func sleep(for duration: Duration) async throws { advance(by: duration) }
}
