/// The layout of a UUID of version 7 (RFC 9562 §5.7).
package enum UUIDv7 {
  /// Writes an identifier.
  ///
  /// - Parameters:
  ///   - milliseconds: Milliseconds since 1970, the first 48 bits.
  ///   - high: Its low twelve bits follow the version.
  ///   - low: Its low 62 bits follow the variant.
  /// - Returns: Thirty-six characters, lower case.
  package static func text(milliseconds: Int64, high: UInt64, low: UInt64) -> String {
    let time = UInt64(bitPattern: milliseconds) & 0xFFFF_FFFF_FFFF
    let first = time << 16 | 0x7000 | high & 0x0FFF
    let second = 0x8000_0000_0000_0000 | low & 0x3FFF_FFFF_FFFF_FFFF
    return String(unsafeUninitializedCapacity: 36) { buffer in
      var place = 0
      for (word, groups) in [(first, [32, 16, 0]), (second, [48, 0])] {
        var shift = 60
        for group in groups {
          while shift >= group {
            buffer[place] = digits[Int(word >> UInt64(shift) & 0xF)]
            place += 1
            shift -= 4
          }
          if place < 36 {
            buffer[place] = UInt8(ascii: "-")
            place += 1
          }
        }
      }
      return place
    }
  }

  private static let digits = Array("0123456789abcdef".utf8)
}
