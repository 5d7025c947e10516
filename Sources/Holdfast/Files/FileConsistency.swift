import Crypto
import HoldfastCore
import HoldfastEngine

/// Whether files, versions and chunks fit each other, and contents their digests.
enum FileConsistency {
  /// What a count of rows tells.
  static let rules: [(Statement, String)] = [
    (strayVersions, "Versions without their file"),
    (strayRefers, "Lists of chunks without their version"),
    (missingChunks, "Chunks that a version names and that are missing"),
    (badVersions, "Files that do not fit their newest version"),
    (badCounts, "Files with another number of versions than they say"),
    (badSizes, "Versions whose chunks are not as long as the version"),
    (leaked, "Chunks that belong to no version and would never be collected"),
  ]

  /// Reads all content and compares it with its digests: that of each version, and then the chunks
  /// that belong to none.
  ///
  /// - Parameter connection: A snapshot.
  /// - Returns: One sentence a kind of fault, with how many there are.
  /// - Throws: What the database says, as a ``StoreError``.
  static func contents(_ connection: any Connection) throws(StoreError) -> [String] {
    var problems: [String] = []
    var broken: Set<[UInt8]> = []
    let versions = try brokenVersions(connection, &broken)
    let chunks = try broken.count + brokenStrays(connection)
    if chunks > 0 { problems.append("Chunks whose content does not fit their digest: \(chunks)") }
    if versions > 0 {
      problems.append("File versions whose content does not fit their digest: \(versions)")
    }
    return problems
  }

  /// Goes through the chunks of no version, a few at a time, so that memory does not grow with the
  /// store.
  private static func brokenStrays(_ connection: any Connection) throws(StoreError) -> Int {
    var broken = 0
    var last: [UInt8] = []
    while true {
      let page = try connection.all(strayPage, [.blob(last)]) { row in
        let digest = row.blob(0)
        let content = row.blob(1)
        let isFit = Array(SHA256.hash(data: content)) == digest && row.integer(2) == content.count
        return (digest: digest, isFit: isFit)
      }
      guard let end = page.last else { return broken }
      broken += page.count { !$0.isFit }
      last = end.digest
    }
  }

  /// Counts the versions that do not fit; the digests of chunks that do not are added.
  private static func brokenVersions(
    _ connection: any Connection, _ chunks: inout Set<[UInt8]>
  ) throws(StoreError) -> Int {
    var broken = 0
    var (file, number) = (Int64.min, Int64.min)
    while true {
      let page = try connection.all(versionPage, [.integer(file), .integer(number)]) { row in
        (file: row.integer(0), number: row.integer(1), digest: row.blob(2))
      }
      guard let end = page.last else { return broken }
      for version in page {
        let found = try digest(of: version.file, version.number, connection, &chunks)
        if found != version.digest { broken += 1 }
      }
      (file, number) = (end.file, end.number)
    }
  }

  /// Reads a version once, for its own digest and for those of its chunks.
  private static func digest(
    of file: Int64, _ number: Int64, _ connection: any Connection,
    _ chunks: inout Set<[UInt8]>
  ) throws(StoreError) -> [UInt8] {
    var whole = SHA256()
    let digests = try connection.all(
      ChunkSQL.ofVersion,
      [.integer(file), .integer(number), .integer(0), .integer(.max)]
    ) { $0.blob(0) }
    for digest in digests {
      let chunk = try connection.first(sized, [.blob(digest)]) { row in
        (content: row.blob(0), size: row.integer(1))
      }
      guard let chunk else { continue }
      let found = Array(SHA256.hash(data: chunk.content))
      if found != digest || chunk.size != chunk.content.count { chunks.insert(digest) }
      // What is one chunk has its digest.
      guard digests.count > 1 else { return found }
      whole.update(data: chunk.content)
    }
    return Array(whole.finalize())
  }
}

extension FileConsistency {
  private static let strayVersions = Statement(
    """
    SELECT COUNT(*)
    FROM file_versions AS v
    WHERE NOT EXISTS (SELECT 1 FROM files AS f WHERE f.id = v.file_id)
    """)

  private static let strayRefers = Statement(
    """
    SELECT COUNT(*)
    FROM file_chunks AS r
    WHERE NOT EXISTS (
      SELECT 1 FROM file_versions AS v WHERE v.file_id = r.file_id AND v.number = r.number)
    """)

  private static let missingChunks = Statement(
    """
    SELECT COUNT(*)
    FROM file_chunks AS r
    WHERE NOT EXISTS (SELECT 1 FROM chunks AS c WHERE c.digest = r.digest)
    """)

  private static let badVersions = Statement(
    """
    SELECT COUNT(*)
    FROM files AS f
    WHERE f.deleted_at IS NULL
      AND NOT EXISTS (
        SELECT 1 FROM file_versions AS v
        WHERE v.file_id = f.id AND v.number = f.number AND v.digest = f.digest
          AND v.size = f.size)
    """)

  private static let badCounts = Statement(
    """
    SELECT COUNT(*)
    FROM files AS f
    WHERE f.deleted_at IS NULL
      AND f.versions <> (
        SELECT COUNT(*) FROM file_versions AS v
        WHERE v.file_id = f.id AND v.number >= f.first_number)
    """)

  private static let badSizes = Statement(
    """
    SELECT COUNT(*)
    FROM file_versions AS v
    WHERE v.size <> COALESCE((
      SELECT SUM(c.size)
      FROM file_chunks AS r
      JOIN chunks AS c ON c.digest = r.digest
      WHERE r.file_id = v.file_id AND r.number = v.number), 0)
    """)

  private static let leaked = Statement(
    """
    SELECT COUNT(*)
    FROM chunks AS c
    WHERE NOT EXISTS (SELECT 1 FROM file_chunks AS r WHERE r.digest = c.digest)
      AND NOT EXISTS (SELECT 1 FROM orphan_chunks AS o WHERE o.digest = c.digest)
    """)

  /// $1 digest.
  private static let sized = Statement(
    """
    SELECT content, size
    FROM chunks
    WHERE digest = $1
    """)

  /// $1 the digest after which it goes on.
  private static let strayPage = Statement(
    """
    SELECT c.digest, c.content, c.size
    FROM chunks AS c
    WHERE c.digest > $1
      AND NOT EXISTS (SELECT 1 FROM file_chunks AS r WHERE r.digest = c.digest)
    ORDER BY c.digest
    LIMIT 16
    """)

  /// $1 and $2 the file and the number after which it goes on.
  private static let versionPage = Statement(
    """
    SELECT file_id, number, digest
    FROM file_versions
    WHERE (file_id, number) > ($1, $2)
    ORDER BY file_id, number
    LIMIT 500
    """)
}
