import CPostgres
import CSQLite

/// One row of a result, valid only until the closure that got it returns.
///
/// Columns count from 0. Asking for a number where there is none is a fault of the statement, and
/// reads as 0 or empty, as SQLite does.
package struct Row {
  package enum Source {
    case sqlite(OpaquePointer)
    case postgres(OpaquePointer, row: Int32)
  }

  package let source: Source

  package init(_ source: Source) { self.source = source }

  /// Whether a column is NULL.
  ///
  /// - Parameter column: From 0.
  /// - Returns: Whether it is.
  package func isNull(_ column: Int32) -> Bool {
    switch source {
    case .sqlite(let statement): sqlite3_column_type(statement, column) == SQLITE_NULL
    case .postgres(let result, let row): PQgetisnull(result, row, column) == 1
    }
  }

  /// A whole number.
  ///
  /// - Parameter column: From 0.
  /// - Returns: The number; 0 for NULL.
  package func integer(_ column: Int32) -> Int64 {
    switch source {
    case .sqlite(let statement): return sqlite3_column_int64(statement, column)
    case .postgres(let result, let row):
      guard let text = PQgetvalue(result, row, column) else { return 0 }
      return strtoll(text, nil, 10)
    }
  }

  /// A text.
  ///
  /// - Parameter column: From 0.
  /// - Returns: The text; empty for NULL.
  package func text(_ column: Int32) -> String {
    String(decoding: textBytes(column), as: UTF8.self)
  }

  /// A number that may be NULL.
  ///
  /// - Parameter column: From 0.
  /// - Returns: The number; `nil` for NULL.
  package func optionalInteger(_ column: Int32) -> Int64? {
    isNull(column) ? nil : integer(column)
  }

  /// A text that may be NULL.
  ///
  /// - Parameter column: From 0.
  /// - Returns: The text; `nil` for NULL.
  package func optionalText(_ column: Int32) -> String? { isNull(column) ? nil : text(column) }

  /// The bytes of a text where they lie, valid until something else is asked of this column, and no
  /// longer than the row.
  ///
  /// - Parameter column: From 0.
  /// - Returns: The bytes; none for NULL.
  package func textBytes(_ column: Int32) -> UnsafeBufferPointer<UInt8> {
    switch source {
    case .sqlite(let statement):
      // Asked for as a blob: asked for as a text, SQLite copies it to put a NUL behind it. The
      // value is found once, for each look at a column costs.
      let value = sqlite3_column_value(statement, column)
      let start = sqlite3_value_blob(value)
      let count = Int(sqlite3_value_bytes(value))
      return UnsafeBufferPointer(
        start: start?.assumingMemoryBound(to: UInt8.self), count: start == nil ? 0 : count)
    case .postgres(let result, let row):
      let count = Int(PQgetlength(result, row, column))
      let start = UnsafeRawPointer(PQgetvalue(result, row, column))
      return UnsafeBufferPointer(
        start: start?.assumingMemoryBound(to: UInt8.self), count: start == nil ? 0 : count)
    }
  }

  /// Bytes.
  ///
  /// - Parameter column: From 0.
  /// - Returns: The bytes; empty for NULL.
  package func blob(_ column: Int32) -> [UInt8] {
    switch source {
    case .sqlite(let statement):
      guard let start = sqlite3_column_blob(statement, column) else { return [] }
      let count = Int(sqlite3_column_bytes(statement, column))
      return [UInt8](UnsafeRawBufferPointer(start: start, count: count))
    case .postgres(let result, let row):
      // PostgreSQL sends bytea in its text form, which libpq reads.
      guard let text = PQgetvalue(result, row, column) else { return [] }
      var count = 0
      let plain = text.withMemoryRebound(to: UInt8.self, capacity: 1) {
        PQunescapeBytea($0, &count)
      }
      guard let plain else { return [] }
      defer { PQfreemem(plain) }
      return [UInt8](UnsafeBufferPointer(start: plain, count: count))
    }
  }
}

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif
