package import HoldfastCore
package import HoldfastEngine

/// Removes what nobody sees any more: versions of deleted and trimmed files, then the chunks that
/// belong to no version.
///
/// Invariants:
/// - A version goes with its list of chunks in one transaction, and each of its chunks is noted in
///   `orphan_chunks` in that transaction, so that every chunk without a version is in there.
/// - A chunk goes only when no version refers to it, and a day after it was noted last. A save that
///   finds it again notes it anew, or refers to it; on PostgreSQL both sides are serializable, so a
///   save and a collection of one chunk at once cannot both commit.
package enum FileSweeper {
  /// How many versions one slice removes, each with its list of at most a few hundred chunks.
  package static let versionsMax = 10
  /// How many chunks one slice removes: 8 MiB.
  package static let chunksMax = 64
  /// How long a chunk is kept that belongs to no version.
  package static let orphanAge = Duration.seconds(86_400)

  /// Removes one slice of versions that are not seen any more.
  ///
  /// - Parameters:
  ///   - transaction: A serializable transaction.
  ///   - limit: How many versions at most.
  /// - Returns: How many rows were removed; 0 when nothing is left.
  /// - Throws: ``StoreError`` of the engine's.
  package static func removeVersions(
    in transaction: Transaction, limit: Int = versionsMax
  ) throws(StoreError) -> Int {
    let connection = try transaction.writing(bytes: 0)
    var removed = 0
    for _ in 0..<limit {
      guard let file = try connection.first(unswept, [], { $0.integer(0) }) else { break }
      let number = try connection.first(unseen, [.integer(file)]) { $0.integer(0) }
      guard let number else {
        // All versions that were to go are gone, and the file with them where it was deleted.
        let done = try connection.run([
          Step(removeFile, [.integer(file)]), Step(setSwept, [.integer(file)]),
        ])
        removed += done.reduce(0) { $0 + $1.changes }
        continue
      }
      let version: [Bound] = [.integer(file), .integer(number)]
      let done = try connection.run([
        Step(noteOrphans, version), Step(removeRefers, version), Step(removeVersion, version),
      ])
      removed += done[1].changes + done[2].changes
    }
    return removed
  }

  /// Removes one slice of chunks that belong to no version.
  ///
  /// - Parameters:
  ///   - transaction: A serializable transaction.
  ///   - limit: How many chunks at most.
  /// - Returns: How many rows were looked at; 0 when nothing is left.
  /// - Throws: ``StoreError`` of the engine's.
  package static func collectChunks(
    in transaction: Transaction, limit: Int = chunksMax
  ) throws(StoreError) -> Int {
    let connection = try transaction.writing(bytes: 0)
    let old = try connection.all(
      oldOrphans, [.integer(orphanAge.microseconds), .integer(Int64(limit))]
    ) { $0.blob(0) }
    let steps = old.sorted { $0.lexicographicallyPrecedes($1) }.flatMap { digest in
      [Step(forget, [.blob(digest)]), Step(remove, [.blob(digest)])]
    }
    _ = try connection.run(steps)
    return old.count
  }

  /// Lets old versions go where files have more than so many, in slices.
  ///
  /// - Parameters:
  ///   - count: How many versions of each file to keep.
  ///   - namespace: Only files in here; all if left out.
  ///   - limit: How many files at most.
  ///   - transaction: The transaction.
  /// - Returns: How many versions went of how many files; no files when nothing is left.
  /// - Throws: ``StoreError`` with `invalid` for a count below 1.
  package static func trim(
    keeping count: Int, in namespace: Namespace? = nil, limit: Int,
    transaction: Transaction
  ) throws(StoreError) -> (files: Int, versions: Int) {
    var bindings: [Bound] = [.integer(Int64(count)), .integer(Int64(limit))]
    if let namespace { bindings.append(.text(namespace.text)) }
    let found = try transaction.reading().all(
      namespace == nil ? FileSQL.withMoreVersions : FileSQL.withMoreVersionsIn, bindings
    ) { (namespace: $0.text(0), name: $0.text(1)) }
    var removed = 0
    for file in found {
      let files = transaction.files(try Namespace(stored: file.namespace))
      removed += try files.trim(file.name, keeping: count)
    }
    return (found.count, removed)
  }
}

extension FileSweeper {
  private static let unswept = Statement(
    """
    SELECT id
    FROM files
    WHERE swept_number < first_number
    ORDER BY id
    LIMIT 1
    """)

  /// $1 file.
  private static let unseen = Statement(
    """
    SELECT v.number
    FROM file_versions AS v
    WHERE v.file_id = $1
      AND v.number < (SELECT f.first_number FROM files AS f WHERE f.id = $1)
    ORDER BY v.number
    LIMIT 1
    """)

  /// $1 file.
  private static let removeFile = Statement(
    """
    DELETE FROM files
    WHERE id = $1 AND deleted_at IS NOT NULL
    """)

  /// $1 file.
  private static let setSwept = Statement(
    """
    UPDATE files
    SET swept_number = first_number
    WHERE id = $1
    """)

  /// $1 file, $2 number.
  private static let noteOrphans = Statement(
    """
    INSERT INTO orphan_chunks (digest, since)
    SELECT DISTINCT r.digest, holdfast_now()
    FROM file_chunks AS r
    WHERE r.file_id = $1 AND r.number = $2
    ON CONFLICT (digest) DO UPDATE SET since = excluded.since
    """)

  /// $1 file, $2 number.
  private static let removeRefers = Statement(
    """
    DELETE FROM file_chunks
    WHERE file_id = $1 AND number = $2
    """)

  /// $1 file, $2 number.
  private static let removeVersion = Statement(
    """
    DELETE FROM file_versions
    WHERE file_id = $1 AND number = $2
    """)

  /// $1 for how long they are kept in microseconds, $2 how many.
  private static let oldOrphans = Statement(
    """
    SELECT digest
    FROM orphan_chunks
    WHERE since <= holdfast_now() - CAST($1 AS BIGINT)
    ORDER BY since
    LIMIT CAST($2 AS BIGINT)
    """)

  /// $1 digest.
  private static let forget = Statement(
    """
    DELETE FROM orphan_chunks
    WHERE digest = $1
    """)

  /// $1 digest.
  private static let remove = Statement(
    """
    DELETE FROM chunks
    WHERE digest = $1
      AND NOT EXISTS (SELECT 1 FROM file_chunks AS r WHERE r.digest = $1)
    """)
}

extension FileSweeper {
  /// What lists, reads and sweeps are made of, for a look at how a database runs them.
  package static let planned = [
    FileSQL.get, FileSQL.list, FileSQL.versions, FileSQL.getVersion, FileSQL.numberBehind,
    FileSQL.withMoreVersions, FileSQL.withMoreVersionsIn, ChunkSQL.get, ChunkSQL.ofVersion,
    ChunkSQL.adopt, ChunkSQL.referAsBefore, FileSQL.deleteAll, unswept, unseen, noteOrphans,
    removeRefers, removeVersion, oldOrphans, forget, remove,
  ]
}
