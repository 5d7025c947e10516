import HoldfastCore

/// The opaque cursors of lists: a word that names the list, and the parts of a place in it.
enum ListCursor {
  /// The lists that have such cursors, each in one order, by the word that their cursors begin
  /// with: a cursor of another list or order is `invalid`, for it would lead to some place in this.
  enum List: String, CaseIterable {
    case runs = "r"
    case tasks = "t"
    case tasksOldestFirst = "to"
    case sessions = "s"
    case threads = "h"
    case approvals = "ap"
    case agedApprovals = "aa"
    case grants = "g"
    case deadLetters = "d"
    case dueDeadLetters = "dd"
    case audit = "a"
    case providers = "p"
    case keysByUpdate = "u"
  }

  /// Writes a cursor.
  ///
  /// - Parameters:
  ///   - list: The list.
  ///   - parts: The parts of the place; only the last may hold a dot.
  /// - Returns: The cursor.
  static func token(_ list: List, _ parts: String...) -> String {
    Base64.encodeURL(Array(([list.rawValue] + parts).joined(separator: ".").utf8))
  }

  /// Reads a cursor back.
  ///
  /// It is split byte by byte: a dot and a combining mark behind it, with which a name may begin,
  /// are one character.
  ///
  /// - Parameters:
  ///   - token: What ``token(_:_:)`` gave.
  ///   - list: The list.
  ///   - count: How many parts a place has.
  /// - Returns: The parts.
  /// - Throws: `invalid` for a cursor of another list, and for none at all.
  static func parts(
    of token: String, in list: List, count: Int
  ) throws(StoreError) -> [String] {
    let parts = Base64.decodeURL(token)?.split(
      separator: UInt8(ascii: "."), maxSplits: count, omittingEmptySubsequences: false
    ).compactMap { String(validating: $0, as: UTF8.self) }
    guard let parts, parts.count == count + 1, parts[0] == list.rawValue else { throw foreign }
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
