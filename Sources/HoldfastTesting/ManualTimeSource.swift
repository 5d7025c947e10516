public import HoldfastCore
import NIOConcurrencyHelpers

/// A clock that stands still until a test moves it.
///
/// A store that is opened with it follows it on both databases: expiry, leases and time limits
/// happen exactly when the test says so, and nothing has to sleep.
///
/// ```swift
/// let time = ManualTimeSource()
/// try await kv.put("code", 7, ttl: .seconds(30))
/// time.advance(by: .seconds(30))
/// #expect(try await kv.get("code") == nil)
/// ```
public final class ManualTimeSource: TimeSource {
  private struct State {
    var wall: Instant
    var monotonic = Duration.zero
    var next = 0
    var sleepers: [Int: Waiter<Duration>] = [:]
    var observers: [Int: Waiter<Int>] = [:]

    mutating func draw() -> Int {
      defer { next += 1 }
      return next
    }

    /// Those who wait for as many sleepers as there are now.
    mutating func satisfiedObservers() -> [Waiter<Int>] {
      let satisfied = observers.filter { $0.value.goal <= sleepers.count }
      for number in satisfied.keys { observers.removeValue(forKey: number) }
      return Array(satisfied.values)
    }
  }

  /// A task that waits for something: a moment, or a number of sleepers.
  private struct Waiter<Goal: Sendable>: Sendable {
    let goal: Goal
    let continuation: CheckedContinuation<Void, any Error>
  }

  private let state: NIOLockedValueBox<State>
  /// Whether the store's time follows this clock on PostgreSQL too; always.
  public let overrulesDatabase = true

  /// Makes a clock.
  ///
  /// - Parameter start: What the wall clock says at first; the beginning of 2026 if left out.
  public init(start: Instant = Instant(microseconds: 1_767_225_600_000_000)) {
    state = NIOLockedValueBox(State(wall: start))
  }

  /// What the wall clock was set to.
  ///
  /// - Returns: The wall clock now.
  public func wallTime() -> Instant { state.withLockedValue(\.wall) }

  /// How far the clock was advanced.
  ///
  /// - Returns: Time since the clock was made.
  public func monotonicTime() -> Duration { state.withLockedValue(\.monotonic) }

  /// How many tasks sleep on this clock now.
  public var sleeperCount: Int { state.withLockedValue(\.sleepers.count) }

  /// Lets time pass on both clocks, and wakes those whose sleep is over.
  ///
  /// - Parameter duration: How much, not negative.
  public func advance(by duration: Duration) {
    precondition(duration >= .zero, "time passes forwards; \(duration) would go back")
    let due = state.withLockedValue { state in
      state.wall = state.wall + duration
      state.monotonic += duration
      let due = state.sleepers.filter { $0.value.goal <= state.monotonic }
      for number in due.keys { state.sleepers.removeValue(forKey: number) }
      return due.sorted { ($0.value.goal, $0.key) < ($1.value.goal, $1.key) }
    }
    for (_, sleeper) in due { sleeper.continuation.resume() }
  }

  /// Sets the wall clock forwards or back, as an operator or a time server does; no time passes.
  ///
  /// - Parameter duration: How far; negative sets it back.
  public func jumpWall(by duration: Duration) {
    state.withLockedValue { $0.wall = $0.wall + duration }
  }

  /// Waits until the clock was advanced by so much.
  ///
  /// - Parameter duration: How long to sleep; returns at once where it is not positive.
  /// - Throws: `CancellationError` when the task is cancelled.
  public func sleep(for duration: Duration) async throws {
    try Task.checkCancellation()
    guard duration > .zero else { return }
    let number = state.withLockedValue { $0.draw() }
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        // A cancellation that came before this moment found nobody to wake.
        let observers: [Waiter<Int>]? = state.withLockedValue { state in
          guard !Task.isCancelled else { return nil }
          state.sleepers[number] = Waiter(
            goal: state.monotonic + duration, continuation: continuation)
          return state.satisfiedObservers()
        }
        guard let observers else { return continuation.resume(throwing: CancellationError()) }
        for observer in observers { observer.continuation.resume() }
      }
    } onCancel: {
      let sleeper = state.withLockedValue { $0.sleepers.removeValue(forKey: number) }
      sleeper?.continuation.resume(throwing: CancellationError())
    }
  }

  /// Waits until so many tasks sleep on this clock: then moving it reaches all of them.
  ///
  /// - Parameter count: How many must sleep at least.
  /// - Throws: `CancellationError` when the task is cancelled.
  public func sleepers(atLeast count: Int) async throws {
    try Task.checkCancellation()
    let number = state.withLockedValue { $0.draw() }
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        let outcome: Result<Void, CancellationError>? = state.withLockedValue { state in
          guard !Task.isCancelled else { return .failure(CancellationError()) }
          guard state.sleepers.count < count else { return .success(()) }
          state.observers[number] = Waiter(goal: count, continuation: continuation)
          return nil
        }
        if let outcome { continuation.resume(with: outcome) }
      }
    } onCancel: {
      let observer = state.withLockedValue { $0.observers.removeValue(forKey: number) }
      observer?.continuation.resume(throwing: CancellationError())
    }
  }
}
