/// When a circuit opens, for how long, and what closes it again.
///
/// Everybody who opens one store should open it with one policy: the state is shared, and each
/// caller applies the policy that it has.
public struct CircuitPolicy: Sendable, Equatable {
  /// How many failures in a row open a closed circuit; less than 1 counts as 1.
  public var failureThreshold: Int64 = 3
  /// How many probes in a row must succeed before a circuit closes; less than 1 counts as 1.
  public var successThreshold: Int64 = 1
  /// How long a circuit stays open the first time; it doubles each time a probe fails.
  public var wait = Duration.seconds(30)
  /// The longest time that a circuit stays open.
  public var waitMax = Duration.seconds(600)
  /// How much of the wait chance may take away, in percent, so that not all nodes probe at once.
  public var jitterPercent: Int64 = 10
  /// How long a probe may take before another caller gets one.
  public var probeLease = Duration.seconds(60)
  /// The longest time that a rate limit blocks, whatever the provider asks for.
  public var rateLimitMax = Duration.seconds(300)

  /// The defaults.
  public init() {}

  /// How long a circuit stays open, whole milliseconds.
  ///
  /// - Parameters:
  ///   - count: The how manieth opening it is since the circuit was last closed, from 1.
  ///   - chance: Draws a number evenly from a range, both bounds included.
  /// - Returns: The wait, never longer than ``waitMax``.
  func wait(opening count: Int64, chance: (ClosedRange<Int64>) -> Int64) -> Duration {
    let most = max(1, waitMax.microseconds / 1_000)
    var wait = min(max(1, self.wait.microseconds / 1_000), most)
    var doublings = count - 1
    while doublings > 0, wait < most {
      wait = wait > most / 2 ? most : wait * 2
      doublings -= 1
    }
    let jitter = wait / 100 * min(max(0, jitterPercent), 100)
    return .milliseconds(max(1, wait - (jitter > 0 ? chance(0...jitter) : 0)))
  }
}

/// Why a call of a provider failed.
public enum ProviderFailure: String, CaseIterable, Codable, Sendable {
  /// It did not answer in time.
  case timeout
  /// It could not be reached, or the connection broke.
  case connection
  /// It answered that something is wrong with it: a status from 500 on, an overload.
  case server
  /// Anything else that is not the caller's fault.
  case other
  /// It does not accept the caller's key.
  case authentication
  /// It does not accept the request.
  case invalidRequest = "invalid_request"
  /// The request is longer than the model's context.
  case contextLength = "context_length"

  /// Whether the caller made the mistake: then it says nothing of the provider, is not counted, and
  /// another provider would be asked in vain.
  public var isCallers: Bool {
    switch self {
    case .timeout, .connection, .server, .other: false
    case .authentication, .invalidRequest, .contextLength: true
    }
  }
}
