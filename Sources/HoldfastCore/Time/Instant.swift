/// A point in time: whole microseconds since 1970-01-01T00:00:00Z.
///
/// It is what the database stores, and on the wire it is RFC 3339 with six digits and `Z`.
public struct Instant: Hashable, Comparable, Sendable {
  /// Microseconds since 1970-01-01T00:00:00Z.
  public let microseconds: Int64

  /// Makes an instant.
  ///
  /// - Parameter microseconds: Microseconds since 1970-01-01T00:00:00Z.
  public init(microseconds: Int64) { self.microseconds = microseconds }

  /// Whether the first instant is earlier than the second.
  ///
  /// - Parameters:
  ///   - left: An instant.
  ///   - right: Another instant.
  /// - Returns: Whether `left` is earlier.
  public static func < (left: Instant, right: Instant) -> Bool {
    left.microseconds < right.microseconds
  }

  /// The instant that lies a duration later, at the end of time where the sum has no 64-bit form.
  ///
  /// - Parameters:
  ///   - instant: Where to start.
  ///   - duration: How far to go; what is below a microsecond is cut off.
  /// - Returns: The later instant.
  public static func + (instant: Instant, duration: Duration) -> Instant {
    let (sum, overflow) = instant.microseconds.addingReportingOverflow(duration.microseconds)
    guard !overflow else { return Instant(microseconds: duration < .zero ? .min : .max) }
    return Instant(microseconds: sum)
  }

  /// How much later one instant is than another.
  ///
  /// - Parameters:
  ///   - later: An instant.
  ///   - earlier: Another instant.
  /// - Returns: The duration between them, negative if `later` is the earlier one.
  public static func - (later: Instant, earlier: Instant) -> Duration {
    .microseconds(later.microseconds) - .microseconds(earlier.microseconds)
  }
}

extension Duration {
  /// The duration in whole microseconds, cut off towards zero, at the bounds of 64 bits at most.
  public var microseconds: Int64 {
    let (seconds, attoseconds) = components
    let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000)
    guard !overflow else { return seconds < 0 ? .min : .max }
    let (sum, carry) = product.addingReportingOverflow(attoseconds / 1_000_000_000_000)
    guard !carry else { return seconds < 0 ? .min : .max }
    return sum
  }
}
