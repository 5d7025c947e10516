/// How long to wait before something is tried again: twice as long after each failure, up to a cap,
/// with full jitter.
///
/// Full jitter draws the delay evenly from zero to the bound, so that many that failed together do
/// not come back together.
public struct BackOff: Sendable, Equatable, Codable {
  /// The bound of the delay after the first failure.
  public var base: Duration
  /// The largest bound of a delay.
  public var cap: Duration

  /// Makes a back-off.
  ///
  /// - Parameters:
  ///   - base: The bound of the delay after the first failure, not negative.
  ///   - cap: The largest bound of a delay.
  public init(base: Duration, cap: Duration) {
    self.base = base
    self.cap = cap
  }

  /// The delay after a failure.
  ///
  /// - Parameters:
  ///   - attempt: Which attempt failed, from 1.
  ///   - chance: A number drawn evenly from 0 to 1.
  /// - Returns: The delay, from zero to the bound of this attempt.
  public func delay(attempt: Int, chance: Double) -> Duration {
    .microseconds(Int64(Double(bound(attempt: attempt).microseconds) * min(max(chance, 0), 1)))
  }

  /// The longest delay after a failure: the base doubled with each attempt, up to the cap.
  ///
  /// - Parameter attempt: Which attempt failed, from 1.
  /// - Returns: The bound.
  public func bound(attempt: Int) -> Duration {
    var bound = max(base, .zero)
    guard bound > .zero else { return .zero }
    var doublings = attempt - 1
    while doublings > 0, bound < cap {
      bound *= 2
      doublings -= 1
    }
    return min(bound, max(cap, .zero))
  }
}
