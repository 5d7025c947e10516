/// Bytes in hexadecimal digits, as digests are shown.
package enum HexText {
  private static let digits = Array("0123456789abcdef".utf8)

  /// Writes bytes.
  ///
  /// - Parameter bytes: The bytes.
  /// - Returns: Two digits a byte, in lower case.
  package static func encode(_ bytes: some Sequence<UInt8>) -> String {
    var text: [UInt8] = []
    for byte in bytes {
      text.append(digits[Int(byte >> 4)])
      text.append(digits[Int(byte & 0xF)])
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// Reads bytes back.
  ///
  /// - Parameter text: Digits of either case.
  /// - Returns: The bytes; `nil` for a text that is not made of pairs of digits.
  package static func decode(_ text: String) -> [UInt8]? {
    let digits = text.utf8.map { Character(Unicode.Scalar($0)).hexDigitValue }
    guard digits.count.isMultiple(of: 2) else { return nil }
    var bytes: [UInt8] = []
    for index in stride(from: 0, to: digits.count, by: 2) {
      guard let high = digits[index], let low = digits[index + 1] else { return nil }
      bytes.append(UInt8(high << 4 | low))
    }
    return bytes
  }
}
