import Holdfast
import HoldfastTesting

extension StoreOptions {
  /// Options for tests that look at a chain's numbers: one session of PostgreSQL, so one chain.
  static func oneSession(time: any TimeSource = SystemTimeSource()) -> StoreOptions {
    var options = StoreOptions.testing(time: time)
    options.poolConnectionsMax = 1
    return options
  }
}
