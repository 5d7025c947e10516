import HoldfastCore

/// The writes that wait for the writer's thread, in the order in which they came.
///
/// Invariants: a call is either in the queue, or taken by the writer, or answered; `isTaken` and
/// `isCancelled` of a call change under the queue's lock only, and never both become true.
final class WriteQueue: Sendable {
  private struct State {
    var calls = Queue<WriteCall>()
    /// How many calls were ever brought.
    var brought = 0
    /// How many of the waiting calls must survive the machine.
    var durable = 0
    /// Whether the writer sleeps, so that whoever brings a call must wake it.
    var writerSleeps = false
    var isClosed = false

    /// Takes calls off the front until one is found that nobody cancelled.
    mutating func next(_ fits: (WriteCall) -> Bool) -> WriteCall? {
      while let call = calls.first {
        guard call.isCancelled || fits(call) else { return nil }
        _ = calls.popFirst()
        if !call.isRelaxed { durable -= 1 }
        guard !call.isCancelled else { continue }
        call.isTaken = true
        return call
      }
      return nil
    }
  }

  private let state = Monitor(State())

  /// Brings a call; one that cannot be taken any more is answered at once.
  ///
  /// - Parameters:
  ///   - call: The call.
  ///   - slot: What ``cancel(_:)`` is given, for a call that may be cancelled.
  func add(_ call: WriteCall, in slot: CancellableCall? = nil) {
    enum Outcome { case waiting, wake, closed, cancelled }
    // Under one lock, so that either this answers the call or whoever cancels it, and never both.
    let outcome: Outcome = state.withLock { state in
      if let slot, slot.isCancelled { return .cancelled }
      guard !state.isClosed else { return .closed }
      slot?.attached = call
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
    case .cancelled: call.reject(StoreError.cancelled)
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
    cancelled?.reject(StoreError.cancelled)
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
      if state.withLock({ !$0.calls.isEmpty }) { return true }
      Pause.yield()
    } while clock.monotonicTime() < end
    let found: Bool? = state.wait { state in
      if !state.calls.isEmpty { return true }
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
      return (old, state.calls.isEmpty)
    }
  }

  /// How many calls were brought so far.
  var brought: Int { state.withLock { $0.brought } }

  /// How many calls wait.
  var count: Int { state.withLock { $0.calls.count } }

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
