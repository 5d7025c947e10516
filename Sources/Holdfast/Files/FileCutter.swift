import Crypto
import HoldfastCore
import HoldfastEngine

/// What a file's content comes to: its size, its digest, and the chunks that it is made of.
///
/// The chunks are in the store already, but for those that are still to be written with it.
package struct FileManifest: Sendable {
  /// How many bytes there are.
  package fileprivate(set) var size = 0
  /// The SHA-256 of all of them.
  package fileprivate(set) var digest: [UInt8] = []
  /// The digests of the chunks in order.
  fileprivate(set) var chunks: [[UInt8]] = []
  /// The last chunks, which the transaction of the save writes itself.
  fileprivate(set) var pending: [Chunk] = []

  /// How many bytes of content are still to be written.
  var pendingBytes: Int { pending.reduce(0) { $0 + $1.content.count } }

  /// Cuts content that is all there.
  ///
  /// - Parameters:
  ///   - content: The bytes.
  ///   - limits: The store's limits.
  /// - Throws: `too_large` past the limit of a file.
  package init(_ content: some Sequence<UInt8>, _ limits: Limits) throws(StoreError) {
    var cutter = FileCutter(limits)
    try cutter.add(content)
    self = cutter.finish()
  }

  fileprivate init() {}
}

/// A piece of content, stored once under its digest.
struct Chunk: Sendable {
  /// How long each chunk of a version is but the last.
  ///
  /// A file of 50 MiB is then 400 rows and as many reads, one stream holds little memory, and a
  /// change in a large file leaves most of its content shared. Each version notes the length it was
  /// cut with, so another one may be chosen later.
  static let bytes = 128 << 10

  let digest: [UInt8]
  let content: [UInt8]

  init(_ content: [UInt8]) {
    digest = Array(SHA256.hash(data: content))
    self.content = content
  }

  /// The statement that stores it, where it is not there yet.
  var insert: Step {
    Step(ChunkSQL.insert, [.blob(digest), .integer(Int64(content.count)), .blob(content)])
  }
}

/// Cuts content into chunks while it comes.
struct FileCutter {
  private let bytesMax: Int
  private var manifest = FileManifest()
  private var hash = SHA256()
  private var rest: [UInt8] = []

  init(_ limits: Limits) { bytesMax = limits.fileBytesMax }

  /// How many chunks are cut and not yet taken.
  var readyCount: Int { manifest.pending.count }

  /// Takes more content.
  ///
  /// - Parameter piece: The bytes that come next.
  /// - Throws: `too_large` past the limit of a file.
  mutating func add(_ piece: some Sequence<UInt8>) throws(StoreError) {
    if let thrown = piece.withContiguousStorageIfAvailable({ add(bytes: $0) }) {
      if let thrown { throw thrown }
    } else if let thrown = Array(piece).withUnsafeBufferPointer({ add(bytes: $0) }) {
      throw thrown
    }
  }

  private mutating func add(bytes: UnsafeBufferPointer<UInt8>) -> StoreError? {
    guard manifest.size + bytes.count <= bytesMax else { return Self.tooLarge(bytesMax) }
    manifest.size += bytes.count
    hash.update(bufferPointer: UnsafeRawBufferPointer(bytes))
    var left = bytes[...]
    while !left.isEmpty {
      if rest.capacity < Chunk.bytes { rest.reserveCapacity(Chunk.bytes) }
      let taken = left.prefix(Chunk.bytes - rest.count)
      rest.append(contentsOf: taken)
      left = left.dropFirst(taken.count)
      if rest.count == Chunk.bytes { cut() }
    }
    return nil
  }

  private mutating func cut() {
    let chunk = Chunk(rest)
    rest = []
    manifest.chunks.append(chunk.digest)
    manifest.pending.append(chunk)
  }

  /// Takes the chunks that are ready, to be written ahead.
  mutating func takeReady() -> [Chunk] {
    defer { manifest.pending = [] }
    return manifest.pending
  }

  /// Ends the content.
  consuming func finish() -> FileManifest {
    if !rest.isEmpty { cut() }
    manifest.digest = Array(hash.finalize())
    return manifest
  }

  /// The error for content past the limit.
  ///
  /// - Parameter bytesMax: The limit.
  /// - Returns: The error.
  static func tooLarge(_ bytesMax: Int) -> StoreError {
    StoreError(
      .tooLarge, "A file is at most \(bytesMax) bytes long.",
      hint: "Split the file, or open the store with a higher limit.",
      details: ["bytes_max": .integer(Int64(bytesMax))])
  }
}
