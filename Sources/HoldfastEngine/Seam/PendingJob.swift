import HoldfastCore
import NIOConcurrencyHelpers

/// A caller that waits for a job of a pool to begin, and then for its answer.
///
/// Invariant: the caller is answered once, by whoever takes it: the thread that begins the job, or
/// the end of the caller's patience.
private final class PendingJob<Answer: Sendable, Failure: Error>: Sendable {
  typealias Caller = CheckedContinuation<Result<Answer, Failure>, Never>

  private struct State {
    var caller: Caller?
    var patience: Task<Void, Never>?
  }

  private let state: NIOLockedValueBox<State>

  init(_ caller: Caller) { state = NIOLockedValueBox(State(caller: caller)) }

  /// Takes the caller out.
  ///
  /// - Returns: Whom to answer; `nil` where somebody else has or will.
  func take() -> Caller? {
    let taken = state.withLockedValue { state in
      defer { state = State() }
      return state
    }
    taken.patience?.cancel()
    return taken.caller
  }

  /// Answers with an error where the job has not begun by then.
  func giveUp(after bound: Duration, with failure: Failure) {
    let patience = Task {
      do { try await SystemTimeSource().sleep(for: bound) } catch { return }
      take()?.resume(returning: .failure(failure))
    }
    let hasBegun = state.withLockedValue { state in
      guard state.caller != nil else { return true }
      state.patience = patience
      return false
    }
    if hasBegun { patience.cancel() }
  }
}

extension WorkerPool {
  /// Runs something that blocks on a thread of the pool, unless all of them are busy for too long.
  ///
  /// - Parameters:
  ///   - bound: How long to wait for a thread, by the system's monotonic clock.
  ///   - failing: Makes the caller's error of one of the pool's.
  ///   - work: What blocks; what has begun runs to its end.
  /// - Returns: What it gave.
  /// - Throws: What it threw; `closed` or `unavailable` where it did not run.
  func run<Answer: Sendable, Failure: Error>(
    waitingAtMost bound: Duration, failing: (StoreError) -> Failure,
    _ work: @escaping @Sendable () throws(Failure) -> Answer
  ) async throws(Failure) -> Answer {
    let result: Result<Answer, Failure> = await withCheckedContinuation { caller in
      let job = PendingJob<Answer, Failure>(caller)
      do throws(StoreError) {
        let isQueued = try submit {
          guard let caller = job.take() else { return }
          caller.resume(returning: Result(catching: work))
        }
        if isQueued { job.giveUp(after: bound, with: failing(Self.busy)) }
      } catch {
        job.take()?.resume(returning: .failure(failing(error)))
      }
    }
    return try result.get()
  }

  /// What a caller gets for whom no thread became free.
  private static var busy: StoreError {
    StoreError(
      .unavailable, "Every thread for long reads was in use for too long.",
      hint: "Try again later, or allow more readers.")
  }
}
