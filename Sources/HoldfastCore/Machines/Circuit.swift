/// The circuit breaker of a provider: whether it may be called, by whom, and when again.
///
/// ```
///            failureThreshold failures in a row
///   closed ─────────────────────────────────────▶ open ◀──────────────┐
///     ▲                                            │ wait is over,    │ the probe
///     │ successThreshold probes succeeded          ▼ a caller comes   │ failed
///     └──────────────────────────────────────── half-open ────────────┘
/// ```
///
/// The machine is Michael Nygard's (Release It!, 2007) as resilience4j and Polly have it: the step
/// from open to half-open is taken by the first caller after the wait, not by a timer. The wait
/// doubles with jitter at each reopening (Exponential Backoff and Jitter, AWS Architecture Blog,
/// 2015).
///
/// Invariants: a closed circuit has no ``opening``, every other has one; only a half-open circuit
/// has a ``probe``, and one at most. It is a plain value that knows neither clock nor chance, so
/// that whoever stores and loads it, on whichever node, goes on exactly where it stood.
public struct Circuit: Sendable, Equatable, Codable {
  /// Where a circuit stands.
  public enum Status: String, CaseIterable, Codable, Sendable {
    /// Everybody may call.
    case closed
    /// Nobody may call until the wait is over.
    case open
    /// One caller at a time may probe.
    case halfOpen = "half_open"
  }

  /// Where it stands.
  public private(set) var status: Status
  /// How many calls failed since the last that succeeded.
  public private(set) var consecutiveFailures: Int64
  /// How many calls succeeded since the last that failed; in a half-open circuit, how many probes.
  public private(set) var consecutiveSuccesses: Int64
  /// When it opened and for how long; `nil` while it is closed.
  public private(set) var opening: Opening?
  /// The one call that a half-open circuit waits for; `nil` when the next caller may probe.
  public private(set) var probe: Probe?
  /// Until when a rate limit blocks every call, whatever the circuit.
  public private(set) var rateLimitedUntil: Instant?
  /// Since when it is closed without a break; `nil` while it is not.
  public private(set) var upSince: Instant?

  /// A closed circuit that has seen nothing yet.
  ///
  /// - Parameter upSince: Since when the provider is taken to be up.
  public init(upSince: Instant? = nil) {
    status = .closed
    consecutiveFailures = 0
    consecutiveSuccesses = 0
    self.upSince = upSince
  }

  /// A circuit in a state that was stored or is brought from elsewhere.
  ///
  /// - Parameters:
  ///   - status: Where it stands.
  ///   - consecutiveFailures: How many calls failed since the last that succeeded, from 0.
  ///   - consecutiveSuccesses: How many succeeded since the last that failed, from 0.
  ///   - opening: When it opened and for how long; needed unless it is closed.
  ///   - probe: Which call a half-open circuit waits for.
  ///   - rateLimitedUntil: Until when a rate limit blocks.
  ///   - upSince: Since when it is closed.
  /// - Throws: ``StoreError`` with `invalid` for parts that do not fit each other.
  public init(
    status: Status, consecutiveFailures: Int64 = 0, consecutiveSuccesses: Int64 = 0,
    opening: Opening? = nil, probe: Probe? = nil, rateLimitedUntil: Instant? = nil,
    upSince: Instant? = nil
  ) throws(StoreError) {
    try Self.check(consecutiveFailures, "consecutive_failures")
    try Self.check(consecutiveSuccesses, "consecutive_successes")
    if (status == .closed) != (opening == nil) {
      throw Self.misfit(
        "opened_at",
        status == .closed
          ? "A closed circuit has no time at which it opened."
          : "A circuit that is not closed needs the time at which it opened, and its wait.")
    }
    if probe != nil, status != .halfOpen {
      throw Self.misfit("probe_token", "Only a half-open circuit has a probe.")
    }
    self.status = status
    self.consecutiveFailures = consecutiveFailures
    self.consecutiveSuccesses = consecutiveSuccesses
    self.opening = opening
    self.probe = probe
    self.rateLimitedUntil = rateLimitedUntil
    self.upSince = upSince
  }
}

// MARK: May I call?

extension Circuit {
  /// Whether a caller may call.
  public enum Permit: Sendable, Equatable {
    /// It may.
    case allowed
    /// It may, alone and under a lease: ``Circuit/beginProbe(token:at:policy:)`` hands it out.
    case probeDue
    /// It may not before a time.
    case wait(until: Instant, WaitReason)
  }

  /// Why a caller has to wait.
  public enum WaitReason: String, CaseIterable, Codable, Sendable {
    /// The circuit is open.
    case open
    /// Somebody else probes.
    case probing
    /// The provider asked for a pause.
    case rateLimited = "rate_limited"
  }

  /// Whether a caller may call now.
  ///
  /// Where a rate limit and the circuit both block, the one that ends last is told.
  ///
  /// - Parameter now: The store's time.
  /// - Returns: The answer; nothing changes by it.
  public func permit(at now: Instant) -> Permit {
    let limit = rateLimitedUntil.flatMap { $0 > now ? $0 : nil }
    switch (status, blockedUntil(now)) {
    case (_, let until?) where until >= limit ?? until:
      return .wait(until: until, status == .open ? .open : .probing)
    case (.closed, _) where limit == nil: return .allowed
    default:
      guard let limit else { return .probeDue }
      return .wait(until: limit, .rateLimited)
    }
  }

  /// Until when the circuit itself lets nobody through; `nil` where it would let a caller.
  private func blockedUntil(_ now: Instant) -> Instant? {
    switch status {
    case .closed: nil
    case .open: opening.flatMap { $0.endsAt > now ? $0.endsAt : nil }
    case .halfOpen: probe.flatMap { $0.expiresAt > now ? $0.expiresAt : nil }
    }
  }

  /// Hands the probe of a half-open circuit to one caller.
  ///
  /// - Parameters:
  ///   - token: What the outcome of the probe has to carry; larger than every one before it.
  ///   - now: The store's time.
  ///   - policy: How long the lease lasts.
  /// - Returns: The probe; `nil` where ``permit(at:)`` says anything but ``Permit/probeDue``.
  public mutating func beginProbe(
    token: Int64, at now: Instant, policy: CircuitPolicy
  ) -> Probe? {
    guard permit(at: now) == .probeDue else { return nil }
    if status == .open { consecutiveSuccesses = 0 }
    status = .halfOpen
    let probe = Probe(token: token, expiresAt: now + policy.probeLease)
    self.probe = probe
    return probe
  }
}

// MARK: What became of a call

extension Circuit {
  /// What became of a call; a probe's outcome carries the token of its lease.
  public enum Event: Sendable, Equatable {
    /// It succeeded.
    case success(probe: Int64?)
    /// It failed.
    case failure(ProviderFailure, probe: Int64?)
    /// The provider asked for a pause, of which length if it said so.
    case rateLimited(retryAfter: Duration?, probe: Int64?)

    fileprivate var probe: Int64? {
      switch self {
      case .success(let probe), .failure(_, let probe), .rateLimited(_, let probe): probe
      }
    }
  }

  /// What whoever keeps the circuit has to do after a step.
  public enum Action: Sendable, Equatable {
    /// Nothing: it says nothing of the provider.
    case nothing
    /// Count the success; a few of them may be written at once, later.
    case tally
    /// Store the state before answering.
    case store
  }

  /// Takes one step.
  ///
  /// An outcome without a token, while the circuit is not closed, belongs to a call from before: it
  /// moves no state (but a rate limit blocks all the same).
  ///
  /// - Parameters:
  ///   - event: What became of a call.
  ///   - now: The store's time.
  ///   - policy: Thresholds and times.
  ///   - chance: Draws a number evenly from a range, both bounds included, for the jitter.
  /// - Returns: What to do now.
  /// - Throws: ``StoreError`` with `fenced` for the token of a probe that is not the present
  ///   one: the state stays.
  public mutating func apply(
    _ event: Event, at now: Instant, policy: CircuitPolicy,
    chance: (ClosedRange<Int64>) -> Int64
  ) throws(StoreError) -> Action {
    let isProbe = try endProbe(event.probe)
    switch event {
    case .success: return succeed(isProbe, now, policy)
    case .failure(let failure, _) where failure.isCallers: return isProbe ? .store : .nothing
    case .failure:
      fail(isProbe, now, policy, chance)
    case .rateLimited(let retryAfter, _):
      let pause = min(max(.zero, retryAfter ?? policy.wait), policy.rateLimitMax)
      rateLimitedUntil = max(rateLimitedUntil ?? now, now + pause)
      fail(isProbe, now, policy, chance)
    }
    return .store
  }

  /// Takes the probe back from whoever brings its outcome.
  private mutating func endProbe(_ token: Int64?) throws(StoreError) -> Bool {
    guard let token else { return false }
    guard token == probe?.token else {
      throw StoreError(
        .fenced, "The probe's lease is lost: its outcome came too late.",
        hint: "Ask again whether the provider may be called.")
    }
    probe = nil
    return true
  }

  private mutating func succeed(
    _ isProbe: Bool, _ now: Instant, _ policy: CircuitPolicy
  ) -> Action {
    guard status == .closed || isProbe else { return .tally }
    let isFirst = consecutiveFailures > 0
    consecutiveSuccesses = Self.next(consecutiveSuccesses)
    guard isProbe else {
      consecutiveFailures = 0
      return isFirst ? .store : .tally
    }
    if consecutiveSuccesses >= policy.successThreshold {
      status = .closed
      consecutiveFailures = 0
      opening = nil
      upSince = now
    }
    return .store
  }

  private mutating func fail(
    _ isProbe: Bool, _ now: Instant, _ policy: CircuitPolicy,
    _ chance: (ClosedRange<Int64>) -> Int64
  ) {
    guard status == .closed || isProbe else { return }
    consecutiveFailures = Self.next(consecutiveFailures)
    consecutiveSuccesses = 0
    guard isProbe || consecutiveFailures >= policy.failureThreshold else { return }
    let count = Self.next(opening?.count ?? 0)
    status = .open
    opening = Opening(at: now, wait: policy.wait(opening: count, chance: chance), count: count)
    upSince = nil
  }
}

// MARK: Parts

extension Circuit {
  /// When a circuit opened, and for how long.
  public struct Opening: Sendable, Equatable, Codable {
    /// When it opened.
    public let at: Instant
    /// The how manieth opening since it was last closed, from 1: the wait doubles with it.
    public let count: Int64
    // Durations have no coded form that every reader of JSON holds exactly; microseconds have.
    private let waitMicroseconds: Int64

    /// How long it stays open, jitter included.
    public var wait: Duration { .microseconds(waitMicroseconds) }
    /// When the next caller may probe.
    public var endsAt: Instant { at + wait }

    fileprivate init(at: Instant, wait: Duration, count: Int64) {
      self.at = at
      self.waitMicroseconds = wait.microseconds
      self.count = count
    }

    /// An opening that was stored or is brought from elsewhere.
    ///
    /// - Parameters:
    ///   - at: When it opened.
    ///   - wait: How long it stays open: more than nothing, at most ten years.
    ///   - count: The how manieth opening since it was last closed, from 1.
    /// - Returns: The opening.
    /// - Throws: ``StoreError`` with `invalid` for a wait or a count out of range.
    public static func stored(
      at: Instant, wait: Duration, count: Int64 = 1
    ) throws(StoreError) -> Opening {
      guard wait >= .microseconds(1), wait <= Limits().lifetimeMax else {
        throw misfit("wait", "A circuit's wait is more than nothing and at most ten years.")
      }
      guard count >= 1 else {
        throw misfit("openings", "An open circuit opened once or more.")
      }
      try check(count, "openings")
      return Opening(at: at, wait: wait, count: count)
    }
  }

  /// The one call that a half-open circuit waits for.
  public struct Probe: Sendable, Equatable, Codable {
    /// What its outcome has to carry.
    public let token: Int64
    /// When another caller gets one if there is no outcome.
    public let expiresAt: Instant

    /// Makes a probe.
    ///
    /// - Parameters:
    ///   - token: What its outcome has to carry.
    ///   - expiresAt: When its lease ends.
    public init(token: Int64, expiresAt: Instant) {
      self.token = token
      self.expiresAt = expiresAt
    }
  }

  /// Counts stop here: every double holds them exactly, and sums of them stay far from 64 bits.
  package static let countMax: Int64 = 1 << 53

  private static func next(_ count: Int64) -> Int64 { min(count + 1, countMax) }

  /// Checks a count that somebody brings.
  ///
  /// - Parameters:
  ///   - count: The count.
  ///   - field: The field's name.
  /// - Throws: `invalid` for a negative one, or one past ``countMax``.
  package static func check(_ count: Int64, _ field: String) throws(StoreError) {
    guard (0...countMax).contains(count) else {
      throw misfit(field, "A count is from 0 to \(countMax).")
    }
  }

  private static func misfit(_ field: String, _ message: String) -> StoreError {
    StoreError(
      .invalid, message, hint: "Give a state as the store itself would tell it.",
      details: ["field": .string(field), "reason": "state"])
  }
}
