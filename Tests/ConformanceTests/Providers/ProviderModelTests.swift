import Holdfast
import HoldfastTesting
import Testing

/// Random calls of a few providers, on a store and on the plainest account of what a circuit does,
/// compared after each.
struct ProviderWalk: Walk {
  /// What should be known of one provider.
  private struct Item: Equatable {
    var priority: Int
    var status = "closed"
    var failures = 0
    var successes = 0
    var openings = 0
    var reopensAt: Instant?
    var probe: (token: Int64, end: Instant)?
    var limited: Instant?
    var totalSuccesses = 0
    var totalFailures = 0
    var latency: Duration?
    var lastSuccess: Instant?

    static func == (left: Item, right: Item) -> Bool {
      left.priority == right.priority && left.status == right.status
        && left.failures == right.failures && left.openings == right.openings
        && left.reopensAt == right.reopensAt && left.limited == right.limited
        && left.probe?.token == right.probe?.token && left.probe?.end == right.probe?.end
        && left.totalSuccesses == right.totalSuccesses
        && left.totalFailures == right.totalFailures && left.latency == right.latency
        && left.lastSuccess == right.lastSuccess
    }
  }

  var store: Store
  private let time: ManualTimeSource
  private var generator: SeededGenerator
  private var model: [String: Item] = [:]
  /// Tokens that were handed out, the newest last; most are of no use any more.
  private var tokens: [Int64] = [1]

  init(_ store: Store, _ time: ManualTimeSource, seed: UInt64) {
    self.store = store
    self.time = time
    generator = SeededGenerator(seed: seed)
  }

  private var now: Instant { time.wallTime() }
  private var providers: Providers { store.providers }

  /// Does one thing on both sides; what it did, for the message of a failure.
  mutating func step() async throws -> String {
    let name = ["a", "b", "é"].randomElement(using: &generator) ?? "a"
    switch generator.next() % 20 {
    case 0, 1:
      let priority = Int(generator.next() % 5) - 2
      try await providers.put(name, priority: priority)
      if model[name] == nil { model[name] = Item(priority: priority) }
      model[name]?.priority = priority
      return "put \(name) \(priority)"
    case 2 where generator.next() % 4 == 0:
      #expect(try await providers.delete(name) == (model[name] != nil))
      model[name] = nil
      return "delete \(name)"
    case 3...6: return try await acquire(name)
    case 7...10: return try await success(name)
    case 11...15: return try await failure(name)
    default:
      let spans: [Duration] = [.milliseconds(300), .seconds(2), .seconds(31), .seconds(130)]
      let span = spans.randomElement(using: &generator) ?? .zero
      time.advance(by: span)
      return "advance \(span)"
    }
  }

  private mutating func acquire(_ name: String) async throws -> String {
    let outcome = try await outcome { try await providers.acquire(name) }
    guard let item = model[name] else {
      #expect(outcome.code == .notFound)
      return "acquire \(name)"
    }
    let permit = try outcome.get()
    let limit = item.limited.flatMap { $0 > now ? $0 : nil }
    let block = item.status == "open" ? item.reopensAt : item.probe?.end
    let blocked = block.flatMap { item.status != "closed" && $0 > now ? $0 : nil }
    let until = [limit, blocked].compactMap { $0 }.max()
    #expect(permit.isAllowed == (until == nil))
    #expect(permit.waitUntil == until)
    guard until == nil, item.status != "closed" else {
      #expect(permit.probe == nil)
      return "acquire \(name)"
    }
    let probe = try #require(permit.probe)
    #expect(probe.token > tokens.max() ?? 0 && probe.expiresAt == now + .seconds(60))
    tokens.append(probe.token)
    if item.status == "open" { model[name]?.successes = 0 }
    model[name]?.status = "half_open"
    model[name]?.probe = (probe.token, probe.expiresAt)
    return "probe \(name)"
  }

  /// A token to bring along: mostly the right one, at times an old one or none.
  private mutating func token(_ name: String) -> Int64? {
    switch generator.next() % 4 {
    case 0: nil
    case 1: tokens.randomElement(using: &generator)
    default: model[name]?.probe?.token
    }
  }

  private mutating func success(_ name: String) async throws -> String {
    let token = token(name)
    let latency = generator.next() % 2 == 0 ? Duration.milliseconds(generator.next() % 90) : nil
    let outcome = try await outcome {
      try await providers.success(name, latency: latency, probe: token)
    }
    let doing = "success \(name) \(String(describing: token))"
    guard var item = try accepts(name, token, outcome) else { return doing }
    item.totalSuccesses += 1
    item.latency = latency ?? item.latency
    item.lastSuccess = now
    if item.status == "closed" { item.failures = 0 }
    if token != nil {
      item = Item(
        priority: item.priority, limited: item.limited, totalSuccesses: item.totalSuccesses,
        totalFailures: item.totalFailures, latency: item.latency, lastSuccess: now)
    }
    model[name] = item
    return doing
  }

  private mutating func failure(_ name: String) async throws -> String {
    let token = token(name)
    let pause = Duration.seconds(generator.next() % 400)
    let isLimit = generator.next() % 3 == 0
    let kind = ProviderFailure.allCases.randomElement(using: &generator) ?? .other
    let outcome = try await outcome {
      isLimit
        ? try await providers.rateLimited(name, retryAfter: pause, probe: token)
        : try await providers.failure(name, kind: kind, probe: token)
    }
    let doing = "failure \(name) \(isLimit ? "limit" : kind.rawValue) \(String(describing: token))"
    guard var item = try accepts(name, token, outcome) else { return doing }
    if token != nil { item.probe = nil }
    let isCallers = [.authentication, .invalidRequest, .contextLength].contains(kind)
    if isLimit || !isCallers {
      item.totalFailures += 1
      if isLimit { item.limited = max(item.limited ?? now, now + min(pause, .seconds(300))) }
      if item.status == "closed" || token != nil {
        item.failures += 1
        if token != nil || item.failures >= 3 {
          item.status = "open"
          item.openings += 1
          // Chance is the store's: its wait must lie in the range, and is taken over then.
          let opening = try #require(try outcome.get().health.circuit.opening)
          let most = min(30 << (min(item.openings, 6) - 1), 600)
          #expect(opening.wait <= .seconds(most) && opening.wait >= .seconds(most) * 9 / 10)
          #expect(opening.at == now)
          item.reopensAt = opening.endsAt
        }
      }
    }
    model[name] = item
    return doing
  }

  /// Whether a call had to be taken: then the model goes on from what it gives.
  private func accepts(
    _ name: String, _ token: Int64?, _ outcome: Result<Provider, StoreError>
  ) throws -> Item? {
    guard let item = model[name] else {
      #expect(outcome.code == .notFound)
      return nil
    }
    guard token == nil || token == item.probe?.token else {
      #expect(outcome.code == .fenced)
      return nil
    }
    _ = try outcome.get()
    return item
  }

  /// Takes leave of the successes that changed no state and were not stored within a second.
  mutating func forget() async throws {
    for provider in try await providers.list().items {
      guard let item = model[provider.name] else { continue }
      let stored = Int(provider.health.totalSuccesses)
      #expect(stored <= item.totalSuccesses)
      guard stored < item.totalSuccesses else { continue }
      model[provider.name]?.totalSuccesses = stored
      model[provider.name]?.latency = provider.health.lastLatency
      model[provider.name]?.lastSuccess = provider.health.lastSuccessAt
    }
  }

  /// Compares everything that the store shows with the model.
  func compare(_ doing: Comment) async throws {
    let listed = try await providers.list()
    #expect(listed.unreadable.isEmpty && listed.next == nil, doing)
    for provider in listed.items {
      let circuit = provider.health.circuit
      let seen = Item(
        priority: provider.priority, status: circuit.status.rawValue,
        failures: Int(circuit.consecutiveFailures), openings: Int(circuit.opening?.count ?? 0),
        reopensAt: circuit.opening?.endsAt,
        probe: circuit.probe.map { ($0.token, $0.expiresAt) }, limited: circuit.rateLimitedUntil,
        totalSuccesses: Int(provider.health.totalSuccesses),
        totalFailures: Int(provider.health.totalFailures), latency: provider.health.lastLatency,
        lastSuccess: provider.health.lastSuccessAt)
      #expect(model[provider.name] == seen, doing)
      #expect(try await providers.get(provider.name) == provider, doing)
    }
    #expect(listed.items.count == model.count, doing)
  }
}

extension Result where Failure == StoreError {
  /// With what it was refused; `nil` where it was not.
  fileprivate var code: StoreError.Code? {
    guard case .failure(let error) = self else { return nil }
    return error.code
  }
}

@Suite(.timeLimit(.minutes(5))) struct ProviderModelTests {
  /// Goal: whatever happens to providers in whatever order, the store knows what a plain account of
  /// it knows, a restart in the middle included.
  ///
  /// Method: random puts, calls, outcomes and moves of the clock, from printed seeds, compared with
  /// a model after each step; half way the store is closed and opened again.
  @Test(arguments: Engines.available, [1, 2, 3])
  func `providers do what a plain model does`(
    on engine: TestEngine, number: UInt64
  ) async throws {
    let seed = 0x5EED_7000 + number
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      var walk = ProviderWalk(test.store, time, seed: seed)
      try await walk.go(240, on: test, seed: seed) { $0 == 120 }
    }
  }
}
