import HoldfastCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// What an open file holds, read piece by piece and once.
final class FilePieces: AsyncSequence, Sendable {
  typealias Element = [UInt8]

  /// How long a piece is.
  private static let bytes = 128 << 10

  private let file: Int32
  private let name: String
  /// How long the file is; `nil` for a pipe and the like.
  let length: Int?

  /// Takes an open file over.
  ///
  /// - Parameters:
  ///   - file: Its descriptor; closed when this goes, unless it is standard input.
  ///   - name: What it is called in messages.
  init(_ file: Int32, _ name: String) {
    self.file = file
    self.name = name
    var status = stat()
    let isPlain = fstat(file, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
    // A file that is read from the middle on, as standard input may be, has no length to tell.
    length = isPlain && lseek(file, 0, SEEK_CUR) == 0 ? Int(status.st_size) : nil
  }

  deinit { if file != STDIN_FILENO { close(file) } }

  func makeAsyncIterator() -> Iterator { Iterator(pieces: self) }

  struct Iterator: AsyncIteratorProtocol {
    fileprivate let pieces: FilePieces

    func next() async throws(StoreError) -> [UInt8]? { try pieces.piece() }
  }

  private func piece() throws(StoreError) -> [UInt8]? {
    var failed: Int32 = 0
    let piece = [UInt8](unsafeUninitializedCapacity: Self.bytes) { buffer, count in
      var taken = -1
      repeat {
        taken = read(file, buffer.baseAddress, Self.bytes)
      } while taken < 0 && errno == EINTR
      if taken < 0 { failed = errno }
      count = taken < 0 ? 0 : taken
    }
    guard failed == 0 else { throw Files.failure("\(name) cannot be read", failed) }
    return piece.isEmpty ? nil : piece
  }
}
