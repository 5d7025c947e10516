import HoldfastCore
import Testing

@Suite struct CircuitTests {
  private static let now = Instant(microseconds: 1_000_000_000)
  private static let earlier = Instant(microseconds: 900_000_000)
  /// Open for 30 s from now on, the first time.
  private static func opening(_ count: Int64, wait: Duration) throws -> Circuit.Opening {
    try .stored(at: now, wait: wait, count: count)
  }

  /// A row of the table: where a circuit stands, what happens, and where it stands then.
  struct Row: Sendable, CustomTestStringConvertible {
    let name: String
    let before: Circuit
    let event: Circuit.Event
    let after: Circuit
    let action: Circuit.Action

    var testDescription: String { name }
  }

  private static let old = Result {
    try Circuit.Opening.stored(at: earlier, wait: .seconds(30), count: 2)
  }

  private static func circuit(
    _ status: Circuit.Status, failures: Int64 = 0, successes: Int64 = 0,
    opening: Circuit.Opening? = nil, probe: Int64? = nil, limited: Duration? = nil,
    up: Instant? = nil
  ) throws -> Circuit {
    try Circuit(
      status: status, consecutiveFailures: failures, consecutiveSuccesses: successes,
      opening: opening,
      probe: probe.map { Circuit.Probe(token: $0, expiresAt: now + .seconds(9)) },
      rateLimitedUntil: limited.map { now + $0 }, upSince: up)
  }

  /// The table of what happens in a closed circuit.
  static func closedRows() throws -> [Row] {
    let first = try opening(1, wait: .seconds(30))
    return [
      Row(
        name: "a success in a row is only counted",
        before: try circuit(.closed, successes: 4, up: earlier), event: .success(probe: nil),
        after: try circuit(.closed, successes: 5, up: earlier), action: .tally),
      Row(
        name: "the first success after a failure is stored",
        before: try circuit(.closed, failures: 2, up: earlier), event: .success(probe: nil),
        after: try circuit(.closed, successes: 1, up: earlier), action: .store),
      Row(
        name: "a failure ends the row of successes",
        before: try circuit(.closed, successes: 7, up: earlier),
        event: .failure(.timeout, probe: nil),
        after: try circuit(.closed, failures: 1, up: earlier), action: .store),
      Row(
        name: "the third failure in a row opens",
        before: try circuit(.closed, failures: 2, up: earlier),
        event: .failure(.server, probe: nil),
        after: try circuit(.open, failures: 3, opening: first), action: .store),
      Row(
        name: "a rate limit blocks and counts",
        before: try circuit(.closed, successes: 1, up: earlier),
        event: .rateLimited(retryAfter: .seconds(7), probe: nil),
        after: try circuit(.closed, failures: 1, limited: .seconds(7), up: earlier),
        action: .store),
      Row(
        name: "a rate limit as the third failure opens",
        before: try circuit(.closed, failures: 2, up: earlier),
        event: .rateLimited(retryAfter: .seconds(7), probe: nil),
        after: try circuit(.open, failures: 3, opening: first, limited: .seconds(7)),
        action: .store),
      Row(
        name: "a rate limit blocks no longer than the cap",
        before: try circuit(.closed), event: .rateLimited(retryAfter: .seconds(3_600), probe: nil),
        after: try circuit(.closed, failures: 1, limited: .seconds(300)), action: .store),
      Row(
        name: "a rate limit without a time blocks for the first wait",
        before: try circuit(.closed), event: .rateLimited(retryAfter: nil, probe: nil),
        after: try circuit(.closed, failures: 1, limited: .seconds(30)), action: .store),
      Row(
        name: "a shorter rate limit takes nothing from a longer one",
        before: try circuit(.closed, limited: .seconds(90)),
        event: .rateLimited(retryAfter: .seconds(7), probe: nil),
        after: try circuit(.closed, failures: 1, limited: .seconds(90)), action: .store),
    ]
  }

  /// The table of what happens in a circuit that is not closed.
  static func openRows() throws -> [Row] {
    let old = try old.get()
    let again = try opening(3, wait: .seconds(120))
    return [
      Row(
        name: "a late success moves nothing",
        before: try circuit(.open, failures: 3, opening: old), event: .success(probe: nil),
        after: try circuit(.open, failures: 3, opening: old), action: .tally),
      Row(
        name: "a late failure moves nothing",
        before: try circuit(.open, failures: 3, opening: old),
        event: .failure(.connection, probe: nil),
        after: try circuit(.open, failures: 3, opening: old), action: .store),
      Row(
        name: "a late rate limit blocks all the same",
        before: try circuit(.open, failures: 3, opening: old),
        event: .rateLimited(retryAfter: .seconds(9), probe: nil),
        after: try circuit(.open, failures: 3, opening: old, limited: .seconds(9)),
        action: .store),
      Row(
        name: "the probe's success closes",
        before: try circuit(.halfOpen, failures: 3, opening: old, probe: 7),
        event: .success(probe: 7), after: try circuit(.closed, successes: 1, up: now),
        action: .store),
      Row(
        name: "the probe's failure opens for twice as long",
        before: try circuit(.halfOpen, failures: 3, opening: old, probe: 7),
        event: .failure(.other, probe: 7),
        after: try circuit(.open, failures: 4, opening: again), action: .store),
      Row(
        name: "the probe's rate limit opens and blocks",
        before: try circuit(.halfOpen, failures: 3, opening: old, probe: 7),
        event: .rateLimited(retryAfter: .seconds(2), probe: 7),
        after: try circuit(.open, failures: 4, opening: again, limited: .seconds(2)),
        action: .store),
      Row(
        name: "a success without the token leaves the probe",
        before: try circuit(.halfOpen, failures: 3, opening: old, probe: 7),
        event: .success(probe: nil),
        after: try circuit(.halfOpen, failures: 3, opening: old, probe: 7), action: .tally),
      Row(
        name: "a failure without the token leaves the probe",
        before: try circuit(.halfOpen, failures: 3, opening: old, probe: 7),
        event: .failure(.timeout, probe: nil),
        after: try circuit(.halfOpen, failures: 3, opening: old, probe: 7), action: .store),
    ]
  }

  /// Goal: a circuit takes the steps that are documented, timing included.
  ///
  /// Method: the two tables, with the default policy and no jitter.
  @Test(arguments: try closedRows() + openRows())
  func `a circuit takes its steps`(row: Row) throws {
    var circuit = row.before
    let action = try circuit.apply(
      row.event, at: Self.now, policy: CircuitPolicy(), chance: \.lowerBound)
    #expect(circuit == row.after)
    #expect(action == row.action)
  }

  /// Goal: the caller's own mistakes say nothing of the provider; a probe's frees the probe.
  ///
  /// Method: every kind of failure, in a closed circuit and as the outcome of a probe.
  @Test(arguments: ProviderFailure.allCases)
  func `the caller's own mistakes are not counted`(kind: ProviderFailure) throws {
    let callers: Set<ProviderFailure> = [.authentication, .invalidRequest, .contextLength]
    #expect(kind.isCallers == callers.contains(kind))
    let closed = try Self.circuit(.closed, failures: 1, successes: 0)
    var circuit = closed
    let action = try circuit.apply(
      .failure(kind, probe: nil), at: Self.now, policy: CircuitPolicy(), chance: \.lowerBound)
    #expect(action == (kind.isCallers ? .nothing : .store))
    #expect((circuit == closed) == kind.isCallers)
    let old = try Self.old.get()
    circuit = try Self.circuit(.halfOpen, failures: 3, opening: old, probe: 7)
    _ = try circuit.apply(
      .failure(kind, probe: 7), at: Self.now, policy: CircuitPolicy(), chance: \.lowerBound)
    #expect(circuit.status == (kind.isCallers ? .halfOpen : .open))
    #expect(circuit.probe == nil)
    #expect((circuit.permit(at: Self.now) == .probeDue) == kind.isCallers)
  }

  /// Goal: a probe's outcome counts once, and only while the probe is the present one.
  ///
  /// Method: tokens from the past, of nobody and used twice, in every state.
  @Test func `an outcome with another token is fenced`() throws {
    let old = try Self.old.get()
    let circuits = [
      try Self.circuit(.closed), try Self.circuit(.open, failures: 3, opening: old),
      try Self.circuit(.halfOpen, failures: 3, opening: old),
      try Self.circuit(.halfOpen, failures: 3, opening: old, probe: 7),
    ]
    let events: [Circuit.Event] = [
      .success(probe: 6), .failure(.timeout, probe: 6), .failure(.authentication, probe: 6),
      .rateLimited(retryAfter: nil, probe: 6),
    ]
    for before in circuits {
      for event in events {
        var circuit = before
        let error = refusal {
          try circuit.apply(
            event, at: Self.now, policy: CircuitPolicy(), chance: \.lowerBound)
        }
        #expect(error?.code == .fenced)
        #expect(circuit == before)
      }
    }
  }

  /// Goal: nobody calls while it is open, one probes when the wait is over, and another one when
  /// the probe's lease is.
  ///
  /// Method: one circuit through all of it, at the last microsecond before each bound and at it.
  @Test func `one probe at a time`() throws {
    let wait = Duration.seconds(30)
    let tick = Duration.microseconds(-1)
    var circuit = try Self.circuit(
      .open, failures: 3, opening: Self.opening(1, wait: wait))
    let due = Self.now + wait
    #expect(circuit.permit(at: Self.now) == .wait(until: due, .open))
    #expect(circuit.permit(at: due + tick) == .wait(until: due, .open))
    #expect(circuit.permit(at: due) == .probeDue)
    var early = circuit
    #expect(early.beginProbe(token: 1, at: Self.now, policy: CircuitPolicy()) == nil)
    #expect(early == circuit)
    let probe = circuit.beginProbe(token: 1, at: due, policy: CircuitPolicy())
    let end = due + .seconds(60)
    #expect(probe == Circuit.Probe(token: 1, expiresAt: end))
    #expect(circuit.status == .halfOpen && circuit.consecutiveFailures == 3)
    #expect(circuit.permit(at: due) == .wait(until: end, .probing))
    #expect(circuit.permit(at: end + tick) == .wait(until: end, .probing))
    var second = circuit
    #expect(second.beginProbe(token: 2, at: end + tick, policy: CircuitPolicy()) == nil)
    #expect(second == circuit)
    #expect(circuit.permit(at: end) == .probeDue)
    // The lease ran out, but nobody has taken the probe: its outcome still counts.
    var late = circuit
    let action = try late.apply(
      .success(probe: 1), at: end, policy: CircuitPolicy(), chance: \.lowerBound)
    #expect(action == .store)
    #expect(late.status == .closed && late.upSince == end)
    #expect(circuit.beginProbe(token: 2, at: end, policy: CircuitPolicy())?.token == 2)
    let error = refusal {
      try circuit.apply(
        .success(probe: 1), at: end, policy: CircuitPolicy(), chance: \.lowerBound)
    }
    #expect(error?.code == .fenced)
  }

  /// Goal: a rate limit blocks whatever the circuit, and what ends last is told.
  ///
  /// Method: limits that end before and after the circuit's own wait.
  @Test func `a rate limit blocks whatever the circuit`() throws {
    let now = Self.now
    let opening = try Self.opening(1, wait: .seconds(30))
    let limited = try Self.circuit(.closed, limited: .seconds(5))
    #expect(limited.permit(at: now) == .wait(until: now + .seconds(5), .rateLimited))
    #expect(limited.permit(at: now + .seconds(5)) == .allowed)
    let short = try Self.circuit(.open, failures: 3, opening: opening, limited: .seconds(5))
    #expect(short.permit(at: now) == .wait(until: now + .seconds(30), .open))
    let long = try Self.circuit(.open, failures: 3, opening: opening, limited: .seconds(50))
    #expect(long.permit(at: now) == .wait(until: now + .seconds(50), .rateLimited))
    #expect(long.permit(at: now + .seconds(40)) == .wait(until: now + .seconds(50), .rateLimited))
    #expect(long.permit(at: now + .seconds(50)) == .probeDue)
    let probing = try Self.circuit(
      .halfOpen, failures: 3, opening: opening, probe: 7, limited: .seconds(50))
    #expect(probing.permit(at: now) == .wait(until: now + .seconds(50), .rateLimited))
  }

  /// Goal: the wait doubles at each reopening up to the cap, and chance takes away a tenth at most.
  ///
  /// Method: probes that fail, with the least and the greatest chance there is.
  @Test func `the wait doubles up to the cap`() throws {
    let policy = CircuitPolicy()
    for takesMost in [false, true] {
      var circuit = try Self.circuit(.closed, failures: 2)
      var waits: [Duration] = []
      for token in 0..<8 as Range<Int64> {
        let now = circuit.opening?.endsAt ?? Self.now
        let probe = circuit.beginProbe(token: token, at: now, policy: policy)
        _ = try circuit.apply(.failure(.timeout, probe: probe?.token), at: now, policy: policy) {
          takesMost ? $0.upperBound : $0.lowerBound
        }
        waits.append(try #require(circuit.opening).wait)
      }
      let whole = [30, 60, 120, 240, 480, 600, 600, 600].map { Duration.seconds($0) }
      #expect(waits == (takesMost ? whole.map { $0 * 9 / 10 } : whole))
    }
    // A policy whose numbers overflow when they are doubled stays at its cap.
    var large = CircuitPolicy()
    large.wait = .seconds(Int64.max / 2_000_000)
    large.waitMax = .seconds(Int64.max / 2_000_000)
    var circuit = try Self.circuit(
      .halfOpen, opening: Self.opening(90, wait: .seconds(1)), probe: 1)
    _ = try circuit.apply(
      .failure(.timeout, probe: 1), at: Self.now, policy: large, chance: \.upperBound)
    #expect(try #require(circuit.opening).wait > .zero)
  }

  /// Goal: as many probes as the policy says must succeed, one after the other.
  ///
  /// Method: a threshold of two; a success, a caller's mistake and a late failure in between.
  @Test func `several probes close where the policy wants them`() throws {
    var policy = CircuitPolicy()
    policy.successThreshold = 2
    policy.failureThreshold = 0
    var circuit = Circuit()
    let now = Self.now + .seconds(600)
    func apply(_ event: Circuit.Event) throws {
      _ = try circuit.apply(event, at: now, policy: policy, chance: \.lowerBound)
    }
    _ = try circuit.apply(
      .failure(.timeout, probe: nil), at: Self.now, policy: policy, chance: \.lowerBound)
    #expect(circuit.status == .open)
    #expect(circuit.beginProbe(token: 1, at: now, policy: policy) != nil)
    try apply(.success(probe: 1))
    #expect(circuit.status == .halfOpen && circuit.consecutiveSuccesses == 1)
    #expect(circuit.beginProbe(token: 2, at: now, policy: policy) != nil)
    try apply(.failure(.authentication, probe: 2))
    try apply(.failure(.timeout, probe: nil))
    #expect(circuit.status == .halfOpen && circuit.consecutiveSuccesses == 1)
    #expect(circuit.beginProbe(token: 3, at: now, policy: policy) != nil)
    try apply(.success(probe: 3))
    #expect(circuit.status == .closed && circuit.consecutiveFailures == 0)
    #expect(circuit.opening == nil && circuit.upSince == now)
  }

  /// Goal: a state whose parts do not fit each other cannot be made.
  ///
  /// Method: each misfit; then counts at their bound, which stay there.
  @Test func `parts that do not fit are refused`() throws {
    let opening = try Self.opening(1, wait: .seconds(30))
    let misfits: [() throws -> Circuit] = [
      { try Self.circuit(.open) }, { try Self.circuit(.halfOpen) },
      { try Self.circuit(.closed, opening: opening) },
      { try Self.circuit(.closed, probe: 1) },
      { try Self.circuit(.open, opening: opening, probe: 1) },
      { try Self.circuit(.closed, failures: -1) }, { try Self.circuit(.closed, successes: -1) },
      { try Self.circuit(.closed, failures: Circuit.countMax + 1) },
    ]
    for misfit in misfits { #expect(refusal(misfit)?.code == .invalid) }
    for wait in [Duration.zero, .seconds(-1), .nanoseconds(1), .seconds(3_650 * 86_400 + 1)] {
      #expect(reason { try Self.opening(1, wait: wait) } == "state")
    }
    #expect(reason { try Self.opening(0, wait: .seconds(1)) } == "state")
    var circuit = try Self.circuit(
      .closed, failures: Circuit.countMax, successes: Circuit.countMax)
    _ = try circuit.apply(
      .failure(.other, probe: nil), at: Self.now, policy: CircuitPolicy(), chance: \.lowerBound)
    #expect(circuit.consecutiveFailures == Circuit.countMax)
  }
}
