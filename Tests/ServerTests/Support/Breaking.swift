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
}
