import HoldfastCore

/// The numbers of rows at which many writers may meet.
package enum HotRow {
  /// A number for a row: FNV-1a over the parts (Fowler, Noll, Vo; 64 bits), which is the same in
  /// every process and on every node.
  ///
  /// Two rows of one number only wait for each other.
  ///
  /// - Parameter parts: What names the row, the kind first.
  /// - Returns: The number.
  package static func number(_ parts: String...) -> Int64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for part in parts {
      for byte in part.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
      hash = (hash ^ 0) &* 0x0000_0100_0000_01b3
    }
    return Int64(bitPattern: hash)
  }
}
