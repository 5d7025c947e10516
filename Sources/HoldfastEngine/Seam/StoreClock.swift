package import HoldfastCore

/// The time of a store: it follows the wall clock forwards and never goes back.
///
/// A pure value: whoever owns it passes in what the clocks say and keeps it under a lock.
///
/// Invariants:
/// - What ``now(wall:monotonic:)`` gives never decreases, whatever the wall clock does.
/// - It is never below a floor that was raised (the newest time that is stored).
/// - Where the wall clock jumps back or stands still, time runs on with the monotonic clock; where
///   it jumps forward, time jumps with it.
package struct StoreClock: Sendable {
  /// The newest time that was given or raised to; `nil` before the first.
  private var newest: Instant?
  /// What the monotonic clock said at that moment; `nil` while only a floor is known.
  private var since: Duration?

  package init() {}

  /// The store's time.
  ///
  /// - Parameters:
  ///   - wall: What the wall clock says.
  ///   - monotonic: What the monotonic clock says.
  /// - Returns: The time, not below any earlier one.
  package mutating func now(wall: Instant, monotonic: Duration) -> Instant {
    var now = wall
    if let newest {
      let elapsed = since.map { max(monotonic - $0, .zero) } ?? .zero
      now = max(now, newest + elapsed)
    }
    newest = now
    since = max(since ?? monotonic, monotonic)
    return now
  }

  /// Makes sure that no later time lies below one that is stored already.
  ///
  /// - Parameter floor: The newest stored time, perhaps another process's.
  package mutating func raise(to floor: Instant) {
    guard let newest else {
      newest = floor
      return
    }
    guard floor > newest else { return }
    // The stored time is of some moment before now; counting from the next reading on means that
    // time may run a little late, never backwards.
    self.newest = floor
    since = nil
  }
}
