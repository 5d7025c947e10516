import HTTPTypes
import HoldfastCore

/// What a request's If-Match or If-None-Match asks of a resource; entity tags are versions.
enum Precondition: Sendable, Equatable {
  /// `If-Match: *`, or `If-Match: "3", "5"`.
  case exists
  case oneOf([Int64])
  /// `If-None-Match: *`, or `If-None-Match: "3"`.
  case absent
  case noneOf([Int64])
}

extension Precondition {
  /// Reads the header fields that make a request conditional.
  ///
  /// - Parameter headers: The request's header fields.
  /// - Returns: What must hold, all of it; empty for a request that is not conditional.
  /// - Throws: 400 for what is no list of entity tags.
  static func read(_ headers: HTTPFields) throws(Refusal) -> [Precondition] {
    var conditions: [Precondition] = []
    if let text = headers[.ifMatch] {
      let tags = try EntityTags(text)
      // If-Match compares strongly: a weak tag is never the same.
      conditions.append(tags.isAny ? .exists : .oneOf(tags.strong))
    }
    if let text = headers[.ifNoneMatch] {
      let tags = try EntityTags(text)
      conditions.append(tags.isAny ? .absent : .noneOf(tags.strong + tags.weak))
    }
    return conditions
  }

  /// Whether the condition holds.
  ///
  /// - Parameter version: The resource's version; `nil` where there is none.
  /// - Returns: Whether it does.
  func holds(for version: Int64?) -> Bool {
    switch self {
    case .exists: version != nil
    case .absent: version == nil
    case .oneOf(let versions): version.map(versions.contains) ?? false
    case .noneOf(let versions): version.map { !versions.contains($0) } ?? true
    }
  }

  /// The error when it does not hold.
  ///
  /// - Parameter version: The resource's version; `nil` where there is none.
  /// - Returns: A conflict that names the version.
  static func failed(_ version: Int64?) -> StoreError {
    StoreError(
      .conflict, "The condition does not hold: the resource has another version.",
      hint: "Read it again and decide again.",
      details: ["version": version.map(Value.integer) ?? .null])
  }

  /// The condition as part of a request that may be repeated.
  var argument: Value {
    switch self {
    case .exists: "exists"
    case .absent: "absent"
    case .oneOf(let versions): ["one_of", .array(versions.map(Value.integer))]
    case .noneOf(let versions): ["none_of", .array(versions.map(Value.integer))]
    }
  }
}

/// A list of entity tags (RFC 9110 §8.8.3).
struct EntityTags: Equatable {
  /// Whether it is the star, which stands for any tag.
  private(set) var isAny = false
  /// The versions of strong tags; one that is no version never matches and is left out.
  private(set) var strong: [Int64] = []
  /// The versions of weak tags.
  private(set) var weak: [Int64] = []

  /// Reads a list.
  ///
  /// - Parameter text: The header field's value.
  /// - Throws: 400 for what is no list of entity tags.
  init(_ text: String) throws(Refusal) {
    var rest = text.utf8[...]
    Self.skipSpace(&rest)
    if rest.elementsEqual("*".utf8) {
      isAny = true
      return
    }
    repeat {
      Self.skipSpace(&rest)
      let isWeak = rest.starts(with: "W/".utf8)
      if isWeak { rest = rest.dropFirst(2) }
      guard rest.popFirst() == UInt8(ascii: "\""),
        let end = rest.firstIndex(of: UInt8(ascii: "\""))
      else { throw Self.malformed }
      if let version = Int64(Substring(rest[..<end])) {
        if isWeak { weak.append(version) } else { strong.append(version) }
      }
      rest = rest[rest.index(after: end)...]
      Self.skipSpace(&rest)
      guard let comma = rest.popFirst() else { return }
      guard comma == UInt8(ascii: ",") else { throw Self.malformed }
    } while true
  }

  /// The tag of a version.
  static func tag(_ version: Int64) -> String { "\"\(version)\"" }

  private static func skipSpace(_ text: inout Substring.UTF8View) {
    while text.first == UInt8(ascii: " ") || text.first == UInt8(ascii: "\t") {
      text.removeFirst()
    }
  }

  private static var malformed: Refusal {
    Refusal.malformed(
      "If-Match and If-None-Match hold entity tags.",
      hint: #"Write the version in quotation marks, such as "7", or a star."#)
  }
}
