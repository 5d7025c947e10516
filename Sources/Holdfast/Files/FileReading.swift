import Crypto
public import HoldfastCore
import HoldfastEngine

/// Which version of a file is read, and where its bytes are.
struct FileLayout: Sendable {
  let version: FileVersion
  let digest: [UInt8]
  /// Which bytes are wanted.
  let range: Range<Int>
  /// The chunks in which they lie, in order.
  let chunks: [[UInt8]]
  /// Where the first of those chunks begins.
  let start: Int
  /// How long each chunk is but the last.
  let chunkBytes: Int

  /// Whether all of the version is wanted.
  var isWhole: Bool { range.count == version.size }
}

/// The bytes of a chunk, checked against its digest.
enum ChunkCheck {
  /// Checks what was found under a digest.
  ///
  /// - Parameters:
  ///   - content: The bytes; `nil` where there were none.
  ///   - digest: The digest.
  /// - Returns: The bytes.
  /// - Throws: `corrupt`.
  static func checked(_ content: [UInt8]?, _ digest: [UInt8]) throws(StoreError) -> [UInt8] {
    guard let content else {
      throw StoreError(.corrupt, "A part of the file's content is missing.", details: facts(digest))
    }
    guard Array(SHA256.hash(data: content)) == digest else {
      throw StoreError(
        .corrupt, "A part of the file's content is not what was saved.", details: facts(digest))
    }
    return content
  }

  /// Checks the digest of a version that was read whole.
  ///
  /// - Parameters:
  ///   - hash: What was read.
  ///   - layout: The version.
  /// - Throws: `corrupt`.
  static func check(_ hash: SHA256, _ layout: FileLayout) throws(StoreError) {
    guard Array(hash.finalize()) == layout.digest else {
      throw StoreError(
        .corrupt, "The file's content is not what was saved.", details: facts(layout.digest))
    }
  }

  private static func facts(_ digest: [UInt8]) -> Object {
    ["digest": .string(HexText.encode(digest))]
  }
}

/// What is wanted of one chunk.
extension FileLayout {
  /// The same for a part of the range.
  ///
  /// - Parameter part: Which bytes of the version; what is not in the range is left out.
  /// - Returns: The part.
  func part(_ part: Range<Int>) -> FileLayout {
    let range = part.clamped(to: range)
    let first = range.lowerBound / chunkBytes - start / chunkBytes
    let end = (range.upperBound + chunkBytes - 1) / chunkBytes - start / chunkBytes
    return FileLayout(
      version: version, digest: digest, range: range,
      chunks: range.isEmpty ? [] : Array(chunks[first..<end]),
      start: start + first * chunkBytes, chunkBytes: chunkBytes)
  }

  /// The wanted part of a chunk.
  ///
  /// - Parameters:
  ///   - content: The chunk's bytes.
  ///   - offset: Where the chunk begins in the file.
  /// - Returns: The part that lies in the range.
  func wanted(_ content: [UInt8], at offset: Int) -> ArraySlice<UInt8> {
    let first = max(range.lowerBound - offset, 0)
    let end = min(range.upperBound - offset, content.count)
    return first < end ? content[first..<end] : []
  }
}

extension FilesTransaction {
  /// The content of a file.
  ///
  /// - Parameters:
  ///   - name: The file's name.
  ///   - number: Which version; the newest if left out.
  ///   - range: Which bytes; all if left out. What lies behind the end is left out.
  /// - Returns: The bytes.
  /// - Throws: ``StoreError`` with `not_found`, `invalid` for a range that begins behind the end,
  ///   `corrupt` for content that is not what was saved.
  public func read(
    _ name: String, number: Int64? = nil, range: Range<Int>? = nil
  ) throws(StoreError) -> [UInt8] {
    let layout = try layout(name, number: number, range: range)
    let connection = try transaction.reading()
    var bytes: [UInt8] = []
    bytes.reserveCapacity(layout.range.count)
    var offset = layout.start
    for digest in layout.chunks {
      let found = try connection.first(ChunkSQL.get, [.blob(digest)]) { $0.blob(0) }
      let content = try ChunkCheck.checked(found, digest)
      bytes += layout.wanted(content, at: offset)
      offset += content.count
    }
    if layout.isWhole {
      var hash = SHA256()
      hash.update(data: bytes)
      try ChunkCheck.check(hash, layout)
    }
    return bytes
  }

  /// The difference of two versions that are texts, in the unified format.
  ///
  /// - Parameters:
  ///   - name: The file's name.
  ///   - old: The number of the one version; the one before the other if left out.
  ///   - new: The number of the other; the newest if left out.
  /// - Returns: The difference; empty where the texts are the same.
  /// - Throws: ``StoreError`` with `not_found`, `invalid_state` for a version that is no text,
  ///   `too_large` for one of more than 1 MiB.
  public func diff(
    _ name: String, from old: Int64? = nil, to new: Int64? = nil
  ) throws(StoreError) -> FileDiff {
    try check(name)
    let connection = try transaction.reading()
    let row = try known(name, connection)
    let newNumber = new ?? row.file.number
    let oldNumber =
      if let old { old } else { try number(before: newNumber, of: row, connection) }
    var texts: [[UInt8]] = []
    for number in [oldNumber, newNumber] {
      let version = try known(number, of: row, connection).version
      guard version.size <= limits.diffBytesMax else {
        throw StoreError(
          .tooLarge, "Texts of more than \(limits.diffBytesMax) bytes are not compared.",
          details: ["bytes_max": .integer(Int64(limits.diffBytesMax))])
      }
      let text = try read(name, number: number)
      guard UnifiedDiff.isText(text) else {
        throw StoreError(
          .invalidState, "A version is no text.", hint: "Compare versions that are UTF-8 texts.",
          details: ["number": .integer(number)])
      }
      texts.append(text)
    }
    let label = String(
      decoding: name.utf8.map { $0 < 0x20 || $0 == 0x7F ? UInt8(ascii: "_") : $0 }, as: UTF8.self)
    let text = UnifiedDiff(from: texts[0], to: texts[1])
      .text("\(label)\tversion \(oldNumber)", "\(label)\tversion \(newNumber)")
    return FileDiff(from: oldNumber, to: newNumber, text: text)
  }

  private func number(
    before number: Int64, of row: FileRow, _ connection: any Connection
  ) throws(StoreError) -> Int64 {
    let found = try connection.first(
      FileSQL.versions,
      [.integer(row.id), .integer(number), .integer(row.firstNumber), .integer(1)]
    ) { $0.integer(0) }
    guard let found else {
      throw StoreError(
        .notFound, "There is no version before this one.",
        hint: "Name two versions, or save another one first.",
        details: ["name": .string(row.file.name), "number": .integer(number)])
    }
    return found
  }

  /// Where the bytes of a version are.
  func layout(
    _ name: String, number: Int64?, range: Range<Int>?
  ) throws(StoreError) -> FileLayout {
    try check(name)
    let connection = try transaction.reading()
    let row = try known(name, connection)
    let found = try known(number ?? row.file.number, of: row, connection)
    let size = found.version.size
    let wanted = range ?? 0..<size
    guard wanted.lowerBound >= 0, wanted.lowerBound <= size else {
      throw StoreError(
        .invalid, "The range begins behind the end of the file.",
        hint: "Ask for bytes that are there.",
        details: ["reason": "out_of_range", "size": .integer(Int64(size))])
    }
    let clamped = wanted.clamped(to: 0..<size)
    let first = clamped.lowerBound / found.chunkBytes
    let end = (clamped.upperBound + found.chunkBytes - 1) / found.chunkBytes
    let chunks = try connection.all(
      ChunkSQL.ofVersion,
      [
        .integer(row.id), .integer(found.version.number), .integer(Int64(first)),
        .integer(Int64(end)),
      ]
    ) { $0.blob(0) }
    guard clamped.isEmpty || chunks.count == end - first else {
      throw StoreError(
        .corrupt, "The list of the file's parts is not what was saved.",
        details: ["name": .string(name), "number": .integer(found.version.number)])
    }
    return FileLayout(
      version: found.version, digest: found.digest, range: clamped,
      chunks: clamped.isEmpty ? [] : chunks, start: first * found.chunkBytes,
      chunkBytes: found.chunkBytes)
  }
}

/// The difference of two versions of a file.
public struct FileDiff: Sendable, Equatable {
  /// The number of the one version.
  public let from: Int64
  /// The number of the other.
  public let to: Int64
  /// The difference in the unified format; empty where there is none.
  public let text: String
}
