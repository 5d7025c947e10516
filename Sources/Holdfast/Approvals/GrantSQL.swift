import HoldfastEngine

/// The statements behind grants.
enum GrantSQL {
  /// What every statement that gives grants gives, in the order that ``GrantRow`` reads; the last
  /// says whether it is a policy's grant whose policy is no longer as it was.
  static let columns = """
    g.id, g.permission, g.task, g.run, g.source, g.approval, g.granted_by, g.version, g.created_at,
      g.expires_at, g.revoked_at, g.revoked_by, g.number, holdfast_now(),
      CASE WHEN \(stands) THEN 0 ELSE 1 END
    """

  /// Whether somebody granted it, or its policy is still as it was then.
  static let stands = """
    (g.source = 'decision' OR g.term = (
          SELECT p.term FROM approval_policies AS p WHERE p.permission = g.permission))
    """

  /// $1 id.
  static let get = Statement(
    """
    SELECT \(columns)
    FROM grants AS g
    WHERE g.id = $1
    """)

  /// The grants that count, the one that ends last first: at most one of each kind.
  ///
  /// $1 permission, $2 task.
  static let live = Statement(
    """
    SELECT \(columns)
    FROM grants AS g
    WHERE g.task = $2 AND g.permission = $1 AND g.expires_at > holdfast_now()
      AND g.revoked_at IS NULL AND \(stands)
    ORDER BY g.expires_at DESC, g.number DESC
    """)

  /// $1 id, $2 permission, $3 task, $4 run, $5 approval, $6 who, $7 for how long, $8 source, $9 the
  /// policy's term or NULL.
  static let insert = Statement(
    """
    INSERT INTO grants (id, permission, task, run, source, approval, granted_by, version,
      created_at, expires_at, term)
    VALUES ($1, $2, $3, $4, $8, $5, $6, holdfast_revision(), holdfast_now(),
      holdfast_now() + CAST($7 AS BIGINT), $9)
    """)

  /// Makes a grant last longer that counts: its source and its policy's term are as they were.
  ///
  /// $1 id, $2 approval, $3 who, $4 for how long.
  static let extend = Statement(
    """
    UPDATE grants
    SET approval = $2, granted_by = $3, expires_at = holdfast_now() + CAST($4 AS BIGINT),
      version = holdfast_revision()
    WHERE id = $1
    """)

  /// $1 id, $2 who.
  static let revoke = Statement(
    """
    UPDATE grants
    SET revoked_at = holdfast_now(), revoked_by = $2, version = holdfast_revision()
    WHERE id = $1
    """)

  /// $1 run.
  static let deleteOfRun = Statement(
    """
    DELETE FROM grants
    WHERE run = $1
    """)

  /// Every list takes the same parameters: $1 and $2 the place after which it goes on (expiry,
  /// number), $3 whether ended ones are shown, $4 permission or NULL, $5 task or NULL, $6 how
  /// many.
  ///
  /// There is one statement for each index that can serve it.
  static let listByExpiry = Statement(
    """
    SELECT \(columns)
    FROM grants AS g
    WHERE (g.expires_at, g.number) > ($1, $2)
      AND (CAST($3 AS BIGINT) = 1 OR g.revoked_at IS NULL AND \(stands))
      AND CAST($4 AS TEXT) IS NULL AND CAST($5 AS TEXT) IS NULL
    ORDER BY g.expires_at, g.number
    LIMIT CAST($6 AS BIGINT)
    """)

  static let listByPermission = Statement(
    """
    SELECT \(columns)
    FROM grants AS g
    WHERE g.permission = $4 AND (g.expires_at, g.number) > ($1, $2)
      AND (CAST($3 AS BIGINT) = 1 OR g.revoked_at IS NULL AND \(stands))
      AND CAST($5 AS TEXT) IS NULL
    ORDER BY g.expires_at, g.number
    LIMIT CAST($6 AS BIGINT)
    """)

  static let listByTask = Statement(
    """
    SELECT \(columns)
    FROM grants AS g
    WHERE g.task = $5 AND (g.expires_at, g.number) > ($1, $2)
      AND (CAST($3 AS BIGINT) = 1 OR g.revoked_at IS NULL AND \(stands))
      AND (CAST($4 AS TEXT) IS NULL OR g.permission = CAST($4 AS TEXT))
    ORDER BY g.expires_at, g.number
    LIMIT CAST($6 AS BIGINT)
    """)
}
