import HoldfastEngine

/// The statements behind grants.
enum GrantSQL {
  static let now = Statement("SELECT holdfast_now()")

  /// What every statement that gives grants gives, in the order that ``GrantRow`` reads; the last
  /// says whether it is a policy's grant whose policy is no longer as it was.
  static let columns = """
    g.id, g.permission, g.task, g.run, g.source, g.approval, g.granted_by, g.version, g.created_at,
      g.expires_at, g.revoked_at, g.revoked_by, g.number, holdfast_now(),
      CASE WHEN \(isOfToday) THEN 0 ELSE 1 END
    """

  /// Whether somebody granted it, or its policy is still as it was then.
  static let isOfToday = """
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

  /// $1 permission, $2 task.
  static let live = Statement(
    """
    SELECT \(columns)
    FROM grants AS g
    WHERE g.task = $2 AND g.permission = $1 AND g.expires_at > holdfast_now()
      AND g.revoked_at IS NULL AND \(isOfToday)
    ORDER BY g.expires_at DESC, g.number DESC
    LIMIT 1
    """)

  /// $1 id, $2 permission, $3 task, $4 run, $5 source, $6 approval, $7 who, $8 for how long, $9 the
  /// policy's term or NULL.
  static let insert = Statement(
    """
    INSERT INTO grants (id, permission, task, run, source, approval, granted_by, version,
      created_at, expires_at, term)
    VALUES ($1, $2, $3, $4, $5, $6, $7, holdfast_revision(), holdfast_now(),
      holdfast_now() + CAST($8 AS BIGINT), $9)
    """)

  /// $1 id, $2 source, $3 approval, $4 who, $5 for how long, $6 the policy's term or NULL.
  static let extend = Statement(
    """
    UPDATE grants
    SET source = $2, approval = $3, granted_by = $4, expires_at = holdfast_now()
      + CAST($5 AS BIGINT), term = $6, version = holdfast_revision()
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
      AND (CAST($3 AS BIGINT) = 1 OR g.revoked_at IS NULL AND \(isOfToday))
      AND CAST($4 AS TEXT) IS NULL AND CAST($5 AS TEXT) IS NULL
    ORDER BY g.expires_at, g.number
    LIMIT CAST($6 AS BIGINT)
    """)

  static let listByPermission = Statement(
    """
    SELECT \(columns)
    FROM grants AS g
    WHERE g.permission = $4 AND (g.expires_at, g.number) > ($1, $2)
      AND (CAST($3 AS BIGINT) = 1 OR g.revoked_at IS NULL AND \(isOfToday))
      AND CAST($5 AS TEXT) IS NULL
    ORDER BY g.expires_at, g.number
    LIMIT CAST($6 AS BIGINT)
    """)

  static let listByTask = Statement(
    """
    SELECT \(columns)
    FROM grants AS g
    WHERE g.task = $5 AND (g.expires_at, g.number) > ($1, $2)
      AND (CAST($3 AS BIGINT) = 1 OR g.revoked_at IS NULL AND \(isOfToday))
      AND (CAST($4 AS TEXT) IS NULL OR g.permission = CAST($4 AS TEXT))
    ORDER BY g.expires_at, g.number
    LIMIT CAST($6 AS BIGINT)
    """)
}
