package import HoldfastCore
import Logging
import Metrics
import NIOConcurrencyHelpers

/// One operation of the store's surface: its name in logs, metrics, traces and idempotency digests.
///
/// Each is a `static let` beside the facade that offers it. Its metrics are made at its first use,
/// so that a program has bootstrapped its metrics system by then.
package final class Operation: Sendable {
  /// The noun and the verb, such as `kv.put`.
  package let name: String
  /// Whether it writes: writes are logged at info, reads at debug.
  package let isWrite: Bool

  private let duration: Metrics.Timer
  private let errors = NIOLockedValueBox<[StoreError.Code: Counter]>([:])

  package init(_ name: String, isWrite: Bool) {
    self.name = name
    self.isWrite = isWrite
    self.duration = Metrics.Timer(
      label: "holdfast_operation_duration", dimensions: [("operation", name)])
  }

  /// Notes a call that succeeded.
  ///
  /// - Parameter duration: How long it took.
  package func succeeded(after duration: Duration) {
    self.duration.recordNanoseconds(duration.nanoseconds)
  }

  /// Notes a call that failed.
  ///
  /// - Parameters:
  ///   - code: With which code.
  ///   - duration: How long it took.
  package func failed(_ code: StoreError.Code, after duration: Duration) {
    self.duration.recordNanoseconds(duration.nanoseconds)
    let counter = errors.withLockedValue { errors in
      if let counter = errors[code] { return counter }
      let counter = Counter(
        label: "holdfast_operation_errors",
        dimensions: [("operation", name), ("code", code.name)])
      errors[code] = counter
      return counter
    }
    counter.increment()
  }
}

extension Duration {
  /// Whole nanoseconds, at most the largest 64-bit number.
  fileprivate var nanoseconds: Int64 {
    let (product, overflow) = components.seconds.multipliedReportingOverflow(by: 1_000_000_000)
    return overflow ? .max : product + components.attoseconds / 1_000_000_000
  }
}

extension StoreError.Code {
  /// How loud a failure with this code is: a caller's mistake is not the store's trouble.
  var logLevel: Logger.Level {
    switch kind {
    case .invalid, .unauthenticated, .forbidden, .notFound, .conflict, .invalidState, .fenced,
      .tooLarge, .trimmed, .closed:
      .debug
    case .exhausted, .unavailable, .uncertain: .warning
    case .incompatible, .corrupt, .internal: .error
    }
  }
}
