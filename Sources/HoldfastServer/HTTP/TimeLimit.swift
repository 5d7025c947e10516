import HoldfastCore
import NIOConcurrencyHelpers

/// Holds work to a time limit, even work that does not notice that it was cancelled.
enum TimeLimit {
  private struct State<Result: Sendable> {
    var result: Swift.Result<Result, any Error>?
    var waiter: CheckedContinuation<Result, any Error>?
  }

  /// Runs work for as long as the limit allows.
  ///
  /// The work goes on by itself when the time is over, cancelled; what it does then is not known to
  /// the caller.
  ///
  /// - Parameters:
  ///   - limit: How long it may take.
  ///   - time: Measures it.
  ///   - late: The error when the time is over.
  ///   - work: What to do.
  /// - Returns: What the work returned.
  /// - Throws: What the work threw, or `late`.
  static func run<Result: Sendable>(
    _ limit: Duration, _ time: any TimeSource,
    late: @autoclosure @escaping @Sendable () -> StoreError,
    _ work: @escaping @Sendable () async throws -> Result
  ) async throws -> Result {
    let state = NIOLockedValueBox(State<Result>())
    let settle: @Sendable (Swift.Result<Result, any Error>) -> Void = { result in
      let waiter = state.withLockedValue { state -> CheckedContinuation<Result, any Error>? in
        guard state.result == nil else { return nil }
        state.result = result
        return state.waiter
      }
      waiter?.resume(with: result)
    }
    let worker = Task {
      do { settle(.success(try await work())) } catch { settle(.failure(error)) }
    }
    let timer = Task {
      do { try await time.sleep(for: limit) } catch { return }
      settle(.failure(late()))
      worker.cancel()
    }
    defer { timer.cancel() }
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { waiter in
        let result = state.withLockedValue { state in
          state.waiter = waiter
          return state.result
        }
        if let result { waiter.resume(with: result) }
      }
    } onCancel: {
      worker.cancel()
    }
  }
}
