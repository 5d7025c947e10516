/// Where a key lives: 1 to 8 segments, written with colons.
///
/// The same key in two namespaces never meets. `Namespace.run("42")` is written `run:42`; a colon
/// or a backslash inside a segment is escaped by a backslash.
///
/// ```swift
/// let memories = try Namespace("users:u1:memories")
/// ```
public struct Namespace: Sendable {
  /// The segments, unescaped; none is empty.
  public let segments: [String]
  /// The written form, which is also what the database holds.
  public let text: String

  /// Puts segments together as they are; ``check(_:)`` finds what is wrong with them.
  private init(unchecked segments: [String]) {
    self.segments = segments
    text = NamespaceText.write(segments)
  }

  /// Takes over a written form and what was read from it: each namespace has only one such form.
  private init(read segments: [String], from text: String) {
    self.segments = segments
    self.text = text
  }
}

extension Namespace {
  /// The namespace of what belongs to no run, bot or user: `global`.
  public static let global = Namespace(unchecked: ["global"])

  /// The namespace of a run: `run:ID`.
  ///
  /// An identifier that no namespace can hold (empty, too long, with NUL) is refused by the first
  /// operation that uses the namespace.
  ///
  /// - Parameter id: The run's identifier; a colon or backslash in it is escaped.
  /// - Returns: The namespace.
  public static func run(_ id: String) -> Namespace { Namespace(unchecked: ["run", id]) }

  /// The namespace of a bot: `bot:ID`.
  ///
  /// An identifier that no namespace can hold is refused by the first operation that uses it.
  ///
  /// - Parameter id: The bot's identifier; a colon or backslash in it is escaped.
  /// - Returns: The namespace.
  public static func bot(_ id: String) -> Namespace { Namespace(unchecked: ["bot", id]) }

  /// Reads the written form.
  ///
  /// - Parameters:
  ///   - text: Segments with colons between them; `\:` and `\\` stand for a colon and a backslash.
  ///   - limits: How long it may be, and of how many segments.
  /// - Throws: ``StoreError`` with ``StoreError/Code/invalid`` and the `reason` in its details:
  ///   `empty`, `empty_segment`, `escape`, `nul`, `too_long`, `too_many_segments`, `reserved`.
  public init(_ text: String, limits: Limits = Limits()) throws(StoreError) {
    self.init(read: try NamespaceText.read(text), from: text)
    try check(limits)
  }

  /// Puts a namespace together from its segments.
  ///
  /// - Parameters:
  ///   - segments: The segments, not escaped.
  ///   - limits: How long it may be, and of how many segments.
  /// - Throws: ``StoreError`` with ``StoreError/Code/invalid``, as for the written form.
  public init(segments: [String], limits: Limits = Limits()) throws(StoreError) {
    self.init(unchecked: segments)
    try check(limits)
  }

  /// Takes a namespace from the database, where only namespaces that were checked are.
  ///
  /// - Parameter text: The written form.
  /// - Throws: ``StoreError`` with `corrupt` if it is not one.
  package init(stored text: String) throws(StoreError) {
    do throws(StoreError) {
      self.init(unchecked: try NamespaceText.read(text))
    } catch {
      throw StoreError(.corrupt, "The store holds a namespace that is none.", cause: error)
    }
  }

  /// Checks the namespace against a store's limits; every operation does so before all else.
  ///
  /// - Parameter limits: The store's limits.
  /// - Throws: ``StoreError`` with `invalid` and the `reason` in its details.
  package func check(_ limits: Limits) throws(StoreError) {
    try NamespaceText.check(segments, text: text, limits)
    guard segments.first?.utf8.starts(with: "_holdfast".utf8) != true else {
      throw NamespaceText.failure(.reserved)
    }
  }
}

extension Namespace {
  /// The run that this namespace belongs to: `42` for `run:42` and all below it.
  public var runID: String? { id(after: "run") }

  /// The bot that this namespace belongs to: `7` for `bot:7` and all below it.
  public var botID: String? { id(after: "bot") }

  private func id(after kind: String) -> String? {
    segments.count > 1 && Bytewise.equal(segments[0], kind) ? segments[1] : nil
  }

  /// Names of any kind as one text, written as the segments of a namespace are.
  ///
  /// - Parameter names: The names, in order.
  /// - Returns: The text, from which they can be read again.
  package static func joined(_ names: String...) -> String { NamespaceText.write(names) }

  /// Whether this namespace lies under another one, at whatever depth; none lies under itself.
  ///
  /// - Parameter other: The namespace above.
  /// - Returns: Whether this one begins with all segments of the other and has more.
  public func isBelow(_ other: Namespace) -> Bool {
    text.utf8.starts(with: other.prefixBelow.utf8)
  }

  /// What the written forms of all namespaces below this one begin with: a range's lower bound.
  ///
  /// A colon inside a segment is written `\:`, so no other namespace begins so.
  package var prefixBelow: String { text + ":" }

  /// The first text after all namespaces below this one: the range's upper bound, excluded.
  package var endBelow: String { text + ";" }
}

extension Namespace: Hashable, Comparable, CustomStringConvertible {
  /// Whether two namespaces are the same, byte by byte.
  ///
  /// - Parameters:
  ///   - left: A namespace.
  ///   - right: Another namespace.
  /// - Returns: Whether they are equal.
  public static func == (left: Namespace, right: Namespace) -> Bool {
    Bytewise.equal(left.text, right.text)
  }

  /// Whether the first namespace comes before the second, byte by byte in their written form.
  ///
  /// - Parameters:
  ///   - left: A namespace.
  ///   - right: Another namespace.
  /// - Returns: Whether `left` comes first.
  public static func < (left: Namespace, right: Namespace) -> Bool {
    Bytewise(left.text) < Bytewise(right.text)
  }

  /// Hashes the written form.
  ///
  /// - Parameter hasher: What takes the bytes.
  public func hash(into hasher: inout Hasher) { Bytewise(text).hash(into: &hasher) }

  /// The written form.
  public var description: String { text }
}
