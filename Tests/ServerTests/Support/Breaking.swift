import Holdfast
import HoldfastEngine

extension Store {
  /// Removes the last chunk of a file, as somebody with an SQL tool could.
  func breakLastChunk() async throws {
    let text = """
      DELETE FROM chunks
      WHERE digest = (SELECT digest FROM file_chunks ORDER BY position DESC LIMIT 1)
      """
    _ = try await engine.write(WriteOptions(), [Step(Statement(text))])
  }

  /// Writes a number into a provider's row that Holdfast never would (SQLite).
  func breakProvider(_ name: String) async throws {
    let update = "UPDATE provider_health SET consecutive_failures = -1 WHERE name = '\(name)'"
    _ = try await engine.write(
      WriteOptions(),
      [
        Step(Statement("PRAGMA ignore_check_constraints = 1")), Step(Statement(update)),
        Step(Statement("PRAGMA ignore_check_constraints = 0")),
      ])
  }
}
