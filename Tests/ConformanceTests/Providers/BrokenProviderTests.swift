import Holdfast
import HoldfastEngine
import HoldfastTesting
import Testing

@Suite(.timeLimit(.minutes(5))) struct BrokenProviderTests {
  /// Writes what Holdfast never would, as somebody with an SQL tool could who switches the table's
  /// constraints off.
  private static func spoil(_ store: Store, _ change: String) async throws {
    let update = "UPDATE provider_health SET \(change) WHERE name = 'bad'"
    guard store.engine.dialect == .sqlite else {
      let names = [
        "circuit", "failures", "successes", "wait", "openings", "latency", "total_successes",
        "total_failures", "opening", "probe",
      ]
      let drops = names.map {
        Step(
          Statement(
            "ALTER TABLE provider_health DROP CONSTRAINT IF EXISTS provider_health_\($0)"))
      }
      _ = try await store.engine.write(WriteOptions(), drops + [Step(Statement(update))])
      return
    }
    _ = try await store.engine.write(
      WriteOptions(),
      [
        Step(Statement("PRAGMA ignore_check_constraints = 1")), Step(Statement(update)),
        Step(Statement("PRAGMA ignore_check_constraints = 0")),
      ])
  }

  static let nonsense = [
    "circuit = 'ajar'", "circuit = 'open'", "consecutive_failures = -1",
    "consecutive_successes = -5", "opened_at = 7", "openings = 3", "probe_token = 1",
    "probe_expires_at = 9", "circuit = 'open', opened_at = 1, wait = 0, openings = 1",
    "circuit = 'half_open', opened_at = 1, wait = -3, openings = 1",
    "circuit = 'open', opened_at = 1, wait = 5, openings = 1, probe_token = 2, "
      + "probe_expires_at = 3",
    "last_latency = -1", "total_successes = -1", "total_failures = -1",
  ]

  /// Goal: a row with nonsense in it is `corrupt` and says so, decides nothing, disturbs no other,
  /// is found by `verify`, and can be mended.
  ///
  /// Method: each kind of nonsense, at every operation; then a put of a state.
  @Test(arguments: Engines.available, nonsense)
  func `a row with nonsense in it is corrupt`(
    on engine: TestEngine, change: String
  ) async throws {
    try await withStore(on: engine) { test in
      let providers = test.store.providers
      let good = try await providers.put("good", priority: 2)
      try await providers.put("bad", priority: 1)
      try await Self.spoil(test.store, change)
      let events = try await test.store.changes.made { () async throws in
        let error = await expectRefusal(.corrupt) { try await providers.get("bad") }
        #expect(error?.details["provider"] == "bad")
        await expectRefusal(.corrupt) { try await providers.acquire("bad") }
        await expectRefusal(.corrupt) { try await providers.success("bad") }
        await expectRefusal(.corrupt) { try await providers.failure("bad") }
        await expectRefusal(.corrupt) { try await providers.rateLimited("bad") }
        await expectRefusal(.corrupt) { try await providers.put("bad", priority: 5) }
      }
      #expect(events.isEmpty)
      #expect(try await providers.get("good") == good)
      #expect(try await providers.acquire("good").isAllowed)
      let page = try await providers.list()
      #expect(page.items == [good] && page.unreadable == ["bad"])
      let first = try await providers.list(limit: 1)
      #expect(first.items.isEmpty && first.unreadable == ["bad"])
      #expect(try await providers.list(after: first.next, limit: 1).items == [good])
      #expect(try await test.store.verify().problems.contains { $0.contains("Providers") })
      let mended = try await providers.put("bad", health: ProviderHealth())
      #expect(mended.priority == 1 && mended.health == ProviderHealth())
      #expect(try await providers.acquire("bad").isAllowed)
      #expect(try await test.store.verify().isValid)
    }
  }
}
