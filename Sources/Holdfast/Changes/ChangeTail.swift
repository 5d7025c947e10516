import HoldfastCore
import HoldfastEngine
import NIOConcurrencyHelpers

/// The end of the feed, read once for all watchers of this process.
///
/// Watchers that keep up are served from a ring in memory; one that is further behind reads the
/// database by itself until it has caught up. So a commit costs one read of the feed, however many
/// watch. The tail works only while somebody waits. The ring lags a little behind the commits, so
/// the first look of each is at the database.
package final class ChangeTail: Sendable {
  private struct State {
    /// The newest events, in order.
    var events: [FeedEvent] = []
    /// The place before the first of `events`.
    var start: FeedCursor?
    /// The place behind the last.
    var end: FeedCursor?
    var waiters: [Int: WakeUp] = [:]
    var next = 0
    var reader: Task<Void, Never>?
    var isFinished = false
  }

  private let engine: any Engine
  private let time: any TimeSource
  private let state = NIOLockedValueBox(State())

  /// How many events the ring holds.
  private static let eventsMax = 4_096
  /// How many events are read at once.
  private static let pageMax = 512
  /// How many events a look beside the ring reads: so few that no thread is needed for it.
  static let lookMax = 128
  /// How soon the feed is looked at again while something is held back by an older transaction.
  private static let heldBackPause = Duration.milliseconds(20)
  /// How soon the feed is looked at again when nothing was heard: wake-ups may get lost.
  static let quietPause = Duration.seconds(5)

  init(engine: any Engine, time: any TimeSource) {
    self.engine = engine
    self.time = time
  }

  /// Begins to take part: the tail reads while anybody does.
  ///
  /// - Returns: A number for ``leave(_:)``, and what is signalled when there may be something new.
  func join() throws(StoreError) -> (number: Int, wakeUp: WakeUp) {
    let wakeUp = WakeUp()
    let number: Int? = state.withLockedValue { state in
      guard !state.isFinished else { return nil }
      defer { state.next += 1 }
      state.waiters[state.next] = wakeUp
      if state.reader == nil { state.reader = Task { [self] in await read() } }
      return state.next
    }
    guard let number else { throw StoreError(.closed, "The store is closed.") }
    return (number, wakeUp)
  }

  /// Ends taking part; the last to leave stops the reading.
  func leave(_ number: Int) {
    let reader = state.withLockedValue { state -> Task<Void, Never>? in
      state.waiters.removeValue(forKey: number)
      guard state.waiters.isEmpty else { return nil }
      defer { Self.forget(&state) }
      return state.reader
    }
    reader?.cancel()
  }

  /// Ends it for all: the store closes.
  func finish() {
    let (reader, waiters) = state.withLockedValue { state in
      defer {
        state.isFinished = true
        Self.forget(&state)
      }
      return (state.reader, Array(state.waiters.values))
    }
    reader?.cancel()
    for waiter in waiters { waiter.signal() }
  }

  private static func forget(_ state: inout State) {
    state.reader = nil
    empty(&state)
  }

  private static func empty(_ state: inout State) {
    state.events = []
    state.start = nil
    state.end = nil
  }

  /// The events after a place: from the ring where it reaches back so far, else from the database.
  func events(after cursor: FeedCursor) async throws(StoreError) -> FeedPage {
    let kept: FeedPage?? = state.withLockedValue { state in
      if state.isFinished { return .some(nil) }
      guard let start = state.start, let end = state.end,
        cursor.incarnation == start.incarnation, cursor.timeline == start.timeline,
        cursor >= start, cursor <= end
      else { return nil }
      let first = state.events.partitioningIndex { $0.cursor > cursor }
      return FeedPage(
        events: Array(state.events[first...].prefix(Self.pageMax)),
        next: end, heldBack: false)
    }
    switch kept {
    case .some(nil): throw StoreError(.closed, "The store is closed.")
    case .some(let page?):
      guard let last = page.events.last, page.events.count == Self.pageMax else { return page }
      return FeedPage(events: page.events, next: last.cursor, heldBack: false)
    case nil: return try await engine.feed(after: cursor, limit: Self.pageMax)
    }
  }

  /// Reads the end of the feed into the ring until cancelled.
  private func read() async {
    // This reader's own: one that was cancelled a moment ago may still be on its way into a wait,
    // and would take the signal away that this one needs.
    let committed = WakeUp()
    let subscription = engine.subscribe { committed.signal() }
    defer { engine.unsubscribe(subscription) }
    var cursor: FeedCursor?
    while !Task.isCancelled {
      do throws(StoreError) {
        let from: FeedCursor
        if let cursor {
          from = cursor
        } else {
          from = try await engine.feedEnd()
        }
        let page = try await engine.feed(after: from, limit: Self.pageMax)
        add(page, after: from)
        cursor = page.next
        guard page.events.count < Self.pageMax else { continue }
        await committed.wait(atMost: Self.pause(after: page), time)
      } catch {
        cursor = nil
        fail(error)
        await committed.wait(atMost: Self.quietPause, time)
      }
    }
  }

  private func add(_ page: FeedPage, after cursor: FeedCursor) {
    state.withLockedValue { state in
      guard state.reader != nil else { return }
      if state.end != cursor {
        state.events = []
        state.start = cursor
      }
      state.events += page.events
      state.end = page.next
      let surplus = state.events.count - Self.eventsMax
      if surplus > 0 {
        state.start = state.events[surplus - 1].cursor
        state.events.removeFirst(surplus)
      }
    }
    wakeAll()
  }

  /// Wakes the watchers for an error that the tail met.
  ///
  /// An outage heals by itself, and the ring goes on when it has. Anything else the watchers must
  /// see, so the ring goes, and they read the database by themselves.
  private func fail(_ error: StoreError) {
    if error.code != .unavailable { state.withLockedValue { Self.empty(&$0) } }
    wakeAll()
  }

  /// How long nobody looks again by himself.
  ///
  /// - Parameter page: What the last look gave.
  /// - Returns: Short while something is held back, and else the pause for lost wake-ups.
  static func pause(after page: FeedPage) -> Duration {
    page.heldBack ? heldBackPause : quietPause
  }

  private func wakeAll() {
    let waiters = state.withLockedValue { Array($0.waiters.values) }
    for waiter in waiters { waiter.signal() }
  }
}

extension [FeedEvent] {
  /// The first place whose event fulfils a condition that holds for all behind it.
  fileprivate func partitioningIndex(where holds: (FeedEvent) -> Bool) -> Int {
    var low = startIndex
    var high = endIndex
    while low < high {
      let middle = (low + high) / 2
      if holds(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
