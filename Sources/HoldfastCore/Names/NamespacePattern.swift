/// Which namespaces a token may use: a namespace whose last segment may be a wildcard.
///
/// | Pattern | Matches |
/// |---|---|
/// | `users:u1` | exactly `users:u1` |
/// | `users:*` | `users:u1`, not `users` and not `users:u1:memories` |
/// | `users:**` | `users:u1` and `users:u1:memories`, all below `users` but not `users` itself |
/// | `*` | every namespace of one segment, such as `global` |
/// | `**` | every namespace |
///
/// Nothing matches inside a segment. A `*` anywhere but alone in the last segment is refused, since
/// whoever wrote it expects what it does not do: `run:4*` would match no run but one of that very
/// name.
public struct NamespacePattern: Sendable, Hashable, CustomStringConvertible {
  /// What may come after the segments that are named.
  package enum Tail: Sendable, Hashable {
    /// Nothing.
    case nothing
    /// Exactly one segment: `*`.
    case one
    /// One segment or more: `**`.
    case below
  }

  /// The written form.
  public let text: String
  /// The segments before the wildcard, unescaped.
  package let segments: [String]
  /// What may come after them.
  package let tail: Tail

  /// Reads a pattern.
  ///
  /// - Parameters:
  ///   - text: The written form.
  ///   - limits: How long it may be, and of how many segments, the wildcard included.
  /// - Throws: ``StoreError`` with ``StoreError/Code/invalid`` and the `reason` in its
  ///   details: those of a ``Namespace``, and `wildcard`.
  public init(_ text: String, limits: Limits = Limits()) throws(StoreError) {
    var segments = try NamespaceText.read(text)
    try NamespaceText.check(segments, text: text, limits)
    guard !segments[0].utf8.starts(with: "_holdfast".utf8) else {
      throw NamespaceText.failure(.reserved)
    }
    tail = Self.tail(segments[segments.count - 1])
    if tail != .nothing { segments.removeLast() }
    guard !segments.contains(where: { $0.utf8.contains(UInt8(ascii: "*")) }) else {
      throw NamespaceText.failure(.wildcard)
    }
    self.segments = segments
    self.text = text
  }

  /// Whether a namespace is one of those that the pattern stands for.
  ///
  /// - Parameter namespace: Any namespace.
  /// - Returns: Whether it matches.
  public func matches(_ namespace: Namespace) -> Bool {
    let more = namespace.segments.count - segments.count
    let fits =
      switch tail {
      case .nothing: more == 0
      case .one: more == 1
      case .below: more >= 1
      }
    return fits && zip(segments, namespace.segments).allSatisfy { Bytewise.equal($0, $1) }
  }

  private static func tail(_ segment: String) -> Tail {
    switch segment {
    case "*": .one
    case "**": .below
    default: .nothing
    }
  }

  /// Whether two patterns are written in the same way, byte by byte.
  ///
  /// - Parameters:
  ///   - left: A pattern.
  ///   - right: Another pattern.
  /// - Returns: Whether they are equal.
  public static func == (left: NamespacePattern, right: NamespacePattern) -> Bool {
    Bytewise.equal(left.text, right.text)
  }

  /// Hashes the written form.
  ///
  /// - Parameter hasher: What takes the bytes.
  public func hash(into hasher: inout Hasher) { Bytewise(text).hash(into: &hasher) }

  /// The written form.
  public var description: String { text }
}
