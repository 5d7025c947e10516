import HoldfastCore
import NIOConcurrencyHelpers

/// The store's time, shared by all connections of one engine.
final class SQLiteClock: Sendable {
  private let source: any TimeSource
  private let clock = NIOLockedValueBox(StoreClock())

  init(source: any TimeSource) { self.source = source }

  /// The store's time now.
  func now() -> Instant {
    clock.withLockedValue { clock in
      // Read inside the lock: two threads must not hand in their readings in the wrong order.
      clock.now(wall: source.wallTime(), monotonic: source.monotonicTime())
    }
  }

  /// The monotonic clock, for limits of time.
  func monotonic() -> Duration { source.monotonicTime() }

  /// Makes sure that no later time lies below a stored one.
  ///
  /// - Parameter floor: The newest stored time.
  func raise(to floor: Instant) { clock.withLockedValue { $0.raise(to: floor) } }
}
