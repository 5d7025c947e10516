import NIOConcurrencyHelpers

/// Bounds how many stores the tests of a process have open at once.
///
/// A test runner starts every test as soon as a thread is free, and each store holds threads and
/// connections of its own: a server's connections would not be enough for all of them.
final class StoreSlots: Sendable {
  private struct State {
    var free: Int
    var waiting: [CheckedContinuation<Void, Never>] = []
  }

  private let state: NIOLockedValueBox<State>

  /// Enough to keep the cores busy while some tests wait for disk or locks.
  private static let count = 12
  private static let sqlite = StoreSlots()
  private static let postgres = StoreSlots()

  private init() { state = NIOLockedValueBox(State(free: Self.count)) }

  /// The slots of a database.
  static func of(_ engine: TestEngine) -> StoreSlots {
    switch engine {
    case .sqlite: sqlite
    case .postgres: postgres
    }
  }

  /// Takes a slot; waits for one in the order of coming.
  func take() async {
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
  func give() {
    let next: CheckedContinuation<Void, Never>? = state.withLockedValue { state in
      guard state.waiting.isEmpty else { return state.waiting.removeFirst() }
      state.free += 1
      return nil
    }
    next?.resume()
  }
}
