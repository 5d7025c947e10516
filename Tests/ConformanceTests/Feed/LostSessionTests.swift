import Holdfast
import HoldfastTesting
import Testing

/// Watching over a network that breaks: on PostgreSQL a watcher's sessions can die any time.
@Suite(.timeLimit(.minutes(5)), .enabled(if: Engines.available.contains(.postgres)))
struct LostSessionTests {
  private static let name = "watcher"

  /// Follows the feed until it has seen so many changes.
  private func follow(
    _ store: Store, since cursor: ChangeCursor, _ count: Int
  ) async throws -> [String] {
    try await store.kv(.global).watch(since: cursor).next(count).compactMap(\.subject)
  }

  /// Whether the store hears of commits, once it says so.
  private func listens(_ store: Store) async throws -> Bool {
    for _ in 0..<10_000 {
      if try await store.health().details["listening"] == .bool(true) { return true }
    }
    return false
  }

  /// Goal: a watcher whose sessions die sees every change once and in order, without an error.
  ///
  /// Method: while another node puts, every session of the watcher's node is ended by the server in
  /// the middle of each round: the one that listens, and those that read. Each must have been
  /// replaced, and the node listens again.
  @Test func `a watcher whose sessions die sees every change once`() async throws {
    let server = try await PrivatePostgres.shared
    let url = try await server.freshURL()
    let writer = try await Store.open(StoreLocation(url), options: .testing())
    let watcher = try await Store.open(
      StoreLocation(url + "&application_name=\(Self.name)"), options: .testing())
    let cursor = try await watcher.changes.cursor()
    let keys = (0..<6).map { round in (0..<20).map { "\(round)-\($0)" } }
    async let seen = follow(watcher, since: cursor, 120)
    for round in keys {
      #expect(try await listens(watcher))
      let opened = try await watcher.health().details["pool"]?["opened"]?.integerValue
      for (place, key) in round.enumerated() {
        try await writer.kv(.global).put(key, 1)
        guard place == 10 else { continue }
        try await server.run(
          "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            + "WHERE application_name = '\(Self.name)'")
      }
      #expect(try await listens(watcher))
      let since = try await watcher.health().details["pool"]?["opened"]?.integerValue
      #expect(since ?? 0 > opened ?? .max)
    }
    #expect(try await seen == keys.flatMap(\.self))
    await watcher.close()
    await writer.close()
  }
}
