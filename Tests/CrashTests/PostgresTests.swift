import CrashWriter
import Holdfast
import HoldfastTesting
import Testing

extension CrashTests {
  /// Clients that die, and a server that does.
  @Suite struct PostgresTests {
    private static let tasks = 6

    /// Goal: what PostgreSQL has acknowledged to a client survives the client.
    ///
    /// Method: ten lives of a writer, each killed after a random number of acknowledgements.
    @Test func `killed clients lose nothing`() async throws {
      let server = try await PrivatePostgres.shared
      let url = try await server.freshURL()
      var chance = SeededChance(seed: Surroundings.seed)
      print("seed: \(Surroundings.seed)")
      var ledger = Ledger(tasks: Self.tasks)
      try await Self.withStore(url) { try await ledger.begin($0) }
      for round in 0..<10 {
        let child = try Child("write", url, ["tasks=\(Self.tasks)"])
        let most = Int.random(in: 1...80, using: &chance)
        var count = 0
        while let line = await child.next() {
          if ledger.take(line) { count += 1 }
          if count == most { child.kill() }
        }
        // The server may still be at work for the dead: a COMMIT that was sent is carried out.
        try await server.endSessions()
        try await Self.withStore(url) { try await ledger.check($0, isFull: round == 9) }
      }
      Surroundings.figures("postgres, 10 killed clients: \(ledger.count) writes, none lost")
    }

    /// Goal: a server that dies and comes back costs clients nothing but `unavailable` or
    /// `uncertain`.
    ///
    /// Method: the server is stopped as by a crash and started again under a load, three times; the
    /// writers go on by themselves. What was acknowledged before and after is there, once.
    @Test func `a server that restarts under load loses nothing`() async throws {
      let server = try await PrivatePostgres.start()
      let url = try await server.freshURL()
      var ledger = Ledger(tasks: Self.tasks)
      try await Self.withStore(url) { try await ledger.begin($0) }
      let child = try Child("write", url, ["tasks=\(Self.tasks)"])
      try await child.wait(for: "ready")
      for _ in 0..<3 {
        try await Self.follow(child, into: &ledger, for: 60)
        try await server.restart(mode: .immediate)
      }
      try await Self.follow(child, into: &ledger, for: 200)
      child.tell("stop")
      for line in await child.rest() { ledger.take(line) }
      #expect(child.ending?.status == 0)
      let codes = Set(ledger.errors.keys)
      #expect(!codes.isEmpty && codes.isSubset(of: ["unavailable", "uncertain"]))
      try await server.endSessions()
      let (count, errors) = (ledger.count, ledger.errors)
      try await Self.withStore(url) { try await ledger.check($0, isFull: true) }
      Surroundings.figures(
        "postgres, 3 crashes of the server: \(count) writes, none lost; clients saw \(errors)")
    }

    /// Goal: eight writers at one counter, and at a hundred counters of a small table, see no
    /// error.
    ///
    /// Method: two processes with four writers each and a reader; the retries are printed.
    @Test(arguments: [1, 100])
    func `eight writers meet at hot keys without an error`(keys: Int) async throws {
      let url = try await PrivatePostgres.shared.freshURL()
      let milliseconds = (Surroundings.soakSeconds ?? 4) * 1_000
      let children = try (0..<2).map { number in
        try Child(
          "race", url,
          [
            "writers=4", "readers=1", "milliseconds=\(milliseconds)", "seed=\(number)",
            "keys=\(keys)", "pairs=0",
          ])
      }
      var score = RaceScore()
      for child in children { try await score.add(child) }
      #expect(score.errors == [:])
      try await score.check(StoreLocation(url))
      Surroundings.figures(
        "postgres, 8 writers on \(keys) keys, \(milliseconds / 1_000) s: \(score), "
          + "retries \(score.retries)")
    }

    private static func follow(
      _ child: Child, into ledger: inout Ledger, for most: Int
    ) async throws {
      var count = 0
      while count < most, let line = await child.next() {
        if ledger.take(line) { count += 1 }
      }
    }

    private static func withStore(
      _ url: String, _ body: (Store) async throws -> Void
    ) async throws {
      var options = StoreOptions()
      options.runsUpkeep = false
      let store = try await Store.open(StoreLocation(url), options: options)
      try await body(store)
      await store.close()
    }
  }
}
