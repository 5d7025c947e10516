import Holdfast
import HoldfastEngine
import HoldfastTesting
import Testing

@Suite(.serialized, .timeLimit(.minutes(10))) struct KilledWalkTests {
  /// Goal: whatever a process was doing when it was killed, the store holds what it acknowledged,
  /// and of what was in flight all or nothing; and whoever comes next can go on from there.
  ///
  /// Method: a child process walks a primitive's walk, acknowledging each step, until it is killed
  /// at a random moment of a random step. The same steps, as many as it acknowledged, are walked on
  /// another store, which so holds what the model says; the killed one's must have the same rows,
  /// or those of one step more, and show what the model says then. The walk goes on in it.
  @Test(arguments: Engines.available, WalkKind.allCases)
  func `a killed process leaves what the model says`(
    on engine: TestEngine, kind: WalkKind
  ) async throws {
    let seed = Life.seed
    var chance = SeededGenerator(seed: seed)
    for _ in 0..<(engine == .sqlite ? 3 : 1) {
      let folder = try ScratchFolder.make()
      defer { ScratchFolder.remove(folder) }
      let location =
        switch engine {
        case .sqlite: folder + "/store.db"
        case .postgres:
          // A name by which the server's sessions for it are known.
          try await PrivatePostgres.shared.freshURL() + "&application_name=killed-\(seed)"
        }
      let life = Life(
        kind: kind, location: location, seed: seed, steps: Int(chance.next() % 40) + 10,
        points: Int(chance.next() % 16))
      let store = try await Store.open(StoreLocation(location), options: .testing())
      try await store.becomeAlike()
      await store.close()
      let acknowledged = try await life.end()
      #expect(acknowledged >= life.steps, "\(life)")
      if engine == .postgres { try await Self.endSessions(of: life) }
      try await Self.follow(life, acknowledged, on: engine)
    }
  }

  /// Ends what the server still does for the dead: a COMMIT that was sent is carried out.
  private static func endSessions(of life: Life) async throws {
    try await PrivatePostgres.shared.run(
      "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
        + "WHERE application_name = 'killed-\(life.seed)'")
  }
  /// Walks the same steps on another store, looks whether the killed one's is like it, and goes on
  /// there.
  private static func follow(_ life: Life, _ acknowledged: Int, on engine: TestEngine) async throws
  {
    let time = ManualTimeSource()
    let options = Life.options(time, seed: life.seed)
    try await withStore(on: engine) { test in
      try await test.store.becomeAlike()
      let twin = try await test.restart(options: options)
      var walk = try await life.kind.begin(twin, time, seed: life.seed)
      for _ in 0..<acknowledged { _ = try await walk.step() }
      let killed = try await Store.open(StoreLocation(life.location), options: options)
      do {
        let inFlight = try await take(&walk, to: killed)
        let doing: Comment = "\(life), acknowledged \(acknowledged), in flight: \(inFlight)"
        try await walk.compare(doing)
        for _ in 0..<10 {
          let done = try await walk.step()
          try await walk.compare("\(doing), afterwards: \(done)")
        }
        #expect(try await killed.verify().problems.isEmpty, doing)
      } catch {
        await killed.close()
        throw error
      }
      await killed.close()
    }
  }

  /// Takes a walk to the store that a killed process left: as it stands, or after one step more.
  ///
  /// - Returns: What the step was.
  private static func take(_ walk: inout any Walk, to killed: Store) async throws -> String {
    let found = try await StoreRows(killed)
    let before = try await found.differences(from: StoreRows(walk.store))
    var inFlight = "nothing that shows"
    if !before.isEmpty {
      inFlight = try await walk.step()
      let after = try await found.differences(from: StoreRows(walk.store))
      #expect(after.isEmpty, "before \(inFlight) it would differ in \(before)")
    }
    walk.store = killed
    try await walk.forget()
    return inFlight
  }
}

extension Store {
  /// Takes an identity that others have too: the seals of the audit log hang on it.
  fileprivate func becomeAlike() async throws {
    let identity = String(repeating: "0", count: 32)
    try await tamper(
      "UPDATE meta SET value = $1 WHERE name = 'audit.store'", [.text(identity)])
  }
}
