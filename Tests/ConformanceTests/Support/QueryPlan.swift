import CSQLite
import Holdfast
import HoldfastEngine
import Testing

/// How a database goes about a statement: which indexes it takes, and how many rows it visits.
///
/// Statements are internal to the library; a test that looks at them imports it `@testable`.
enum QueryPlan {
  /// The plan of a statement, a line a step.
  static func lines(
    of statement: Statement, _ bindings: [Bound], on store: Store
  ) async throws -> [String] {
    let explained = Statement(
      sqlite: "EXPLAIN QUERY PLAN \(statement.sqlite)",
      postgres: "EXPLAIN (COSTS OFF) \(statement.postgres)")
    // Explaining a statement that writes is no read, though nothing is written.
    let results = try await store.engine.write(WriteOptions(), [Step(explained, bindings)])
    return results[0].rows.compactMap { $0.last?.text }
  }

  /// What in a plan goes through a whole table or index, or sorts.
  ///
  /// - Parameters:
  ///   - lines: The plan.
  ///   - dialect: Whose it is.
  ///   - parts: The names of parts of the statement itself, such as a common table expression, that
  ///     may be gone through: they are as small as what they were made of.
  static func faults(in lines: [String], _ dialect: Dialect, besides parts: [String]) -> [String] {
    switch dialect {
    case .sqlite:
      lines.filter { line in
        let isPart = parts.contains { line == "SCAN \($0)" }
        return line.contains("TEMP B-TREE")
          || (line.hasPrefix("SCAN ") && !isPart)
            && line != "SCAN CONSTANT ROW"
      }
    case .postgres:
      lines.indices.filter { place in
        let line = lines[place]
        if line.contains("Seq Scan") || line.contains("Sort") { return true }
        guard line.contains("Index Scan") || line.contains("Index Only Scan") else { return false }
        // An index without a condition is read from one end to the other.
        return !lines[(place + 1)...].prefix { !$0.contains("->") }
          .contains { $0.contains("Index Cond") }
      }.map { lines[$0] }
    }
  }

  /// How much work one run of a statement was on SQLite: steps of its virtual machine.
  ///
  /// The statement must give at least one row.
  static func steps(
    of statement: Statement, _ bindings: [Bound], on store: Store
  ) async throws -> Int {
    try await store.engine.read(.scan) { connection in
      // The counter goes on from run to run, so the way from one first row to the next is one run.
      let readings = try (0..<2).map { _ in
        try connection.row(statement, bindings) { row in
          guard case .sqlite(let handle) = row.source else { return 0 }
          return Int(sqlite3_stmt_status(handle, SQLITE_STMTSTATUS_VM_STEP, 0))
        } ?? 0
      }
      return readings[1] - readings[0]
    }
  }

  /// How many rows one run of a statement visited on PostgreSQL, in all parts of its plan, those
  /// that a condition threw away included. What the statement writes is not kept.
  static func rows(
    of statement: Statement, _ bindings: [Bound], on store: Store
  ) async throws -> Int {
    let explained = Statement("EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) \(statement.postgres)")
    do {
      try await store.engine.write(WriteOptions()) { connection in
        let text = try connection.run([Step(explained, bindings)])[0].rows[0][0].text ?? ""
        throw Visited(rows: visited(try Value(json: text)))
      }
      return 0
    } catch let visited as Visited {
      return visited.rows
    }
  }

  private struct Visited: Error {
    let rows: Int
  }

  private static func visited(_ value: Value) -> Int {
    if let items = value.arrayValue { return items.reduce(0) { $0 + visited($1) } }
    guard let object = value.objectValue else { return 0 }
    func number(_ name: String) -> Double {
      object[name]?.doubleValue ?? object[name]?.integerValue.map(Double.init) ?? 0
    }
    let loops = max(1, number("Actual Loops"))
    let here = ["Actual Rows", "Rows Removed by Filter", "Rows Removed by Index Recheck"]
      .reduce(0) { $0 + number($1) * loops }
    return ["Plan", "Plans"].compactMap { object[$0] }.reduce(Int(here)) { $0 + visited($1) }
  }
}

/// Expects a statement to be served by indexes on the database of a store, whatever is in it.
func expectIndexed(
  _ statement: Statement, _ bindings: [Bound], on store: Store, besides parts: [String] = [],
  sourceLocation: SourceLocation = #_sourceLocation
) async throws {
  let lines = try await QueryPlan.lines(of: statement, bindings, on: store)
  let faults = QueryPlan.faults(in: lines, store.engine.dialect, besides: parts)
  #expect(!lines.isEmpty, sourceLocation: sourceLocation)
  #expect(
    faults.isEmpty, "\(statement.text(for: store.engine.dialect))\n\(lines)",
    sourceLocation: sourceLocation)
}
