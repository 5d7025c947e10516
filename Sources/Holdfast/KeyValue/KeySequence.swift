public import HoldfastCore

extension KeyValue {
  /// All keys, page after page, as they are asked for.
  ///
  /// Every key that stays is seen exactly once while others write. Each page is a snapshot of its
  /// own, so that a long walk holds nothing up.
  ///
  /// - Parameter prefix: Only those that begin so.
  /// - Returns: The keys in order.
  public func keys(prefix: String = "") -> KeySequence<String> {
    KeySequence(source: self, query: KeyQuery(prefix: prefix, limit: longestPage)) {
      $0.map(\.key)
    }
  }

  /// All keys with their values, page after page, as they are asked for.
  ///
  /// - Parameter prefix: Only those that begin so.
  /// - Returns: Keys and values in the order of keys.
  public func entries(prefix: String = "") -> KeySequence<ListedKey> {
    let query = KeyQuery(prefix: prefix, limit: longestPage, includesValues: true)
    return KeySequence(source: self, query: query) { $0 }
  }

  private var longestPage: Int { store.context.limits.pageItemsMax }
}

/// The keys of a namespace as an asynchronous sequence through all pages.
public struct KeySequence<Element: Sendable>: AsyncSequence, Sendable {
  let source: KeyValue
  let query: KeyQuery
  let make: @Sendable ([ListedKey]) -> [Element]

  /// All of it, as an array: nothing is cut off.
  ///
  /// - Returns: Every element in order.
  /// - Throws: ``StoreError`` as for a list.
  public func all() async throws(StoreError) -> [Element] {
    var elements: [Element] = []
    var query = query
    while true {
      let page = try await source.longPage(query)
      if elements.isEmpty { elements = make(page.items) } else { elements += make(page.items) }
      guard let next = page.next else { return elements }
      query.after = next
    }
  }

  /// Begins a walk.
  ///
  /// - Returns: An iterator before the first key.
  public func makeAsyncIterator() -> Iterator {
    Iterator(source: source, query: query, make: make)
  }

  /// A walk over the keys.
  public struct Iterator: AsyncIteratorProtocol {
    let source: KeyValue
    var query: KeyQuery
    let make: @Sendable ([ListedKey]) -> [Element]
    private var items: ArraySlice<Element> = []
    private var isLastPage = false

    init(
      source: KeyValue, query: KeyQuery, make: @escaping @Sendable ([ListedKey]) -> [Element]
    ) {
      self.source = source
      self.query = query
      self.make = make
    }

    /// The next element; reads the next page where that is needed.
    ///
    /// - Parameter actor: The caller's isolation.
    /// - Returns: The element; `nil` at the end.
    /// - Throws: ``StoreError`` as for a list.
    public mutating func next(
      isolation actor: isolated (any Actor)?
    ) async throws(StoreError) -> Element? {
      while items.isEmpty && !isLastPage {
        let page = try await source.list(query)
        items = make(page.items)[...]
        query.after = page.next
        isLastPage = page.next == nil
      }
      return items.popFirst()
    }
  }
}
