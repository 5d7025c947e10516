public import HoldfastCore
import HoldfastEngine

extension Transaction {
  /// The files of a namespace, inside this transaction.
  ///
  /// - Parameter namespace: `global`, or a run's or a bot's.
  /// - Returns: The files.
  public func files(_ namespace: Namespace = .global) -> FilesTransaction {
    FilesTransaction(transaction: self, namespace: namespace)
  }
}

/// The files of a namespace, inside a transaction: every operation exists here, once.
public struct FilesTransaction {
  let transaction: Transaction
  /// The namespace.
  public let namespace: Namespace

  var limits: Limits { transaction.context.limits }

  /// Saves a file, or a new version of it, together with the other writes of the transaction.
  ///
  /// The content counts towards the transaction's limit of bytes. For what is large, or comes as a
  /// stream, use ``Files/save(_:contentsOf:mediaType:mustExist:with:)``.
  ///
  /// - Parameters:
  ///   - name: The file's name: 1 to 255 bytes, no slash, backslash or NUL, not `.` or `..`.
  ///   - content: The bytes.
  ///   - mediaType: What kind of content it is; if left out as before, and for a new file
  ///     `application/octet-stream`.
  ///   - mustExist: Whether a file of this name must be there already.
  /// - Returns: The file; its number is 1 where the name is new, else one more than any before.
  /// - Throws: ``StoreError`` with `not_found` where it must exist and does not, `too_large`,
  ///   `invalid`, `invalid_state` under an archived or deleted run.
  @discardableResult
  public func save(
    _ name: String, _ content: [UInt8], mediaType: String? = nil, mustExist: Bool = false
  ) throws(StoreError) -> File {
    try save(
      name, FileManifest(content, limits), mediaType: mediaType, mustExist: mustExist)
  }

  /// Saves content that was cut into chunks, of which all but the last were written ahead.
  ///
  /// - Parameters:
  ///   - name: The file's name.
  ///   - manifest: The content.
  ///   - mediaType: What kind of content it is.
  ///   - mustExist: Whether a file of this name must be there already.
  /// - Returns: The file.
  /// - Throws: ``StoreError`` as for bytes; `unavailable` where a chunk has gone since.
  package func save(
    _ name: String, _ manifest: FileManifest, mediaType: String?, mustExist: Bool
  ) throws(StoreError) -> File {
    try check(name)
    if let mediaType { try Checks.mediaType(mediaType, limits) }
    let connection = try writing(name, bytes: manifest.pendingBytes)
    let row = try find(name, connection)
    if row == nil, mustExist { throw missing(name) }
    let version = NewVersion(
      mediaType: mediaType ?? row?.file.mediaType ?? "application/octet-stream",
      size: manifest.size, digest: manifest.digest, chunkBytes: Chunk.bytes)
    let (id, number) = try add(version, to: row, name, connection)
    var seen: Set<[UInt8]> = []
    let inserts = manifest.pending.filter { seen.insert($0.digest).inserted }.map(\.insert)
    let refers = manifest.chunks.enumerated().map { position, digest in
      Step(
        ChunkSQL.refer,
        [.integer(id), .integer(number), .integer(Int64(position)), .blob(digest)])
    }
    let done = try connection.run(inserts + refers)
    guard done.suffix(refers.count).allSatisfy({ $0.changes == 1 }) else { throw gone() }
    return try finish(id, number, name, "save", connection)
  }

  /// A file, without its content.
  ///
  /// - Parameter name: Its name.
  /// - Returns: The file; `nil` where there is none.
  /// - Throws: ``StoreError`` with `invalid` for a name or namespace that cannot be.
  public func get(_ name: String) throws(StoreError) -> File? {
    try check(name)
    return try find(name, transaction.reading())?.file
  }

  /// One version of a file, without its content.
  ///
  /// - Parameters:
  ///   - name: The file's name.
  ///   - number: The version's number.
  /// - Returns: The version; `nil` where there is none.
  /// - Throws: ``StoreError`` with `invalid` for a name or namespace that cannot be.
  public func get(_ name: String, number: Int64) throws(StoreError) -> FileVersion? {
    try check(name)
    let connection = try transaction.reading()
    guard let row = try find(name, connection) else { return nil }
    return try find(number, of: row, connection)?.version
  }

  /// Lists one page of files in the order of their names.
  ///
  /// - Parameters:
  ///   - after: Where the page before ended: a name.
  ///   - limit: How many, 1 to 1 000; 100 if left out.
  /// - Returns: The files, and where the next page begins.
  /// - Throws: ``StoreError`` with `invalid` for a limit out of range.
  public func list(after: String? = nil, limit: Int? = nil) throws(StoreError) -> Page<File> {
    try Checks.fileNamespace(namespace, limits)
    let limit = try limits.pageItems(limit)
    if let after { try Checks.fileName(after, limits) }
    let files = try transaction.reading().all(
      FileSQL.list, [.text(namespace.text), .text(after ?? ""), .integer(Int64(limit) + 1)]
    ) { FileRow(row: $0).file }
    let shown = Array(files.prefix(limit))
    return Page(items: shown, next: files.count > limit ? shown.last?.name : nil)
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
  ) throws(StoreError) -> Page<FileVersion> {
    try check(name)
    let limit = try limits.pageItems(limit)
    let before = try after.map { text throws(StoreError) in try Self.number(cursor: text) }
    let connection = try transaction.reading()
    let row = try known(name, connection)
    let versions = try connection.all(
      FileSQL.versions,
      [
        .integer(row.id), .integer(before ?? .max), .integer(row.firstNumber),
        .integer(Int64(limit) + 1),
      ]
    ) { FileVersionRow(row: $0).version }
    let shown = Array(versions.prefix(limit))
    return Page(
      items: shown, next: versions.count > limit ? shown.last.map { String($0.number) } : nil)
  }

  private static func number(cursor: String) throws(StoreError) -> Int64 {
    guard let number = Int64(cursor) else {
      throw ListCursor.foreign
    }
    return number
  }
}

/// Changes of what is there.
extension FilesTransaction {
  /// Makes a new version with the content of an old one.
  ///
  /// - Parameters:
  ///   - name: The file's name.
  ///   - number: The number of the version whose content comes back.
  /// - Returns: The file.
  /// - Throws: ``StoreError`` with `not_found` for a file or version that is not there, `invalid`,
  ///   `invalid_state` under an archived or deleted run.
  @discardableResult
  public func restore(_ name: String, number: Int64) throws(StoreError) -> File {
    try check(name)
    let connection = try writing(name)
    let row = try known(name, connection)
    let old = try known(number, of: row, connection)
    let version = NewVersion(
      mediaType: old.version.mediaType, size: old.version.size, digest: old.digest,
      chunkBytes: old.chunkBytes)
    let (id, new) = try add(version, to: row, name, connection)
    try connection.run(
      ChunkSQL.referAsBefore, [.integer(id), .integer(new), .integer(number)])
    return try finish(id, new, name, "restore", connection)
  }

  /// Says whether the newest version of a file is indexed; a new version is not.
  ///
  /// - Parameters:
  ///   - name: The file's name.
  ///   - indexed: Whether it is.
  /// - Returns: The file.
  /// - Throws: ``StoreError`` with `not_found`, `invalid`, `invalid_state` under an archived or
  ///   deleted run.
  @discardableResult
  public func setIndexed(_ name: String, _ indexed: Bool = true) throws(StoreError) -> File {
    try check(name)
    let connection = try writing(name)
    let row = try known(name, connection)
    guard row.file.isIndexed != indexed else { return row.file }
    _ = try connection.run([
      Step(FileSQL.setIndexed, [.integer(row.id), Bound(indexed)]),
      Feed.event("file", namespace, name, "index"),
    ])
    return try known(name, connection).file
  }

  /// Gives a file another name; its versions keep their numbers.
  ///
  /// - Parameters:
  ///   - name: The file's name.
  ///   - newName: The name that it gets.
  /// - Returns: The file.
  /// - Throws: ``StoreError`` with `not_found`, `conflict` for a name that is taken, `invalid`,
  ///   `invalid_state` under an archived or deleted run.
  @discardableResult
  public func rename(_ name: String, to newName: String) throws(StoreError) -> File {
    try check(name)
    try check(newName)
    let connection = try writing(name, bytes: newName.utf8.count)
    let row = try known(name, connection)
    guard !Bytewise.equal(name, newName) else { return row.file }
    guard try find(newName, connection) == nil else {
      throw StoreError(
        .conflict, "Another file has this name.",
        hint: "Choose another name, or delete that file first.", details: ["name": .string(newName)]
      )
    }
    _ = try connection.run([
      keepNumber(of: row),
      Step(FileSQL.rename, [.integer(row.id), .text(newName)]),
      Feed.event("file", namespace, name, "rename"),
      Feed.event("file", namespace, newName, "rename"),
    ])
    return try known(newName, connection).file
  }

  /// Deletes a file with all its versions.
  ///
  /// - Parameter name: The file's name.
  /// - Returns: Whether there was one.
  /// - Throws: ``StoreError`` with `invalid`, `invalid_state` under an archived or deleted run.
  @discardableResult
  public func delete(_ name: String) throws(StoreError) -> Bool {
    try check(name)
    let connection = try writing(name)
    guard let row = try find(name, connection) else { return false }
    _ = try connection.run([
      keepNumber(of: row), Step(FileSQL.delete, [.integer(row.id)]),
      Feed.event("file", namespace, name, "delete"),
    ])
    return true
  }

  /// Keeps the newest versions of a file and lets the older ones go.
  ///
  /// - Parameters:
  ///   - count: How many to keep, at least 1.
  ///   - name: The file's name.
  /// - Returns: How many versions went.
  /// - Throws: ``StoreError`` with `not_found`, `invalid`, `invalid_state` under an archived or
  ///   deleted run.
  @discardableResult
  public func keepVersions(_ count: Int, of name: String) throws(StoreError) -> Int {
    try check(name)
    guard count >= 1 else {
      throw StoreError(
        .invalid, "At least one version of a file is kept.",
        hint: "Keep one or more, or delete the file.", details: ["reason": "out_of_range"])
    }
    return try trim(known(name, writing(name)), keeping: count)
  }

  /// Lets the old versions of a file go, under an archived run too: retention knows no archive.
  ///
  /// - Parameters:
  ///   - name: The file's name.
  ///   - count: How many to keep, at least 1.
  /// - Returns: How many versions went.
  /// - Throws: ``StoreError`` with `not_found`.
  func trim(_ name: String, keeping count: Int) throws(StoreError) -> Int {
    try trim(known(name, transaction.writing(bytes: 0)), keeping: count)
  }

  private func trim(_ row: FileRow, keeping count: Int) throws(StoreError) -> Int {
    let connection = try transaction.reading()
    guard row.file.versions > count else { return 0 }
    let first = try connection.first(
      FileSQL.numberBehind,
      [.integer(row.id), .integer(row.firstNumber), .integer(Int64(count) - 1)]
    ) { $0.integer(0) }
    guard let first else { return 0 }
    _ = try connection.run([
      Step(FileSQL.setFirst, [.integer(row.id), .integer(first), .integer(Int64(count))]),
      Feed.event("file", namespace, row.file.name, "trim"),
    ])
    return row.file.versions - count
  }
}

/// What the operations have in common.
extension FilesTransaction {
  /// What a new version is, besides its number.
  private struct NewVersion {
    let mediaType: String
    let size: Int
    let digest: [UInt8]
    let chunkBytes: Int
  }

  /// Adds a version to a file, or makes the file with it; its chunks come next.
  private func add(
    _ version: NewVersion, to row: FileRow?, _ name: String, _ connection: any Connection
  ) throws(StoreError) -> (id: Int64, number: Int64) {
    let last = try connection.first(
      FileSQL.lastNumber, [.text(namespace.text), .text(name)]
    ) { $0.integer(0) }
    let number = max(row?.file.number ?? 0, last ?? 0) + 1
    let (mediaType, size) = (Bound.text(version.mediaType), Bound.integer(Int64(version.size)))
    let id: Int64
    if let row {
      id = row.id
      try connection.run(
        FileSQL.addVersion,
        [.integer(id), mediaType, size, .integer(number), .blob(version.digest)])
    } else {
      let made = try connection.first(
        FileSQL.create,
        [
          .text(namespace.text), .text(name), mediaType, size, .integer(number),
          .blob(version.digest),
        ]
      ) { $0.integer(0) }
      guard let made else { throw Excess.fault(.internal, "A file could not be created.") }
      id = made
    }
    try connection.run(
      FileSQL.insertVersion,
      [
        .integer(id), .integer(number), mediaType, size, .blob(version.digest),
        .integer(Int64(version.chunkBytes)),
      ])
    return (id, number)
  }

  /// Takes the new version's chunks away from the collector, and tells the feed.
  private func finish(
    _ id: Int64, _ number: Int64, _ name: String, _ event: String, _ connection: any Connection
  ) throws(StoreError) -> File {
    _ = try connection.run([
      Step(ChunkSQL.adopt, [.integer(id), .integer(number)]),
      Feed.event("file", namespace, name, event),
    ])
    return try known(name, connection).file
  }

  private func keepNumber(of row: FileRow) -> Step {
    Step(
      FileSQL.keepNumber,
      [.text(namespace.text), .text(row.file.name), .integer(row.file.number)])
  }

  func check(_ name: String) throws(StoreError) {
    try Checks.fileNamespace(namespace, limits)
    try Checks.fileName(name, limits)
  }

  /// The connection for a write, which the namespace's run must allow.
  private func writing(_ name: String, bytes: Int = 0) throws(StoreError) -> any Connection {
    let connection = try transaction.writing(bytes: name.utf8.count + bytes)
    try RunGuard.check(namespace, on: connection)
    return connection
  }

  func find(_ name: String, _ connection: any Connection) throws(StoreError) -> FileRow? {
    try connection.first(FileSQL.get, [.text(namespace.text), .text(name)]) { FileRow(row: $0) }
  }

  func known(_ name: String, _ connection: any Connection) throws(StoreError) -> FileRow {
    guard let row = try find(name, connection) else { throw missing(name) }
    return row
  }

  /// A version that is seen.
  func find(
    _ number: Int64, of row: FileRow, _ connection: any Connection
  ) throws(StoreError) -> FileVersionRow? {
    guard number >= row.firstNumber else { return nil }
    return try connection.first(FileSQL.getVersion, [.integer(row.id), .integer(number)]) {
      FileVersionRow(row: $0)
    }
  }

  func known(
    _ number: Int64, of row: FileRow, _ connection: any Connection
  ) throws(StoreError) -> FileVersionRow {
    guard let version = try find(number, of: row, connection) else {
      throw StoreError(
        .notFound, "The file has no version of this number.",
        hint: "List the versions to see which there are.",
        details: ["name": .string(row.file.name), "number": .integer(number)])
    }
    return version
  }

  private func missing(_ name: String) -> StoreError {
    StoreError(
      .notFound, "There is no such file.", hint: "Save the file first.",
      details: ["namespace": .string(namespace.text), "name": .string(name)])
  }

  /// The error for content that went meanwhile; nothing of the transaction is kept after it.
  private func gone() -> StoreError {
    Excess.fault(
      .unavailable, "A part of the content was removed before the file was saved.",
      hint: "Send the content again; nothing was saved.")
  }
}
