import HoldfastCore

/// Whether an open group waits for the callers that the group before it answered.
///
/// Callers that write in a loop come back within microseconds. A writer that commits whatever
/// waits when it looks takes half of them each time, and flushes twice as often as it must; one
/// that waits for them a little longer than they mostly take has them all in one flush. Who does
/// not come back is not waited for: after a vain wait so many groups are not held open that the
/// waits cost next to nothing.
struct GroupGathering {
  /// How long is waited for the next caller at most.
  private static let patience = Duration.microseconds(40)
  /// How many groups are not held open after vain waits, at most.
  private static let skippedMax = 64

  /// How many callers the last group answered.
  private var answered = 0
  /// How many calls the queue had been brought until then.
  private var broughtBefore = 0
  /// How many groups are still not held open.
  private var skipped = 0
  /// How many will not be after the next vain wait.
  private var skippedNext = 1
  /// Whether somebody came whom this group waited for.
  private var hasMet = false

  /// Notes that a group is about to be answered.
  ///
  /// - Parameters:
  ///   - count: How many callers.
  ///   - queue: Where they come back to.
  mutating func end(answering count: Int, _ queue: WriteQueue) {
    answered = count
    broughtBefore = queue.brought
    hasMet = false
    if skipped > 0 { skipped -= 1 }
  }

  /// The next call of an open group where none waits.
  ///
  /// - Parameter queue: Where the calls come.
  /// - Returns: The call; `nil` where all are back, or nobody comes.
  mutating func next(from queue: WriteQueue) -> WriteCall? {
    guard answered > 1, skipped == 0 else { return nil }
    let clock = SystemTimeSource()
    let limit = clock.monotonicTime() + Self.patience
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
