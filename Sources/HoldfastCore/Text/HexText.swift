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
}
