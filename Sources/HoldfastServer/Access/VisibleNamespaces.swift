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
  ///   - limit: How many; `nil` for the default.
  ///   - after: Where the page before ended.
  ///   - isVisible: Whether the caller may see one.
  ///   - list: Gives a page of at most so many after a place.
  /// - Returns: The page; it may be short, and only its `next` says whether more follows.
  /// - Throws: What the list throws.
  func visible<Item: Sendable>(
    limit: Int?, after: String?, where isVisible: (Item) -> Bool,
    list: (String?, Int?) async throws(StoreError) -> Page<Item>
  ) async throws(StoreError) -> Page<Item> {
    guard !access.isUnrestricted else { return try await list(after, limit) }
    if let limit { try Checks.pageLimit(limit, limits) }
    let wanted = limit ?? limits.pageItemsDefault
    var shown: [Item] = []
    var end: (after: String?, count: Int)?
    var place = after
    var asked = min(wanted + 1, limits.pageItemsMax)
    search: for _ in 0..<Self.looksMax {
      let page = try await list(place, asked)
      for (index, item) in page.items.enumerated() where isVisible(item) {
        guard shown.count < wanted else { break search }
        shown.append(item)
        end = (place, index + 1)
      }
      guard let next = page.next else { return Page(items: shown, next: nil) }
      place = next
      // A page that ends at its size in bytes, not at its number of items, is enough for one
      // answer.
      if page.items.count < asked, !shown.isEmpty { break }
      asked = limits.pageItemsMax
    }
    guard let end else { return Page(items: [], next: place) }
    return Page(items: shown, next: try await list(end.after, end.count).next)
  }

  /// How many pages are looked through for one: past so many that hold nothing to be seen, the
  /// caller goes on from there.
  private static let looksMax = 200
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
