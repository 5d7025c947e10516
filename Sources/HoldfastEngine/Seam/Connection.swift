package import HoldfastCore

/// What a body works on: SQL inside one transaction.
///
/// A connection belongs to its body and must not outlive it. Every error that a connection throws
/// **dooms the transaction**: it is not committed even if the body swallows the error. What
/// Holdfast decides by itself (`conflict`, `not_found`, …) is thrown by the operations above, and
/// dooms nothing. Past the body's time limit each call throws `unavailable`.
package protocol Connection: AnyObject {
  /// Which database this is.
  var dialect: Dialect { get }

  /// What is noted with the session of the database, beyond this body and its transaction.
  var notes: SessionNotes { get }

  /// Runs a statement and hands over its rows one after the other, without keeping them.
  ///
  /// - Parameters:
  ///   - statement: The statement.
  ///   - bindings: Its parameters, `$1` first.
  ///   - body: Takes a row, which is valid only until the closure returns. What it throws is
  ///     rethrown as it is; it dooms the transaction only where it is an error of the store's that
  ///     no body may catch, such as `corrupt`.
  /// - Throws: What the database says, as a ``StoreError``.
  func forEachRow(
    _ statement: Statement, _ bindings: [Bound], _ body: (Row) throws -> Void) throws

  /// Runs statements one after the other: on PostgreSQL in one round trip (pipeline).
  ///
  /// - Parameter steps: The statements with their parameters.
  /// - Returns: One result a step.
  /// - Throws: What the database says, as a ``StoreError``.
  func run(_ steps: [Step]) throws(StoreError) -> [StepResult]

  /// Runs one statement.
  ///
  /// - Parameters:
  ///   - statement: The statement.
  ///   - bindings: Its parameters, `$1` first.
  /// - Returns: How many rows it wrote.
  /// - Throws: What the database says, as a ``StoreError``.
  @discardableResult
  func run(_ statement: Statement, _ bindings: [Bound]) throws(StoreError) -> Int

  /// Has this transaction alone behind some doors, from before its snapshot until its end.
  ///
  /// Others enter a door inside a statement of theirs, shared, and stay behind it until they end;
  /// those who come while it is shut run again. Where this transaction has begun already, it runs
  /// again too, and waits for the doors first: so whoever was behind them is in its snapshot.
  ///
  /// - Parameter doors: Their numbers, 0 to 63.
  /// - Throws: `unavailable` where the doors did not become free in time.
  func shut(_ doors: [Int]) throws(StoreError)
}

extension Connection {
  /// SQLite has one writer, and nobody to shut out.
  package func shut(_ doors: [Int]) throws(StoreError) {}
}

extension Connection {
  /// Runs a statement and makes something of each row.
  ///
  /// - Parameters:
  ///   - statement: The statement.
  ///   - bindings: Its parameters, `$1` first.
  ///   - make: Makes the result of a row.
  /// - Returns: The results in order.
  /// - Throws: What the database says, as a ``StoreError``.
  @inlinable
  package func rows<Result>(
    _ statement: Statement, _ bindings: [Bound] = [], _ make: (Row) throws -> Result
  ) throws -> [Result] {
    var results: [Result] = []
    try forEachRow(statement, bindings) { results.append(try make($0)) }
    return results
  }

  /// Runs a statement and makes something of its first row.
  ///
  /// - Parameters:
  ///   - statement: The statement.
  ///   - bindings: Its parameters, `$1` first.
  ///   - make: Makes the result of the row.
  /// - Returns: The result; `nil` where there was no row.
  /// - Throws: What the database says, as a ``StoreError``.
  @inlinable
  package func row<Result>(
    _ statement: Statement, _ bindings: [Bound] = [], _ make: (Row) throws -> Result
  ) throws -> Result? {
    var result: Result?
    try forEachRow(statement, bindings) { row in
      if result == nil { result = try make(row) }
    }
    return result
  }
}
