import NIOConcurrencyHelpers

/// Which database stands behind the seam.
package enum Dialect: String, Sendable, CaseIterable {
  case sqlite
  case postgres
}

/// One SQL statement, written once for both databases, or as two texts side by side where they must
/// differ.
///
/// Statements are `static let` constants beside the operation that uses them. Each gets a number
/// when it is made, and every connection keeps its prepared forms in an array under that number, so
/// that finding one costs no hashing.
///
/// Invariants: parameters are `$1`, `$2`, …; a parameter whose type PostgreSQL cannot infer from
/// its place is written `CAST($1 AS BIGINT)` or `CAST($1 AS TEXT)`, which SQLite understands too.
package final class Statement: Sendable {
  /// The text for SQLite.
  package let sqlite: String
  /// The text for PostgreSQL.
  package let postgres: String
  /// The place of the prepared form in a connection's cache: dense, from 0.
  package let index: Int

  private static let made = NIOLockedValueBox(0)

  /// Makes a statement that both databases understand as it stands.
  ///
  /// - Parameter text: The SQL text.
  package convenience init(_ text: String) { self.init(sqlite: text, postgres: text) }

  /// Makes a statement that must differ; say why in a comment where it is written.
  ///
  /// - Parameters:
  ///   - sqlite: The text for SQLite.
  ///   - postgres: The text for PostgreSQL.
  package init(sqlite: String, postgres: String) {
    self.sqlite = sqlite
    self.postgres = postgres
    self.index = Self.made.withLockedValue { made in
      defer { made += 1 }
      return made
    }
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
