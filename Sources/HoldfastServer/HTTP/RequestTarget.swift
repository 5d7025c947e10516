import HoldfastCore

/// The path and the query of a request, as they came.
///
/// The path is split at its slashes before anything is decoded, and each segment is decoded exactly
/// once, so that `a%2Fb`, `a+b` and `100%25` reach the store as `a/b`, `a+b` and `100%`.
struct RequestTarget: Sendable {
  /// The decoded segments; none for `/`.
  let segments: [String]
  /// What stands after the question mark, as it came.
  let query: Substring

  /// Splits a target.
  ///
  /// - Parameter text: Path and query.
  /// - Throws: 400 for an empty segment (a doubled or trailing slash), for an escape that is none,
  ///   and for bytes that are not UTF-8.
  init(_ text: String) throws(Refusal) {
    let bytes = text.utf8
    guard bytes.first == UInt8(ascii: "/") else {
      throw Refusal.malformed(
        "The request's target is not a path.", hint: "Send a path that begins with a slash.")
    }
    let mark = bytes.firstIndex(of: UInt8(ascii: "?")) ?? bytes.endIndex
    query = mark == bytes.endIndex ? "" : text[bytes.index(after: mark)...]
    var segments: [String] = []
    segments.reserveCapacity(6)
    var start = bytes.index(after: bytes.startIndex)
    guard start < mark else {
      self.segments = []
      return
    }
    while true {
      let end = bytes[start..<mark].firstIndex(of: UInt8(ascii: "/")) ?? mark
      guard start < end else {
        throw Refusal.malformed(
          "The path has an empty segment: a doubled slash or one at its end.",
          hint: "Leave the slash out, or write one that belongs to a key as %2F.")
      }
      segments.append(try PercentText.decode(text[start..<end], plusIsSpace: false))
      guard end < mark else { break }
      start = bytes.index(after: end)
    }
    self.segments = segments
  }
}

/// Percent-encoding (RFC 3986).
enum PercentText {
  /// Decodes a text once.
  ///
  /// - Parameters:
  ///   - text: The text as it came.
  ///   - plusIsSpace: Whether a plus stands for a space, as forms and URL libraries write queries.
  /// - Returns: The text.
  /// - Throws: 400 for an escape that is none, and for bytes that are not UTF-8.
  static func decode(_ text: Substring, plusIsSpace: Bool) throws(Refusal) -> String {
    let isPlain = text.utf8.allSatisfy { byte in
      byte < 0x80 && byte != UInt8(ascii: "%") && (byte != UInt8(ascii: "+") || !plusIsSpace)
    }
    if isPlain { return String(text) }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.utf8.count)
    var rest = text.utf8[...]
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "%") {
        guard let high = rest.popFirst().flatMap(hexDigit),
          let low = rest.popFirst().flatMap(hexDigit)
        else {
          throw Refusal.malformed(
            "A percent sign is not followed by two hexadecimal digits.",
            hint: "Write a percent sign as %25.")
        }
        bytes.append(high << 4 | low)
      } else {
        bytes.append(byte == UInt8(ascii: "+") && plusIsSpace ? UInt8(ascii: " ") : byte)
      }
    }
    guard let decoded = String(validating: bytes, as: UTF8.self) else {
      throw Refusal.malformed(
        "The request's target is not UTF-8.", hint: "Encode the bytes of the text in UTF-8.")
    }
    return decoded
  }

  /// Encodes a text for a segment of a path or a value in a query.
  ///
  /// - Parameter text: The text.
  /// - Returns: The text with all but unreserved characters and colons escaped.
  static func encode(_ text: String) -> String {
    var encoded: [UInt8] = []
    for byte in text.utf8 {
      if isUnreserved(byte) || byte == UInt8(ascii: ":") {
        encoded.append(byte)
      } else {
        encoded.append(UInt8(ascii: "%"))
        encoded.append(hexCharacter(byte >> 4))
        encoded.append(hexCharacter(byte & 0xF))
      }
    }
    return String(decoding: encoded, as: UTF8.self)
  }

  private static func isUnreserved(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
      UInt8(ascii: "_"), UInt8(ascii: "~"):
      true
    default: false
    }
  }

  private static func hexDigit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
  }

  private static func hexCharacter(_ nibble: UInt8) -> UInt8 {
    nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "A") + nibble - 10
  }
}
