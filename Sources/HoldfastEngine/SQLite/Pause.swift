#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The short sleep of whoever waits for a lock that cannot wake it.
enum Pause {
  /// Sleeps for 0.1 to 0.5 ms.
  ///
  /// The length goes round and does not grow, so that a late-comer has no advantage over who has
  /// waited for long, and differs from one attempt to the next, so that two waiters do not stay in
  /// step.
  ///
  /// - Parameter attempts: How often was slept before.
  static func between(attempts: Int) {
    sleep(microseconds: 100 + (attempts * 7 + Int(getpid())) % 5 * 100)
  }

  /// Sleeps.
  ///
  /// - Parameter microseconds: For how long.
  static func sleep(microseconds: Int) {
    var time = timespec(tv_sec: microseconds / 1_000_000, tv_nsec: microseconds % 1_000_000 * 1_000)
    nanosleep(&time, nil)
  }
}

extension Pause {
  /// Lets another thread run, if one wants to.
  static func yield() { sched_yield() }
}

/// The machine's processors.
enum Cores {
  /// How many can be used.
  static var count: Int { max(Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))), 1) }
}
