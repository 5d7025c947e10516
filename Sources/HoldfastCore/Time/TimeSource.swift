/// Where a store takes time from: the only door through which time comes in.
///
/// The system's source reads the operating system. A test gives a source of its own, which a store
/// then follows on both engines, expiry and leases included.
public protocol TimeSource: Sendable {
  /// The wall clock now. It may jump; the store smooths that.
  func wallTime() -> Instant

  /// Time since some fixed moment, which never goes back and never jumps.
  func monotonicTime() -> Duration

  /// Whether this source overrules the database's own clock (on PostgreSQL time is otherwise the
  /// database's, so that all nodes agree).
  var overrulesDatabase: Bool { get }

  /// Waits until at least this much monotonic time has passed.
  ///
  /// - Parameter duration: How long to wait.
  /// - Throws: `CancellationError` when the task was cancelled.
  func sleep(for duration: Duration) async throws
}

/// Where a store takes identifiers and chance from.
public protocol IDSource: Sendable {
  /// A new identifier: a UUIDv7 (RFC 9562) in its text form.
  ///
  /// - Parameter now: The time that goes into the identifier.
  /// - Returns: Thirty-six characters, lower case.
  func makeID(at now: Instant) -> String

  /// A number drawn evenly from a range, for back-off with jitter.
  ///
  /// - Parameter range: The bounds, both included.
  /// - Returns: The number.
  func random(in range: ClosedRange<Int64>) -> Int64
}
