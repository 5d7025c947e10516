package import HoldfastCore
import HoldfastEngine
import Logging
import Tracing

/// The one place where calls are measured, logged and traced.
extension Store {
  /// Runs a call of the surface under its operation's metrics, log and span.
  ///
  /// Log messages are constant; the operation's name, its duration and, on failure, the code go to
  /// the metadata. A value never does.
  ///
  /// - Parameters:
  ///   - operation: What is being done.
  ///   - call: Does it.
  /// - Returns: What the call returned.
  /// - Throws: What the database says, as a ``StoreError``.
  package func observe<Result>(
    _ operation: Operation, _ call: () async throws -> Result
  ) async throws -> Result {
    guard isTraced else { return try await measure(operation, call) }
    return try await withSpan(operation.name, ofKind: .internal) { _ in
      try await measure(operation, call)
    }
  }

  /// The same for calls whose errors are all the store's.
  ///
  /// - Parameters:
  ///   - operation: What is being done.
  ///   - call: Does it.
  /// - Returns: What the call returned.
  /// - Throws: What the database says, as a ``StoreError``.
  package func observed<Result>(
    _ operation: Operation, _ call: () async throws -> Result
  ) async throws(StoreError) -> Result {
    do {
      return try await observe(operation, call)
    } catch {
      throw StoreError.from(error)
    }
  }

  private func measure<Result>(
    _ operation: Operation, _ call: () async throws -> Result
  ) async throws -> Result {
    let start = context.time.monotonicTime()
    do {
      let result = try await call()
      let duration = context.time.monotonicTime() - start
      operation.succeeded(after: duration)
      logger.log(
        level: operation.isWrite ? .info : .debug, "operation done",
        metadata: metadata(operation, duration))
      return result
    } catch {
      let duration = context.time.monotonicTime() - start
      guard let failure = error as? StoreError else { throw error }
      operation.failed(failure.code, after: duration)
      var metadata = metadata(operation, duration)
      metadata["code"] = "\(failure.code)"
      if failure.code.logLevel >= .error { metadata["origin"] = "\(failure.origin)" }
      logger.log(level: failure.code.logLevel, "operation failed", metadata: metadata)
      throw error
    }
  }

  /// Logs a failure that is no call's end: what it was about is not done, and the rest goes on.
  ///
  /// - Parameters:
  ///   - failure: What failed.
  ///   - operation: What was being done.
  func note(_ failure: StoreError, of operation: String) {
    logger.log(
      level: failure.code.logLevel, "operation failed",
      metadata: [
        "operation": .string(operation), "code": "\(failure.code)", "origin": "\(failure.origin)",
      ])
  }

  private func metadata(_ operation: Operation, _ duration: Duration) -> Logger.Metadata {
    ["operation": .string(operation.name), "microseconds": "\(duration.microseconds)"]
  }
}
