import CrashWriter
import Holdfast
import HoldfastTesting
import Testing

extension CrashTests {
  /// A watcher that loses its place or its connection, and goes on from its cursor, misses nothing.
  @Suite struct FeedTests {
    /// Goal: on SQLite every change of a load comes exactly once, in an order that agrees with
    /// every key's versions.
    ///
    /// Method: two processes change keys in every way and count the events that must come; a
    /// watcher stops after a few events again and again, and goes on from the last one's cursor,
    /// now and then with its store opened anew.
    @Test func `a watcher that resumes on SQLite sees every change once`() async throws {
      let scratch = try Scratch()
      try await Self.run("sqlite", scratch.store) { _ in false }
    }

    /// Goal: the same on PostgreSQL, with connections that break, the writers' too.
    ///
    /// Method: as on SQLite; every so often the server ends all of its sessions, in the middle of
    /// it all.
    @Test func `a watcher that loses its connection on PostgreSQL sees every change once`()
      async throws
    {
      let server = try await PrivatePostgres.shared
      let url = try await server.freshURL()
      try await Self.run("postgres", url) { round in
        guard round % 3 == 2 else { return false }
        try await server.endSessions()
        return true
      }
    }

    private static func run(
      _ name: String, _ location: String, _ disturb: @Sendable (Int) async throws -> Bool
    ) async throws {
      let seconds = Surroundings.soakSeconds ?? 4
      var watcher = Watcher(location)
      try await watcher.begin()
      let arguments = ["tasks=3", "milliseconds=\(seconds * 1_000)", "seed=\(Surroundings.seed)"]
      print("seed: \(Surroundings.seed)")
      let children = try (0..<2).map { try Child("load", location, arguments + ["id=\($0)"]) }
      let expected = Task {
        var tally = Tally()
        for child in children { tally.add(try await reported(by: child)) }
        try await end(location)
        return tally
      }
      var chance = SeededChance(seed: Surroundings.seed)
      var round = 0
      var disturbances = 0
      while !watcher.hasSeenTheEnd {
        let number = round
        async let isDisturbed = disturb(number)
        try await watcher.watch(most: Int.random(in: 1...200, using: &chance))
        if try await isDisturbed { disturbances += 1 }
        if round % 5 == 4 { try await watcher.reopen() }
        round += 1
      }
      let total = try await expected.value
      #expect(watcher.tally == total)
      #expect(watcher.faults == [])
      #expect(try await watcher.isAtEnd())
      await watcher.end()
      Surroundings.figures(
        "\(name), feed of \(seconds) s: \(total.count) events once each, watcher resumed "
          + "\(round) times, its sessions were ended \(disturbances) times, "
          + "of which it noticed \(watcher.failures)")
    }

    /// Makes the last change of all, by which the watcher knows that it has seen the others.
    private static func end(_ location: String) async throws {
      let store = try await Store.open(StoreLocation(location))
      var isWritten = false
      while !isWritten {
        do {
          try await store.kv(Watcher.endNamespace()).put("end", 1, with: .idempotent("end"))
          isWritten = true
        } catch {
          guard error.code == .unavailable || error.code == .uncertain else { throw error }
        }
      }
      await store.close()
    }

    private static func reported(by child: Child) async throws -> Tally {
      let words = try await child.wait(for: "tally").split(separator: " ")
      try await child.wait(for: "closed")
      return Tally(count: Int(words[0]) ?? -1, sum: UInt64(words[1]) ?? 0)
    }
  }
}

/// Reads the feed with interruptions, and keeps what is needed to judge it.
private struct Watcher {
  private let location: StoreLocation
  private var store: Store?
  private var cursor: ChangeCursor?
  /// By namespace and key: the newest version that was seen.
  private var newest: [String: Int64] = [:]
  private(set) var tally = Tally()
  private(set) var faults: [String] = []
  private(set) var failures = 0
  private(set) var hasSeenTheEnd = false

  private static let endText = "feed:end"

  /// Where the last change of all is made.
  static func endNamespace() throws(StoreError) -> Namespace { try Namespace(endText) }

  init(_ location: String) { self.location = StoreLocation(location) }

  mutating func begin() async throws {
    let store = try await Store.open(location)
    cursor = try await store.changes.cursor()
    self.store = store
  }

  mutating func end() async {
    await store?.close()
    store = nil
  }

  /// Opens the store anew; where connections break that may take several tries.
  mutating func reopen() async throws {
    await end()
    while store == nil {
      do {
        store = try await Store.open(location)
      } catch {
        guard error.code == .unavailable else { throw error }
        failures += 1
      }
    }
  }

  /// Watches until so many events came, the last one of all came, or the connection was lost.
  mutating func watch(most: Int) async throws {
    guard let store else { return }
    let changes = store.changes(since: cursor, filter: ChangeFilter(kind: "kv"))
    let iterator = changes.makeAsyncIterator()
    var seen = 0
    do {
      while seen < most, !hasSeenTheEnd, let change = try await iterator.next(isolation: nil) {
        take(change)
        seen += 1
      }
    } catch {
      guard error.code == .unavailable else { throw error }
      failures += 1
    }
  }

  /// Whether nothing more is in the feed.
  func isAtEnd() async throws -> Bool {
    guard let store, let cursor else { return false }
    let filter = ChangeFilter(kind: "kv")
    return try await store.changes.page(since: cursor, filter: filter).items.isEmpty
  }

  private mutating func take(_ change: Change) {
    cursor = change.cursor
    let key = change.subject ?? "-"
    if change.namespace == Self.endText {
      hasSeenTheEnd = true
      return
    }
    let name = "\(change.namespace) \(key)"
    if change.revision <= newest[name] ?? 0 {
      faults.append("\(name) went from \(newest[name] ?? 0) to \(change.revision)")
    }
    newest[name] = change.revision
    tally.add(change.operation, change.namespace, key, change.revision)
  }
}
