#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A command that runs until it is told to stop, and then finishes what it began.
protocol StopsOnSignal {
  /// What it stops on.
  var signals: Signals { get }
}

/// SIGINT and SIGTERM, taken by a thread that waits for them.
///
/// Blocked in the program's first thread before any other is made, they are blocked in all of
/// them: no handler ever interrupts code that holds a lock. The first signal asks the command to
/// stop; the second ends the process at once.
struct Signals {
  private var set: sigset_t = {
    var set = sigset_t()
    sigemptyset(&set)
    sigaddset(&set, SIGINT)
    sigaddset(&set, SIGTERM)
    return set
  }()

  /// Keeps the signals waiting; called before a second thread is made.
  func block() {
    var set = set
    pthread_sigmask(SIG_BLOCK, &set, nil)
  }

  /// Runs work that is cancelled by the first signal.
  ///
  /// - Parameter work: The work; it ends soon after it is cancelled.
  /// - Returns: The signal that came; `nil` where the work ended by itself.
  /// - Throws: What the work throws, unless a signal had come.
  func cancelling(_ work: @escaping @Sendable () async throws -> Void) async throws -> Int32? {
    let (signals, told) = AsyncStream.makeStream(of: Int32.self)
    Self.listen(set) { told.yield($0) }
    return try await withThrowingTaskGroup(of: Int32?.self) { group in
      group.addTask {
        try await work()
        return nil
      }
      group.addTask {
        for await signal in signals { return signal }
        return nil
      }
      defer { group.cancelAll() }
      guard let signal = try await group.next() ?? nil else { return nil }
      group.cancelAll()
      // A signal was the reason; what the work says to its end is none of the caller's trouble.
      _ = try? await group.next()
      return signal
    }
  }

  /// Calls back at the first signal, on a thread of its own, and ends the process at the second.
  ///
  /// - Parameter callback: What to call with the signal's number.
  func first(_ callback: @escaping @Sendable (Int32) -> Void) { Self.listen(set, callback) }

  /// Ends the process as the signal would have, so that a shell sees that it was interrupted.
  ///
  /// - Parameter number: The signal.
  static func end(by number: Int32) -> Never {
    signal(number, SIG_DFL)
    var set = sigset_t()
    sigemptyset(&set)
    sigaddset(&set, number)
    // Raised before it is let through: of a thread's own signals none is late.
    raise(number)
    pthread_sigmask(SIG_UNBLOCK, &set, nil)
    _exit(128 + number)
  }

  private static func listen(_ set: sigset_t, _ callback: @escaping @Sendable (Int32) -> Void) {
    let waiter = Waiter(set: set, callback: callback)
    let pointer = Unmanaged.passRetained(waiter).toOpaque()
    #if canImport(Darwin)
      var thread: pthread_t?
      let made = pthread_create(&thread, nil, { Waiter.run($0) }, pointer)
    #else
      var thread = pthread_t()
      let made = pthread_create(&thread, nil, { $0.map(Waiter.run) ?? nil }, pointer)
    #endif
    guard made == 0 else {
      // Without the thread the signals do what they always did.
      Unmanaged<Waiter>.fromOpaque(pointer).release()
      var set = set
      pthread_sigmask(SIG_UNBLOCK, &set, nil)
      return
    }
  }

  /// What the waiting thread knows.
  private final class Waiter {
    private let set: sigset_t
    private let callback: @Sendable (Int32) -> Void

    init(set: sigset_t, callback: @escaping @Sendable (Int32) -> Void) {
      self.set = set
      self.callback = callback
    }

    static func run(_ pointer: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
      let waiter = Unmanaged<Waiter>.fromOpaque(pointer).takeRetainedValue()
      var set = waiter.set
      var number: Int32 = 0
      guard sigwait(&set, &number) == 0 else { return nil }
      waiter.callback(number)
      guard sigwait(&set, &number) == 0 else { return nil }
      Signals.end(by: number)
    }
  }
}
