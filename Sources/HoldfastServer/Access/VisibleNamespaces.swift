import Holdfast
import HoldfastCore

/// Lists as those see them whose token reaches some namespaces only.
extension Call {
  /// One page of namespaces that the caller may see.
  ///
  /// Cutting to a depth and counting come after the filter, so that neither tells of what is
  /// hidden.
  ///
  /// - Parameter query: Which namespaces.
  /// - Returns: The page.
  /// - Throws: What the list throws.
  func visibleNamespaces(
    _ query: NamespaceQuery
  ) async throws(StoreError) -> Page<VisibleNamespace> {
    guard !access.isUnrestricted else {
      let page = try await store.namespaces.list(query)
      let items = page.items.map { VisibleNamespace(namespace: $0.namespace, count: $0.count) }
      return Page(items: items, next: page.next)
    }
    // This look is for its checks of what was asked for.
    var all = query
    all.counts = false
    _ = try await store.namespaces.list(all)
    all = query
    all.depth = nil
    all.limit = limits.pageItemsMax
    var groups = NamespaceGroups(query, limit: query.limit ?? limits.pageItemsDefault)
    repeat {
      let page = try await store.namespaces.list(all)
      for item in page.items where access.reads(item.namespace) {
        guard try groups.add(item) else { return groups.page(isLast: false) }
      }
      all.after = page.next
    } while all.after != nil
    return groups.page(isLast: true)
  }

  /// One page of things that the caller may see, gathered from pages of all of them.
  ///
  /// Where the page ends tells nothing of what is hidden: it ends behind the last thing shown, and
  /// more follows only where another one may be seen.
  ///
  /// - Parameters:
  ///   - operation: What is being done.
  ///   - limit: How many; `nil` for the default.
  ///   - after: Where the page before ended.
  ///   - isVisible: Whether the caller may see one.
  ///   - list: Gives a page of at most so many after a place.
  /// - Returns: The page; it may be short, and only its `next` says whether more follows.
  /// - Throws: What the list throws.
  func visible<Item: Sendable>(
    _ operation: Operation, limit: Int?, after: String?,
    where isVisible: @escaping @Sendable (Item) -> Bool,
    list: @escaping @Sendable (Transaction, String?, Int?) throws(StoreError) -> Page<Item>
  ) async throws(StoreError) -> Page<Item> {
    guard !access.isUnrestricted else {
      return try await store.consult(operation) { tx in try list(tx, after, limit) }
    }
    if let limit { try Checks.pageLimit(limit, limits) }
    let wanted = limit ?? limits.pageItemsDefault
    var shown: [Item] = []
    var end: String?
    var place = after
    var asked = min(wanted + 1, limits.pageItemsMax)
    for _ in 0..<Self.looksMax {
      let (from, count, room) = (place, asked, wanted - shown.count)
      let look = try await store.consult(operation) { tx in
        try VisibleItems(after: from, asked: count, room: room, where: isVisible) {
          after, limit throws(StoreError) in try list(tx, after, limit)
        }
      }
      shown += look.items
      end = look.end ?? end
      guard !look.isMore else { break }
      guard let next = look.next else { return Page(items: shown, next: nil) }
      place = next
      // A page that ends at its size in bytes, not at its number of items, is enough for one
      // answer.
      if look.isShort, !shown.isEmpty { break }
      asked = limits.pageItemsMax
    }
    return Page(items: shown, next: shown.isEmpty ? place : end)
  }

  /// How many pages are looked through for one: past so many that hold nothing to be seen, the
  /// caller goes on from there.
  private static let looksMax = 200
}

/// What one look into a list finds of what may be seen.
///
/// It is one snapshot: the last item shown is found again by its number in the page, and a page of
/// later could have another item there.
private struct VisibleItems<Item: Sendable>: Sendable {
  /// What is shown, as far as there is room.
  let items: [Item]
  /// Where the list goes on behind the last item shown; `nil` where none is, or nothing follows.
  let end: String?
  /// Whether there is more to be seen than room.
  let isMore: Bool
  /// Where the list goes on behind all that was looked at.
  let next: String?
  /// Whether the page held fewer items than were asked for.
  let isShort: Bool

  init(
    after place: String?, asked: Int, room: Int, where isVisible: (Item) -> Bool,
    list: (String?, Int?) throws(StoreError) -> Page<Item>
  ) throws(StoreError) {
    let page = try list(place, asked)
    let seen = page.items.indices.filter { isVisible(page.items[$0]) }
    let shown = seen.prefix(room)
    items = shown.map { page.items[$0] }
    isMore = seen.count > room
    next = page.next
    isShort = page.items.count < asked
    // Behind the page's last item the list goes on where the page says.
    switch shown.last {
    case nil: end = nil
    case page.items.count - 1: end = page.next
    case .some(let last): end = try list(place, last + 1).next
    }
  }
}

/// A namespace as a list shows it.
struct VisibleNamespace: Sendable {
  let namespace: Namespace
  /// How many keys it has; `nil` where this was not asked for.
  var count: Int?
}

/// Gathers namespaces into those that a page shows.
private struct NamespaceGroups {
  private let query: NamespaceQuery
  private let limit: Int
  private var items: [VisibleNamespace] = []

  init(_ query: NamespaceQuery, limit: Int) {
    self.query = query
    self.limit = limit
  }

  /// Adds a namespace; false when the page is full.
  mutating func add(_ item: ListedNamespace) throws(StoreError) -> Bool {
    let shown = try cut(item.namespace)
    // The list goes on behind the last namespace of the page before, and behind all that was shown
    // as that one.
    if let after = query.after, Bytewise.equal(after, shown.text) { return true }
    if let last = items.last, last.namespace == shown {
      items[items.count - 1].count = last.count.map { $0 + (item.count ?? 0) }
      return true
    }
    guard items.count < limit else { return false }
    items.append(VisibleNamespace(namespace: shown, count: item.count))
    return true
  }

  func page(isLast: Bool) -> Page<VisibleNamespace> {
    Page(items: items, next: isLast ? nil : items.last?.namespace.text)
  }

  private func cut(_ namespace: Namespace) throws(StoreError) -> Namespace {
    guard let depth = query.depth, namespace.segments.count > depth else { return namespace }
    return try Namespace(segments: Array(namespace.segments.prefix(depth)))
  }
}
