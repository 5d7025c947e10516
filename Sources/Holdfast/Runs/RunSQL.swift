import HoldfastEngine

/// The statements behind runs.
enum RunSQL {
  /// What every statement that gives a run gives, in the order that ``RunRow`` reads.
  static let columns = """
    id, status, parent, tags, metadata, error, version, created_at, updated_at, completed_at,
      number, holdfast_now()
    """

  /// The same columns where runs are `r`, beside another table.
  static let listedColumns = """
    r.id, r.status, r.parent, r.tags, r.metadata, r.error, r.version, r.created_at,
      r.updated_at, r.completed_at, r.number, holdfast_now()
    """

  /// $1 id.
  static let get = Statement(
    """
    SELECT \(columns)
    FROM runs
    WHERE id = $1
    """)

  /// $1 id, $2 parent, $3 tags, $4 metadata.
  static let begin = Statement(
    """
    INSERT INTO runs (id, status, parent, tags, metadata, version, created_at, updated_at)
    VALUES ($1, 'active', $2, $3, $4, holdfast_revision(), holdfast_now(), holdfast_now())
    ON CONFLICT (id) DO NOTHING
    RETURNING number, created_at
    """)

  /// $1 tag, $2 created, $3 the run's number.
  static let addTag = Statement(
    """
    INSERT INTO run_tags (tag, created_at, number)
    VALUES ($1, $2, $3)
    """)

  /// $1 the run's number.
  static let removeTags = Statement(
    """
    DELETE FROM run_tags
    WHERE number = $1
    """)

  /// $1 id, $2 status, $3 error, $4 completed.
  static let setStatus = Statement(
    """
    UPDATE runs
    SET status = $2, error = $3, completed_at = $4, version = holdfast_revision(),
      updated_at = holdfast_now()
    WHERE id = $1
    """)

  /// Writes what is not NULL; no row for a run that is missing or may not be written.
  ///
  /// Only PostgreSQL's text gives the row; see `Connection.change`.
  ///
  /// $1 id, $2 tags, $3 metadata.
  static let update = Statement(
    sqlite: """
      UPDATE runs
      SET tags = COALESCE(CAST($2 AS TEXT), tags),
        metadata = COALESCE(CAST($3 AS TEXT), metadata), version = holdfast_revision(),
        updated_at = holdfast_now()
      WHERE id = $1 AND status NOT IN ('archived', 'deleted')
      """,
    postgres: """
      UPDATE runs
      SET tags = COALESCE(CAST($2 AS TEXT), tags),
        metadata = COALESCE(CAST($3 AS TEXT), metadata), version = holdfast_revision(),
        updated_at = holdfast_now()
      WHERE id = $1 AND status NOT IN ('archived', 'deleted')
      RETURNING \(columns)
      """)

  /// What stays of a deleted run for ever.
  ///
  /// $1 id.
  static let delete = Statement(
    """
    INSERT INTO runs (id, status, version, created_at, updated_at, deleted_at)
    VALUES ($1, 'deleted', holdfast_revision(), holdfast_now(), holdfast_now(), holdfast_now())
    ON CONFLICT (id) DO UPDATE SET
      status = 'deleted', parent = NULL, tags = '[]', metadata = '{}', error = NULL,
      version = holdfast_revision(), updated_at = excluded.updated_at, completed_at = NULL,
      deleted_at = excluded.deleted_at
    """)

  static let counts = Statement(
    """
    SELECT status, COUNT(*)
    FROM runs
    WHERE status <> 'deleted'
    GROUP BY status
    """)

  /// Every list takes the same parameters: $1 and $2 the place before which it goes on (created,
  /// number), $3 the earliest time, $4 status or NULL, $5 whether archived runs are shown, $6
  /// parent or NULL, $7 tag or NULL, $8 how many.
  ///
  /// There is one statement for each index that can serve it.
  static let listByTime = Statement(
    """
    SELECT \(listedColumns)
    FROM runs AS r
    WHERE (r.created_at, r.number) < ($1, $2) AND r.created_at >= $3
      AND r.status <> 'deleted'
      AND (CAST($4 AS TEXT) IS NULL OR r.status = CAST($4 AS TEXT))
      AND (CAST($5 AS BIGINT) = 1 OR r.status <> 'archived')
      AND (CAST($6 AS TEXT) IS NULL OR r.parent = CAST($6 AS TEXT))
      AND CAST($7 AS TEXT) IS NULL
    ORDER BY r.created_at DESC, r.number DESC
    LIMIT CAST($8 AS BIGINT)
    """)

  static let listByStatus = Statement(
    """
    SELECT \(listedColumns)
    FROM runs AS r
    WHERE r.status = $4 AND (r.created_at, r.number) < ($1, $2) AND r.created_at >= $3
      AND CAST($5 AS BIGINT) = 1
      AND (CAST($6 AS TEXT) IS NULL OR r.parent = CAST($6 AS TEXT))
      AND CAST($7 AS TEXT) IS NULL
    ORDER BY r.created_at DESC, r.number DESC
    LIMIT CAST($8 AS BIGINT)
    """)

  static let listByParent = Statement(
    """
    SELECT \(listedColumns)
    FROM runs AS r
    WHERE r.parent = $6 AND (r.created_at, r.number) < ($1, $2) AND r.created_at >= $3
      AND r.status <> 'deleted'
      AND (CAST($4 AS TEXT) IS NULL OR r.status = CAST($4 AS TEXT))
      AND (CAST($5 AS BIGINT) = 1 OR r.status <> 'archived')
      AND (CAST($7 AS TEXT) IS NULL OR EXISTS (
        SELECT 1 FROM run_tags AS t
        WHERE t.tag = $7 AND t.created_at = r.created_at AND t.number = r.number))
    ORDER BY r.created_at DESC, r.number DESC
    LIMIT CAST($8 AS BIGINT)
    """)

  static let listByTag = Statement(
    """
    SELECT \(listedColumns)
    FROM run_tags AS t
    JOIN runs AS r ON r.number = t.number
    WHERE t.tag = $7 AND (t.created_at, t.number) < ($1, $2) AND t.created_at >= $3
      AND r.status <> 'deleted'
      AND (CAST($4 AS TEXT) IS NULL OR r.status = CAST($4 AS TEXT))
      AND (CAST($5 AS BIGINT) = 1 OR r.status <> 'archived')
      AND CAST($6 AS TEXT) IS NULL
    ORDER BY t.created_at DESC, t.number DESC
    LIMIT CAST($8 AS BIGINT)
    """)
}
