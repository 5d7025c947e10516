import NIOConcurrencyHelpers

/// What is to be done later, soonest first: a binary heap in which cancelled entries stay until
/// they come up, or until they are the greater part.
struct Timers {
  /// Names one entry, so that it can be cancelled.
  struct Ticket: Hashable, Sendable {
    fileprivate let number: UInt64
  }

  private struct Entry {
    let due: Duration
    let number: UInt64
  }

  private var heap: [Entry] = []
  private var actions: [UInt64: @Sendable () -> Void] = [:]
  private var made: UInt64 = 0

  /// When the next entry is due; cancelled ones count until they come up.
  var next: Duration? { heap.first?.due }

  /// Adds an entry.
  ///
  /// - Parameters:
  ///   - due: When, on the clock of the one who asks.
  ///   - action: What to do.
  /// - Returns: What cancels it.
  mutating func add(at due: Duration, _ action: @escaping @Sendable () -> Void) -> Ticket {
    if heap.count > 64, heap.count > 2 * actions.count { compact() }
    made += 1
    actions[made] = action
    heap.append(Entry(due: due, number: made))
    rise(heap.count - 1)
    return Ticket(number: made)
  }

  /// Cancels an entry; one that came up already is left alone.
  ///
  /// - Parameter ticket: What ``add(at:_:)`` gave.
  mutating func cancel(_ ticket: Ticket) { actions[ticket.number] = nil }

  /// Takes out what is due.
  ///
  /// - Parameter now: The time.
  /// - Returns: What to do, soonest first.
  mutating func take(dueAt now: Duration) -> [@Sendable () -> Void] {
    var due: [@Sendable () -> Void] = []
    while let first = heap.first, first.due <= now {
      removeFirst()
      if let action = actions.removeValue(forKey: first.number) { due.append(action) }
    }
    return due
  }

  private mutating func compact() {
    let kept = heap.filter { actions[$0.number] != nil }
    heap.removeAll(keepingCapacity: true)
    for entry in kept {
      heap.append(entry)
      rise(heap.count - 1)
    }
  }

  private mutating func rise(_ start: Int) {
    var child = start
    while child > 0 {
      let parent = (child - 1) / 2
      guard heap[child].due < heap[parent].due else { return }
      heap.swapAt(child, parent)
      child = parent
    }
  }

  private mutating func removeFirst() {
    heap.swapAt(0, heap.count - 1)
    heap.removeLast()
    var parent = 0
    while true {
      let left = 2 * parent + 1
      guard left < heap.count else { return }
      let right = left + 1
      let least = right < heap.count && heap[right].due < heap[left].due ? right : left
      guard heap[least].due < heap[parent].due else { return }
      heap.swapAt(least, parent)
      parent = least
    }
  }
}
