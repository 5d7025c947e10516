import CPostgres
import HoldfastCore
import NIOConcurrencyHelpers

/// What a poller calls when a descriptor is ready.
protocol PollerClient: AnyObject, Sendable {
  /// Something can be read, or written where that was asked for. It runs on the poller's thread and
  /// must not block.
  func ready()
}

/// The one thread that waits for all sockets of an engine, and for time.
///
/// It lives until ``stop()``: its own thread holds it.
final class Poller: Sendable {
  fileprivate struct State {
    var clients: [UInt64: any PollerClient] = [:]
    var made: UInt64 = 0
    var timers = Timers()
    var posted: [@Sendable () -> Void] = []
    var stopping = false
    /// Whether the thread has ended: what is asked for from then on is done where it is asked for.
    var stopped = false
    /// Whether the thread may be asleep and has not been rung since.
    var sleeps = false
  }

  private let state = NIOLockedValueBox(State())
  private let epoll: Int32
  private let wake: Int32
  private let clock = SystemTimeSource()
  private static let endOfTime = Duration.seconds(Int64.max / 4)

  /// Starts the thread.
  ///
  /// - Throws: `exhausted` where the process has no descriptor or thread left.
  init() throws(StoreError) {
    epoll = holdfast_epoll_make()
    wake = holdfast_wake_make()
    guard epoll >= 0, wake >= 0, holdfast_epoll_add(epoll, wake, 0) == 0 else {
      throw StoreError(
        .exhausted, "The process has no file descriptor left for PostgreSQL.",
        hint: "Raise the limit of open files.")
    }
    _ = try WorkerThread(name: "holdfast-pg") { [self] in while turn() {} }
  }

  /// Only here are the descriptors closed, and not where the thread ends: whoever still holds the
  /// poller may ring it, and must not write into a socket that got the descriptor's number since.
  deinit {
    if epoll >= 0 { _ = CPostgres.close(epoll) }
    if wake >= 0 { _ = CPostgres.close(wake) }
  }

  /// Ends the thread once it has done what was posted before, and what was to be done later: nobody
  /// who waits is left behind.
  func stop() {
    state.withLockedValue { $0.stopping = true }
    holdfast_wake_ring(wake)
  }

  /// Begins to watch a descriptor for input.
  ///
  /// - Parameters:
  ///   - descriptor: The socket.
  ///   - client: Who is called.
  /// - Returns: The token of the watch.
  func watch(_ descriptor: Int32, for client: any PollerClient) -> UInt64 {
    let token = state.withLockedValue { state in
      state.made += 1
      state.clients[state.made] = client
      return state.made
    }
    _ = holdfast_epoll_add(epoll, descriptor, token)
    return token
  }

  /// Watches for room to write as well, or no longer.
  ///
  /// - Parameters:
  ///   - descriptor: The socket.
  ///   - token: The token of the watch.
  ///   - writes: Whether room to write is awaited.
  func watch(_ descriptor: Int32, token: UInt64, writes: Bool) {
    _ = holdfast_epoll_writes(epoll, descriptor, token, writes ? 1 : 0)
  }

  /// No longer watches a descriptor; a call that is on its way may still come.
  ///
  /// - Parameters:
  ///   - descriptor: The socket; -1 where the library has closed it already.
  ///   - token: The token of the watch.
  func unwatch(_ descriptor: Int32, token: UInt64) {
    if descriptor >= 0 { _ = holdfast_epoll_remove(epoll, descriptor) }
    state.withLockedValue { _ = $0.clients.removeValue(forKey: token) }
  }

  /// Does something on the poller's thread, soon.
  ///
  /// - Parameter action: What to do; it must not block.
  func post(_ action: @escaping @Sendable () -> Void) {
    let (stopped, rings) = state.withLockedValue { state in
      guard !state.stopped else { return (true, false) }
      state.posted.append(action)
      return (false, state.rouse())
    }
    if stopped { action() }
    if rings { holdfast_wake_ring(wake) }
  }

  /// Does something on the poller's thread after a time.
  ///
  /// - Parameters:
  ///   - delay: How long to wait.
  ///   - action: What to do; it must not block.
  /// - Returns: What cancels it.
  @discardableResult
  func schedule(after delay: Duration, _ action: @escaping @Sendable () -> Void) -> Timers.Ticket {
    let due = clock.monotonicTime() + delay
    let (ticket, stopped, rings) = state.withLockedValue { state in
      let sooner = state.timers.next.map { due < $0 } ?? true
      let ticket = state.timers.add(at: due, action)
      if state.stopped { state.timers.cancel(ticket) }
      return (ticket, state.stopped, sooner && state.rouse())
    }
    if stopped { action() }
    if rings { holdfast_wake_ring(wake) }
    return ticket
  }

  /// Cancels what was scheduled; what has begun goes on.
  ///
  /// - Parameter ticket: What ``schedule(after:_:)`` gave.
  func cancel(_ ticket: Timers.Ticket) {
    state.withLockedValue { $0.timers.cancel(ticket) }
  }

  /// Waits without holding a thread.
  ///
  /// - Parameter delay: How long.
  func sleep(for delay: Duration) async {
    await withCheckedContinuation { continuation in
      schedule(after: delay) { continuation.resume() }
    }
  }

  private func turn() -> Bool {
    withUnsafeTemporaryAllocation(of: UInt64.self, capacity: 64) { tokens in
      let count = holdfast_epoll_wait(epoll, tokens.baseAddress, 64, patience())
      let clients = state.withLockedValue { state in
        state.sleeps = false
        return tokens.prefix(max(0, Int(count))).map { state.clients[$0] }
      }
      if tokens.prefix(max(0, Int(count))).contains(0) { holdfast_wake_hush(wake) }
      for client in clients { client?.ready() }
      return runDue()
    }
  }

  /// How long to sleep in milliseconds, rounded up so that a timer is due when it ends.
  private func patience() -> Int32 {
    state.withLockedValue { state in
      guard state.posted.isEmpty, !state.stopping else { return 0 }
      state.sleeps = true
      guard let next = state.timers.next else { return -1 }
      let left = (next - clock.monotonicTime()).microseconds
      return left <= 0 ? 0 : Int32(clamping: (left + 999) / 1_000)
    }
  }

  private func runDue() -> Bool {
    let now = clock.monotonicTime()
    let (actions, stops) = state.withLockedValue { state in
      var actions = state.timers.take(dueAt: state.stopping ? Self.endOfTime : now)
      actions.append(contentsOf: state.posted)
      state.posted.removeAll()
      state.stopped = state.stopping && actions.isEmpty
      return (actions, state.stopped)
    }
    for action in actions { action() }
    // The clients hold the poller too.
    if stops {
      let clients = state.withLockedValue { state in
        defer { state.clients = [:] }
        return state.clients
      }
      withExtendedLifetime(clients) {}
    }
    return !stops
  }
}

extension Poller.State {
  /// Whether the thread has to be rung: it sleeps, and nobody has rung yet.
  fileprivate mutating func rouse() -> Bool {
    defer { sleeps = false }
    return sleeps
  }
}
