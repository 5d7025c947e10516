import HoldfastCore

/// How often and for how long one operation is tried again.
struct RetryBudget {
  private let clock = SystemTimeSource()
  private let deadline: Duration
  private let ids: any IDSource
  private var attempts: Int64 = 0
  private var mayLoseConnection = true

  /// The first pause is at most this long, in microseconds; each further one twice as long.
  private static let pauseFirstMax: Int64 = 1_000
  /// No pause is longer than this, in microseconds.
  private static let pauseMax: Int64 = 100_000

  init(_ options: EngineOptions) {
    deadline = clock.monotonicTime() + options.retryTimeMax
    ids = options.ids
  }

  /// How long to wait before the next attempt after a serialization failure: drawn evenly from zero
  /// to a bound that doubles, so that those who collided do not collide again.
  ///
  /// - Returns: The pause; `nil` when the time is over.
  mutating func pause() -> Duration? {
    let bound = min(Self.pauseMax, Self.pauseFirstMax << min(attempts, 10))
    attempts += 1
    let pause = Duration.microseconds(ids.random(in: 0...bound))
    return clock.monotonicTime() + pause < deadline ? pause : nil
  }

  /// Whether another connection may be tried after one broke before anything was decided: once.
  mutating func mayTryAnotherConnection() -> Bool {
    defer { mayLoseConnection = false }
    return mayLoseConnection
  }
}
