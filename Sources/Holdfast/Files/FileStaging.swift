package import HoldfastCore
import HoldfastEngine

/// How content comes in before there is a version of it.
extension Files {
  private static let check = Operation("files.check", isWrite: false)
  private static let stage = Operation("files.stage", isWrite: true)

  /// How many chunks one transaction writes ahead: a MiB, so that no other writer waits long.
  private static let chunksAhead = 8

  /// Refuses a save that cannot be, before its content comes.
  ///
  /// The transaction of the save looks again.
  ///
  /// - Parameters:
  ///   - name: The file's name.
  ///   - mediaType: What kind of content it is.
  ///   - mustExist: Whether a file of this name must be there already.
  /// - Throws: ``StoreError`` as the save does.
  package func checkSave(
    _ name: String, mediaType: String?, mustExist: Bool
  ) async throws(StoreError) {
    try await store.consult(Self.check) { [namespace] tx in
      let files = tx.files(namespace)
      try files.check(name)
      if let mediaType { try Checks.mediaType(mediaType, tx.context.limits) }
      let connection = try tx.reading()
      try RunGuard.check(namespace, on: connection)
      if mustExist { _ = try files.known(name, connection) }
    }
  }

  /// Refuses a save that can never be, whatever the store holds: a repeated one was no other.
  ///
  /// - Parameters:
  ///   - name: The file's name.
  ///   - mediaType: What kind of content it is.
  /// - Throws: ``StoreError`` with `invalid`.
  package func checkNames(_ name: String, mediaType: String?) throws(StoreError) {
    let limits = store.context.limits
    try Checks.fileNamespace(namespace, limits)
    try Checks.fileName(name, limits)
    if let mediaType { try Checks.mediaType(mediaType, limits) }
  }

  /// Takes content in, chunk by chunk.
  ///
  /// Chunks are written ahead in transactions of their own, a few at a time, and noted as ones that
  /// may belong to nobody: if no version follows they go after a day. These commits wait for no
  /// disk: the save's own comes later in the same log and makes them last. While one is under way
  /// the next chunks come in and are digested. The last chunks stay in memory for the transaction
  /// of the save, so a small file is one transaction.
  ///
  /// - Parameter pieces: The bytes in order.
  /// - Returns: What to save.
  /// - Throws: What the stream throws, unchanged; ``StoreError`` with `too_large`, and what the
  ///   engine says.
  package func stage<Pieces: AsyncSequence & Sendable>(
    _ pieces: Pieces
  ) async throws -> FileManifest where Pieces.Element == [UInt8] {
    try await withThrowingTaskGroup(of: Void.self) { group in
      var cutter = FileCutter(store.context.limits)
      for try await piece in pieces {
        try cutter.add(piece)
        // One more than is written: the end of the content is for the save itself.
        guard cutter.readyCount > Self.chunksAhead else { continue }
        try await group.next()
        let chunks = cutter.takeReady()
        group.addTask { try await writeAhead(chunks) }
      }
      try await group.next()
      return cutter.finish()
    }
  }

  private func writeAhead(_ chunks: [Chunk]) async throws(StoreError) {
    // Rows are locked in one order, or two that send the same content could wait for each other.
    let sorted = chunks.sorted { $0.digest.lexicographicallyPrecedes($1.digest) }
    let steps = sorted.flatMap { [Step(ChunkSQL.markOrphan, [.blob($0.digest)]), $0.insert] }
    try await store.observed(Self.stage) {
      _ = try await store.engine.write(store.writeOptions(.relaxed), steps)
    }
  }
}

/// Bytes that are all there, as a stream of slices.
struct Slices: AsyncSequence, Sendable {
  typealias Element = [UInt8]

  let bytes: [UInt8]

  func makeAsyncIterator() -> Iterator { Iterator(rest: bytes[...]) }

  struct Iterator: AsyncIteratorProtocol {
    var rest: ArraySlice<UInt8>

    mutating func next() async -> [UInt8]? {
      guard !rest.isEmpty else { return nil }
      let piece = rest.prefix(Chunk.bytes)
      rest = rest.dropFirst(piece.count)
      return Array(piece)
    }
  }
}
