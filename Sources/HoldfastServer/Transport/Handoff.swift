import NIOConcurrencyHelpers

/// Hands elements from one task to another, and keeps at most one that was not taken: whoever makes
/// them waits for whoever takes them.
///
/// One task sends and one takes. It ends when the sender finishes, or when the taker stops.
final class Handoff<Element: Sendable>: Sendable {
  private struct State {
    var element: Element?
    var sender: CheckedContinuation<Bool, Never>?
    var taker: CheckedContinuation<Element?, Never>?
    var isFinished = false
    var whenAbandoned: (@Sendable () -> Void)?
  }

  private let state = NIOLockedValueBox(State())

  /// Gives an element; waits while the one before was not taken.
  ///
  /// - Parameter element: The element.
  /// - Returns: Whether anybody will take it.
  func send(_ element: Element) async -> Bool {
    guard await isFree() else { return false }
    let taker: CheckedContinuation<Element?, Never>? = state.withLockedValue { state in
      guard let taker = state.taker else {
        if !state.isFinished { state.element = element }
        return nil
      }
      state.taker = nil
      return taker
    }
    taker?.resume(returning: element)
    return true
  }

  /// Waits until nothing lies there; false when it has ended.
  private func isFree() async -> Bool {
    await withTaskCancellationHandler {
      await withCheckedContinuation { sender in
        let answer: Bool? = state.withLockedValue { state in
          if state.isFinished || Task.isCancelled { return false }
          if state.element == nil { return true }
          state.sender = sender
          return nil
        }
        if let answer { sender.resume(returning: answer) }
      }
    } onCancel: {
      finish()
    }
  }

  /// Takes the next element; waits for it.
  ///
  /// - Returns: The element; `nil` at the end, or when the task was cancelled.
  func next() async -> Element? {
    await withTaskCancellationHandler {
      await withCheckedContinuation { taker in
        let (answer, sender) = state.withLockedValue {
          state -> (Element??, CheckedContinuation<Bool, Never>?) in
          if let element = state.element {
            defer {
              state.element = nil
              state.sender = nil
            }
            return (.some(element), state.sender)
          }
          if state.isFinished || Task.isCancelled { return (.some(nil), nil) }
          state.taker = taker
          return (nil, nil)
        }
        sender?.resume(returning: true)
        if let answer { taker.resume(returning: answer) }
      }
    } onCancel: {
      finish()
    }
  }

  /// Ends it: what lies there may still be taken.
  func finish() {
    let (sender, taker) = state.withLockedValue { state in
      defer {
        state.isFinished = true
        state.sender = nil
        state.taker = nil
        state.whenAbandoned = nil
      }
      return (state.sender, state.taker)
    }
    sender?.resume(returning: false)
    taker?.resume(returning: nil)
  }

  /// Says what to do when the taker stops before the end.
  ///
  /// - Parameter action: What to do, once.
  func whenAbandoned(_ action: @escaping @Sendable () -> Void) {
    let isOver = state.withLockedValue { state in
      if !state.isFinished { state.whenAbandoned = action }
      return state.isFinished
    }
    if isOver { action() }
  }

  fileprivate func abandon() {
    let action = state.withLockedValue { state in
      state.element = nil
      return state.whenAbandoned
    }
    finish()
    action?()
  }
}

extension Handoff: AsyncSequence {
  /// Begins to take.
  func makeAsyncIterator() -> Iterator { Iterator(self) }

  /// Takes the elements; when it goes, the sender learns of it.
  final class Iterator: AsyncIteratorProtocol {
    private let handoff: Handoff

    fileprivate init(_ handoff: Handoff) { self.handoff = handoff }

    deinit { handoff.abandon() }

    func next() async -> Element? { await handoff.next() }
  }
}
