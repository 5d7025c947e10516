import NIOConcurrencyHelpers

/// Counts the requests that are being worked on, up to a bound.
final class InFlight: Sendable {
  private let max: Int
  private let count = NIOLockedValueBox(0)

  init(max: Int) { self.max = max }

  /// Lets one more in.
  ///
  /// - Throws: 503 when the bound is reached.
  func enter() throws(Refusal) {
    let isRoom = count.withLockedValue { count in
      guard count < max else { return false }
      count += 1
      return true
    }
    guard isRoom else { throw Refusal.busy("Too many requests are being worked on.") }
  }

  /// Notes that one is done.
  func leave() { count.withLockedValue { $0 -= 1 } }
}
