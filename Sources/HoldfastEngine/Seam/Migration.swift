/// One numbered step of the schema, in the text of one database.
///
/// Numbers and meanings are the same on both databases; a migration that ran never changes (its
/// checksum is recorded in the store and compared at every opening).
package struct Migration: Sendable {
  /// From 1, without gaps.
  package let number: Int
  /// A few words, such as `store`.
  package let name: String
  /// The SQL text for each database.
  package let sqlite: String
  package let postgres: String

  package init(number: Int, name: String, sqlite: String, postgres: String) {
    self.number = number
    self.name = name
    self.sqlite = sqlite
    self.postgres = postgres
  }

  /// The text for one database.
  ///
  /// - Parameter dialect: Which database.
  /// - Returns: Its text.
  package func text(for dialect: Dialect) -> String {
    switch dialect {
    case .sqlite: sqlite
    case .postgres: postgres
    }
  }

  /// What is recorded of a migration that ran, to notice when its text is another one later: FNV-1a
  /// of 64 bits, as sixteen hexadecimal digits.
  ///
  /// It guards against a store of another history, not against an attacker: whoever can write the
  /// store can write the checksum too.
  ///
  /// - Parameter dialect: Which database.
  /// - Returns: The checksum of the text for that database.
  package func checksum(for dialect: Dialect) -> String {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in text(for: dialect).utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    let digits = String(hash, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
