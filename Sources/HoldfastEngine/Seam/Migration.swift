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
}
