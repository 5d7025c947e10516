import CrashWriter
import Holdfast
import Testing

extension CrashTests {
  /// What one process has been told is written, another sees from then on.
  @Suite struct CoherenceTests {
    /// Goal: no stale snapshot, no stale hot entry, ever.
    ///
    /// Method: two processes take turns; one writes a number and is answered, then the other, who
    /// has just read the old one in each way there is, reads it in each way and must find it.
    @Test func `a read right after another process's acknowledged write sees it`() async throws {
      let scratch = try Scratch()
      let first = try Child("orders", scratch.store)
      try await first.wait(for: "ready")
      let second = try Child("orders", scratch.store)
      try await second.wait(for: "ready")
      var chance = SeededChance(seed: Surroundings.seed)
      print("seed: \(Surroundings.seed)")
      let ways = ["get", "snapshot", "list"]
      for number in 1...2_000 {
        let isSwapped = Bool.random(using: &chance)
        let (writer, reader) = isSwapped ? (first, second) : (second, first)
        let way = ways.randomElement(using: &chance) ?? "get"
        if number % 3 == 0 { try await reader.ask("get key") }
        let put = try await writer.ask("put key \(number)")
        let seen = try await reader.ask("\(way) key")
        guard put.isOK, seen.value == "\(number)" else {
          Issue.record("\(way) \(number): wrote \(put), read \(seen)")
          return
        }
      }
    }

    /// Goal: a watcher in another process is woken by a put, not by a timer.
    ///
    /// Method: two hundred puts, one after the other; each is waited for in the watching process.
    /// The times are printed; most lie far below the five seconds after which a watcher looks by
    /// itself.
    @Test func `a watch in another process sees each put`() async throws {
      let scratch = try Scratch()
      let writer = try Child("orders", scratch.store)
      try await writer.wait(for: "ready")
      let watcher = try Child("watch", scratch.store)
      try await watcher.wait(for: "watching")
      var delays: [Int64] = []
      for number in 1...200 {
        let put = try await writer.ask("put key \(number)")
        let seen = try await watcher.wait(for: "saw key ").split(separator: " ")
        #expect(String(seen[0]) == put.value)
        delays.append((Int64(seen[1]) ?? 0) - put.time)
      }
      delays.sort()
      let (median, longest) = (max(0, delays[100]), delays[199])
      #expect(median < 1_000_000, "microseconds")
      Surroundings.figures(
        "sqlite, watch in another process: median \(median) us, longest \(longest) us after the put"
      )
    }
  }
}
