import HoldfastCore
import Logging
import NIOConcurrencyHelpers

/// Tells subscribers that something may have been committed, and other processes that something
/// was.
///
/// Announcements go out after the commit, many commits in one, on a connection of their own: inside
/// a transaction NOTIFY holds one lock for the whole server until the flush. A process may die
/// between its commit and its announcement, so subscribers are also called now and then for
/// nothing.
///
/// Unchecked because `lock` protects everything that changes, the session included.
final class Notifier: PollerClient, @unchecked Sendable {
  private enum Line {
    case none
    case opening
    case open(Session, token: UInt64)
    case closed
  }

  private let poller: Poller
  private let options: EngineOptions
  private let opener: SessionOpener
  private let identity: StoreIdentity
  private let threads = WorkerPool(name: "holdfast-pg-ear", threadsMax: 1)
  private let lock = NIOLock()

  private var line = Line.none
  private var failures: Int64 = 0
  private var subscribers: [Int: @Sendable () -> Void] = [:]
  private var made = 0
  private var wakeIsPosted = false
  /// Commits that no announcement has gone out for.
  private var unannounced = false
  private var announcementIsDue = false
  private var announcing = false
  private var looksAgain = false
  private var pollPause = pollPauseFirst
  private var pollTicket: Timers.Ticket?

  /// Announcements are at least this far apart: they cost the server something each.
  private static let announcementPause = Duration.milliseconds(20)
  private static let pollPauseFirst = Duration.seconds(1)
  private static let pollPauseMax = Duration.seconds(30)
  /// How soon subscribers look again while the feed is held back: a rollback announces nothing.
  private static let heldBackPause = Duration.milliseconds(50)

  init(poller: Poller, options: EngineOptions, opener: SessionOpener, identity: StoreIdentity) {
    self.poller = poller
    self.options = options
    self.opener = opener
    self.identity = identity
  }

  /// Whether commits of other processes are heard at once.
  var isListening: Bool {
    lock.withLock { if case .open = line { true } else { false } }
  }

  // MARK: Subscribers

  /// Adds a subscriber.
  ///
  /// - Parameter callback: Called on the poller's thread.
  /// - Returns: What ``unsubscribe(_:)`` takes.
  func subscribe(_ callback: @escaping @Sendable () -> Void) -> Subscription {
    let number = lock.withLock {
      made += 1
      if case .closed = line { return made }
      subscribers[made] = callback
      if pollTicket == nil { schedulePoll() }
      return made
    }
    openLine()
    return Subscription(number: number)
  }

  /// Removes a subscriber.
  ///
  /// - Parameter subscription: What ``subscribe(_:)`` gave.
  func unsubscribe(_ subscription: Subscription) {
    lock.withLock {
      subscribers[subscription.number] = nil
      guard subscribers.isEmpty, let ticket = pollTicket else { return }
      poller.cancel(ticket)
      pollTicket = nil
    }
  }

  /// Something of this process's was committed.
  func committed() {
    let due = lock.withLock {
      unannounced = true
      wake()
      defer { announcementIsDue = true }
      return !announcementIsDue
    }
    guard due else { return }
    openLine()
    poller.post { self.announce() }
  }

  /// Has subscribers look again soon.
  func lookAgain() {
    lock.withLock {
      guard !looksAgain, !subscribers.isEmpty else { return }
      looksAgain = true
      poller.schedule(after: Self.heldBackPause) { [weak self] in
        guard let self else { return }
        lock.withLock {
          looksAgain = false
          wake()
        }
      }
    }
  }

  /// Has everybody called, once, however often it is asked for before that; under the lock.
  private func wake() {
    guard !wakeIsPosted, !subscribers.isEmpty else { return }
    wakeIsPosted = true
    if pollPause > Self.pollPauseFirst {
      pollPause = Self.pollPauseFirst
      schedulePoll()
    }
    poller.post { [weak self] in self?.deliver() }
  }

  private func deliver() {
    let callbacks = lock.withLock {
      wakeIsPosted = false
      return Array(subscribers.values)
    }
    for callback in callbacks { callback() }
  }

  /// Under the lock.
  private func schedulePoll() {
    if let ticket = pollTicket { poller.cancel(ticket) }
    pollTicket = poller.schedule(after: pollPause) { [weak self] in self?.poll() }
  }

  private func poll() {
    let lookNow = lock.withLock {
      guard pollTicket != nil else { return false }
      pollPause = min(pollPause * 2, Self.pollPauseMax)
      schedulePoll()
      return true
    }
    if lookNow { deliver() }
    openLine()
  }

  // MARK: Announcements

  /// Sends one announcement for all commits until now; on the poller's thread.
  private func announce() {
    lock.withLock {
      guard unannounced, !announcing, case .open(let session, let token) = line else {
        // Whatever is under way, or the line when it opens, looks at `unannounced` again.
        if !unannounced { announcementIsDue = false }
        return
      }
      unannounced = false
      announcing = true
      let writes = session.send(Self.announcement(identity))
      if writes { poller.watch(session.descriptor, token: token, writes: true) }
    }
  }

  /// The announcement as a pipeline.
  private static func announcement(_ identity: StoreIdentity) -> Pipeline {
    var pipeline = Pipeline()
    pipeline.add(notify, [.text(identity.channel)])
    pipeline.sync()
    return pipeline
  }

  private static let notify = Statement(sqlite: "", postgres: "SELECT pg_notify($1, '')")

  func ready() {
    let lost = lock.withLock { () -> Bool in
      guard case .open(let session, let token) = line else { return false }
      var stands = true
      if announcing {
        if case .finished(let answer) = session.pump() {
          announcing = false
          stands = !answer.lost
          if answer.failure != nil { unannounced = true }
          poller.watch(session.descriptor, token: token, writes: false)
          poller.schedule(after: Self.announcementPause) { [weak self] in self?.announce() }
        }
      } else {
        stands = session.listen()
      }
      var foreign = false
      while let sender = session.nextNotification() {
        if sender != session.backend { foreign = true }
      }
      if foreign { wake() }
      if !stands { hangUp(session, token) }
      return !stands
    }
    if lost { openLine() }
  }

  // MARK: The line

  /// Under the lock.
  private func hangUp(_ session: Session, _ token: UInt64) {
    poller.unwatch(session.descriptor, token: token)
    line = .none
    announcing = false
  }

  private func openLine() {
    let pause = lock.withLock { () -> Duration? in
      guard case .none = line else { return nil }
      line = .opening
      return failures == 0
        ? .zero : .milliseconds(min(5_000, 50 << min(failures, 7)))
    }
    guard let pause else { return }
    poller.schedule(after: pause) { [weak self] in
      guard let self else { return }
      do throws(StoreError) {
        try threads.submit { [weak self] in self?.dial() }
      } catch {
        if lock.withLock({ self.missed() }) { openLine() }
      }
    }
  }

  /// Notes that the line could not be opened; under the lock.
  ///
  /// - Returns: Whether somebody needs it, so that it is to be tried again.
  private func missed() -> Bool {
    guard case .opening = line else { return false }
    failures += 1
    line = .none
    return !subscribers.isEmpty || unannounced
  }

  private func dial() {
    var opened: Session?
    do throws(StoreError) {
      let (session, _) = try opener.beginAgain()
      try session.run(
        script: "SET synchronous_commit = off; LISTEN \(identity.channel)",
        patience: Wire.connectTimeMax)
      opened = session
    } catch {
      options.logger.debug(
        "cannot listen for commits of others", metadata: ["code": "\(error.code)"])
    }
    let again = lock.withLock { () -> Bool in
      guard let session = opened else { return missed() }
      guard case .opening = line else { return false }
      failures = 0
      line = .open(session, token: poller.watch(session.descriptor, for: self))
      // Whatever was announced while nobody listened must not be missed.
      wake()
      return false
    }
    if again { openLine() } else { poller.post { [weak self] in self?.announce() } }
  }

  // MARK: Closing

  /// Announces what has not been announced yet, over a connection of the pool.
  ///
  /// - Parameter pool: The pool.
  func flush(over pool: Pool) async {
    let owes = lock.withLock {
      defer { unannounced = false }
      return unannounced
    }
    guard owes else { return }
    let exchanged = try? await pool.exchange(Self.announcement(identity))
    exchanged?.giveBack()
  }

  /// Lets go of the line, and waits until nobody works at it any more.
  func close() async {
    silence()
    threads.close()
  }

  /// Lets go of the line, and calls nobody from now on.
  func silence() {
    lock.withLock {
      if case .open(let session, let token) = line { hangUp(session, token) }
      line = .closed
      subscribers = [:]
      if let ticket = pollTicket { poller.cancel(ticket) }
      pollTicket = nil
    }
  }
}
