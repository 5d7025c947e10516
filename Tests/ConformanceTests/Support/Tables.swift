import Holdfast
import HoldfastEngine

extension Store {
  /// How many rows a table has, dead ones included.
  func rows(of table: String) async throws -> Int64 {
    let counted = try await engine.read(Step(Statement("SELECT COUNT(*) FROM \(table)")))
    return counted.rows.first?.first?.integer ?? -1
  }
}
