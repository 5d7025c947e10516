import Holdfast

extension Changes {
  /// All events after a place that are there now.
  func all(
    since cursor: ChangeCursor, filter: ChangeFilter = ChangeFilter()
  ) async throws -> [Change] {
    var events: [Change] = []
    var place = cursor
    while true {
      let page = try await page(since: place, filter: filter)
      events += page.items
      guard page.next != place else { return events }
      place = page.next
    }
  }

  /// The events that some work leaves in the feed, as "operation subject".
  func made(by work: () async throws -> Void) async throws -> [String] {
    let cursor = try await cursor()
    try await work()
    return try await all(since: cursor).map(\.summary)
  }
}

extension Change {
  /// The event in a line: `put plan`, and the namespace for one that has no subject.
  var summary: String { "\(operation) \(subject ?? namespace)" }
}

extension ChangeSequence {
  /// The next events, waiting for them.
  func next(_ count: Int) async throws -> [Change] {
    var events: [Change] = []
    guard count > 0 else { return events }
    for try await event in self {
      events.append(event)
      if events.count == count { break }
    }
    return events
  }
}
