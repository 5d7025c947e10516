import HoldfastCore
import HoldfastEngine

/// The store's time, as the database tells it: one for all that a transaction does.
enum StoreTime {
  static let now = Statement("SELECT holdfast_now()")

  /// The time that ``now`` gave.
  ///
  /// - Parameter result: What the statement gave; `nil` where it gave nothing.
  /// - Returns: The time.
  /// - Throws: `internal` where the database told none.
  static func told(_ result: StepResult?) throws(StoreError) -> Instant {
    guard let microseconds = result?.rows.first?.first?.integer else {
      throw Excess.fault(.internal, "The database told no time.")
    }
    return Instant(microseconds: microseconds)
  }
}

extension Connection {
  /// The store's time of the transaction.
  ///
  /// - Returns: The time.
  /// - Throws: `internal` where the database told none, and what it says, as a ``StoreError``.
  func now() throws(StoreError) -> Instant {
    try StoreTime.told(try run([Step(StoreTime.now)]).first)
  }
}
