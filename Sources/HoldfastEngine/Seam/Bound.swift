/// A value as the database sees it: what is bound to a parameter, and what a materialised row
/// holds.
package enum Bound: Sendable, Equatable {
  case null
  case integer(Int64)
  case text(String)
  case blob([UInt8])
}

extension Bound {
  /// An optional number.
  package init(_ number: Int64?) { self = number.map(Bound.integer) ?? .null }
  /// An optional text.
  package init(_ text: String?) { self = text.map(Bound.text) ?? .null }
  /// A truth value, kept as 0 or 1 on both databases.
  package init(_ flag: Bool) { self = .integer(flag ? 1 : 0) }

  /// The number; `nil` for anything else.
  package var integer: Int64? {
    guard case .integer(let number) = self else { return nil }
    return number
  }

  /// The text; `nil` for anything else.
  package var text: String? {
    guard case .text(let text) = self else { return nil }
    return text
  }

  /// The bytes; `nil` for anything else.
  package var blob: [UInt8]? {
    guard case .blob(let bytes) = self else { return nil }
    return bytes
  }

  /// How many bytes the value takes in a transaction's budget.
  package var size: Int {
    switch self {
    case .null, .integer: 8
    case .text(let text): text.utf8.count
    case .blob(let bytes): bytes.count
    }
  }
}

/// A statement with its parameters: one part of a transaction that is known beforehand.
package struct Step: Sendable {
  package let statement: Statement
  package let bindings: [Bound]

  package init(_ statement: Statement, _ bindings: [Bound] = []) {
    self.statement = statement
    self.bindings = bindings
  }
}

/// What a step gave: its rows, each a list of columns, and how many rows it wrote.
package struct StepResult: Sendable {
  package let rows: [[Bound]]
  package let changes: Int

  package init(rows: [[Bound]], changes: Int) {
    self.rows = rows
    self.changes = changes
  }
}
