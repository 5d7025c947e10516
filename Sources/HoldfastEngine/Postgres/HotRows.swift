import HoldfastCore
import NIOConcurrencyHelpers

/// The queues inside this process before rows that many writers meet at, one a number.
///
/// Who is at the head of a queue goes on to the database's lock of the same number, where the other
/// processes queue; so of each process one connection waits there, and not the whole pool.
/// Several numbers are taken in ascending order, in every process, so nobody waits in a circle.
final class HotRows: Sendable {
  private final class Waiter: @unchecked Sendable {
    // Unchecked: only touched under the lock of `rows`.
    var continuation: CheckedContinuation<Bool, Never>?
    var ticket: Timers.Ticket?

    init(_ continuation: CheckedContinuation<Bool, Never>) { self.continuation = continuation }
  }

  private typealias Turn = (CheckedContinuation<Bool, Never>, Timers.Ticket?)

  /// The rows that somebody is at, each with those who wait behind.
  private let rows = NIOLockedValueBox<[Int64: Queue<Waiter>]>([:])
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
      let waiter = rows.withLockedValue { rows -> Waiter? in
        guard rows[number] != nil else {
          rows[number] = Queue()
          return nil
        }
        let waiter = Waiter(continuation)
        rows[number]?.append(waiter)
        return waiter
      }
      guard let waiter else { return continuation.resume(returning: true) }
      let ticket = poller.schedule(after: waitMax) { [weak self] in self?.giveUp(waiter) }
      rows.withLockedValue { _ in waiter.ticket = ticket }
    }
  }

  private func giveUp(_ waiter: Waiter) {
    let continuation = rows.withLockedValue { _ in
      defer { waiter.continuation = nil }
      return waiter.continuation
    }
    continuation?.resume(returning: false)
  }

  /// Lets the next one go on.
  ///
  /// - Parameter numbers: What ``enter(_:)`` was given.
  func leave(_ numbers: [Int64]) {
    for number in numbers {
      let next = rows.withLockedValue { rows -> Turn? in
        while let waiter = rows[number]?.popFirst() {
          guard let continuation = waiter.continuation else { continue }
          waiter.continuation = nil
          return (continuation, waiter.ticket)
        }
        rows[number] = nil
        return nil
      }
      guard let (continuation, ticket) = next else { continue }
      if let ticket { poller.cancel(ticket) }
      continuation.resume(returning: true)
    }
  }
}
