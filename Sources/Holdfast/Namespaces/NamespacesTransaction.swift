public import HoldfastCore
import HoldfastEngine

extension Transaction {
  /// The namespaces, inside this transaction.
  public var namespaces: NamespacesTransaction { NamespacesTransaction(transaction: self) }
}

/// A namespace in a list.
public struct ListedNamespace: Sendable, Equatable {
  /// The namespace, cut to the depth that was asked for.
  public let namespace: Namespace
  /// How many keys it has, with all below it where it was cut; `nil` where this was not asked for.
  public let count: Int?
}

/// Which namespaces a page lists.
public struct NamespaceQuery: Sendable, Equatable {
  /// Only this namespace and those below it.
  public var prefix: Namespace?
  /// Deeper namespaces are shown as one, cut to this many segments; 1 to 8.
  public var depth: Int?
  /// Where the page before ended.
  public var after: String?
  /// How many, 1 to 1 000; 100 if left out.
  public var limit: Int?
  /// Whether the keys are counted: exact, at the cost of a scan.
  public var counts: Bool

  /// Makes a query.
  ///
  /// - Parameters:
  ///   - prefix: Only this namespace and those below it.
  ///   - depth: Deeper namespaces are shown as one, cut to this many segments.
  ///   - after: Where the page before ended.
  ///   - limit: How many, 1 to 1 000.
  ///   - counts: Whether the keys are counted.
  public init(
    prefix: Namespace? = nil, depth: Int? = nil, after: String? = nil, limit: Int? = nil,
    counts: Bool = false
  ) {
    self.prefix = prefix
    self.depth = depth
    self.after = after
    self.limit = limit
    self.counts = counts
  }
}

/// The namespaces of a store, inside a transaction.
///
/// Invariant: namespaces are ordered by their text with a colon behind it, so that all that lies
/// below a namespace follows it at once.
public struct NamespacesTransaction {
  let transaction: Transaction

  private var limits: Limits { transaction.context.limits }

  /// Lists the namespaces that hold a key.
  ///
  /// - Parameter query: Which of them.
  /// - Returns: One page.
  /// - Throws: ``StoreError`` with `invalid` for a limit, a depth or a cursor that cannot be.
  public func list(
    _ query: NamespaceQuery = NamespaceQuery()
  ) throws(StoreError) -> Page<ListedNamespace> {
    let limit = try limits.pageItems(query.limit)
    try query.prefix?.check(limits)
    let depth = try checkDepth(query.depth)
    var lower = query.prefix.map { $0.text + ":" } ?? ""
    let upper = query.prefix.map { $0.text + ";" } ?? KeyBounds.end
    if let after = query.after {
      let place = try Namespace(after)
      let next = place.segments.count == depth ? place.text + ";" : place.text + ":\u{1}"
      if Bytewise(lower) < Bytewise(next) { lower = next }
    }
    var found: [Namespace] = []
    let connection = try transaction.reading()
    walk: while found.count <= limit {
      let texts = try connection.all(
        Self.page, [.text(lower), .text(upper), .integer(Int64(limit) + 1)]
      ) { $0.text(0) }
      for text in texts {
        guard Bytewise(text + ":") >= Bytewise(lower) else { continue }
        let namespace = try Namespace(stored: text).cut(to: depth)
        found.append(namespace)
        let isWhole = namespace.segments.count < depth
        lower = isWhole ? text + ":\u{1}" : namespace.text + ";"
        if found.count > limit { break walk }
      }
      if texts.count <= limit { break }
    }
    let items = try found.prefix(limit).map { namespace throws(StoreError) in
      try listed(namespace, query, depth)
    }
    return Page(items: items, next: found.count > limit ? items.last?.namespace.text : nil)
  }

  private func listed(
    _ namespace: Namespace, _ query: NamespaceQuery, _ depth: Int
  ) throws(StoreError) -> ListedNamespace {
    guard query.counts else { return ListedNamespace(namespace: namespace, count: nil) }
    let isCut = query.depth != nil && namespace.segments.count == depth
    let upper = namespace.text + (isCut ? ";" : ":\u{1}")
    let count = try transaction.reading().first(
      Self.count, [.text(namespace.text + ":"), .text(upper)]
    ) { Int($0.integer(0)) }
    return ListedNamespace(namespace: namespace, count: count ?? 0)
  }

  private func checkDepth(_ depth: Int?) throws(StoreError) -> Int {
    guard let depth else { return .max }
    guard (1...limits.namespaceSegmentsMax).contains(depth) else {
      throw StoreError(
        .invalid, "The depth is not between 1 and \(limits.namespaceSegmentsMax).",
        hint: "Give a depth in this range, or none.", details: ["reason": "depth"])
    }
    return depth
  }

  /// Removes all keys of a namespace, and nothing else.
  ///
  /// It costs one row a namespace however many keys there are; upkeep gives the space back. One
  /// event says it all. Where there is nothing to clear, nothing changes.
  ///
  /// - Parameters:
  ///   - namespace: The namespace.
  ///   - below: Whether those under it are cleared too.
  /// - Returns: How many namespaces with keys were cleared.
  /// - Throws: ``StoreError`` with `invalid_state` for one of an archived or deleted run.
  @discardableResult
  public func clear(_ namespace: Namespace, below: Bool = false) throws(StoreError) -> Int {
    try namespace.check(limits)
    let connection = try transaction.writing(bytes: namespace.text.utf8.count)
    try connection.shut(NamespaceDoor.numbers(of: namespace, below: below))
    try RunGuard.check(namespace, on: connection)
    let bounds: [Bound] = [
      .text(namespace.text + ":"), .text(namespace.text + (below ? ";" : ":\u{1}")),
    ]
    let isSealed = try connection.first(Self.sealed, bounds) { _ in true } ?? false
    guard !isSealed else {
      throw StoreError(
        .invalidState, "A namespace below belongs to an archived run.",
        hint: "Clear the namespaces that may be cleared one by one.")
    }
    let cleared = try connection.all(Self.clear, bounds) { $0.integer(0) }
    guard !cleared.isEmpty else { return 0 }
    _ = try connection.run([Feed.event("kv", namespace, nil, "clear", below: below)])
    if cleared.count == 1 { try KeySweeper.removeIfFew(cleared[0], on: connection) }
    return cleared.count
  }

  /// Marks every namespace with keys under a run or a bot, without a look at its state.
  ///
  /// The caller has shut their doors: as the first thing, for whoever has begun already begins
  /// anew.
  func clearAll(under namespace: Namespace, on connection: any Connection) throws(StoreError)
    -> Int
  {
    try connection.all(
      Self.clear, [.text(namespace.text + ":"), .text(namespace.text + ";")]
    ) { $0.integer(0) }.count
  }

  /// Marks those too that hold no live keys: when their owner has gone, nothing of them stays.
  func clearRest(under namespace: Namespace, on connection: any Connection) throws(StoreError) {
    try connection.run(
      Self.clearRest, [.text(namespace.text + ":"), .text(namespace.text + ";")])
  }

  /// Marks namespaces without any key, as a clear does, so that upkeep removes their rows; one that
  /// has a key by now stays.
  ///
  /// It makes no event, because nobody sees a namespace that has no keys. The door is shut as for a
  /// clear: a put that is under way would lose its namespace.
  ///
  /// - Parameters:
  ///   - numbers: The numbers of their rows.
  ///   - door: The door that all of them lie behind.
  /// - Throws: What the database says, as a ``StoreError``.
  func retire(_ numbers: [Int64], behind door: Int) throws(StoreError) {
    let connection = try transaction.writing(bytes: 0)
    try connection.shut([door])
    _ = try connection.run(numbers.map { Step(Self.retire, [.integer($0)]) })
  }

  /// $1 namespace.
  private static let retire = Statement(
    """
    UPDATE namespaces
    SET cleared_at = holdfast_now()
    WHERE id = $1 AND cleared_at IS NULL
      AND NOT EXISTS (SELECT 1 FROM kv AS k WHERE k.namespace_id = $1)
    """)

  /// $1 lower bound, $2 upper bound of the text with a colon, $3 how many.
  static let page = Statement(
    """
    SELECT n.name
    FROM namespaces AS n
    WHERE n.cleared_at IS NULL AND n.name || ':' >= $1 AND n.name || ':' < $2
      AND EXISTS (
        SELECT 1 FROM kv AS k
        WHERE k.namespace_id = n.id
          AND (k.expires_at IS NULL OR k.expires_at > holdfast_now()))
    ORDER BY n.name || ':'
    LIMIT CAST($3 AS BIGINT)
    """)

  /// $1 lower bound, $2 upper bound of the text with a colon.
  static let count = Statement(
    """
    SELECT COUNT(*)
    FROM namespaces AS n
    JOIN kv AS k ON k.namespace_id = n.id
    WHERE n.cleared_at IS NULL AND n.name || ':' >= $1 AND n.name || ':' < $2
      AND (k.expires_at IS NULL OR k.expires_at > holdfast_now())
    """)

  /// $1 lower bound, $2 upper bound of the text with a colon.
  private static let sealed = Statement(
    """
    SELECT 1
    FROM namespaces AS n
    JOIN runs AS r ON r.id = n.run_id
    WHERE n.cleared_at IS NULL AND n.name || ':' >= $1 AND n.name || ':' < $2
      AND r.status IN ('archived', 'deleted')
      AND EXISTS (
        SELECT 1 FROM kv AS k
        WHERE k.namespace_id = n.id
          AND (k.expires_at IS NULL OR k.expires_at > holdfast_now()))
    LIMIT 1
    """)

  /// $1 lower bound, $2 upper bound of the text with a colon.
  private static let clear = Statement(
    """
    UPDATE namespaces AS n
    SET cleared_at = holdfast_now()
    WHERE n.cleared_at IS NULL AND n.name || ':' >= $1 AND n.name || ':' < $2
      AND EXISTS (
        SELECT 1 FROM kv AS k
        WHERE k.namespace_id = n.id
          AND (k.expires_at IS NULL OR k.expires_at > holdfast_now()))
    RETURNING id
    """)

  /// $1 lower bound, $2 upper bound of the text with a colon.
  private static let clearRest = Statement(
    """
    UPDATE namespaces AS n
    SET cleared_at = holdfast_now()
    WHERE n.cleared_at IS NULL AND n.name || ':' >= $1 AND n.name || ':' < $2
    """)
}

extension Namespace {
  /// The first segments, at most this many.
  func cut(to depth: Int) throws(StoreError) -> Namespace {
    guard segments.count > depth else { return self }
    return try Namespace(segments: Array(segments.prefix(depth)))
  }
}
