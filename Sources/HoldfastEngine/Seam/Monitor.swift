import HoldfastCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A value behind a lock that threads can wait at: for threads of the engine's own only, because
/// whoever waits blocks its thread.
///
/// Where nobody waits, `NIOLockedValueBox` is the lock to take. Waits are measured by the monotonic
/// clock, so that a jump of the wall clock neither cuts nor stretches them.
package final class Monitor<State>: @unchecked Sendable {
  // Unchecked: `state` is only touched while `mutex` is held.
  private var state: State
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let condition: UnsafeMutablePointer<pthread_cond_t>

  package init(_ state: State) {
    self.state = state
    mutex = .allocate(capacity: 1)
    condition = .allocate(capacity: 1)
    pthread_mutex_init(mutex, nil)
    #if canImport(Darwin)
      pthread_cond_init(condition, nil)
    #else
      var attributes = pthread_condattr_t()
      pthread_condattr_init(&attributes)
      pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
      pthread_cond_init(condition, &attributes)
      pthread_condattr_destroy(&attributes)
    #endif
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(mutex)
    condition.deallocate()
    mutex.deallocate()
  }

  /// Works on the value.
  ///
  /// - Parameter body: Takes the value; it must not block.
  /// - Returns: What the body returned.
  package func withLock<Result>(_ body: (inout State) throws -> Result) rethrows -> Result {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return try body(&state)
  }

  /// Works on the value, then wakes everybody who waits at it.
  ///
  /// - Parameter body: Takes the value; it must not block.
  /// - Returns: What the body returned.
  package func change<Result>(_ body: (inout State) throws -> Result) rethrows -> Result {
    pthread_mutex_lock(mutex)
    defer {
      pthread_cond_broadcast(condition)
      pthread_mutex_unlock(mutex)
    }
    return try body(&state)
  }

  /// Waits until the body finds what it looks for.
  ///
  /// - Parameters:
  ///   - timeout: How long to wait at most; `nil` for as long as it takes.
  ///   - body: Looks at the value at once and after each change; `nil` stands for "not yet".
  /// - Returns: What the body found; `nil` when the time was over.
  package func wait<Result>(
    atMost timeout: Duration? = nil, _ body: (inout State) -> Result?
  ) -> Result? {
    let clock = SystemTimeSource()
    let deadline = timeout.map { clock.monotonicTime() + $0 }
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    while true {
      if let result = body(&state) { return result }
      guard let deadline else {
        pthread_cond_wait(condition, mutex)
        continue
      }
      let left = deadline - clock.monotonicTime()
      guard left > .zero else { return nil }
      pause(left, until: deadline)
    }
  }

  /// Waits for one wake-up; the caller holds `mutex`.
  private func pause(_ left: Duration, until deadline: Duration) {
    #if canImport(Darwin)
      var time = timespec(left)
      pthread_cond_timedwait_relative_np(condition, mutex, &time)
    #else
      var time = timespec(deadline)
      pthread_cond_timedwait(condition, mutex, &time)
    #endif
  }
}

extension timespec {
  /// A duration as the C library takes it.
  init(_ duration: Duration) {
    let (seconds, attoseconds) = duration.components
    self.init(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
  }
}
