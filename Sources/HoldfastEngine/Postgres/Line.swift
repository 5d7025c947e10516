import HoldfastCore

/// Those who wait for something that is somebody else's now: first come, first served, and whoever
/// has waited too long gives up.
///
/// A line belongs to its owner's locked state. Under that lock it only says who is to be told; who
/// is told is told afterwards, outside.
struct Line<Turn: Sendable>: Sendable {
  typealias Taker = @Sendable (Turn) -> Void

  /// One who waits; `taker` is gone once it was served or gave up.
  ///
  /// Unchecked because it is only touched under the lock of the line's owner.
  final class Waiter: @unchecked Sendable {
    fileprivate var taker: Taker?
    fileprivate var ticket: Timers.Ticket?

    fileprivate init(_ taker: @escaping Taker) { self.taker = taker }
  }

  /// One whose turn has come.
  struct Served: Sendable {
    fileprivate let taker: Taker
    fileprivate let ticket: Timers.Ticket?

    /// Tells it so; to be called without the lock.
    ///
    /// - Parameters:
    ///   - turn: What it waited for.
    ///   - poller: Who watches over the time.
    func tell(_ turn: Turn, _ poller: Poller) {
      if let ticket { poller.cancel(ticket) }
      taker(turn)
    }
  }

  private var waiters = Queue<Waiter>()
  /// How many wait who have not given up.
  private(set) var count = 0

  /// Adds one at the end.
  ///
  /// - Parameter taker: Called once, by whoever serves it or lets it give up.
  /// - Returns: The one who waits.
  mutating func append(_ taker: @escaping Taker) -> Waiter {
    let waiter = Waiter(taker)
    waiters.append(waiter)
    count += 1
    return waiter
  }

  /// Notes what ends a wait; to be called under the lock of the line's owner.
  ///
  /// - Parameters:
  ///   - ticket: What ends it.
  ///   - waiter: Whose wait.
  /// - Returns: Whether it is over already, so that the ticket is to be cancelled.
  static func note(_ ticket: Timers.Ticket, for waiter: Waiter) -> Bool {
    waiter.ticket = ticket
    return waiter.taker == nil
  }

  /// Takes out the one who has waited longest.
  ///
  /// - Returns: Whose turn it is; `nil` where nobody waits.
  mutating func next() -> Served? {
    while let waiter = waiters.popFirst() {
      guard let taker = waiter.taker else { continue }
      waiter.taker = nil
      count -= 1
      return Served(taker: taker, ticket: waiter.ticket)
    }
    return nil
  }

  /// Lets one give up; its place in the line is passed over later.
  ///
  /// - Parameter waiter: Who gives up.
  /// - Returns: Whom to tell; `nil` for one who was served meanwhile.
  mutating func giveUp(_ waiter: Waiter) -> Taker? {
    guard let taker = waiter.taker else { return nil }
    waiter.taker = nil
    count -= 1
    return taker
  }
}
