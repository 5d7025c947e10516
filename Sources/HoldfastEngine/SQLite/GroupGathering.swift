import HoldfastCore

/// Whether an open group waits for the callers that the group before it answered.
///
/// Callers that write in a loop come back within microseconds. A writer that commits whatever
/// waits when it looks takes half of them each time, and flushes twice as often as it must; one
/// that waits for them a little longer than they mostly take has them all in one flush. Who does
/// not come back is not waited for: after a vain wait so many groups are not held open that the
/// waits cost next to nothing.
struct GroupGathering {
  /// How long is waited for the next caller at most, and for all of them.
  private static let patience = Duration.microseconds(40)
  private static let patienceInAll = Duration.microseconds(400)
  /// How many groups are not held open after vain waits, at most.
  private static let skippedMax = 64

  /// How many callers the last group answered.
  private var answered = 0
  /// How many calls the queue had been brought until then.
  private var broughtBefore = 0
  /// Whether the next group is held open.
  private var isOpen = true
  /// How many groups are still not held open.
  private var skipped = 0
  /// How many will not be after the next vain wait.
  private var skippedNext = 1
  /// Whether somebody came whom this group waited for.
  private var hasMet = false
  /// Until when this group is held open, once it is.
  private var end: Duration?

  /// Notes that a group is about to be answered.
  ///
  /// - Parameters:
  ///   - count: How many callers.
  ///   - queue: Where they come back to.
  mutating func end(answering count: Int, _ queue: WriteQueue) {
    answered = count
    broughtBefore = queue.brought
    hasMet = false
    end = nil
    isOpen = skipped == 0
    if !isOpen { skipped -= 1 }
  }

  /// The next call of an open group where none waits.
  ///
  /// - Parameter queue: Where the calls come.
  /// - Returns: The call; `nil` where all are back, or nobody comes.
  mutating func next(from queue: WriteQueue) -> WriteCall? {
    guard answered > 1, isOpen else { return nil }
    let clock = SystemTimeSource()
    let now = clock.monotonicTime()
    let end = end ?? now + Self.patienceInAll
    self.end = end
    let limit = min(end, now + Self.patience)
    while queue.brought - broughtBefore < answered {
      Pause.yield()
      if let call = queue.next(relaxedOnly: false) {
        (hasMet, skippedNext) = (true, 1)
        return call
      }
      guard clock.monotonicTime() < limit else {
        if !hasMet {
          skipped = skippedNext
          skippedNext = min(2 * skippedNext, Self.skippedMax)
        }
        answered = 0
        return nil
      }
    }
    return queue.next(relaxedOnly: false)
  }
}
