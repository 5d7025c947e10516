import Crypto
public import HoldfastCore
import HoldfastEngine

/// The content of a file's version, read piece by piece: memory does not grow with its size.
///
/// ```swift
/// let content = try await store.files(.run("42")).content("report.pdf")
/// for try await piece in content { … }
/// ```
///
/// Each piece is checked against its digest before it is given, and a version that is read whole
/// against its own at the end. What is read does not change: a version that is deleted meanwhile
/// can still be read to its end for a day.
public struct FileContent: AsyncSequence, Sendable {
  /// A piece: at most 128 KiB.
  public typealias Element = [UInt8]

  /// Which version it is.
  public var version: FileVersion { layout.version }
  /// Which of its bytes come.
  public var range: Range<Int> { layout.range }

  private let layout: FileLayout
  private let store: Store

  init(_ layout: FileLayout, _ store: Store) {
    self.layout = layout
    self.store = store
  }

  /// Part of the content.
  ///
  /// - Parameter range: Which bytes of the version; what is not in ``range`` is left out.
  /// - Returns: The part.
  public func part(_ range: Range<Int>) -> FileContent { FileContent(layout.part(range), store) }

  /// Begins to read.
  ///
  /// - Returns: An iterator before the first piece.
  public func makeAsyncIterator() -> Iterator { Iterator(layout, store) }

  /// Reads the pieces in order.
  public struct Iterator: AsyncIteratorProtocol {
    private let layout: FileLayout
    private let store: Store
    private var place = 0
    private var offset: Int
    private var hash = SHA256()
    private var isChecked = false

    init(_ layout: FileLayout, _ store: Store) {
      self.layout = layout
      self.store = store
      offset = layout.start
    }

    /// The next piece.
    ///
    /// - Returns: Its bytes; `nil` at the end.
    /// - Throws: ``StoreError`` with `corrupt` for content that is not what was saved, and what
    ///   the engine says.
    public mutating func next() async throws(StoreError) -> [UInt8]? {
      guard place < layout.chunks.count else {
        if layout.isWhole, !isChecked { try ChunkCheck.check(hash, layout) }
        isChecked = true
        return nil
      }
      let digest = layout.chunks[place]
      let found = try await store.engine.read(Step(ChunkSQL.get, [.blob(digest)]))
      let content = try ChunkCheck.checked(found.rows.first?.first?.blob, digest)
      let wanted = layout.wanted(content, at: offset)
      if layout.isWhole { hash.update(data: content) }
      place += 1
      offset += content.count
      return wanted.count == content.count ? content : Array(wanted)
    }
  }
}
