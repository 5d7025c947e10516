import CrashWriter
import Holdfast
import HoldfastEngine
import HoldfastTesting
import Testing

extension CrashTests {
  /// A process that dies at any moment leaves everything that it acknowledged, and no half of
  /// anything.
  @Suite struct KillTests {
    private static let tasks = 6

    /// Goal: what was acknowledged survives `kill -9` at any moment.
    ///
    /// Method: fifty lives of a writer with six tasks, each killed after a random number of
    /// acknowledgements; after each the store is opened and looked through.
    @Test func `fifty kills at random moments lose nothing`() async throws {
      let scratch = try Scratch()
      var chance = SeededChance(seed: Surroundings.seed)
      print("seed: \(Surroundings.seed)")
      var ledger = try await Self.begun(scratch.store)
      for round in 0..<50 {
        let child = try Child(
          "write", scratch.store, ["tasks=\(Self.tasks)", "checkpoint=\(64 << 10)", "upkeep=1"])
        let most = Int.random(in: 0...60, using: &chance)
        try await Self.follow(child, into: &ledger, killAfter: most)
        #expect(child.ending?.signal == 9)
        try await Self.check(scratch.store, &ledger, isFull: round == 49)
      }
      Surroundings.figures("sqlite, 50 kills at random: \(ledger.count) writes, none lost")
    }

    /// Goal: the same at each named point of the engine.
    ///
    /// Method: the writer kills itself when it comes to the point for the nth time, in ten lives.
    @Test(arguments: ProbePoint.allCases.filter { $0 != .migration })
    func `a kill at a named point loses nothing`(_ point: ProbePoint) async throws {
      let scratch = try Scratch()
      var chance = SeededChance(seed: Surroundings.seed)
      print("seed: \(Surroundings.seed)")
      var ledger = try await Self.begun(scratch.store)
      for _ in 0..<10 {
        let count = Int.random(in: 1...Self.comesMax(point), using: &chance)
        let child = try Child(
          "write", scratch.store,
          ["tasks=\(Self.tasks)", "checkpoint=\(64 << 10)", "kill=\(point.rawValue):\(count)"])
        try await Self.follow(child, into: &ledger, killAfter: .max)
        #expect(child.ending?.signal == 9)
        try await Self.check(scratch.store, &ledger)
      }
      #expect(ledger.count > 0)
    }

    /// How often a life may come to a point before it ends there: some groups of writes, of which
    /// one has dozens of statements.
    private static func comesMax(_ point: ProbePoint) -> Int {
      switch point {
      case .beforeCheckpoint, .afterCheckpoint: 4
      case .statement: 1_000
      case .beforeCommit, .afterCommit, .migration: 60
      }
    }

    /// Goal: the same inside the system's calls that write, of a commit or of a checkpoint.
    ///
    /// Method: a library before the system's kills the process at its nth write or sync, after half
    /// of the bytes.
    @Test func `a kill in the middle of a write loses nothing`() async throws {
      let scratch = try Scratch()
      let disk = try FaultyDisk(in: scratch)
      var chance = SeededChance(seed: Surroundings.seed)
      print("seed: \(Surroundings.seed)")
      var ledger = try await Self.begun(scratch.store)
      for _ in 0..<20 {
        disk[.killAfter] = Int32.random(in: 1...400, using: &chance)
        let child = try Child(
          "write", scratch.store, ["tasks=\(Self.tasks)", "checkpoint=\(64 << 10)"],
          environment: disk.environment)
        try await Self.follow(child, into: &ledger, killAfter: .max)
        #expect(child.ending?.signal == 9)
        try await Self.check(scratch.store, &ledger)
      }
      #expect(disk[.calls] > 0)
      Surroundings.figures("sqlite, 20 kills inside a write: \(ledger.count) writes, none lost")
    }

    /// Goal: a migration that was cut off is run again, whole.
    ///
    /// Method: the first opening dies inside the migration; the second finds a new store.
    @Test func `a kill inside the migration leaves a store that opens`() async throws {
      let scratch = try Scratch()
      let child = try Child("write", scratch.store, ["kill=migration:1"])
      #expect(await child.rest() == [])
      #expect(child.ending?.signal == 9)
      let store = try await Store.open(StoreLocation(scratch.store))
      try await store.kv(.global).put("key", 1)
      #expect(try await store.verify().problems == [])
      await store.close()
    }

    private static func begun(_ location: String) async throws -> Ledger {
      var ledger = Ledger(tasks: tasks)
      let store = try await open(location)
      try await ledger.begin(store)
      await store.close()
      return ledger
    }

    /// Reads what a writer acknowledges, and kills it when it has acknowledged so much.
    private static func follow(
      _ child: Child, into ledger: inout Ledger, killAfter most: Int
    ) async throws {
      var count = 0
      if most == 0 { child.kill() }
      while let line = await child.next() {
        if ledger.take(line) { count += 1 }
        if count == most { child.kill() }
      }
    }

    private static func check(
      _ location: String, _ ledger: inout Ledger, isFull: Bool = false
    ) async throws {
      let store = try await open(location)
      try await ledger.check(store, isFull: isFull)
      await store.close()
    }

    private static func open(_ location: String) async throws -> Store {
      var options = StoreOptions()
      options.runsUpkeep = false
      return try await Store.open(StoreLocation(location), options: options)
    }
  }
}
