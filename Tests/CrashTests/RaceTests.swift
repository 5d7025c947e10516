import CrashWriter
import Holdfast
import Testing

extension CrashTests {
  /// Many processes write and read one SQLite file at once.
  @Suite struct RaceTests {
    /// Goal: no lost update, no torn snapshot, no error, and no writer that starves.
    ///
    /// Method: four processes with two writers and one reader each, at four counters and a pair of
    /// keys. What each acknowledged must add up to what is stored; the longest wait is printed. Readers
    /// pause for half a millisecond: eight threads that spin on two cores keep a virtual machine's disk
    /// from its work, and then the waits are the disk's.
    @Test func `four processes lose no update and see no error`() async throws {
      let scratch = try Scratch()
      let milliseconds = (Surroundings.soakSeconds ?? 4) * 1_000
      let children = try (0..<4).map { number in
        try Child(
          "race", scratch.store,
          [
            "writers=2", "readers=1", "pause=500", "milliseconds=\(milliseconds)",
            "seed=\(number)",
          ])
      }
      var score = RaceScore()
      for child in children { try await score.add(child) }
      #expect(score.errors == [:])
      try await score.check(StoreLocation(scratch.store))
      Surroundings.figures(
        "sqlite, 4 processes, 8 writers, 4 readers, \(milliseconds / 1_000) s: \(score)")
    }

    /// Goal: the log stays bounded while another process reads without a pause.
    ///
    /// Method: eight writers of large values in one process, four readers in another; the size of the
    /// log is looked at whenever the readers' process or the writers' has said something.
    @Test func `the log stays bounded beside a reader without a pause`() async throws {
      let scratch = try Scratch()
      let seconds = Surroundings.soakSeconds ?? 5
      let writer = try Child(
        "race", scratch.store,
        [
          "writers=8", "readers=0", "milliseconds=\(seconds * 1_000)", "bytes=16000", "pairs=1",
          "pulse=50",
        ])
      try await writer.wait(for: "ready")
      let reader = try Child(
        "race", scratch.store, ["writers=0", "readers=4", "milliseconds=9000000"])
      try await reader.wait(for: "ready")
      var longest = 0
      var score = RaceScore()
      while let line = await writer.next() {
        longest = max(longest, scratch.logBytes)
        score.take(line)
      }
      reader.tell("stop")
      try await score.add(reader)
      #expect(score.errors == [:])
      #expect(longest < 64 << 20)
      try await score.check(StoreLocation(scratch.store))
      Surroundings.figures(
        "sqlite, log beside readers without a pause, \(seconds) s: at most \(longest >> 10) KiB; \(score)"
      )
    }
  }
}
