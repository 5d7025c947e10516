import Holdfast
import HoldfastTesting
import Testing

@Suite(.timeLimit(.minutes(5))) struct ProviderTests {
  /// Goal: a provider that is put is there, closed and up, and survives a restart.
  ///
  /// Method: puts one with the least and one with a priority; puts again without one.
  @Test(arguments: Engines.available)
  func `a provider begins with a closed circuit`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let providers = test.store.providers
      let made = try await providers.put("anthropic")
      #expect(made.name == "anthropic" && made.priority == 0)
      #expect(made.health == ProviderHealth(circuit: Circuit(upSince: time.wallTime())))
      #expect(made.createdAt == time.wallTime() && made.updatedAt == time.wallTime())
      time.advance(by: .seconds(5))
      let moved = try await providers.put("anthropic", priority: -7)
      #expect(moved.priority == -7 && moved.health == made.health)
      #expect(moved.createdAt == made.createdAt && moved.updatedAt == time.wallTime())
      #expect(moved.version > made.version)
      #expect(try await providers.put("anthropic").priority == -7)
      #expect(try await providers.get("missing") == nil)
      let kept = try await providers.get("anthropic")
      #expect(try await test.restart().providers.get("anthropic") == kept)
    }
  }

  /// Goal: state and timing are kept as they are given.
  ///
  /// Method: every field of an open and a half-open circuit, to the microsecond; then a put of the
  /// priority alone, which leaves them.
  @Test(arguments: Engines.available)
  func `state and timing are kept as given`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let providers = test.store.providers
      let at = Instant(microseconds: 1_700_000_000_123_456)
      let opening = try Circuit.Opening.stored(at: at, wait: .microseconds(27_123_456), count: 4)
      let open = ProviderHealth(
        circuit: try Circuit(
          status: .open, consecutiveFailures: 9, consecutiveSuccesses: 0, opening: opening,
          rateLimitedUntil: at + .seconds(1)),
        lastError: "überlastet", lastLatency: .microseconds(1_234_567),
        lastSuccessAt: at, totalSuccesses: Circuit.countMax, totalFailures: 42)
      #expect(try await providers.put("a", health: open).health == open)
      #expect(try await providers.put("a", priority: 3).health == open)
      let half = ProviderHealth(
        circuit: try Circuit(
          status: .halfOpen, consecutiveFailures: 3, consecutiveSuccesses: 1, opening: opening,
          probe: Circuit.Probe(token: 17, expiresAt: at + .seconds(60))))
      let put = try await providers.put("a", health: half)
      #expect(put.health == half && put.priority == 3)
      #expect(try await providers.get("a") == put)
      #expect(try await test.restart().providers.get("a") == put)
      // A write that is repeated with its key gives the first answer, durations included.
      let again = test.store.providers
      let first = try await again.put("b", health: open, with: .idempotent("k"))
      #expect(try await again.put("b", health: open, with: .idempotent("k")) == first)
    }
  }

  /// Goal: what cannot be is refused, and nothing changes.
  ///
  /// Method: bad names, priorities, counts and times at every operation, on both ways in.
  @Test(arguments: Engines.available)
  func `bad input is refused`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let providers = test.store.providers
      let made = try await providers.put("a")
      let events = try await test.store.changes.made { () async throws in
        for bad in ["", ".", "..", "a\u{0}", String(repeating: "n", count: 257)] {
          await expectRefusal(.invalid) { try await providers.put(bad) }
          await expectRefusal(.invalid) { try await providers.get(bad) }
          await expectRefusal(.invalid) { try await providers.delete(bad) }
          await expectRefusal(.invalid) { try await providers.acquire(bad) }
          await expectRefusal(.invalid) { try await providers.success(bad) }
          await expectRefusal(.invalid) { try await providers.failure(bad) }
          await expectRefusal(.invalid) { try await providers.rateLimited(bad) }
        }
        await expectRefusal(.invalid) { try await providers.put("a", priority: 1_001) }
        await expectRefusal(.invalid) { try await providers.put("a", priority: -1_001) }
        for health in [
          ProviderHealth(totalSuccesses: -1), ProviderHealth(totalFailures: -1),
          ProviderHealth(lastLatency: .seconds(-1)), ProviderHealth(lastError: "a\u{0}"),
        ] {
          await expectRefusal(.invalid) { try await providers.put("a", health: health) }
        }
        await expectRefusal(.tooLarge) {
          try await providers.put(
            "a", health: ProviderHealth(lastError: String(repeating: "e", count: 4_097)))
        }
        await expectRefusal(.invalid) { try await providers.success("a", latency: .seconds(-1)) }
        await expectRefusal(.invalid) { try await providers.failure("a", error: "a\u{0}") }
        await expectRefusal(.invalid) {
          try await providers.rateLimited("a", retryAfter: .seconds(-1))
        }
        await expectRefusal(.invalid) { try await providers.list(after: "x") }
        await expectRefusal(.invalid) { try await providers.list(limit: 0) }
        await expectRefusal(.notFound) { try await providers.acquire("b") }
        await expectRefusal(.notFound) { try await providers.success("b") }
        await expectRefusal(.notFound) { try await providers.failure("b") }
        await expectRefusal(.notFound) { try await providers.rateLimited("b") }
        await expectRefusal(.fenced) { try await providers.success("a", probe: 1) }
        await expectRefusal(.fenced) { try await providers.failure("a", probe: 1) }
      }
      #expect(events.isEmpty)
      #expect(try await providers.get("a") == made)
      #expect(try await providers.put("a", priority: 1_000).priority == 1_000)
      #expect(try await providers.put("a", priority: -1_000).priority == -1_000)
    }
  }

  /// Goal: a failure is counted however much its text says; what is kept of it ends at a character.
  ///
  /// Method: texts at the limit and past it.
  @Test(arguments: Engines.available)
  func `a long error is cut off`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let providers = test.store.providers
      try await providers.put("a")
      let fits = String(repeating: "e", count: 4_096)
      #expect(try await providers.failure("a", error: fits).health.lastError == fits)
      let long = String(repeating: "e", count: 4_095) + "éé"
      let kept = try await providers.failure("a", error: long).health
      #expect(kept.lastError == String(repeating: "e", count: 4_095) && kept.totalFailures == 2)
      #expect(try await providers.failure("a", kind: .timeout).health.lastError == "timeout")
    }
  }

  /// Goal: providers are listed by priority, then latency, then name, in pages.
  ///
  /// Method: some of each, one whose latency nobody knows, in pages of every size.
  @Test(arguments: Engines.available)
  func `providers are listed in the order of calling`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let providers = test.store.providers
      func put(_ name: String, _ priority: Int, _ latency: Duration?) async throws {
        try await providers.put(
          name, priority: priority, health: ProviderHealth(lastLatency: latency))
      }
      try await put("unknown", 1, nil)
      try await put("slow", 1, .seconds(2))
      try await put("quick", 1, .milliseconds(5))
      try await put("é.x", 1, .seconds(2))
      try await put("first", -5, nil)
      try await put("zero", 0, .zero)
      try await put("last", 9, .zero)
      let sorted = ["first", "zero", "quick", "slow", "é.x", "unknown", "last"]
      for limit in [1, 2, 3, 7, 100] {
        var listed: [String] = []
        var after: String?
        repeat {
          let page = try await providers.list(after: after, limit: limit)
          #expect(page.items.count <= limit && page.unreadable.isEmpty)
          listed += page.items.map(\.name)
          after = page.next
        } while after != nil
        #expect(listed == sorted)
      }
    }
  }

  /// Goal: every change of state enters the feed, and counts do not.
  ///
  /// Method: one provider through its life; successes in between.
  @Test(arguments: Engines.available)
  func `changes of state enter the feed`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let providers = test.store.providers
      let cursor = try await test.store.changes.cursor()
      try await providers.put("a")
      try await providers.success("a")
      try await providers.failure("a", kind: .authentication)
      for _ in 0..<3 { try await providers.failure("a") }
      time.advance(by: .seconds(30))
      let probe = try await providers.acquire("a").probe
      try await providers.success("a", probe: probe?.token)
      try await providers.rateLimited("a", retryAfter: .seconds(1))
      #expect(try await providers.acquire("a").reason == .rateLimited)
      #expect(try await providers.delete("a"))
      #expect(try await providers.delete("a") == false)
      let events = try await test.store.changes.all(since: cursor)
      #expect(
        events.map(\.summary) == [
          "put a", "failure a", "failure a", "failure a", "acquire a", "success a",
          "rate_limited a", "delete a",
        ])
      #expect(events.allSatisfy { $0.kind == "provider" && $0.namespace == "global" })
      #expect(try await providers.get("a") == nil)
    }
  }

  /// Goal: what happens in a transaction that throws leaves no trace.
  ///
  /// Method: put, failures and a success in one body, with and without an error at its end.
  @Test(arguments: Engines.available)
  func `providers take part in transactions`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      try await test.store.providers.put("a")
      await #expect(throws: OwnError(number: 1)) {
        try await test.store.transaction { tx in
          for _ in 0..<3 { try tx.providers.failure("a") }
          try tx.providers.put("b")
          throw OwnError(number: 1)
        }
      }
      #expect(try await test.store.providers.get("b") == nil)
      #expect(try await test.store.providers.get("a")?.health.totalFailures == 0)
      try await test.store.transaction { tx in
        for _ in 0..<2 { try tx.providers.failure("a") }
        try tx.providers.success("a", latency: .milliseconds(5))
        try tx.providers.success("a")
        try tx.kv(.global).put("k", 1)
      }
      let health = try await test.store.providers.get("a")?.health
      #expect(health?.totalFailures == 2 && health?.totalSuccesses == 2)
      #expect(health?.circuit.consecutiveSuccesses == 2)
      #expect(health?.lastLatency == .milliseconds(5))
    }
  }

  /// Goal: health tells how many circuits stand in each state.
  ///
  /// Method: one of each.
  @Test(arguments: Engines.available)
  func `health counts the circuits`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      #expect(try await test.store.health().circuits == ["closed": 0, "open": 0, "half_open": 0])
      try await test.store.providers.put("a")
      let opening = try Circuit.Opening.stored(at: Instant(microseconds: 1), wait: .seconds(1))
      for (name, status) in [("b", Circuit.Status.open), ("c", .open), ("d", .halfOpen)] {
        try await test.store.providers.put(
          name, health: ProviderHealth(circuit: Circuit(status: status, opening: opening)))
      }
      let health = try await test.store.health()
      #expect(health.circuits == ["closed": 1, "open": 2, "half_open": 1])
      #expect(health.rows["providers"] == 4)
    }
  }
}
