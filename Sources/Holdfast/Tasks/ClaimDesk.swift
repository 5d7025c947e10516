import HoldfastCore
import NIOConcurrencyHelpers

/// Where the claims of a process meet: those that wait for the same queues are joined into one
/// transaction.
///
/// Claims of one queue exclude each other, so they could only wait in a row. Whoever comes while
/// one is under way waits; when it is over, the first of those who wait claims for all of them.
package final class ClaimDesk: Sendable {
  private typealias Answer = Result<[TaskRecord], StoreError>

  /// What one who waits is told.
  private enum Turn: Sendable {
    /// Claim for these; the first is the one who is told.
    case lead([Waiter])
    case answer(Answer)
    case cancelled
  }

  private struct Waiter: Sendable {
    let number: Int
    let order: ClaimOrder
    let continuation: CheckedContinuation<Turn, Never>
  }

  private struct State {
    /// Those who wait, by the queues from which somebody claims.
    var lines: [[Bytewise]: [Waiter]] = [:]
    var next = 0
  }

  private let state = NIOLockedValueBox(State())
  private let tasksMax: Int

  /// Makes a desk.
  ///
  /// - Parameter tasksMax: How many tasks one transaction claims at most.
  package init(tasksMax: Int) { self.tasksMax = tasksMax }

  /// How many wait for their turn.
  var waitingCount: Int { state.withLockedValue { $0.lines.values.reduce(0) { $0 + $1.count } } }

  /// Claims, together with others where they wait.
  ///
  /// - Parameters:
  ///   - order: What is wanted.
  ///   - perform: Claims for several orders in one transaction.
  /// - Returns: The tasks for this order.
  /// - Throws: What `perform` throws; `unavailable` where the caller was cancelled before its claim
  ///   began.
  func claim(
    _ order: ClaimOrder,
    _ perform: @escaping @Sendable ([ClaimOrder]) async throws(StoreError) -> [[TaskRecord]]
  ) async throws(StoreError) -> [TaskRecord] {
    // Who may not have everything does not share a walk with who may.
    guard order.reaches == nil else { return try await perform([order]).first ?? [] }
    switch await turn(order) {
    case .lead(let waiters):
      // In a task of its own: whoever leads may be cancelled, and the others not.
      let answers = await Task { await Self.answers(waiters, perform) }.value
      for (waiter, answer) in zip(waiters, answers).dropFirst() {
        waiter.continuation.resume(returning: .answer(answer))
      }
      pass(order.line)
      guard let own = answers.first else { return [] }
      return try own.get()
    case .answer(let answer): return try answer.get()
    case .cancelled: throw StoreError.from(CancellationError())
    }
  }

  private static func answers(
    _ waiters: [Waiter],
    _ perform: @Sendable ([ClaimOrder]) async throws(StoreError) -> [[TaskRecord]]
  ) async -> [Answer] {
    do throws(StoreError) {
      return try await perform(waiters.map(\.order)).map(Answer.success)
    } catch {
      return waiters.map { _ in .failure(error) }
    }
  }

  private func turn(_ order: ClaimOrder) async -> Turn {
    let number = state.withLockedValue { state in
      defer { state.next += 1 }
      return state.next
    }
    return await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let waiter = Waiter(number: number, order: order, continuation: continuation)
        let turn: Turn? = state.withLockedValue { state in
          // A cancellation that came before this moment found nobody to wake.
          if Task.isCancelled { return .cancelled }
          guard state.lines[order.line] != nil else {
            state.lines[order.line] = []
            return .lead([waiter])
          }
          state.lines[order.line]?.append(waiter)
          return nil
        }
        if let turn { continuation.resume(returning: turn) }
      }
    } onCancel: {
      let waiter: Waiter? = state.withLockedValue { state in
        guard let place = state.lines[order.line]?.firstIndex(where: { $0.number == number })
        else { return nil }
        return state.lines[order.line]?.remove(at: place)
      }
      waiter?.continuation.resume(returning: .cancelled)
    }
  }

  /// Lets the first of those who wait claim for as many of them as fit into a transaction.
  private func pass(_ line: [Bytewise]) {
    let waiters: [Waiter] = state.withLockedValue { state in
      var waiters: [Waiter] = []
      var tasks = 0
      while let next = state.lines[line]?.first,
        waiters.isEmpty || tasks + next.order.limit <= tasksMax
      {
        tasks += next.order.limit
        waiters.append(next)
        state.lines[line]?.removeFirst()
      }
      if waiters.isEmpty { state.lines[line] = nil }
      return waiters
    }
    waiters.first?.continuation.resume(returning: .lead(waiters))
  }
}
