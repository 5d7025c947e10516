/// Base64 (RFC 4648), read strictly: each run of bytes has one text.
///
/// The standard form, with padding, is that of bytes in JSON; the form for URLs, without padding, is
/// that of cursors.
package enum Base64 {
  /// How long the standard text of so many bytes is.
  ///
  /// - Parameter count: A number of bytes.
  /// - Returns: The length of the text, padding included.
  package static func textLength(of count: Int) -> Int {
    // A limit that was lifted altogether has no length.
    count > Int.max / 2 ? .max : (count + 2) / 3 * 4
  }

  /// Writes the standard form.
  ///
  /// - Parameter bytes: What to write.
  /// - Returns: The text, padded with `=`.
  package static func encode(_ bytes: [UInt8]) -> String {
    var text: [UInt8] = []
    append(bytes, to: &text)
    return String(decoding: text, as: UTF8.self)
  }

  /// Writes the standard form at the end of a text.
  ///
  /// - Parameters:
  ///   - bytes: What to write.
  ///   - text: What takes the ASCII characters.
  package static func append(_ bytes: [UInt8], to text: inout [UInt8]) {
    append(bytes, to: &text, alphabet: standard)
    let padding = (3 - bytes.count % 3) % 3
    for _ in 0..<padding { text.append(UInt8(ascii: "=")) }
  }

  /// Writes the form for URLs, without padding.
  ///
  /// - Parameter bytes: What to write.
  /// - Returns: The text: letters, digits, `-` and `_`.
  package static func encodeURL(_ bytes: [UInt8]) -> String {
    var text: [UInt8] = []
    append(bytes, to: &text, alphabet: url)
    return String(decoding: text, as: UTF8.self)
  }

  /// Reads the standard form.
  ///
  /// - Parameter text: What ``encode(_:)`` gives.
  /// - Returns: The bytes; `nil` for any text that ``encode(_:)`` does not give.
  package static func decode(_ text: String) -> [UInt8]? {
    let count = text.utf8.count
    guard count % 4 == 0 else { return nil }
    let padding = text.utf8.suffix(2).reversed().prefix { $0 == UInt8(ascii: "=") }.count
    return decode(text, count: count - padding, values: standardValues)
  }

  /// Reads the form for URLs.
  ///
  /// - Parameter text: What ``encodeURL(_:)`` gives.
  /// - Returns: The bytes; `nil` for any text that ``encodeURL(_:)`` does not give.
  package static func decodeURL(_ text: String) -> [UInt8]? {
    decode(text, count: text.utf8.count, values: urlValues)
  }
}

extension Base64 {
  private static let standard = Array(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
  private static let url = Array(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
  private static let standardValues = values(of: standard)
  private static let urlValues = values(of: url)

  /// For each byte the six bits that it stands for, or 64.
  private static func values(of alphabet: [UInt8]) -> [UInt8] {
    var values = [UInt8](repeating: 64, count: 256)
    for (value, letter) in alphabet.enumerated() { values[Int(letter)] = UInt8(value) }
    return values
  }

  /// Writes without padding.
  private static func append(_ bytes: [UInt8], to text: inout [UInt8], alphabet: [UInt8]) {
    let start = text.count
    text.append(contentsOf: repeatElement(0, count: (bytes.count * 4 + 2) / 3))
    text.withUnsafeMutableBufferPointer { text in
      var target = start
      var place = 0
      while place < bytes.count {
        let taken = min(3, bytes.count - place)
        var group = UInt32(bytes[place]) << 16
        if taken > 1 { group |= UInt32(bytes[place + 1]) << 8 }
        if taken > 2 { group |= UInt32(bytes[place + 2]) }
        var shift: UInt32 = 18
        for _ in 0...taken {
          text[target] = alphabet[Int(group >> shift & 63)]
          target += 1
          shift &-= 6
        }
        place += 3
      }
    }
  }

  /// Reads `count` characters of unpadded text.
  private static func decode(_ text: String, count: Int, values: [UInt8]) -> [UInt8]? {
    let rest = count % 4
    guard rest != 1 else { return nil }
    var text = text
    return text.withUTF8 { text in
      var bytes: [UInt8] = []
      bytes.reserveCapacity(count / 4 * 3 + 2)
      var group: UInt32 = 0
      // Any character outside the alphabet leaves a bit here.
      var strange: UInt8 = 0
      for place in 0..<count {
        let value = values[Int(text[place])]
        strange |= value & 64
        group = group << 6 | UInt32(value)
        guard place % 4 == 3 else { continue }
        bytes.append(UInt8(truncatingIfNeeded: group >> 16))
        bytes.append(UInt8(truncatingIfNeeded: group >> 8))
        bytes.append(UInt8(truncatingIfNeeded: group))
        group = 0
      }
      guard strange == 0 else { return nil }
      // The bits that the last character has too many must be zero, or two texts meant the same.
      switch rest {
      case 2:
        guard group & 0xF == 0 else { return nil }
        bytes.append(UInt8(truncatingIfNeeded: group >> 4))
      case 3:
        guard group & 0x3 == 0 else { return nil }
        bytes.append(UInt8(truncatingIfNeeded: group >> 10))
        bytes.append(UInt8(truncatingIfNeeded: group >> 2))
      default: break
      }
      return bytes
    }
  }
}
