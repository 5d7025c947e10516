import NIOConcurrencyHelpers

/// Lets so many at once do something; the others wait in the order of coming.
package final class Slots: Sendable {
  private struct State {
    var free: Int
    var waiting: [CheckedContinuation<Void, Never>] = []
  }

  private let state: NIOLockedValueBox<State>

  /// Makes slots.
  ///
  /// - Parameter count: How many at once.
  package init(_ count: Int) { state = NIOLockedValueBox(State(free: count)) }

  /// Takes a slot; waits for one in the order of coming.
  package func take() async {
    await withCheckedContinuation { continuation in
      let isTaken = state.withLockedValue { state in
        guard state.free > 0 else {
          state.waiting.append(continuation)
          return false
        }
        state.free -= 1
        return true
      }
      if isTaken { continuation.resume() }
    }
  }

  /// Gives a slot back, to whoever waits longest.
  package func give() {
    let next: CheckedContinuation<Void, Never>? = state.withLockedValue { state in
      guard state.waiting.isEmpty else { return state.waiting.removeFirst() }
      state.free += 1
      return nil
    }
    next?.resume()
  }
}

/// Bounds how many stores the tests of a process have open at once.
///
/// A test runner starts every test as soon as a thread is free, and each store holds threads and
/// connections of its own: a server's connections would not be enough for all of them.
enum StoreSlots {
  /// Enough to keep the cores busy while some tests wait for disk or locks.
  private static let count = 12
  private static let sqlite = Slots(count)
  private static let postgres = Slots(count)

  /// The slots of a database.
  static func of(_ engine: TestEngine) -> Slots {
    switch engine {
    case .sqlite: sqlite
    case .postgres: postgres
    }
  }
}
