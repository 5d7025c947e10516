import HoldfastCore
import NIOConcurrencyHelpers

/// The queues inside this process before rows that many writers meet at, one a number.
///
/// Who is at the head of a queue goes on to the database's lock of the same number, where the other
/// processes queue; so of each process one connection waits there, and not the whole pool.
/// Several numbers are taken in ascending order, in every process, so nobody waits in a circle.
final class HotRows: Sendable {
  /// The rows that somebody is at, each with those who wait behind; they are told whether it is
  /// their turn.
  private let rows = NIOLockedValueBox<[Int64: Line<Bool>]>([:])
  private let poller: Poller
  private let waitMax: Duration

  init(poller: Poller, waitMax: Duration) {
    self.poller = poller
    self.waitMax = waitMax
  }

  /// Waits until the caller is at the head of every queue.
  ///
  /// - Parameter numbers: The rows, ascending and without repetition.
  /// - Throws: `unavailable` when the wait was too long; then the caller is in no queue.
  func enter(_ numbers: [Int64]) async throws(StoreError) {
    for (place, number) in numbers.enumerated() {
      guard await enter(number) else {
        leave(Array(numbers[..<place]))
        throw StoreError(
          .unavailable, "Too many writers wait for the same row.",
          hint: "Try again later; nothing was written.")
      }
    }
  }

  private func enter(_ number: Int64) async -> Bool {
    await withCheckedContinuation { continuation in
      let waiter = rows.withLockedValue { rows -> Line<Bool>.Waiter? in
        guard rows[number] != nil else {
          rows[number] = Line()
          return nil
        }
        return rows[number]?.append { continuation.resume(returning: $0) }
      }
      guard let waiter else { return continuation.resume(returning: true) }
      let ticket = poller.schedule(after: waitMax) { [weak self] in self?.giveUp(waiter, number) }
      let isOver = rows.withLockedValue { _ in Line.note(ticket, for: waiter) }
      if isOver { poller.cancel(ticket) }
    }
  }

  private func giveUp(_ waiter: Line<Bool>.Waiter, _ number: Int64) {
    let taker = rows.withLockedValue { $0[number]?.giveUp(waiter) }
    taker?(false)
  }

  /// Lets the next one go on.
  ///
  /// - Parameter numbers: What ``enter(_:)`` was given.
  func leave(_ numbers: [Int64]) {
    for number in numbers {
      let next = rows.withLockedValue { rows in
        let next = rows[number]?.next()
        if next == nil { rows[number] = nil }
        return next
      }
      next?.tell(true, poller)
    }
  }
}
