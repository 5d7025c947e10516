import HoldfastCore

/// The writes that wait for the writer's thread, in the order in which they came.
///
/// Invariants: a call is either in the queue, or taken by the writer, or answered; `isTaken` and
/// `isCancelled` of a call change under the queue's lock only, and never both become true.
final class WriteQueue: Sendable {
  private struct State {
    var calls: [WriteCall] = []
    /// How many of `calls` were taken; cut off in one go, so that taking one costs no shifting.
    var taken = 0
    /// How many calls were ever brought.
    var brought = 0
    /// How many of the waiting calls must survive the machine.
    var durable = 0
    /// Whether the writer sleeps, so that whoever brings a call must wake it.
    var writerSleeps = false
    var isClosed = false

    /// Takes calls off the front until one is found that nobody cancelled.
    mutating func next(_ fits: (WriteCall) -> Bool) -> WriteCall? {
      while taken < calls.count {
        let call = calls[taken]
        guard call.isCancelled || fits(call) else { return nil }
        taken += 1
        if !call.isRelaxed { durable -= 1 }
        guard !call.isCancelled else { continue }
        call.isTaken = true
        return call
      }
      calls.removeAll(keepingCapacity: calls.count < 4_096)
      taken = 0
      return nil
    }
  }

  private let state = Monitor(State())

  /// Brings a call; one that cannot be taken any more is answered at once.
  ///
  /// - Parameter call: The call.
  func add(_ call: WriteCall) {
    enum Outcome { case waiting, wake, closed, cancelled }
    let outcome: Outcome = state.withLock { state in
      guard !call.isCancelled else { return .cancelled }
      guard !state.isClosed else { return .closed }
      state.calls.append(call)
      state.brought += 1
      if !call.isRelaxed { state.durable += 1 }
      defer { state.writerSleeps = false }
      return state.writerSleeps ? .wake : .waiting
    }
    switch outcome {
    case .waiting: break
    case .wake: state.change { _ in }
    case .closed: call.reject(StoreError(.closed, "The store is closed."))
    case .cancelled: call.reject(CancellationError())
    }
  }

  /// Takes a call back that has not begun; one that has goes on and is answered as usual.
  ///
  /// - Parameter call: The call, perhaps not yet added.
  func cancel(_ call: CancellableCall) {
    let cancelled: WriteCall? = state.withLock { _ in
      guard let call = call.attached else {
        call.isCancelled = true
        return nil
      }
      guard !call.isTaken, !call.isCancelled else { return nil }
      call.isCancelled = true
      return call
    }
    cancelled?.reject(CancellationError())
  }

  /// Makes a call cancellable, and adds it.
  ///
  /// - Parameters:
  ///   - call: The call.
  ///   - slot: What ``cancel(_:)`` is given.
  func add(_ call: WriteCall, in slot: CancellableCall) {
    state.withLock { _ in
      slot.attached = call
      // Not cancelled twice: where the slot was first, `add` answers.
      call.isCancelled = slot.isCancelled
    }
    add(call)
  }

  /// Takes the next call.
  ///
  /// - Parameter relaxedOnly: Whether only a relaxed one fits into the group.
  /// - Returns: The call; `nil` when none waits that fits.
  func next(relaxedOnly: Bool) -> WriteCall? {
    state.withLock { state in state.next { !relaxedOnly || $0.isRelaxed } }
  }

  /// Whether every call that waits is relaxed.
  var isRelaxed: Bool { state.withLock { $0.durable == 0 } }

  /// Waits until there is something to do.
  ///
  /// - Returns: Whether calls wait; `false` when the queue is closed and empty.
  func waitForCalls() -> Bool {
    // The next call of a caller that was just answered mostly comes within microseconds; going to
    // sleep and being woken would take longer than that.
    let clock = SystemTimeSource()
    let end = clock.monotonicTime() + Self.watchMax
    repeat {
      let waiting = state.withLock { $0.taken < $0.calls.count }
      if waiting { return true }
      Pause.yield()
    } while clock.monotonicTime() < end
    let found: Bool? = state.wait { state in
      if state.taken < state.calls.count { return true }
      if state.isClosed { return false }
      state.writerSleeps = true
      return nil
    }
    return found ?? false
  }

  /// For how long the writer stays awake after a group: about what an answered caller takes to be
  /// woken and to bring its next call.
  private static let watchMax = Duration.microseconds(100)

  /// Takes those out that have waited for too long.
  ///
  /// - Parameter moment: Calls that arrived before it go.
  /// - Returns: Those calls, and whether no other is left.
  func takeOlder(than moment: Duration) -> (calls: [WriteCall], isEmpty: Bool) {
    state.withLock { state in
      var old: [WriteCall] = []
      while let call = state.next({ $0.arrived < moment }) { old.append(call) }
      return (old, state.taken == state.calls.count)
    }
  }

  /// How many calls were brought so far.
  var brought: Int { state.withLock { $0.brought } }

  /// How many calls wait.
  var count: Int { state.withLock { $0.calls.count - $0.taken } }

  /// Refuses later calls; those in the queue are still run.
  func close() {
    state.change { $0.isClosed = true }
  }
}

/// The place of a call that may be cancelled before it exists.
final class CancellableCall: @unchecked Sendable {
  // Unchecked: both properties are touched under the lock of the queue only.
  fileprivate var attached: WriteCall?
  fileprivate var isCancelled = false
}
