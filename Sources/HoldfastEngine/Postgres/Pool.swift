import HoldfastCore
import NIOConcurrencyHelpers

/// The connections of an engine: who needs one takes one, waits in line for one, or is told that
/// the wait is over.
///
/// Invariants: `live` counts the sessions that exist, idle or taken; `live + opening` never exceeds
/// `connectionsMax`; nobody waits while a session is idle; a session that failed is thrown away and
/// replaced when somebody needs it, after a growing pause where the server does not let us in.
final class Pool: Sendable {
  /// What one who takes a session gets in the end.
  typealias Turn = Result<PooledSession, StoreError>

  private enum Phase {
    case running, closing, closed
  }

  private struct State: Sendable {
    var phase = Phase.running
    var idle: [PooledSession] = []
    var members: [ObjectIdentifier: PooledSession] = [:]
    var opening = 0
    var line = Line<Turn>()
    /// Attempts to connect that failed since the last that did not.
    var refusals = 0
    var refusal: StoreError?
    var opened = 0
    var isGuarded = false
    var whenDrained: [@Sendable () -> Void] = []

    var live: Int { members.count }
  }

  /// No pause between two attempts to connect is longer, in microseconds: callers are waiting.
  private static let redialPauseMax: Int64 = 400_000

  private let state = NIOLockedValueBox(State())
  private let poller: Poller
  private let options: EngineOptions
  private let open: @Sendable () throws(StoreError) -> Session
  /// Opening blocks; one thread, because all connections lead to the same place.
  private let opener = WorkerPool(name: "holdfast-pg-dial", threadsMax: 1)

  /// Makes a pool without connections.
  ///
  /// - Parameters:
  ///   - poller: Who serves the sockets.
  ///   - options: Sizes and bounds.
  ///   - open: Opens one connection; it blocks.
  init(
    poller: Poller, options: EngineOptions,
    open: @escaping @Sendable () throws(StoreError) -> Session
  ) {
    self.poller = poller
    self.options = options
    self.open = open
  }

  // MARK: Taking and giving back

  /// Takes a session, now or when it is this caller's turn.
  ///
  /// - Parameter taker: Called once, here or on another thread of the engine's; must not block.
  func take(_ taker: @escaping Line<Turn>.Taker) {
    enum Decision {
      case now(Turn)
      case later(Line<Turn>.Waiter, opens: Bool)
    }
    let decision: Decision = state.withLockedValue { state in
      guard state.phase == .running else {
        return .now(.failure(StoreError(.closed, "The store is closed.")))
      }
      if let session = state.idle.popLast() { return .now(.success(session)) }
      let waiter = state.line.append(taker)
      return .later(waiter, opens: wantsAnother(&state))
    }
    switch decision {
    case .now(let result): taker(result)
    case .later(let waiter, let opens):
      let ticket = poller.schedule(after: options.busyWaitMax) { [weak self] in
        self?.giveUp(waiter)
      }
      let isOver = state.withLockedValue { _ in Line.note(ticket, for: waiter) }
      if isOver { poller.cancel(ticket) }
      if opens { openOne() }
    }
    guardAnswers()
  }

  /// Gives back a session that is fit for more work.
  ///
  /// - Parameter session: A session that was taken.
  func giveBack(_ session: PooledSession) {
    guard !session.session.isBroken else { return discard(session) }
    let next = state.withLockedValue { state in
      let next = state.line.next()
      if next == nil { state.idle.append(session) }
      return next
    }
    guard let next else { return drainIfClosing() }
    next.tell(.success(session), poller)
  }

  /// Throws away a session that was taken.
  ///
  /// - Parameter session: A session that is broken or spoilt.
  func discard(_ session: PooledSession) {
    session.withdraw()
    let opens = state.withLockedValue { state in
      state.members[ObjectIdentifier(session)] = nil
      return wantsAnother(&state)
    }
    if opens { openOne() }
    drainIfClosing()
  }

  private func lostIdle(_ session: PooledSession) {
    let wasIdle = state.withLockedValue { state in
      guard let place = state.idle.firstIndex(where: { $0 === session }) else { return false }
      state.idle.remove(at: place)
      return true
    }
    // Where it was taken a moment ago, the taker finds out by itself.
    if wasIdle { discard(session) }
  }

  private func giveUp(_ waiter: Line<Turn>.Waiter) {
    let outcome = state.withLockedValue { state in
      state.line.giveUp(waiter).map { ($0, state.live == 0 ? state.refusal : nil) }
    }
    guard let (taker, refusal) = outcome else { return }
    let busy = StoreError(
      .unavailable, "All connections to PostgreSQL were busy for \(options.busyWaitMax).",
      hint: "Try again later, or allow more connections.")
    taker(.failure(refusal ?? busy))
    drainIfClosing()
  }

  // MARK: Opening

  private func wantsAnother(_ state: inout State) -> Bool {
    guard state.phase != .closed, state.line.count > state.opening,
      state.live + state.opening < options.poolConnectionsMax
    else { return false }
    state.opening += 1
    return true
  }

  private func openOne() {
    let refusals = state.withLockedValue { $0.refusals }
    let attempt: @Sendable () -> Void = { [self] in
      do throws(StoreError) { try opener.submit { [self] in dial() } } catch { refused(error) }
    }
    guard refusals > 0 else { return attempt() }
    let longest = min(Self.redialPauseMax, 20_000 << Int64(min(refusals, 6)) as Int64)
    let pause = options.ids.random(in: longest / 2...longest)
    poller.schedule(after: .microseconds(pause), attempt)
  }

  private func dial() {
    do throws(StoreError) { add(try open()) } catch { refused(error) }
  }

  /// Adds a session that is ready for work.
  ///
  /// - Parameters:
  ///   - session: A session that holds the store's lock.
  ///   - reserved: Whether it was counted as one that is being opened.
  func add(_ session: Session, reserved: Bool = true) {
    let pooled = PooledSession(session, poller: poller) { [weak self] in self?.lostIdle($0) }
    state.withLockedValue { state in
      if reserved { state.opening -= 1 }
      state.refusals = 0
      state.refusal = nil
      state.opened += 1
      state.members[ObjectIdentifier(pooled)] = pooled
    }
    pooled.enlist()
    giveBack(pooled)
  }

  private func refused(_ error: StoreError) {
    let (given, opens) = state.withLockedValue { state -> ([Line<Turn>.Served], Bool) in
      state.opening -= 1
      state.refusals += 1
      state.refusal = error
      // What waiting does not mend is told at once to those who have no other connection to hope
      // for.
      guard error.code != .unavailable, state.live == 0 else { return ([], wantsAnother(&state)) }
      var given: [Line<Turn>.Served] = []
      while let next = state.line.next() { given.append(next) }
      return (given, false)
    }
    for next in given { next.tell(.failure(error), poller) }
    if opens { openOne() }
    drainIfClosing()
  }

  // MARK: Watching over answers that never come

  private func guardAnswers() {
    let begins = state.withLockedValue { state in
      defer { state.isGuarded = true }
      return !state.isGuarded
    }
    if begins { poller.schedule(after: .seconds(5)) { [weak self] in self?.lookForSilence() } }
  }

  private func lookForSilence() {
    let taken = state.withLockedValue { state in
      state.isGuarded = false
      return state.live > state.idle.count ? Array(state.members.values) : []
    }
    guard !taken.isEmpty else { return }
    for session in taken { session.breakOff(after: Wire.patience) }
    guardAnswers()
  }

  // MARK: Health and closing

  /// How the pool stands.
  var census: (live: Int, idle: Int, waiting: Int, opened: Int) {
    state.withLockedValue { ($0.live, $0.idle.count, $0.line.count, $0.opened) }
  }

  /// Serves those who wait already, then closes every connection.
  func close() async {
    await withCheckedContinuation { continuation in
      let closed = state.withLockedValue { state in
        guard state.phase != .closed else { return true }
        state.phase = .closing
        state.whenDrained.append { continuation.resume() }
        return false
      }
      if closed { continuation.resume() } else { drainIfClosing() }
    }
    opener.close()
  }

  private func drainIfClosing() {
    let drained = state.withLockedValue { state -> [@Sendable () -> Void] in
      guard state.phase == .closing, state.line.count == 0, state.opening == 0,
        state.idle.count == state.live
      else { return [] }
      state.phase = .closed
      for session in state.idle { session.withdraw() }
      state.idle = []
      state.members = [:]
      defer { state.whenDrained = [] }
      return state.whenDrained
    }
    for resume in drained { resume() }
  }
}
