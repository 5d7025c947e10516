import HoldfastCore
import NIOConcurrencyHelpers

/// A session of the pool: the poller serves its socket, unless a thread has borrowed it.
///
/// Unchecked because `lock` protects everything that changes, the session itself included while it
/// is not lent.
final class PooledSession: PollerClient, @unchecked Sendable {
  let session: Session
  private let poller: Poller
  private let whenLostIdle: @Sendable (PooledSession) -> Void
  private let clock = SystemTimeSource()
  private let lock = NIOLock()
  /// The poller's token; `nil` while a thread has the session.
  private var token: UInt64?
  private var awaitsRoom = false
  /// Who waits for the pipeline that is under way, and since when.
  private var finish: (@Sendable (Answer) -> Void)?
  private var since = Duration.zero

  /// Takes over a session.
  ///
  /// - Parameters:
  ///   - session: A session that is ready for work.
  ///   - poller: Who serves its socket.
  ///   - whenLostIdle: Called on the poller's thread when the connection ends while nobody uses it.
  init(
    _ session: Session, poller: Poller,
    whenLostIdle: @escaping @Sendable (PooledSession) -> Void
  ) {
    self.session = session
    self.poller = poller
    self.whenLostIdle = whenLostIdle
  }

  /// Hands the socket to the poller.
  func enlist() {
    lock.withLock { token = poller.watch(session.descriptor, for: self) }
  }

  /// Takes the socket from the poller: from now on the caller's thread has the session alone.
  func withdraw() {
    lock.withLock {
      guard let token else { return }
      poller.unwatch(session.descriptor, token: token)
      self.token = nil
      awaitsRoom = false
    }
  }

  /// Sends a pipeline from the caller's thread; the poller takes in the answer.
  ///
  /// - Parameters:
  ///   - pipeline: What to run; it ends with a Sync.
  ///   - finish: Takes the answer on the poller's thread.
  func begin(_ pipeline: Pipeline, _ finish: @escaping @Sendable (Answer) -> Void) {
    let broken = lock.withLock {
      self.finish = finish
      since = clock.monotonicTime()
      watchRoom(session.send(pipeline))
      return session.isBroken
    }
    // A socket that the library has closed rings no more.
    if broken { poller.post { self.ready() } }
  }

  func ready() {
    enum Event {
      case nothing
      case lostIdle
      case finished(Answer, @Sendable (Answer) -> Void)
    }
    let event: Event = lock.withLock {
      guard token != nil else { return .nothing }
      guard let finish else { return session.listen() ? .nothing : .lostIdle }
      switch session.pump() {
      case .waiting(let writes):
        watchRoom(writes)
        return .nothing
      case .finished(let answer):
        watchRoom(false)
        self.finish = nil
        return .finished(answer, finish)
      }
    }
    switch event {
    case .nothing: break
    case .lostIdle: whenLostIdle(self)
    case .finished(let answer, let finish): finish(answer)
    }
  }

  /// Breaks the connection off if it has given no answer for too long.
  ///
  /// - Parameter patience: How long is too long.
  func breakOff(after patience: Duration) {
    lock.withLock {
      guard finish != nil, clock.monotonicTime() - since > patience else { return }
      session.breakOff()
    }
  }

  private func watchRoom(_ wanted: Bool) {
    guard wanted != awaitsRoom, let token else { return }
    awaitsRoom = wanted
    poller.watch(session.descriptor, token: token, writes: wanted)
  }
}
