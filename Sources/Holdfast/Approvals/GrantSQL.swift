import HoldfastEngine

/// The statements behind grants.
enum GrantSQL {
  static let now = Statement("SELECT holdfast_now()")

  /// $1 id.
  static let get = Statement(
    """
    SELECT id, permission, task, run, source, approval, granted_by, version, created_at,
      expires_at, revoked_at, revoked_by, number, holdfast_now()
    FROM grants
    WHERE id = $1
    """)

  /// $1 permission, $2 task.
  static let live = Statement(
    """
    SELECT id, permission, task, run, source, approval, granted_by, version, created_at,
      expires_at, revoked_at, revoked_by, number, holdfast_now()
    FROM grants
    WHERE task = $2 AND permission = $1 AND expires_at > holdfast_now() AND revoked_at IS NULL
    ORDER BY expires_at DESC, number DESC
    LIMIT 1
    """)

  /// $1 id, $2 permission, $3 task, $4 run, $5 source, $6 approval, $7 who, $8 for how long.
  static let insert = Statement(
    """
    INSERT INTO grants (id, permission, task, run, source, approval, granted_by, version,
      created_at, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, holdfast_revision(), holdfast_now(),
      holdfast_now() + CAST($8 AS BIGINT))
    """)

  /// $1 id, $2 source, $3 approval, $4 who, $5 for how long.
  static let extend = Statement(
    """
    UPDATE grants
    SET source = $2, approval = $3, granted_by = $4, expires_at = holdfast_now()
      + CAST($5 AS BIGINT), version = holdfast_revision()
    WHERE id = $1
    """)

  /// $1 id, $2 who.
  static let revoke = Statement(
    """
    UPDATE grants
    SET revoked_at = holdfast_now(), revoked_by = $2, version = holdfast_revision()
    WHERE id = $1
    """)

  /// What a permission's policy granted and what still lives.
  ///
  /// $1 permission.
  static let liveOfPolicy = Statement(
    """
    SELECT id, permission, task, run, source, approval, granted_by, version, created_at,
      expires_at, revoked_at, revoked_by, number, holdfast_now()
    FROM grants
    WHERE permission = $1 AND expires_at > holdfast_now() AND revoked_at IS NULL
      AND source = 'policy'
    ORDER BY expires_at, number
    """)

  /// $1 run.
  static let deleteOfRun = Statement(
    """
    DELETE FROM grants
    WHERE run = $1
    """)

  /// Every list takes the same parameters: $1 and $2 the place after which it goes on (expiry,
  /// number), $3 whether revoked ones are shown, $4 permission or NULL, $5 task or NULL, $6 how
  /// many.
  ///
  /// There is one statement for each index that can serve it.
  static let listByExpiry = Statement(
    """
    SELECT id, permission, task, run, source, approval, granted_by, version, created_at,
      expires_at, revoked_at, revoked_by, number, holdfast_now()
    FROM grants
    WHERE (expires_at, number) > ($1, $2) AND (CAST($3 AS BIGINT) = 1 OR revoked_at IS NULL)
      AND CAST($4 AS TEXT) IS NULL AND CAST($5 AS TEXT) IS NULL
    ORDER BY expires_at, number
    LIMIT CAST($6 AS BIGINT)
    """)

  static let listByPermission = Statement(
    """
    SELECT id, permission, task, run, source, approval, granted_by, version, created_at,
      expires_at, revoked_at, revoked_by, number, holdfast_now()
    FROM grants
    WHERE permission = $4 AND (expires_at, number) > ($1, $2)
      AND (CAST($3 AS BIGINT) = 1 OR revoked_at IS NULL) AND CAST($5 AS TEXT) IS NULL
    ORDER BY expires_at, number
    LIMIT CAST($6 AS BIGINT)
    """)

  static let listByTask = Statement(
    """
    SELECT id, permission, task, run, source, approval, granted_by, version, created_at,
      expires_at, revoked_at, revoked_by, number, holdfast_now()
    FROM grants
    WHERE task = $5 AND (expires_at, number) > ($1, $2)
      AND (CAST($3 AS BIGINT) = 1 OR revoked_at IS NULL)
      AND (CAST($4 AS TEXT) IS NULL OR permission = CAST($4 AS TEXT))
    ORDER BY expires_at, number
    LIMIT CAST($6 AS BIGINT)
    """)
}
