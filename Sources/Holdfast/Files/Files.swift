public import HoldfastCore

extension Store {
  /// The files of a namespace.
  ///
  /// - Parameter namespace: `global`, or a run's or a bot's.
  /// - Returns: The files.
  public func files(_ namespace: Namespace = .global) -> Files {
    Files(store: self, namespace: namespace)
  }
}

/// The files of a namespace; each call is a transaction of its own.
///
/// ```swift
/// let files = store.files(.run("42"))
/// try await files.save("plan.md", Array("# Plan".utf8), mediaType: "text/markdown")
/// let plan = try await files.read("plan.md")
/// ```
///
/// A file keeps its versions: saving it again makes one more. Contents are cut into chunks that are
/// stored once each, however many files and versions they belong to.
public struct Files: Sendable {
  let store: Store
  /// The namespace.
  public let namespace: Namespace

  private static let save = Operation("files.save", isWrite: true)
  private static let get = Operation("files.get", isWrite: false)
  private static let read = Operation("files.read", isWrite: false)
  private static let list = Operation("files.list", isWrite: false)
  private static let versions = Operation("files.versions", isWrite: false)
  private static let diff = Operation("files.diff", isWrite: false)
  private static let restore = Operation("files.restore", isWrite: true)
  private static let setIndexed = Operation("files.set_indexed", isWrite: true)
  private static let rename = Operation("files.rename", isWrite: true)
  private static let keepVersions = Operation("files.keep_versions", isWrite: true)
  private static let delete = Operation("files.delete", isWrite: true)

  /// Saves a file, or a new version of it.
  ///
  /// **Durability.** As every write. **Atomicity.** The version with all of its content, or
  /// nothing. **Idempotency.** A second call makes another version; with an idempotency key the
  /// first answer is given again. **Cancellation.** Before the version is committed there is none.
  /// **Cost.** One commit, and one more for each MiB; content that the store has is not stored
  /// again.
  ///
  /// - Parameters:
  ///   - name: The file's name: 1 to 255 bytes, no slash, backslash or NUL, not `.` or `..`.
  ///   - content: The bytes, 50 MiB at most.
  ///   - mediaType: What kind of content it is; if left out as before, and for a new file
  ///     `application/octet-stream`.
  ///   - mustExist: Whether a file of this name must be there already.
  ///   - settings: What the write survives, and its idempotency key.
  /// - Returns: The file; its number is 1 where the name is new, else one more than any before.
  /// - Throws: ``StoreError`` with `not_found` where it must exist and does not, `too_large`,
  ///   `invalid`, `invalid_state` under an archived or deleted run.
  @discardableResult
  public func save(
    _ name: String, _ content: [UInt8], mediaType: String? = nil, mustExist: Bool = false,
    with settings: WriteSettings = .standard
  ) async throws(StoreError) -> File {
    do {
      return try await save(
        name, contentsOf: Slices(bytes: content), mediaType: mediaType, mustExist: mustExist,
        with: settings)
    } catch {
      throw StoreError.from(error)
    }
  }

  /// Saves a file, or a new version of it, whose content comes piece by piece: memory does not grow
  /// with its size.
  ///
  /// **Durability.** As every write. **Atomicity.** The version with all of its content, or
  /// nothing: a stream that breaks off leaves no version; what was written ahead goes after a day.
  /// **Idempotency.** A second call makes another version; with an idempotency key, for the same
  /// content, the first answer is given again. **Cancellation.** Before the version is committed
  /// there is none. **Cost.** One commit, and one more for each MiB, which waits for no disk.
  ///
  /// - Parameters:
  ///   - name: The file's name: 1 to 255 bytes, no slash, backslash or NUL, not `.` or `..`.
  ///   - pieces: The bytes in order, in pieces of any length, 50 MiB at most.
  ///   - mediaType: What kind of content it is; if left out as before, and for a new file
  ///     `application/octet-stream`.
  ///   - mustExist: Whether a file of this name must be there already.
  ///   - settings: What the write survives, and its idempotency key.
  /// - Returns: The file; its number is 1 where the name is new, else one more than any before.
  /// - Throws: What the stream throws, unchanged; ``StoreError`` as for bytes.
  @discardableResult
  public func save<Pieces: AsyncSequence & Sendable>(
    _ name: String, contentsOf pieces: Pieces, mediaType: String? = nil, mustExist: Bool = false,
    with settings: WriteSettings = .standard
  ) async throws -> File where Pieces.Element == [UInt8] {
    try checkNames(name, mediaType: mediaType)
    // A repeated save gives its first answer, whatever has become of the file and the run since.
    if settings.idempotencyKey == nil {
      try await checkSave(name, mediaType: mediaType, mustExist: mustExist)
    }
    let manifest = try await stage(pieces)
    return try await store.perform(
      Self.save, settings,
      arguments: [
        .string(namespace.text), .string(name), .bytes(manifest.digest),
        mediaType.map(Value.string) ?? .null, .bool(mustExist),
      ], hotRows: [hotRow(name)]
    ) { [namespace] tx in
      try tx.files(namespace).save(name, manifest, mediaType: mediaType, mustExist: mustExist)
    }
  }

  /// A file, without its content.
  ///
  /// - Parameter name: Its name.
  /// - Returns: The file; `nil` where there is none.
  /// - Throws: ``StoreError`` with `invalid` for a name or namespace that cannot be.
  public func get(_ name: String) async throws(StoreError) -> File? {
    try await store.consult(Self.get) { [namespace] tx in try tx.files(namespace).get(name) }
  }

  /// One version of a file, without its content.
  ///
  /// - Parameters:
  ///   - name: The file's name.
  ///   - number: The version's number.
  /// - Returns: The version; `nil` where there is none.
  /// - Throws: ``StoreError`` with `invalid` for a name or namespace that cannot be.
  public func get(_ name: String, number: Int64) async throws(StoreError) -> FileVersion? {
    try await store.consult(Self.get) { [namespace] tx in
      try tx.files(namespace).get(name, number: number)
    }
  }

  /// The content of a file, whole or in part.
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
  ) async throws(StoreError) -> [UInt8] {
    try await store.consult(Self.read) { [namespace] tx in
      try tx.files(namespace).read(name, number: number, range: range)
    }
  }

  /// The content of a file as a stream of checked pieces.
  ///
  /// - Parameters:
  ///   - name: The file's name.
  ///   - number: Which version; the newest if left out.
  ///   - range: Which bytes; all if left out. What lies behind the end is left out.
  /// - Returns: The content, which is read as it is asked for.
  /// - Throws: ``StoreError`` with `not_found`, `invalid` for a range that begins behind the end.
  public func content(
    _ name: String, number: Int64? = nil, range: Range<Int>? = nil
  ) async throws(StoreError) -> FileContent {
    let layout = try await store.consult(Self.read) { [namespace] tx in
      try tx.files(namespace).layout(name, number: number, range: range)
    }
    return FileContent(layout, store)
  }

  /// Lists one page of files in the order of their names.
  ///
  /// - Parameters:
  ///   - after: Where the page before ended: a name.
  ///   - limit: How many, 1 to 1 000; 100 if left out.
  /// - Returns: The files, and where the next page begins.
  /// - Throws: ``StoreError`` with `invalid` for a limit out of range.
  public func list(
    after: String? = nil, limit: Int? = nil
  ) async throws(StoreError) -> Page<File> {
    try await store.consult(Self.list) { [namespace] tx in
      try tx.files(namespace).list(after: after, limit: limit)
    }
  }

  /// Lists one page of a file's versions, the newest first.
  ///
  /// - Parameters:
  ///   - name: The file's name.
  ///   - after: Where the page before ended: a number.
  ///   - limit: How many, 1 to 1 000; 100 if left out.
  /// - Returns: The versions, and where the next page begins.
  /// - Throws: ``StoreError`` with `not_found`, `invalid` for a limit out of range or a cursor from
  ///   elsewhere.
  public func versions(
    of name: String, after: String? = nil, limit: Int? = nil
  ) async throws(StoreError) -> Page<FileVersion> {
    try await store.consult(Self.versions) { [namespace] tx in
      try tx.files(namespace).versions(of: name, after: after, limit: limit)
    }
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
  ) async throws(StoreError) -> FileDiff {
    try await store.consult(Self.diff) { [namespace] tx in
      try tx.files(namespace).diff(name, from: old, to: new)
    }
  }

  /// Makes a new version with the content of an old one.
  ///
  /// - Parameters:
  ///   - name: The file's name.
  ///   - number: The number of the version whose content comes back.
  ///   - settings: What the write survives, and its idempotency key.
  /// - Returns: The file.
  /// - Throws: ``StoreError`` with `not_found` for a file or version that is not there, `invalid`,
  ///   `invalid_state` under an archived or deleted run.
  @discardableResult
  public func restore(
    _ name: String, number: Int64, with settings: WriteSettings = .standard
  ) async throws(StoreError) -> File {
    try await change(Self.restore, name, [.integer(number)], settings) { files throws(StoreError) in
      try files.restore(name, number: number)
    }
  }

  /// Says whether the newest version of a file is indexed; a new version is not.
  ///
  /// - Parameters:
  ///   - name: The file's name.
  ///   - indexed: Whether it is.
  ///   - settings: What the write survives, and its idempotency key.
  /// - Returns: The file.
  /// - Throws: ``StoreError`` with `not_found`, `invalid`, `invalid_state` under an archived or
  ///   deleted run.
  @discardableResult
  public func setIndexed(
    _ name: String, _ indexed: Bool = true, with settings: WriteSettings = .standard
  ) async throws(StoreError) -> File {
    try await change(Self.setIndexed, name, [.bool(indexed)], settings) {
      files throws(StoreError) in
      try files.setIndexed(name, indexed)
    }
  }

  /// Gives a file another name; its versions keep their numbers.
  ///
  /// - Parameters:
  ///   - name: The file's name.
  ///   - newName: The name that it gets.
  ///   - settings: What the write survives, and its idempotency key.
  /// - Returns: The file.
  /// - Throws: ``StoreError`` with `not_found`, `conflict` for a name that is taken, `invalid`,
  ///   `invalid_state` under an archived or deleted run.
  @discardableResult
  public func rename(
    _ name: String, to newName: String, with settings: WriteSettings = .standard
  ) async throws(StoreError) -> File {
    try await change(Self.rename, name, [.string(newName)], settings) { files throws(StoreError) in
      try files.rename(name, to: newName)
    }
  }

  /// Keeps the newest versions of a file and lets the older ones go.
  ///
  /// - Parameters:
  ///   - count: How many to keep, at least 1.
  ///   - name: The file's name.
  ///   - settings: What the write survives, and its idempotency key.
  /// - Returns: How many versions went.
  /// - Throws: ``StoreError`` with `not_found`, `invalid`, `invalid_state` under an archived or
  ///   deleted run.
  @discardableResult
  public func keepVersions(
    _ count: Int, of name: String, with settings: WriteSettings = .standard
  ) async throws(StoreError) -> Int {
    try await change(Self.keepVersions, name, [.integer(Int64(count))], settings) {
      files throws(StoreError) in
      try files.keepVersions(count, of: name)
    }
  }

  /// Deletes a file with all its versions.
  ///
  /// - Parameters:
  ///   - name: The file's name.
  ///   - settings: What the write survives, and its idempotency key.
  /// - Returns: Whether there was one.
  /// - Throws: ``StoreError`` with `invalid`, `invalid_state` under an archived or deleted run.
  @discardableResult
  public func delete(
    _ name: String, with settings: WriteSettings = .standard
  ) async throws(StoreError) -> Bool {
    try await change(Self.delete, name, [], settings) { files throws(StoreError) in
      try files.delete(name)
    }
  }

  private func change<Result: Codable & Sendable>(
    _ operation: Operation, _ name: String, _ arguments: [Value], _ settings: WriteSettings,
    _ body: @escaping @Sendable (FilesTransaction) throws(StoreError) -> Result
  ) async throws(StoreError) -> Result {
    try await store.perform(
      operation, settings,
      arguments: .array([.string(namespace.text), .string(name)] + arguments),
      hotRows: [hotRow(name)]
    ) { [namespace] tx in
      try body(tx.files(namespace))
    }
  }
}

extension Files {
  private func hotRow(_ name: String) -> Int64 { Self.hotRow(namespace, name) }

  /// The row at which those who write one file meet.
  ///
  /// - Parameters:
  ///   - namespace: The file's namespace.
  ///   - name: The file's name.
  /// - Returns: Its number.
  package static func hotRow(_ namespace: Namespace, _ name: String) -> Int64 {
    HotRow.number("file", namespace.text, name)
  }
}
