import Holdfast
import HoldfastTesting
import Testing

@Suite(.timeLimit(.minutes(5))) struct CircuitLifeTests {
  /// Where in its life a circuit is when the store goes away.
  enum Moment: String, CaseIterable, Sendable {
    case failing, open, waited, probing, limited, closedAgain
  }

  /// Opens a circuit, with the greatest wait that there can be.
  private static func open(_ providers: Providers) async throws {
    try await providers.put("a")
    for _ in 0..<3 { try await providers.failure("a", error: "down") }
  }

  /// Goal: a restart at any point of a circuit's life goes on with the right remaining wait.
  ///
  /// Method: brings a circuit to each point, then asks the same of the store after a restart and of
  /// a second store on the same data: both must know the state to the microsecond and give the same
  /// answer, a little later too.
  @Test(arguments: Engines.available, Moment.allCases)
  func `a circuit goes on where it stood`(
    on engine: TestEngine, at moment: Moment
  ) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let providers = test.store.providers
      var token: Int64?
      switch moment {
      case .failing:
        try await providers.put("a")
        for _ in 0..<2 { try await providers.failure("a") }
      case .open: try await Self.open(providers)
      case .limited:
        try await providers.put("a")
        try await providers.rateLimited("a", retryAfter: .seconds(90))
      case .waited, .probing, .closedAgain:
        try await Self.open(providers)
        time.advance(by: .seconds(30))
        guard moment != .waited else { break }
        token = try await providers.acquire("a").probe?.token
        #expect(token != nil)
        guard moment == .closedAgain else { break }
        time.advance(by: .seconds(2))
        try await providers.success("a", latency: .seconds(2), probe: token)
        token = nil
      }
      let before = try #require(try await providers.get("a"))
      time.advance(by: .seconds(11))
      let other = try await test.openAnother()
      #expect(try await other.providers.get("a") == before)
      let restarted = try await test.restart().providers
      #expect(try await restarted.get("a") == before)
      let now = time.wallTime()
      let permit = try await restarted.acquire("a")
      let second = try await test.openAnother().providers
      let circuit = before.health.circuit
      switch moment {
      case .failing:
        #expect(permit.isAllowed && permit.probe == nil)
        #expect(try await second.failure("a").health.circuit.status == .open)
      case .open:
        #expect(permit.reason == .open)
        #expect(permit.waitUntil == circuit.opening?.endsAt)
        #expect(try await second.acquire("a") == permit)
        let remaining = try #require(circuit.opening).endsAt - now
        #expect(remaining > .seconds(15) && remaining <= .seconds(19))
        time.advance(by: remaining)
        #expect(try await second.acquire("a").probe != nil)
      case .waited:
        #expect(permit.probe?.expiresAt == now + .seconds(60))
        #expect(try await second.acquire("a").reason == .probing)
      case .probing:
        #expect(permit.reason == .probing && permit.waitUntil == circuit.probe?.expiresAt)
        #expect(permit.waitUntil == now + .seconds(49))
        let closed = try await second.success("a", probe: token).health.circuit
        #expect(closed.status == .closed && closed.upSince == now)
      case .limited:
        #expect(permit.reason == .rateLimited && permit.waitUntil == now + .seconds(79))
        time.advance(by: .seconds(79))
        #expect(try await second.acquire("a").isAllowed)
      case .closedAgain:
        #expect(permit.isAllowed && circuit.status == .closed && circuit.openings == 0)
        #expect(before.health.lastLatency == .seconds(2))
      }
    }
  }

  /// Goal: of a hundred callers at a half-open circuit one gets the probe, whichever node it asks.
  ///
  /// Method: two stores on one place, fifty callers each at once; then the lease runs out, and a
  /// hundred ask again. The old token is fenced.
  @Test(arguments: Engines.available)
  func `a hundred callers get one probe`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let other = try await test.openAnother()
      try await Self.open(test.store.providers)
      time.advance(by: .seconds(30))
      var tokens: [Int64] = []
      for _ in 0..<2 {
        let permits = try await withThrowingTaskGroup(of: ProviderPermit.self) { group in
          for number in 0..<100 {
            let store = number % 2 == 0 ? test.store : other
            group.addTask { try await store.providers.acquire("a") }
          }
          return try await group.reduce(into: [ProviderPermit]()) { $0.append($1) }
        }
        let probes = permits.compactMap(\.probe)
        #expect(permits.filter(\.isAllowed).count == 1 && probes.count == 1)
        let others = permits.filter { !$0.isAllowed }
        #expect(others.allSatisfy { $0.reason == .probing && $0.circuit == .halfOpen })
        #expect(Set(others.map(\.waitUntil)) == [time.wallTime() + .seconds(60)])
        tokens += probes.map(\.token)
        time.advance(by: .seconds(60))
      }
      let (first, last) = (try #require(tokens.first), try #require(tokens.last))
      #expect(first < last)
      await expectRefusal(.fenced) { try await other.providers.failure("a", probe: first) }
      let reopened = try await other.providers.failure("a", probe: last).health.circuit
      #expect(reopened.status == .open && reopened.opening?.count == 2)
      await expectRefusal(.fenced) { try await other.providers.success("a", probe: last) }
    }
  }

  /// Goal: a probe belongs to one life of a provider.
  ///
  /// Method: a provider whose probe is out is deleted, put again and opened again.
  @Test(arguments: Engines.available)
  func `a provider that was put again knows no old probe`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let providers = test.store.providers
      try await Self.open(providers)
      time.advance(by: .seconds(30))
      let first = try await providers.acquire("a")
      #expect(first.probe != nil)
      #expect(try await providers.acquire("a").reason == .probing)
      try await providers.delete("a")
      try await Self.open(providers)
      time.advance(by: .seconds(30))
      let token = try await providers.acquire("a").probe?.token
      #expect(token != first.probe?.token)
      await expectRefusal(.fenced) {
        try await providers.success("a", probe: first.probe?.token)
      }
    }
  }

  /// Goal: successes that change nothing cost no write a call, and none is lost at the end.
  ///
  /// Method: many successes within a second; a second store sees the first at once, the others
  /// after the next call a second later, and those after that when the first store is closed.
  @Test(arguments: Engines.available)
  func `counts are stored at most once a second`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let other = try await test.openAnother()
      let providers = test.store.providers
      let put = try await providers.put("a")
      func stored() async throws -> Int64? {
        try await other.providers.get("a")?.health.totalSuccesses
      }
      for count in 1...5 as ClosedRange<Int64> {
        let seen = try await providers.success("a", latency: .milliseconds(count))
        #expect(seen.health.totalSuccesses == count)
        #expect(try await stored() == 1)
      }
      #expect(try await providers.get("a")?.health.totalSuccesses == 5)
      #expect(try await providers.list().items.first?.health.lastLatency == .milliseconds(5))
      time.advance(by: .seconds(1))
      try await providers.success("a")
      let six = try #require(try await other.providers.get("a"))
      #expect(six.health.totalSuccesses == 6 && six.health.lastLatency == .milliseconds(5))
      #expect(six.health.circuit.consecutiveSuccesses == 6)
      #expect(six.health.lastSuccessAt == time.wallTime())
      #expect(six.version == put.version && six.updatedAt == put.updatedAt)
      try await providers.success("a")
      #expect(try await stored() == 6)
      // A failure is stored at once, and what came before it goes along.
      let failed = try await providers.failure("a").health
      #expect(failed.totalSuccesses == 7 && failed.totalFailures == 1)
      #expect(failed.circuit.consecutiveFailures == 1)
      #expect(failed.circuit.consecutiveSuccesses == 0)
      #expect(try await stored() == 7)
      // So is the first success after it.
      try await providers.success("a")
      #expect(try await other.providers.get("a")?.health.circuit.consecutiveFailures == 0)
      #expect(try await stored() == 8)
      for _ in 0..<3 { try await providers.success("a") }
      #expect(try await stored() == 8)
      try await test.restart()
      #expect(try await test.store.providers.get("a")?.health.totalSuccesses == 11)
    }
  }

  /// Goal: a state that is put is the state, whatever was counted before.
  ///
  /// Method: successes that are not stored yet, then a put of a state.
  @Test(arguments: Engines.available)
  func `a put forgets what was counted before`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let providers = test.store.providers
      try await providers.put("a")
      for _ in 0..<4 { try await providers.success("a") }
      try await providers.put("a", health: ProviderHealth(totalSuccesses: 100))
      #expect(try await providers.get("a")?.health.totalSuccesses == 100)
      #expect(try await test.restart().providers.get("a")?.health.totalSuccesses == 100)
    }
  }
}

extension Circuit {
  /// How often it opened since it was last closed.
  fileprivate var openings: Int64 { opening?.count ?? 0 }
}
