import HoldfastCore

/// The opaque cursors of lists: a letter that names the list, and the parts of a place in it.
enum ListCursor {
  /// Writes a cursor.
  ///
  /// - Parameters:
  ///   - list: The letter of the list.
  ///   - parts: The parts of the place; only the last may hold a dot.
  /// - Returns: The cursor.
  static func token(_ list: String, _ parts: String...) -> String {
    Base64.encodeURL(Array(([list] + parts).joined(separator: ".").utf8))
  }

  /// Reads a cursor back.
  ///
  /// - Parameters:
  ///   - token: What ``token(_:_:)`` gave.
  ///   - list: The letter of the list.
  ///   - count: How many parts a place has.
  /// - Returns: The parts.
  /// - Throws: `invalid` for a cursor of another list, and for none at all.
  static func parts(
    of token: String, in list: String, count: Int
  ) throws(StoreError) -> [Substring] {
    let parts = Base64.decodeURL(token).flatMap { String(validating: $0, as: UTF8.self) }?
      .split(separator: ".", maxSplits: count, omittingEmptySubsequences: false)
    guard let parts, parts.count == count + 1, parts[0] == list else { throw foreign }
    return Array(parts.dropFirst())
  }

  /// The error for what is no cursor of a list.
  static var foreign: StoreError {
    StoreError(
      .invalid, "The cursor is not one of this list.",
      hint: "Begin without a cursor, or send one exactly as it came.",
      details: ["reason": "cursor"])
  }
}
