import HoldfastCore
import HoldfastEngine

/// What was done to a dead letter, the oldest first, kept within a bound.
///
/// Nothing that is done to a letter is ever refused because of what was done to it before. So where
/// the history grows past its bound, the oldest messages from before an edit go first, each marked
/// in its event, then the oldest events, which are counted. The message from before the last edit
/// is not measured, however long it is, and stays as long as its event does.
struct DeadLetterHistory {
  /// The events that are left.
  private(set) var events: [DeadLetterEvent] = []
  /// How many went from the beginning.
  private(set) var dropped = 0

  /// Takes a history from where it was stored.
  ///
  /// - Parameters:
  ///   - events: The events that are left.
  ///   - dropped: How many went.
  init(events: [DeadLetterEvent] = [], dropped: Int = 0) {
    self.events = events
    self.dropped = dropped
  }

  /// A history with one more event.
  ///
  /// - Parameters:
  ///   - event: The event.
  ///   - bytesMax: The bound in bytes of what is stored.
  /// - Returns: The history, within the bound.
  func adding(_ event: DeadLetterEvent, bytesMax: Int) -> DeadLetterHistory {
    var next = self
    next.events.append(event)
    next.shrink(to: bytesMax)
    return next
  }

  private mutating func shrink(to bytesMax: Int) {
    let lastEdit = events.lastIndex { $0.messageBefore != nil }
    var sizes = events.indices.map { place in
      (place == lastEdit ? events[place].withoutMessage : events[place]).storedBytes
    }
    var size = sizes.reduce(2, +)
    for place in events.indices where size > bytesMax {
      guard place != lastEdit, events[place].messageBefore != nil else { continue }
      events[place] = events[place].withoutMessage
      size -= sizes[place]
      sizes[place] = events[place].storedBytes
      size += sizes[place]
    }
    var count = 0
    while size > bytesMax, count < events.count - 1 {
      size -= sizes[count]
      count += 1
    }
    events.removeFirst(count)
    dropped += count
  }

  /// The events as they are stored; they keep no limit of a value's, for they hold values.
  var text: String { Value.array(events.map(\.value)).json }
}

extension DeadLetterEvent {
  /// The event, with a mark in place of the message from before.
  fileprivate var withoutMessage: DeadLetterEvent {
    DeadLetterEvent(
      action: action, by: by, at: at, reason: reason, retryCount: retryCount,
      messageBefore: Value?.none, isMessageDropped: messageBefore != nil, task: task)
  }

  /// How many bytes it takes in the list.
  fileprivate var storedBytes: Int { value.jsonBytes.count + 1 }
}
