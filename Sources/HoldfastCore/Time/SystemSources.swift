// This is the one file of the package that asks the operating system for time and chance.

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The operating system's clocks.
public struct SystemTimeSource: TimeSource {
  /// Makes the source.
  public init() {}

  /// The system's real-time clock.
  ///
  /// - Returns: The wall clock now.
  public func wallTime() -> Instant {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    return Instant(microseconds: Int64(now.tv_sec) * 1_000_000 + Int64(now.tv_nsec) / 1_000)
  }

  /// The system's monotonic clock.
  ///
  /// - Returns: Time since a fixed moment.
  public func monotonicTime() -> Duration {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return Duration(
      secondsComponent: Int64(now.tv_sec), attosecondsComponent: Int64(now.tv_nsec) * 1_000_000_000)
  }

  /// Never: on PostgreSQL the database's clock rules.
  public var overrulesDatabase: Bool { false }

  /// Sleeps on the monotonic clock.
  ///
  /// - Parameter duration: How long to wait.
  /// - Throws: `CancellationError` when the task was cancelled.
  public func sleep(for duration: Duration) async throws {
    try await Task.sleep(for: duration, tolerance: nil, clock: .continuous)
  }
}

/// UUIDv7 identifiers and jitter from the system's generator of random numbers.
public struct SystemIDSource: IDSource {
  /// Makes the source.
  public init() {}

  /// A UUIDv7 (RFC 9562 §5.7): 48 bits of milliseconds, then 74 random bits.
  ///
  /// - Parameter now: The time that goes into the identifier.
  /// - Returns: Thirty-six characters, lower case.
  public func makeID(at now: Instant) -> String {
    UUIDv7.text(
      milliseconds: now.microseconds / 1_000, high: .random(in: .min ... .max),
      low: .random(in: .min ... .max))
  }

  /// A number from the system's generator.
  ///
  /// - Parameter range: The bounds, both included.
  /// - Returns: The number.
  public func random(in range: ClosedRange<Int64>) -> Int64 { .random(in: range) }
}
