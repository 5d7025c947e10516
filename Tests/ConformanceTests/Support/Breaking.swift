import Holdfast
import HoldfastEngine

extension Store {
  /// Writes what Holdfast never would, as somebody with an SQL tool could.
  func breakValues() async throws {
    _ = try await engine.write(WriteOptions(), [Step(Statement("UPDATE kv SET value = '{'"))])
  }
}
