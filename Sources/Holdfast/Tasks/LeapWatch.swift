import HoldfastCore
import NIOConcurrencyHelpers

/// Notices when the store's time leaps ahead of this process's own clock.
///
/// After such a leap (a wall clock that was set, a machine that slept) leases look run out although
/// their workers had no time to renew them, so for a while no expired lease is taken.
package final class LeapWatch: Sendable {
  private struct State {
    var last: (store: Instant, own: Duration)?
    var quietUntil: Duration?
  }

  private let state = NIOLockedValueBox(State())

  /// How much further than the own clock the store's time may go.
  private static let leapMin = Duration.seconds(1)
  /// For how long no expired lease is taken after a leap.
  private static let quiet = Duration.seconds(30)

  package init() {}

  /// Notes both clocks, and says whether expired leases may be taken.
  ///
  /// - Parameters:
  ///   - now: The store's time.
  ///   - own: The process's own clock, read afterwards.
  /// - Returns: Whether they may.
  func mayTakeLeases(at now: Instant, monotonic own: Duration) -> Bool {
    state.withLockedValue { state in
      if let last = state.last, now - last.store > own - last.own + Self.leapMin {
        state.quietUntil = own + Self.quiet
      }
      // Transactions come here in any order; what is older says nothing new.
      if state.last.map({ now >= $0.store }) ?? true { state.last = (now, own) }
      guard let until = state.quietUntil else { return true }
      guard own >= until else { return false }
      state.quietUntil = nil
      return true
    }
  }
}
