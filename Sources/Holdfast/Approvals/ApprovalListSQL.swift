import HoldfastEngine

/// The lists of approvals: one statement for each index that can serve it.
///
/// Every list takes the same parameters: $1 and $2 the place before which it goes on (requested,
/// number), $3 the earliest time, $4 status or NULL, $5 caller or NULL, $6 task or NULL, $7 run or
/// NULL, $8 how many. The status is that of now: an undecided one whose time is over is expired.
enum ApprovalListSQL {
  static let byTime = Statement(
    """
    SELECT \(ApprovalSQL.columns)
    FROM approvals
    WHERE (requested_at, number) < ($1, $2) AND requested_at >= $3
      AND CAST($4 AS TEXT) IS NULL AND CAST($5 AS TEXT) IS NULL AND CAST($6 AS TEXT) IS NULL
      AND CAST($7 AS TEXT) IS NULL
    ORDER BY requested_at DESC, number DESC
    LIMIT CAST($8 AS BIGINT)
    """)

  /// For every status but `expired`, which ``undecided`` serves.
  static let byStatus = Statement(
    """
    SELECT \(ApprovalSQL.columns)
    FROM approvals
    WHERE status = $4 AND (requested_at, number) < ($1, $2) AND requested_at >= $3
      AND (status <> 'pending' OR expires_at > holdfast_now())
      AND CAST($5 AS TEXT) IS NULL AND CAST($6 AS TEXT) IS NULL AND CAST($7 AS TEXT) IS NULL
    ORDER BY requested_at DESC, number DESC
    LIMIT CAST($8 AS BIGINT)
    """)

  static let undecided = Statement(
    """
    SELECT \(ApprovalSQL.columns)
    FROM approvals
    WHERE decision IS NULL AND (requested_at, number) < ($1, $2) AND requested_at >= $3
      AND (status = CAST($4 AS TEXT) OR expires_at <= holdfast_now())
      AND CAST($5 AS TEXT) IS NULL AND CAST($6 AS TEXT) IS NULL AND CAST($7 AS TEXT) IS NULL
    ORDER BY requested_at DESC, number DESC
    LIMIT CAST($8 AS BIGINT)
    """)

  static let byCaller = Statement(
    """
    SELECT \(ApprovalSQL.columns)
    FROM approvals
    WHERE caller = $5 AND (requested_at, number) < ($1, $2) AND requested_at >= $3
      AND (CAST($4 AS TEXT) IS NULL OR CAST($4 AS TEXT) = CASE
        WHEN status = 'pending' AND expires_at <= holdfast_now() THEN 'expired' ELSE status END)
      AND (CAST($6 AS TEXT) IS NULL OR task = CAST($6 AS TEXT))
      AND (CAST($7 AS TEXT) IS NULL OR run = CAST($7 AS TEXT))
    ORDER BY requested_at DESC, number DESC
    LIMIT CAST($8 AS BIGINT)
    """)

  static let byTask = Statement(
    """
    SELECT \(ApprovalSQL.columns)
    FROM approvals
    WHERE task = $6 AND (requested_at, number) < ($1, $2) AND requested_at >= $3
      AND (CAST($4 AS TEXT) IS NULL OR CAST($4 AS TEXT) = CASE
        WHEN status = 'pending' AND expires_at <= holdfast_now() THEN 'expired' ELSE status END)
      AND (CAST($5 AS TEXT) IS NULL OR caller = CAST($5 AS TEXT))
      AND (CAST($7 AS TEXT) IS NULL OR run = CAST($7 AS TEXT))
    ORDER BY requested_at DESC, number DESC
    LIMIT CAST($8 AS BIGINT)
    """)

  static let byRun = Statement(
    """
    SELECT \(ApprovalSQL.columns)
    FROM approvals
    WHERE run = $7 AND (requested_at, number) < ($1, $2) AND requested_at >= $3
      AND (CAST($4 AS TEXT) IS NULL OR CAST($4 AS TEXT) = CASE
        WHEN status = 'pending' AND expires_at <= holdfast_now() THEN 'expired' ELSE status END)
      AND (CAST($5 AS TEXT) IS NULL OR caller = CAST($5 AS TEXT))
      AND CAST($6 AS TEXT) IS NULL
    ORDER BY requested_at DESC, number DESC
    LIMIT CAST($8 AS BIGINT)
    """)

  /// Undecided ones by age, the oldest request first, noted as expired or not.
  ///
  /// $1 and $2 the place after which it goes on (requested, number), $3 how old at least in
  /// microseconds, $4 how many.
  static let aged = Statement(
    """
    SELECT \(ApprovalSQL.columns)
    FROM approvals
    WHERE decision IS NULL AND (requested_at, number) > ($1, $2)
      AND requested_at <= holdfast_now() - CAST($3 AS BIGINT)
    ORDER BY requested_at, number
    LIMIT CAST($4 AS BIGINT)
    """)
}
