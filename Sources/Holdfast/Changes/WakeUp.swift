import HoldfastCore
import NIOConcurrencyHelpers

/// Wakes tasks that wait for something to happen.
///
/// A signal that comes while nobody waits is kept
/// for the next who does, so that none is lost between a look and a wait.
final class WakeUp: Sendable {
  private struct State {
    var isSignalled = false
    var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
    var next = 0
  }

  private let state = NIOLockedValueBox(State())

  /// Wakes all who wait.
  func signal() {
    let waiters = state.withLockedValue { state in
      state.isSignalled = state.waiters.isEmpty
      defer { state.waiters = [:] }
      return state.waiters.values.map { $0 }
    }
    for waiter in waiters { waiter.resume() }
  }

  /// Waits for a signal; returns at once when the task is cancelled.
  func wait() async {
    let number = state.withLockedValue { state in
      defer { state.next += 1 }
      return state.next
    }
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let isOver = state.withLockedValue { state in
          // Whoever is cancelled looks no more, and leaves the signal to who does.
          if Task.isCancelled { return true }
          if state.isSignalled {
            state.isSignalled = false
            return true
          }
          state.waiters[number] = continuation
          return false
        }
        if isOver { continuation.resume() }
      }
    } onCancel: {
      state.withLockedValue { $0.waiters.removeValue(forKey: number) }?.resume()
    }
  }

  /// Waits for a signal, but not longer than this.
  func wait(atMost duration: Duration, _ time: any TimeSource) async {
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await self.wait() }
      group.addTask { try? await time.sleep(for: duration) }
      await group.next()
      group.cancelAll()
    }
  }
}
