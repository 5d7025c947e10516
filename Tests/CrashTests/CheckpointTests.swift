import CrashWriter
import Testing

extension CrashTests {
  /// No checkpoint runs while any other process could commit: on SQLite before 3.51.3 the two
  /// together can damage the file.
  @Suite(.timeLimit(.minutes(5))) struct CheckpointTests {
    /// Goal: nobody writes while another process's checkpoint runs.
    ///
    /// Method: a process stands still before or after the call that copies its log, or the one
    /// after that lets the log begin anew; another's put must wait for its turn until it gives up,
    /// and succeed once the first has gone on.
    @Test(arguments: ["beforeCheckpoint", "afterCheckpoint"], [1, 2])
    func `no other process writes while a checkpoint runs`(
      point: String, time: Int
    ) async throws {
      let scratch = try Scratch()
      let other = try Child("orders", scratch.store, ["wait=300", "report=1"])
      try await other.wait(for: "ready")
      #expect(try await other.ask("put other 1").isOK)
      let copier = try Child(
        "orders", scratch.store, ["checkpoint=65536", "stop=\(point):\(time)"])
      try await copier.wait(for: "ready")
      _ = copier.order("fill big 200000")
      try await copier.wait(for: "stopped \(point)")
      let refused = try await other.ask("put other 2")
      #expect(
        refused.code == "unavailable", "another process wrote during a checkpoint: \(refused)")
      copier.tell("go")
      var isWritten = false
      for _ in 0..<20 where !isWritten { isWritten = try await other.ask("put other 3").isOK }
      #expect(isWritten)
    }

    /// Goal: no checkpoint begins while another process has a writing transaction open, not even
    /// the one at the close of a store.
    ///
    /// Method: one process holds a transaction open; another, whose log is long, closes its store.
    /// It must close without a checkpoint; the first commits, and nothing is lost.
    @Test func `a store that closes beside an open transaction leaves the log alone`() async throws
    {
      let scratch = try Scratch()
      let closing = try Child("orders", scratch.store, ["report=1"])
      try await closing.wait(for: "ready")
      for number in 0..<10 { try await closing.ask("fill big:\(number) 20000") }
      let holder = try Child("orders", scratch.store, ["body=60000", "checkpoint=4096"])
      try await holder.wait(for: "ready")
      let held = holder.order("hold held")
      #expect(try await holder.answer(to: held) == "holding")
      closing.tell("0 close")
      let said = await closing.rest()
      #expect(said.contains("closed"))
      #expect(
        !said.contains { $0.contains("Checkpoint") }, "it copied beside a transaction: \(said)")
      let release = holder.order("release")
      #expect(Answer(try await holder.answer(to: held)).isOK)
      _ = try await holder.answer(to: release)
      #expect(try await holder.ask("count big:").value == "10")
      #expect(try await holder.ask("exists held").value == "1")
      #expect(try await holder.ask("verify").value == "valid")
    }

    /// Goal: the same under load, with nobody standing still.
    ///
    /// Method: three processes write and checkpoint as fast as they can and say when, on one clock.
    /// No time between the last statement of a body and the end of its commit may overlap the time
    /// of another process's checkpoint.
    @Test func `no commit overlaps a checkpoint of another process`() async throws {
      let scratch = try Scratch()
      var children: [Child] = []
      for number in 0..<3 {
        let child = try Child(
          "race", scratch.store,
          [
            "report=1", "checkpoint=131072", "writers=2", "readers=0", "milliseconds=2000",
            "seed=\(number)", "bytes=3000", "pairs=1",
          ])
        children.append(child)
      }
      var spans: [Span] = []
      for (number, child) in children.enumerated() {
        spans += Self.spans(in: await child.rest(), of: number)
      }
      spans.sort { $0.start < $1.start }
      #expect(spans.contains { $0.isCheckpoint })
      // Sorted by start, two spans overlap where the later begins before any earlier one has ended.
      var latest: (checkpoint: [Int64], commit: [Int64]) = ([0, 0, 0], [0, 0, 0])
      var overlaps = 0
      for span in spans {
        for other in 0..<3 where other != span.process {
          let end = span.isCheckpoint ? latest.commit[other] : latest.checkpoint[other]
          if span.start < end { overlaps += 1 }
        }
        if span.isCheckpoint {
          latest.checkpoint[span.process] = max(latest.checkpoint[span.process], span.end)
        } else {
          latest.commit[span.process] = max(latest.commit[span.process], span.end)
        }
      }
      #expect(overlaps == 0)
      let count = spans.count(where: \.isCheckpoint)
      Surroundings.figures(
        "sqlite, 3 processes: \(count) checkpoints, \(spans.count - count) commits, no overlap")
    }

    private struct Span {
      let process: Int
      let isCheckpoint: Bool
      let start: Int64
      let end: Int64
    }

    private static func spans(in lines: [String], of process: Int) -> [Span] {
      var starts: [String: Int64] = [:]
      var spans: [Span] = []
      for line in lines {
        let words = line.split(separator: " ")
        guard words.count == 3, words[0] == "at", let time = Int64(words[2]) else { continue }
        switch words[1] {
        case "beforeCommit", "beforeCheckpoint": starts[String(words[1])] = time
        case "afterCommit":
          guard let start = starts["beforeCommit"] else { continue }
          spans.append(Span(process: process, isCheckpoint: false, start: start, end: time))
        case "afterCheckpoint":
          guard let start = starts["beforeCheckpoint"] else { continue }
          spans.append(Span(process: process, isCheckpoint: true, start: start, end: time))
        default: continue
        }
      }
      return spans
    }
  }
}
