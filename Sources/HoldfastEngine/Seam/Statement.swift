package import HoldfastCore
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
  /// How many parameters it takes: the highest number that either text names.
  package let parameterCount: Int
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
    self.parameterCount = max(Self.parameterCount(of: sqlite), Self.parameterCount(of: postgres))
    self.index = Self.made.withLockedValue { made in
      defer { made += 1 }
      return made
    }
  }

  /// Makes a statement that writes rows, and on PostgreSQL gives them as they are then.
  ///
  /// On SQLite it gives nothing: for the rows of RETURNING it makes a table of its own each time,
  /// which costs more than finding them again; and nobody else writes in between.
  ///
  /// - Parameters:
  ///   - text: The SQL text without RETURNING.
  ///   - columns: What it gives.
  package convenience init(writing text: String, returning columns: String) {
    self.init(sqlite: text, postgres: "\(text)\nRETURNING \(columns)")
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

  /// Refuses a number of values that is not the statement's, which is a fault in Holdfast.
  ///
  /// Both databases are kept from seeing it: one would take what is too much without a word, the
  /// other would speak of its protocol.
  ///
  /// - Parameter bindings: The values.
  /// - Throws: `internal` for too few and for too many.
  package func check(_ bindings: [Bound]) throws(StoreError) {
    guard bindings.count != parameterCount else { return }
    throw StoreError(
      .internal, "A statement takes \(parameterCount) parameters and got \(bindings.count).")
  }

  private static func parameterCount(of text: String) -> Int {
    var highest = 0
    var number: Int?
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "$"): number = 0
      case UInt8(ascii: "0")...UInt8(ascii: "9"):
        number = number.map { $0 * 10 + Int(byte - UInt8(ascii: "0")) }
        highest = max(highest, number ?? 0)
      default: number = nil
      }
    }
    return highest
  }
}
