@testable import Holdfast
import HoldfastEngine
import HoldfastTesting
import NIOConcurrencyHelpers
import Testing

@Suite(.timeLimit(.minutes(10))) struct RetentionScaleTests {
  /// Goal: a hundred thousand expired rows go in slices between which others write, the dry run
  /// says how many, and the file shrinks.
  ///
  /// Method: finished tasks of eight days ago; a writer writes one key after the other meanwhile
  /// and tells its longest wait, which is printed.
  @Test func `a hundred thousand rows go while others write`() async throws {
    let time = ManualTimeSource()
    try await withStore(on: .sqlite, options: .testing(time: time)) { test in
      let store = test.store
      let filler = Statement(
        """
        WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
        INSERT INTO tasks (id, queue, command, status, priority, attempt, max_attempts, retry_base,
          retry_cap, run_at, fencing_token, version, created_at, updated_at, completed_at,
          parameters, result)
        SELECT 't' || i, 'default', 'work', 'completed', 0, 1, 5, 1, 1, holdfast_now(), 1, 1,
          holdfast_now(), holdfast_now(), holdfast_now() + i, '{}', printf('"%0300d"', i)
        FROM n
        """)
      try await store.kv(.global).put("k", 0)
      _ = try await store.engine.write(WriteOptions(), [Step(filler)])
      time.advance(by: .seconds(8 * 86_400))
      let dry = try await store.retention.run(dryRun: true)
      #expect(dry.counts[.tasks] == 100_000)
      // A flag and not a cancellation, which would refuse the write that is about to begin.
      let isOver = NIOLockedValueBox(false)
      let writer = Task {
        let clock = ContinuousClock()
        var longest = Duration.zero
        var count = 0
        while !isOver.withLockedValue({ $0 }) {
          let wait = try await clock.measure { try await store.kv(.global).put("w", 1) }
          longest = max(longest, wait)
          count += 1
        }
        return (longest, count)
      }
      let report = try await store.retention.run()
      isOver.withLockedValue { $0 = true }
      let (longest, count) = try await writer.value
      #expect(report.counts == dry.counts)
      #expect(report.bytesAfter < report.bytesBefore)
      print(
        """
        retention: \(report.total) rows, \(report.bytesBefore) to \(report.bytesAfter) bytes; \
        the longest of \(count) writes beside it took \(longest)
        """)
    }
  }

  /// Goal: no statement of retention goes through a whole table, or sorts.
  ///
  /// Method: the plans of all of them on both databases.
  @Test(arguments: Engines.available)
  func `no statement scans`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      for part in RetentionPart.all {
        try await expectIndexed(
          part.oldest, part.first + [.integer(1), .integer(9)], on: test.store)
        try await expectIndexed(part.newest, part.last + [.integer(9)], on: test.store)
      }
      let three: [Bound] = [.integer(9), .integer(9), .integer(9), .integer(9)]
      try await expectIndexed(RetentionSQL.newRecords, three, on: test.store)
      try await expectIndexed(
        RetentionFeed.newest, RetentionFeed.end + [.integer(9)], on: test.store)
      try await expectIndexed(
        RetentionFeed.front, RetentionFeed.start + [.integer(9)], on: test.store)
      try await expectIndexed(
        RetentionSQL.countKeys, [.integer(1), .integer(9)], on: test.store, besides: ["k"])
    }
  }
}
