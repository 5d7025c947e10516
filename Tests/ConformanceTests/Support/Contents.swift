import Holdfast
import HoldfastEngine
import HoldfastTesting

/// Bytes that are the same for the same seed and like no others.
func bytes(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
  var generator = SeededGenerator(seed: seed)
  var bytes: [UInt8] = []
  bytes.reserveCapacity(count + 8)
  while bytes.count < count {
    withUnsafeBytes(of: generator.next()) { bytes.append(contentsOf: $0) }
  }
  return Array(bytes.prefix(count))
}

/// Content that comes in pieces, and may break off.
struct Pieces: AsyncSequence, Sendable {
  typealias Element = [UInt8]

  let content: [UInt8]
  var length = 10_000
  /// After how many bytes it throws.
  var breaksAt: Int?

  func makeAsyncIterator() -> Iterator { Iterator(pieces: self) }

  struct Iterator: AsyncIteratorProtocol {
    let pieces: Pieces
    var place = 0

    mutating func next() async throws -> [UInt8]? {
      if let end = pieces.breaksAt, place >= end { throw OwnError(number: place) }
      guard place < pieces.content.count else { return nil }
      let piece = pieces.content[place...].prefix(pieces.length)
      place += piece.count
      return Array(piece)
    }
  }
}

extension Store {
  /// A number out of the database, as anybody with an SQL tool would ask for it.
  func number(_ text: String) async throws -> Int64 {
    try await engine.read(Step(Statement(text))).rows.first?.first?.integer ?? -1
  }

  /// Changes the database as somebody with an SQL tool could.
  func tamper(_ text: String, _ bindings: [Bound] = []) async throws {
    _ = try await engine.write(WriteOptions(), [Step(Statement(text), bindings)])
  }

  /// Removes all that upkeep would: versions that are not seen, then old chunks.
  @discardableResult
  func sweepFiles() async throws -> Int {
    var removed = 0
    while true {
      let slice = try await transaction { tx in
        try FileSweeper.removeVersions(in: tx) + FileSweeper.collectChunks(in: tx)
      }
      guard slice > 0 else { return removed }
      removed += slice
    }
  }
}
