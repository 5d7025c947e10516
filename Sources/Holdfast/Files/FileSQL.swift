import HoldfastEngine

/// The statements behind files.
enum FileSQL {
  /// What every statement that gives files gives, in the order that ``FileRow`` reads.
  static let columns = """
    name, media_type, size, number, versions, digest, indexed, version, created_at, updated_at,
      id, first_number
    """

  /// What every statement that gives versions gives, in the order that ``FileVersionRow`` reads.
  static let versionColumns = """
    number, media_type, size, digest, version, created_at, chunk_bytes
    """

  /// $1 namespace, $2 name.
  static let get = Statement(
    """
    SELECT \(columns)
    FROM files
    WHERE namespace = $1 AND name = $2
    """)

  /// $1 namespace, $2 the name after which it goes on, $3 how many.
  static let list = Statement(
    """
    SELECT \(columns)
    FROM files
    WHERE namespace = $1 AND name > $2
    ORDER BY name
    LIMIT CAST($3 AS BIGINT)
    """)

  /// The greatest number that a version of this name had before: of a file that was deleted or
  /// renamed.
  ///
  /// $1 namespace, $2 name.
  static let lastNumber = Statement(
    """
    SELECT last_number
    FROM file_numbers
    WHERE namespace = $1 AND name = $2
    """)

  /// $1 namespace, $2 name, $3 number.
  static let keepNumber = Statement(
    """
    INSERT INTO file_numbers AS n (namespace, name, last_number)
    VALUES ($1, $2, $3)
    ON CONFLICT (namespace, name) DO UPDATE SET last_number = excluded.last_number
    WHERE n.last_number < excluded.last_number
    """)

  /// $1 namespace, $2 name, $3 media type, $4 size, $5 number, $6 digest.
  static let create = Statement(
    """
    INSERT INTO files (namespace, name, media_type, size, number, digest, versions, first_number,
      swept_number, version, created_at, updated_at)
    VALUES ($1, $2, $3, $4, $5, $6, 1, $5, $5, holdfast_revision(), holdfast_now(),
      holdfast_now())
    ON CONFLICT (namespace, name) DO NOTHING
    RETURNING id
    """)

  /// $1 id, $2 media type, $3 size, $4 number, $5 digest.
  static let addVersion = Statement(
    """
    UPDATE files
    SET media_type = $2, size = $3, number = $4, digest = $5, indexed = 0,
      versions = versions + 1, version = holdfast_revision(), updated_at = holdfast_now()
    WHERE id = $1
    """)

  /// $1 file, $2 number, $3 media type, $4 size, $5 digest, $6 length of a chunk.
  static let insertVersion = Statement(
    """
    INSERT INTO file_versions (file_id, number, media_type, size, digest, chunk_bytes, version,
      created_at)
    VALUES ($1, $2, $3, $4, $5, $6, holdfast_revision(), holdfast_now())
    """)

  /// $1 file, $2 number.
  static let getVersion = Statement(
    """
    SELECT \(versionColumns)
    FROM file_versions
    WHERE file_id = $1 AND number = $2
    """)

  /// $1 file, $2 the number before which it goes on, $3 the least number, $4 how many.
  static let versions = Statement(
    """
    SELECT \(versionColumns)
    FROM file_versions
    WHERE file_id = $1 AND number < $2 AND number >= $3
    ORDER BY number DESC
    LIMIT CAST($4 AS BIGINT)
    """)

  /// $1 file, $2 flag.
  static let setIndexed = Statement(
    """
    UPDATE files
    SET indexed = $2, version = holdfast_revision(), updated_at = holdfast_now()
    WHERE id = $1
    """)

  /// $1 file, $2 name.
  static let rename = Statement(
    """
    UPDATE files
    SET name = $2, version = holdfast_revision(), updated_at = holdfast_now()
    WHERE id = $1
    """)

  /// Marks the file; its versions and their chunks are removed in slices.
  ///
  /// $1 file.
  static let delete = Statement(
    """
    UPDATE files
    SET name = NULL, indexed = 0, versions = 0, first_number = number + 1,
      version = holdfast_revision(), updated_at = holdfast_now(), deleted_at = holdfast_now()
    WHERE id = $1
    """)

  /// $1 namespace.
  static let deleteAll = Statement(
    """
    UPDATE files
    SET name = NULL, indexed = 0, versions = 0, first_number = number + 1,
      version = holdfast_revision(), updated_at = holdfast_now(), deleted_at = holdfast_now()
    WHERE namespace = $1 AND name > ''
    """)

  /// $1 namespace.
  static let keepNumbers = Statement(
    """
    INSERT INTO file_numbers AS n (namespace, name, last_number)
    SELECT f.namespace, f.name, f.number
    FROM files AS f
    WHERE f.namespace = $1 AND f.name > ''
    ON CONFLICT (namespace, name) DO UPDATE SET last_number = excluded.last_number
    WHERE n.last_number < excluded.last_number
    """)

  /// $1 namespace.
  static let forgetNumbers = Statement(
    """
    DELETE FROM file_numbers
    WHERE namespace = $1
    """)

  /// The number of the oldest of the newest so many versions.
  ///
  /// $1 file, $2 the least number that is seen, $3 how many less one.
  static let numberBehind = Statement(
    """
    SELECT number
    FROM file_versions
    WHERE file_id = $1 AND number >= $2
    ORDER BY number DESC
    LIMIT 1
    OFFSET CAST($3 AS BIGINT)
    """)

  /// $1 file, $2 the least number that is seen from now on, $3 how many versions those are.
  static let setFirst = Statement(
    """
    UPDATE files
    SET first_number = $2, versions = $3, version = holdfast_revision(),
      updated_at = holdfast_now()
    WHERE id = $1
    """)

  /// Files with more versions than so many.
  ///
  /// $1 how many versions, $2 how many files.
  static let withMoreVersions = Statement(
    """
    SELECT namespace, name
    FROM files
    WHERE versions > $1 AND versions > 1
    ORDER BY versions DESC
    LIMIT CAST($2 AS BIGINT)
    """)

  /// $1 how many versions, $2 how many files, $3 namespace.
  static let withMoreVersionsIn = Statement(
    """
    SELECT namespace, name
    FROM files
    WHERE namespace = $3 AND versions > $1 AND versions > 1
    ORDER BY versions DESC
    LIMIT CAST($2 AS BIGINT)
    """)
}

/// The statements behind chunks.
enum ChunkSQL {
  /// $1 digest, $2 size, $3 content.
  static let insert = Statement(
    """
    INSERT INTO chunks (digest, size, content)
    VALUES ($1, $2, $3)
    ON CONFLICT (digest) DO NOTHING
    """)

  /// $1 digest.
  static let get = Statement(
    """
    SELECT content
    FROM chunks
    WHERE digest = $1
    """)

  /// Marks a chunk as one that may belong to nobody, from now on.
  ///
  /// $1 digest.
  static let markOrphan = Statement(
    """
    INSERT INTO orphan_chunks (digest, since)
    VALUES ($1, holdfast_now())
    ON CONFLICT (digest) DO UPDATE SET since = excluded.since
    """)

  /// Adds a chunk to a version; no row where the chunk is not there.
  ///
  /// $1 file, $2 number, $3 position, $4 digest.
  static let refer = Statement(
    """
    INSERT INTO file_chunks (file_id, number, position, digest)
    SELECT CAST($1 AS BIGINT), CAST($2 AS BIGINT), CAST($3 AS BIGINT), c.digest
    FROM chunks AS c
    WHERE c.digest = $4
    """)

  /// Adds the chunks of another version of the file.
  ///
  /// $1 file, $2 number, $3 the other number.
  static let referAsBefore = Statement(
    """
    INSERT INTO file_chunks (file_id, number, position, digest)
    SELECT r.file_id, CAST($2 AS BIGINT), r.position, r.digest
    FROM file_chunks AS r
    WHERE r.file_id = $1 AND r.number = $3
    """)

  /// Takes the chunks of a version out of those that may belong to nobody.
  ///
  /// $1 file, $2 number.
  static let adopt = Statement(
    """
    DELETE FROM orphan_chunks
    WHERE digest IN (SELECT r.digest FROM file_chunks AS r WHERE r.file_id = $1 AND r.number = $2)
    """)

  /// $1 file, $2 number, $3 the first position, $4 the position behind the last.
  static let ofVersion = Statement(
    """
    SELECT digest
    FROM file_chunks
    WHERE file_id = $1 AND number = $2 AND position >= $3 AND position < $4
    ORDER BY position
    """)
}
