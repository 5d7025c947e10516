import HTTPTypes
import HoldfastCore

/// What a request's If-Match or If-None-Match asks of a resource; entity tags are versions, and a
/// file's is the digest of its content.
enum Precondition: Sendable, Equatable {
  /// `If-Match: *`, or `If-Match: "3", "5"`.
  case exists
  case oneOf([String])
  /// `If-None-Match: *`, or `If-None-Match: "3"`.
  case absent
  case noneOf([String])
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
  func holds(for version: Int64?) -> Bool { holds(for: version.map { [String($0)] }) }

  /// Whether the condition holds of a resource that goes by several tags.
  ///
  /// - Parameter tags: The resource's tags; `nil` where there is no resource.
  /// - Returns: Whether it does.
  func holds(for tags: [String]?) -> Bool {
    switch self {
    case .exists: tags != nil
    case .absent: tags == nil
    case .oneOf(let asked): tags.map { $0.contains(where: asked.contains) } ?? false
    case .noneOf(let asked): tags.map { !$0.contains(where: asked.contains) } ?? true
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
    case .oneOf(let tags): ["one_of", .array(tags.map(Value.string))]
    case .noneOf(let tags): ["none_of", .array(tags.map(Value.string))]
    }
  }
}

/// A list of entity tags (RFC 9110 §8.8.3).
struct EntityTags: Equatable {
  /// Whether it is the star, which stands for any tag.
  private(set) var isAny = false
  /// What stands in strong tags.
  private(set) var strong: [String] = []
  /// What stands in weak tags.
  private(set) var weak: [String] = []

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
      let tag = String(Substring(rest[..<end]))
      if isWeak { weak.append(tag) } else { strong.append(tag) }
      rest = rest[rest.index(after: end)...]
      Self.skipSpace(&rest)
      guard let comma = rest.popFirst() else { return }
      guard comma == UInt8(ascii: ",") else { throw Self.malformed }
    } while true
  }

  /// The tag of a version.
  static func tag(_ version: Int64) -> String { tag(String(version)) }

  /// The tag with a text in it.
  static func tag(_ text: String) -> String { "\"\(text)\"" }

  private static func skipSpace(_ text: inout Substring.UTF8View) {
    while text.first == UInt8(ascii: " ") || text.first == UInt8(ascii: "\t") {
      text.removeFirst()
    }
  }

  private static var malformed: Refusal {
    Refusal.malformed(
      "If-Match and If-None-Match hold entity tags.",
      hint: #"Write what came as ETag, in quotation marks, such as "7", or a star."#)
  }
}
