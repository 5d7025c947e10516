public import HoldfastCore
import HoldfastEngine

extension Store {
  /// The change feed: every mutation of every primitive.
  public var changes: Changes { Changes(store: self) }
}

/// The change feed of a store.
///
/// First the cursor, then the read, then the watch from it: nothing is missed, and what the read
/// already showed may come again.
///
/// ```swift
/// let cursor = try await store.changes.cursor()
/// let plan = try await kv.get("plan")
/// for try await change in store.changes(since: cursor) { … }
/// ```
public struct Changes: Sendable {
  let store: Store

  private static let cursor = Operation("changes.cursor", isWrite: false)
  private static let page = Operation("changes.page", isWrite: false)

  /// The place behind all that is visible now.
  ///
  /// - Returns: Where a watch can begin.
  /// - Throws: ``StoreError`` with `unavailable`, `closed`.
  public func cursor() async throws(StoreError) -> ChangeCursor {
    try await store.observed(Self.cursor) { ChangeCursor(try await store.engine.feedEnd()) }
  }

  /// Every change after a place, for as long as it is watched, each once, in the feed's order.
  ///
  /// - Parameters:
  ///   - since: Where to go on; `nil` begins at the first call for an element.
  ///   - filter: Which events to give.
  /// - Returns: The changes. The sequence throws ``StoreError`` with `trimmed` where what comes
  ///   after the cursor is no longer kept, and `closed` when the store closes.
  public func callAsFunction(
    since: ChangeCursor? = nil, filter: ChangeFilter = ChangeFilter()
  ) -> ChangeSequence {
    ChangeSequence(store: store, since: since, filter: filter)
  }

  /// The changes that are there after a place, without waiting.
  ///
  /// - Parameters:
  ///   - since: Where to go on.
  ///   - filter: Which events to give.
  /// - Returns: The events, and the place behind all that was looked at, for events that were
  ///   filtered out too.
  /// - Throws: ``StoreError`` with `trimmed`, `invalid` for a cursor of another store,
  ///   `unavailable`.
  public func page(
    since: ChangeCursor, filter: ChangeFilter = ChangeFilter()
  ) async throws(StoreError) -> (items: [Change], next: ChangeCursor) {
    try await store.observed(Self.page) {
      // Whoever asks once must see what was acknowledged, and the ring of the watchers may lag.
      let page = try await store.engine.feed(after: since.place, limit: ChangeTail.lookMax)
      let items = page.events.map(Change.init).filter(filter.matches)
      return (items, ChangeCursor(page.next))
    }
  }
}

extension KeyValue {
  /// Every later change of this namespace's keys, each once, in the feed's order.
  ///
  /// A clear, and the deletion of the run or bot above, come too.
  ///
  /// - Parameters:
  ///   - prefix: Only keys that begin so.
  ///   - since: Where to go on; `nil` begins at the first call for an element.
  /// - Returns: The changes; see ``Changes/callAsFunction(since:filter:)``.
  public func watch(prefix: String = "", since: ChangeCursor? = nil) -> ChangeSequence {
    store.changes(
      since: since, filter: ChangeFilter(namespace: namespace, prefix: prefix, kind: "kv"))
  }
}

/// Changes as they come.
public struct ChangeSequence: AsyncSequence, Sendable {
  /// What a sequence gives.
  public typealias Element = Change

  let store: Store
  let since: ChangeCursor?
  let filter: ChangeFilter

  /// Begins to watch.
  ///
  /// - Returns: An iterator at the sequence's place.
  public func makeAsyncIterator() -> Iterator {
    Iterator(store: store, cursor: since?.place, filter: filter)
  }

  /// A watcher.
  public final class Iterator: AsyncIteratorProtocol {
    private let store: Store
    private let filter: ChangeFilter
    private var cursor: FeedCursor?
    private var waiting: ArraySlice<Change> = []
    private var place: (number: Int, wakeUp: WakeUp)?
    private var hasLooked = false
    /// Whether a token was made or revoked, as far as was looked, since somebody asked.
    private var hasMetTokens = false

    init(store: Store, cursor: FeedCursor?, filter: ChangeFilter) {
      self.store = store
      self.cursor = cursor
      self.filter = filter
    }

    deinit {
      if let place { store.tail.leave(place.number) }
    }

    /// The place behind all that was looked at, also for events that were filtered out: what a
    /// heartbeat should carry.
    public var position: ChangeCursor? { cursor.map(ChangeCursor.init) }

    /// The next change; waits for it.
    ///
    /// - Parameter actor: The caller's isolation.
    /// - Returns: The change; `nil` when the task was cancelled.
    /// - Throws: ``StoreError`` with `trimmed`, `invalid`, `unavailable` or `closed`.
    public func next(
      isolation actor: isolated (any Actor)?
    ) async throws(StoreError) -> Change? {
      while !Task.isCancelled {
        if let change = waiting.popFirst() { return change }
        // Taking part comes before the look, so that no commit falls between the two.
        let place = try joined()
        let cursor = try await begun(isolation: actor)
        let page = try await look(after: cursor, isolation: actor)
        self.cursor = page.next
        waiting = page.events.map(Change.init).filter(filter.matches)[...]
        if page.events.isEmpty {
          await place.wakeUp.wait(atMost: ChangeTail.pause(after: page), store.context.time)
        }
      }
      return nil
    }

    /// The changes that are there, or the first that come within a time: many in one go, for
    /// whoever hands them on.
    ///
    /// - Parameters:
    ///   - limit: How long to wait for the first.
    ///   - stopsAtTokens: Whether a token that is made or revoked ends the wait.
    /// - Returns: The changes; none when the time is over or the task was cancelled. All of them
    ///   lie before ``position``.
    /// - Throws: ``StoreError`` with `trimmed`, `invalid`, `unavailable` or `closed`.
    package func batch(
      waitingAtMost limit: Duration, stopsAtTokens: Bool = false
    ) async throws(StoreError) -> [Change] {
      let time = store.context.time
      let end = time.monotonicTime() + limit
      while !Task.isCancelled {
        let place = try joined()
        let cursor = try await begun(isolation: #isolation)
        let page = try await look(after: cursor, isolation: #isolation)
        self.cursor = page.next
        let changes = page.events.map(Change.init).filter(filter.matches)
        if stopsAtTokens {
          hasMetTokens = hasMetTokens || page.events.contains { $0.kind == "token" }
        }
        guard changes.isEmpty, !hasMetTokens else { return changes }
        let left = end - time.monotonicTime()
        guard left > .zero else { return [] }
        guard page.events.isEmpty else { continue }
        await place.wakeUp.wait(atMost: Swift.min(left, ChangeTail.pause(after: page)), time)
      }
      return []
    }

    /// Whether a token was made or revoked before ``position``, since this was asked last.
    ///
    /// - Returns: Whether one was.
    package func takeTokensMet() -> Bool {
      defer { hasMetTokens = false }
      return hasMetTokens
    }

    private func joined() throws(StoreError) -> (number: Int, wakeUp: WakeUp) {
      if let place { return place }
      let made = try store.tail.join()
      place = made
      return made
    }

    /// What comes after a place.
    ///
    /// The first look is at the database itself: the ring of the watchers lags a little behind what
    /// this caller was told is committed.
    private func look(
      after cursor: FeedCursor, isolation actor: isolated (any Actor)?
    ) async throws(StoreError) -> FeedPage {
      guard !hasLooked else { return try await store.tail.events(after: cursor) }
      let page = try await store.engine.feed(after: cursor, limit: ChangeTail.lookMax)
      hasLooked = true
      return page
    }

    private func begun(
      isolation actor: isolated (any Actor)?
    ) async throws(StoreError) -> FeedCursor {
      if let cursor { return cursor }
      let end = try await store.engine.feedEnd()
      cursor = end
      return end
    }
  }
}
