/// Where a key lives: 1 to 8 segments, written with colons.
///
/// The same key in two namespaces never meets. `Namespace.run("42")` is written `run:42`; a colon or
/// a backslash inside a segment is escaped by a backslash.
///
/// ```swift
/// let memories = try Namespace("users:u1:memories")
/// ```
public struct Namespace: Sendable {
  /// The segments, unescaped; none is empty.
  public let segments: [String]
  /// The written form, which is also what the database holds.
  public let text: String
}

extension Namespace: Hashable, CustomStringConvertible {
  /// Whether two namespaces are the same, byte by byte.
  ///
  /// - Parameters:
  ///   - left: A namespace.
  ///   - right: Another namespace.
  /// - Returns: Whether they are equal.
  public static func == (left: Namespace, right: Namespace) -> Bool {
    left.text.utf8.elementsEqual(right.text.utf8)
  }

  /// Hashes the written form.
  ///
  /// - Parameter hasher: What takes the bytes.
  public func hash(into hasher: inout Hasher) { Bytewise(text).hash(into: &hasher) }

  /// The written form.
  public var description: String { text }
}
