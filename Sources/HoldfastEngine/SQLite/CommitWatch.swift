import CSQLite
import HoldfastCore
import NIOConcurrencyHelpers

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Tells subscribers that something was committed, by this process or another.
///
/// Invariants:
/// - After every commit each subscriber is called at least once; for nothing now and then.
/// - Callbacks run without any lock held.
/// - A thread runs only while somebody subscribes, and it does not poll while nothing happens: the
///   system tells of writes to the log. A commit is seen in the header of the log's index, which
///   changes after the last such event (there is a flush between), so the thread then looks again
///   at growing intervals, until no store holds the turn any more and a stranger would have had a
///   second.
final class CommitWatch: Sendable {
  private struct State {
    var callbacks: [Int: @Sendable () -> Void] = [:]
    var newest = 0
    /// The state of the database that the subscribers know of.
    var told: WALHeader
    var thread: WorkerThread?
    /// Which thread is the one that runs, by its number: an older one that is about to end must not
    /// go on because a new subscriber has come.
    var running: Int?
    var threads = 0
    var isClosed = false
  }

  private let state: NIOLockedValueBox<State>
  private let wal: WALIndex
  private let turn: TurnLock
  private let logPath: String
  /// A pipe that wakes the thread: written to when it is to look whether it is still needed.
  private let wakeIn: Int32
  private let wakeOut: Int32

  /// How long is looked for the commit of somebody who takes no turn.
  private static let strangerMilliseconds: Int32 = 1_000
  /// How often is looked where the system tells of no writes.
  private static let blindMilliseconds: Int32 = 20

  init(wal: WALIndex, turn: TurnLock, databasePath: String) throws(StoreError) {
    self.wal = wal
    self.turn = turn
    logPath = databasePath + "-wal"
    state = NIOLockedValueBox(State(told: wal.read()))
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else {
      throw StoreError(
        .unavailable, "The system gives no more open files (error \(errno)).",
        hint: "Raise the limit of open files, then try again.")
    }
    (wakeOut, wakeIn) = (ends[0], ends[1])
    for end in ends {
      _ = fcntl(end, F_SETFL, O_NONBLOCK)
      _ = fcntl(end, F_SETFD, FD_CLOEXEC)
    }
  }

  deinit {
    closeFile(wakeIn)
    closeFile(wakeOut)
  }

  /// Adds a subscriber.
  ///
  /// - Parameter callback: What to call.
  /// - Returns: The subscription.
  func subscribe(_ callback: @escaping @Sendable () -> Void) -> Subscription {
    state.withLockedValue { state in
      state.newest += 1
      state.callbacks[state.newest] = callback
      if state.running == nil, !state.isClosed {
        state.threads += 1
        let number = state.threads
        // Where the system gives no thread, own commits are told all the same; the next subscriber
        // tries again.
        state.thread = try? WorkerThread(name: "holdfast-watch") { [self] in watch(number) }
        state.running = state.thread == nil ? nil : number
      }
      return Subscription(number: state.newest)
    }
  }

  /// Removes a subscriber.
  ///
  /// - Parameter subscription: What ``subscribe(_:)`` gave.
  func unsubscribe(_ subscription: Subscription) {
    let isLast = state.withLockedValue { state in
      state.callbacks[subscription.number] = nil
      return state.callbacks.isEmpty
    }
    if isLast { wake() }
  }

  /// Tells of a commit of this engine's; called after it by the writer.
  func committed() {
    let now = wal.read()
    let callbacks = state.withLockedValue { state in
      state.told = now
      return state.callbacks
    }
    for callback in callbacks.values { callback() }
  }

  /// Ends the thread; the header is not read any more after this.
  ///
  /// It blocks.
  func close() {
    let thread = state.withLockedValue { state in
      state.isClosed = true
      return state.thread
    }
    wake()
    thread?.join()
  }

  private func wake() {
    var byte: UInt8 = 0
    _ = write(wakeIn, &byte, 1)
  }
}

// MARK: The thread

extension CommitWatch {
  private func watch(_ number: Int) {
    guard goesOn(number) else { return }
    let events = holdfast_watch_open()
    defer { closeFile(events) }
    var isWatching = events >= 0 && holdfast_watch_add(events, logPath) >= 0
    // The last write of a commit may lie before the watch, and the header's change after this look.
    isWatching = follow(events, isWatching, number)
    while goesOn(number) {
      holdfast_poll(events, wakeOut, isWatching ? -1 : Self.blindMilliseconds)
      drainWakes()
      isWatching = follow(events, isWatching, number)
    }
  }

  /// Looks at the header until the commit that was announced is there, or none comes any more.
  ///
  /// - Returns: Whether the log is still being watched.
  private func follow(_ events: Int32, _ wasWatching: Bool, _ number: Int) -> Bool {
    var isWatching = wasWatching
    var pause: Int32 = 1
    var waited: Int32 = 0
    while true {
      let seen = holdfast_watch_drain(events)
      if seen & 2 != 0 || !isWatching {
        isWatching = events >= 0 && holdfast_watch_add(events, logPath) >= 0
      }
      if seen != 0 { (pause, waited) = (1, 0) }
      // In this order: a store that commits changes the header before it gives up the turn.
      let isFree = turn.isFree
      tellIfChanged()
      guard isWatching, goesOn(number), !(isFree && waited >= Self.strangerMilliseconds) else {
        return isWatching
      }
      // Not woken by further writes: a commit of many pages would wake the thread for each of them.
      holdfast_poll(-1, wakeOut, pause)
      drainWakes()
      waited += pause
      pause = min(pause * 2, 250)
    }
  }

  private func tellIfChanged() {
    let now = wal.read()
    guard now.isWhole else { return }
    let callbacks = state.withLockedValue { state -> [Int: @Sendable () -> Void] in
      guard !state.told.shows(sameAs: now) else { return [:] }
      state.told = now
      return state.callbacks
    }
    for callback in callbacks.values { callback() }
  }

  private func goesOn(_ number: Int) -> Bool {
    state.withLockedValue { state in
      guard state.running == number else { return false }
      if state.isClosed || state.callbacks.isEmpty { state.running = nil }
      return state.running == number
    }
  }

  private func drainWakes() {
    var bytes: (UInt64, UInt64) = (0, 0)
    while read(wakeOut, &bytes, 16) > 0 {}
  }
}

/// The C library's `close`, whose name the class uses for something else.
private func closeFile(_ file: Int32) {
  if file >= 0 { close(file) }
}
