public import HoldfastCore

/// A provider of models, and how it does.
public struct Provider: Sendable, Equatable, Codable {
  /// The name by which callers know it.
  public let name: String
  /// Its place among its peers: the least number is called first.
  public let priority: Int
  /// How it does.
  public let health: ProviderHealth
  /// The revision of the transaction that last changed its state; counting a success is none.
  public let version: Int64
  /// When it was first put.
  public let createdAt: Instant
  /// When its state last changed.
  public let updatedAt: Instant
}

/// How a provider does: its circuit, and what was last seen of it.
public struct ProviderHealth: Sendable, Equatable, Codable {
  /// The circuit breaker, timing included.
  public var circuit: Circuit
  /// What its last failure said; kept when it is well again.
  public var lastError: String?
  /// When it last succeeded.
  public var lastSuccessAt: Instant?
  /// How many calls succeeded.
  public var totalSuccesses: Int64
  /// How many calls failed, those refused for a rate limit included.
  public var totalFailures: Int64
  private var latencyMicroseconds: Int64?

  /// How long the last call took that succeeded and said so.
  public var lastLatency: Duration? {
    get { latencyMicroseconds.map { .microseconds($0) } }
    set { latencyMicroseconds = newValue?.microseconds }
  }

  /// Makes a state.
  ///
  /// - Parameters:
  ///   - circuit: The circuit breaker; a closed one if left out.
  ///   - lastError: What its last failure said.
  ///   - lastLatency: How long its last call took.
  ///   - lastSuccessAt: When it last succeeded.
  ///   - totalSuccesses: How many calls succeeded.
  ///   - totalFailures: How many calls failed.
  public init(
    circuit: Circuit = Circuit(), lastError: String? = nil, lastLatency: Duration? = nil,
    lastSuccessAt: Instant? = nil, totalSuccesses: Int64 = 0, totalFailures: Int64 = 0
  ) {
    self.circuit = circuit
    self.lastError = lastError
    self.lastSuccessAt = lastSuccessAt
    self.totalSuccesses = totalSuccesses
    self.totalFailures = totalFailures
    self.lastLatency = lastLatency
  }
}

/// Whether a provider may be called, and if not, when and why.
public struct ProviderPermit: Sendable, Equatable, Codable {
  /// Whether the caller may call now.
  public let isAllowed: Bool
  /// Where the circuit stands.
  public let circuit: Circuit.Status
  /// The probe that the caller was handed: its outcome has to carry the token; `nil` for an
  /// ordinary call, and where the caller has to wait.
  public let probe: Circuit.Probe?
  /// Why the caller has to wait; `nil` where it need not.
  public let reason: Circuit.WaitReason?
  /// When to ask again; `nil` where the caller may call now.
  public let waitUntil: Instant?
}

/// A page of providers.
public struct ProviderPage: Sendable {
  /// The providers in the order in which they are called.
  public let items: [Provider]
  /// What to give as `after` for the next page; `nil` when this was the last.
  public let next: String?
  /// Names of providers in whose rows something stands that Holdfast never wrote: getting one of
  /// them is `corrupt`, and putting its state anew mends it.
  public let unreadable: [String]
}
