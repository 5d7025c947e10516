#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// SIGINT and SIGTERM, for a command that runs until it is told to stop.
///
/// The first signal asks the command to finish what it began; the second ends the process at once.
/// A handler may do next to nothing, so that it only writes the signal's number into a pipe; a
/// thread waits at the other end.
enum Signals {
  /// Calls back at the first signal, and ends the process at the second.
  ///
  /// - Parameter callback: What to call with the signal's number, on a thread of its own.
  static func first(_ callback: @escaping @Sendable (Int32) -> Void) {
    var ends: [Int32] = [-1, -1]
    // Without pipe and thread the signals do what they always did.
    guard pipe(&ends) == 0 else { return }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    guard startThread(Waiter(pipe: ends[0], callback: callback)) else {
      for end in ends { close(end) }
      return
    }
    signalPipe = ends[1]
    signal(SIGINT, noteSignal)
    signal(SIGTERM, noteSignal)
  }

  /// Runs work that is cancelled by the first signal.
  ///
  /// - Parameter work: The work; it ends soon after it is cancelled.
  /// - Returns: The signal that came; `nil` where the work ended by itself.
  /// - Throws: What the work throws, unless a signal had come.
  static func cancelling(
    _ work: @escaping @Sendable () async throws -> Void
  ) async throws -> Int32? {
    let (signals, told) = AsyncStream.makeStream(of: Int32.self)
    first { told.yield($0) }
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

  /// Ends the process as the signal would have, so that a shell sees that it was interrupted.
  ///
  /// - Parameter number: The signal.
  static func end(by number: Int32) -> Never {
    signal(number, SIG_DFL)
    var set = sigset_t()
    sigemptyset(&set)
    sigaddset(&set, number)
    raise(number)
    // Threads of the runtime's keep signals back, this one may be of them.
    pthread_sigmask(SIG_UNBLOCK, &set, nil)
    _exit(128 + number)
  }

  /// Starts a thread that waits.
  ///
  /// - Returns: Whether the system had one left.
  private static func startThread(_ waiter: Waiter) -> Bool {
    let pointer = Unmanaged.passRetained(waiter).toOpaque()
    #if canImport(Darwin)
      var thread: pthread_t?
      let made = pthread_create(&thread, nil, { Waiter.run($0) }, pointer)
    #else
      var thread = pthread_t()
      let made = pthread_create(&thread, nil, { $0.map(Waiter.run) ?? nil }, pointer)
    #endif
    if made != 0 { Unmanaged<Waiter>.fromOpaque(pointer).release() }
    return made == 0
  }

  /// What the waiting thread knows.
  private final class Waiter {
    private let pipe: Int32
    private let callback: @Sendable (Int32) -> Void

    init(pipe: Int32, callback: @escaping @Sendable (Int32) -> Void) {
      self.pipe = pipe
      self.callback = callback
    }

    static func run(_ pointer: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
      let waiter = Unmanaged<Waiter>.fromOpaque(pointer).takeRetainedValue()
      guard let first = waiter.next() else { return nil }
      waiter.callback(first)
      guard let second = waiter.next() else { return nil }
      Signals.end(by: second)
    }

    private func next() -> Int32? {
      var byte = UInt8(0)
      var count = 0
      repeat { count = read(pipe, &byte, 1) } while count < 0 && errno == EINTR
      return count == 1 ? Int32(byte) : nil
    }
  }
}

/// The end of the pipe that the handler writes to.
///
/// No lock: the main thread sets it once, before the handler is installed; and it is a number that
/// needs no initialisation, for a handler may run at any moment.
nonisolated(unsafe) private var signalPipe: Int32 = -1

/// Notes a signal; everything in it may be called from a handler.
private func noteSignal(_ number: Int32) {
  let kept = errno
  var byte = UInt8(truncatingIfNeeded: number)
  _ = write(signalPipe, &byte, 1)
  errno = kept
}
