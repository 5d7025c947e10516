import CPostgres
import HoldfastCore

/// What goes to the server in one go: statements, and the Syncs that cut them into parts of which
/// each fails or holds by itself.
///
/// Inside one part the first failure skips the rest. A Sync does not end a transaction that `BEGIN`
/// opened; it only makes the server answer, and go on, after a failure.
struct Pipeline: Sendable {
  enum Part: Sendable {
    case step(Step)
    case sync
  }

  private(set) var parts: [Part] = []

  /// Adds a statement.
  ///
  /// - Parameters:
  ///   - statement: The statement.
  ///   - bindings: Its parameters.
  /// - Returns: Its place in the answer.
  @discardableResult
  mutating func add(_ statement: Statement, _ bindings: [Bound] = []) -> Int {
    add(Step(statement, bindings))
  }

  /// Adds a statement.
  ///
  /// - Parameter step: The statement with its parameters.
  /// - Returns: Its place in the answer.
  @discardableResult
  mutating func add(_ step: Step) -> Int {
    parts.append(.step(step))
    return parts.count - 1
  }

  /// Ends a part.
  mutating func sync() { parts.append(.sync) }
}

/// What the server gave for one part of a pipeline.
enum PartAnswer: Sendable {
  case result(RawResult)
  case failed(DatabaseFailure)
  /// Not run, because something before it failed, or not answered, because the connection broke.
  case skipped
  case synced
}

/// What came back for a pipeline.
struct Answer: Sendable {
  /// One answer a part, in order.
  var parts: [PartAnswer] = []
  /// How many parts were handed to the client library: what lies beyond was certainly not run.
  var handedOver = 0
  /// Whether the connection broke before everything was answered.
  var lost = false

  /// The first failure; a broken connection where the server said nothing else.
  var failure: DatabaseFailure? {
    for case .failed(let failure) in parts { return failure }
    return lost ? .connectionLost : nil
  }

  /// The result of one part.
  ///
  /// - Parameter place: What ``Pipeline/add(_:_:)`` gave.
  /// - Returns: The result.
  /// - Throws: What the server said first against it.
  func result(_ place: Int) throws(StoreError) -> RawResult {
    if place < parts.count, case .result(let result) = parts[place] { return result }
    throw (failure ?? .connectionLost).storeError
  }

  /// Whether a part was answered with a result.
  ///
  /// - Parameter place: What ``Pipeline/add(_:_:)`` gave.
  /// - Returns: Whether it was.
  func holds(_ place: Int) -> Bool {
    guard place < parts.count, case .result = parts[place] else { return false }
    return true
  }
}

/// A result as the client library holds it.
///
/// Unchecked because of the pointer alone: nobody writes to a result after it came, so it needs no
/// lock.
final class RawResult: @unchecked Sendable {
  let pointer: OpaquePointer

  /// Takes a result over.
  ///
  /// - Parameter pointer: A result that nobody else will clear.
  init(_ pointer: OpaquePointer) { self.pointer = pointer }

  deinit { PQclear(pointer) }

  /// How many rows it has.
  var count: Int32 { withExtendedLifetime(self) { PQntuples(pointer) } }

  /// Lends one row.
  ///
  /// A row points into the result, so it is only ever lent: a result that nobody names any more is
  /// freed at once, whatever was read from it a line before.
  ///
  /// - Parameters:
  ///   - index: From 0.
  ///   - body: Takes the row, which is valid until it returns.
  /// - Returns: What the body returned.
  /// - Throws: What the body throws.
  func withRow<Result, Failure: Error>(
    _ index: Int32 = 0, _ body: (Row) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try withExtendedLifetime(self) { () throws(Failure) in
      try body(Row(.postgres(pointer, row: index)))
    }
  }

  /// Makes something of each row.
  ///
  /// - Parameter body: Takes a row, which is valid until it returns.
  /// - Returns: The results in order.
  /// - Throws: What the body throws.
  func map<Result, Failure: Error>(
    _ body: (Row) throws(Failure) -> Result
  ) throws(Failure) -> [Result] {
    var results: [Result] = []
    results.reserveCapacity(Int(count))
    for index in 0..<count { results.append(try withRow(index, body)) }
    return results
  }

  /// How many rows the statement wrote; 0 for one that reads, as SQLite counts.
  var changes: Int {
    withExtendedLifetime(self) {
      guard let tag = PQcmdStatus(pointer), tag[0] != UInt8(ascii: "S") else { return 0 }
      return PQcmdTuples(pointer).map { Int(atoll($0)) } ?? 0
    }
  }

  /// Whether the server said with these words what it did, such as `COMMIT`.
  ///
  /// - Parameter tag: The words.
  /// - Returns: Whether it did.
  func says(_ tag: String) -> Bool {
    withExtendedLifetime(self) {
      PQcmdStatus(pointer).map { String(cString: $0) == tag } ?? false
    }
  }

  /// The rows as values, by the types that the server names.
  var materialised: StepResult {
    let kinds = withExtendedLifetime(self) {
      (0..<PQnfields(pointer)).map { Kind(PQftype(pointer, $0)) }
    }
    let rows = map { row in
      kinds.enumerated().map { column, kind in kind.value(Int32(column), of: row) }
    }
    return StepResult(rows: rows, changes: changes)
  }

  /// How a column is read, by the number of its type in `pg_type`, which never changes.
  private enum Kind {
    case integer
    case number
    case truth
    case bytes
    case text

    init(_ type: Oid) {
      switch type {
      case 20, 21, 23, 26: self = .integer  // int8, int2, int4, oid
      case 28, 5069: self = .integer  // xid, xid8
      case 1700: self = .number
      case 16: self = .truth
      case 17: self = .bytes
      default: self = .text
      }
    }

    func value(_ column: Int32, of row: Row) -> Bound {
      if row.isNull(column) { return .null }
      switch self {
      case .integer: return .integer(row.integer(column))
      case .number:
        // sum() of whole numbers is a numeric; it is read as the whole number that it is.
        let text = row.text(column)
        return Int64(text).map(Bound.integer) ?? .text(text)
      case .truth: return .integer(row.text(column) == "t" ? 1 : 0)
      case .bytes: return .blob(row.blob(column))
      case .text: return .text(row.text(column))
      }
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
