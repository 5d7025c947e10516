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
  var count: Int32 { PQntuples(pointer) }

  /// One of its rows, which keeps the result.
  ///
  /// - Parameter index: From 0.
  /// - Returns: The row.
  func row(_ index: Int32) -> Row { Row(.postgres(self, row: index)) }

  /// How many rows the statement wrote; 0 for one that reads, as SQLite counts.
  var changes: Int {
    guard let tag = PQcmdStatus(pointer), tag[0] != UInt8(ascii: "S") else { return 0 }
    return PQcmdTuples(pointer).map { Int(atoll($0)) } ?? 0
  }

  /// Whether the server said with these words what it did, such as `COMMIT`.
  ///
  /// - Parameter tag: The words.
  /// - Returns: Whether it did.
  func says(_ tag: String) -> Bool {
    PQcmdStatus(pointer).map { String(cString: $0) == tag } ?? false
  }

  /// The rows as values, by the types that the server names.
  var materialised: StepResult {
    let columns = PQnfields(pointer)
    let kinds = (0..<columns).map { Kind(PQftype(pointer, $0)) }
    var rows: [[Bound]] = []
    rows.reserveCapacity(Int(count))
    for index in 0..<count {
      let row = row(index)
      rows.append(
        (0..<columns).map { column in
          if row.isNull(column) { return .null }
          switch kinds[Int(column)] {
          case .integer: return .integer(row.integer(column))
          case .number:
            // sum() of whole numbers is a numeric; it is read as the whole number that it is.
            let text = row.text(column)
            return Int64(text).map(Bound.integer) ?? .text(text)
          case .truth: return .integer(row.text(column) == "t" ? 1 : 0)
          case .bytes: return .blob(row.blob(column))
          case .text: return .text(row.text(column))
          }
        })
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
  }
}

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif
