import HoldfastEngine

/// The statements that list and count tasks.
///
/// Every list takes the same parameters: $1 and $2 the place behind which it goes on (created,
/// number), $3 where it ends (the earliest time where the newest come first, else the time before
/// which), $4 status, $5 queue, $6 command, $7 caller, $8 run, each or NULL, $9 how many. Every
/// count takes $1 to $7: the earliest time, the time before which, and the same five. There is one
/// statement for each index that can serve it, in either order.
enum TaskListSQL {
  static let newestByTime = Statement(
    """
    SELECT \(TaskSQL.columns)
    FROM tasks
    WHERE (created_at, number) < ($1, $2)
      AND created_at >= $3
      AND (CAST($4 AS TEXT) IS NULL OR status = CAST($4 AS TEXT))
      AND (CAST($5 AS TEXT) IS NULL OR queue = CAST($5 AS TEXT))
      AND (CAST($6 AS TEXT) IS NULL OR command = CAST($6 AS TEXT))
      AND (CAST($7 AS TEXT) IS NULL OR caller = CAST($7 AS TEXT))
      AND (CAST($8 AS TEXT) IS NULL OR run = CAST($8 AS TEXT))
    ORDER BY created_at DESC, number DESC
    LIMIT CAST($9 AS BIGINT)
    """)

  static let oldestByTime = Statement(
    """
    SELECT \(TaskSQL.columns)
    FROM tasks
    WHERE (created_at, number) > ($1, $2)
      AND created_at < $3
      AND (CAST($4 AS TEXT) IS NULL OR status = CAST($4 AS TEXT))
      AND (CAST($5 AS TEXT) IS NULL OR queue = CAST($5 AS TEXT))
      AND (CAST($6 AS TEXT) IS NULL OR command = CAST($6 AS TEXT))
      AND (CAST($7 AS TEXT) IS NULL OR caller = CAST($7 AS TEXT))
      AND (CAST($8 AS TEXT) IS NULL OR run = CAST($8 AS TEXT))
    ORDER BY created_at, number
    LIMIT CAST($9 AS BIGINT)
    """)

  static let newestByStatus = Statement(
    """
    SELECT \(TaskSQL.columns)
    FROM tasks
    WHERE status = $4 AND (created_at, number) < ($1, $2)
      AND created_at >= $3
      AND (CAST($5 AS TEXT) IS NULL OR queue = CAST($5 AS TEXT))
      AND (CAST($6 AS TEXT) IS NULL OR command = CAST($6 AS TEXT))
      AND (CAST($7 AS TEXT) IS NULL OR caller = CAST($7 AS TEXT))
      AND (CAST($8 AS TEXT) IS NULL OR run = CAST($8 AS TEXT))
    ORDER BY created_at DESC, number DESC
    LIMIT CAST($9 AS BIGINT)
    """)

  static let oldestByStatus = Statement(
    """
    SELECT \(TaskSQL.columns)
    FROM tasks
    WHERE status = $4 AND (created_at, number) > ($1, $2)
      AND created_at < $3
      AND (CAST($5 AS TEXT) IS NULL OR queue = CAST($5 AS TEXT))
      AND (CAST($6 AS TEXT) IS NULL OR command = CAST($6 AS TEXT))
      AND (CAST($7 AS TEXT) IS NULL OR caller = CAST($7 AS TEXT))
      AND (CAST($8 AS TEXT) IS NULL OR run = CAST($8 AS TEXT))
    ORDER BY created_at, number
    LIMIT CAST($9 AS BIGINT)
    """)

  static let newestByQueue = Statement(
    """
    SELECT \(TaskSQL.columns)
    FROM tasks
    WHERE queue = $5 AND (created_at, number) < ($1, $2)
      AND created_at >= $3
      AND (CAST($4 AS TEXT) IS NULL OR status = CAST($4 AS TEXT))
      AND (CAST($6 AS TEXT) IS NULL OR command = CAST($6 AS TEXT))
      AND (CAST($7 AS TEXT) IS NULL OR caller = CAST($7 AS TEXT))
      AND (CAST($8 AS TEXT) IS NULL OR run = CAST($8 AS TEXT))
    ORDER BY created_at DESC, number DESC
    LIMIT CAST($9 AS BIGINT)
    """)

  static let oldestByQueue = Statement(
    """
    SELECT \(TaskSQL.columns)
    FROM tasks
    WHERE queue = $5 AND (created_at, number) > ($1, $2)
      AND created_at < $3
      AND (CAST($4 AS TEXT) IS NULL OR status = CAST($4 AS TEXT))
      AND (CAST($6 AS TEXT) IS NULL OR command = CAST($6 AS TEXT))
      AND (CAST($7 AS TEXT) IS NULL OR caller = CAST($7 AS TEXT))
      AND (CAST($8 AS TEXT) IS NULL OR run = CAST($8 AS TEXT))
    ORDER BY created_at, number
    LIMIT CAST($9 AS BIGINT)
    """)

  static let newestByCommand = Statement(
    """
    SELECT \(TaskSQL.columns)
    FROM tasks
    WHERE command = $6 AND (created_at, number) < ($1, $2)
      AND created_at >= $3
      AND (CAST($4 AS TEXT) IS NULL OR status = CAST($4 AS TEXT))
      AND (CAST($5 AS TEXT) IS NULL OR queue = CAST($5 AS TEXT))
      AND (CAST($7 AS TEXT) IS NULL OR caller = CAST($7 AS TEXT))
      AND (CAST($8 AS TEXT) IS NULL OR run = CAST($8 AS TEXT))
    ORDER BY created_at DESC, number DESC
    LIMIT CAST($9 AS BIGINT)
    """)

  static let oldestByCommand = Statement(
    """
    SELECT \(TaskSQL.columns)
    FROM tasks
    WHERE command = $6 AND (created_at, number) > ($1, $2)
      AND created_at < $3
      AND (CAST($4 AS TEXT) IS NULL OR status = CAST($4 AS TEXT))
      AND (CAST($5 AS TEXT) IS NULL OR queue = CAST($5 AS TEXT))
      AND (CAST($7 AS TEXT) IS NULL OR caller = CAST($7 AS TEXT))
      AND (CAST($8 AS TEXT) IS NULL OR run = CAST($8 AS TEXT))
    ORDER BY created_at, number
    LIMIT CAST($9 AS BIGINT)
    """)

  static let newestByCaller = Statement(
    """
    SELECT \(TaskSQL.columns)
    FROM tasks
    WHERE caller = $7 AND (created_at, number) < ($1, $2)
      AND created_at >= $3
      AND (CAST($4 AS TEXT) IS NULL OR status = CAST($4 AS TEXT))
      AND (CAST($5 AS TEXT) IS NULL OR queue = CAST($5 AS TEXT))
      AND (CAST($6 AS TEXT) IS NULL OR command = CAST($6 AS TEXT))
      AND (CAST($8 AS TEXT) IS NULL OR run = CAST($8 AS TEXT))
    ORDER BY created_at DESC, number DESC
    LIMIT CAST($9 AS BIGINT)
    """)

  static let oldestByCaller = Statement(
    """
    SELECT \(TaskSQL.columns)
    FROM tasks
    WHERE caller = $7 AND (created_at, number) > ($1, $2)
      AND created_at < $3
      AND (CAST($4 AS TEXT) IS NULL OR status = CAST($4 AS TEXT))
      AND (CAST($5 AS TEXT) IS NULL OR queue = CAST($5 AS TEXT))
      AND (CAST($6 AS TEXT) IS NULL OR command = CAST($6 AS TEXT))
      AND (CAST($8 AS TEXT) IS NULL OR run = CAST($8 AS TEXT))
    ORDER BY created_at, number
    LIMIT CAST($9 AS BIGINT)
    """)

  static let newestByRun = Statement(
    """
    SELECT \(TaskSQL.columns)
    FROM tasks
    WHERE run = $8 AND (created_at, number) < ($1, $2)
      AND created_at >= $3
      AND (CAST($4 AS TEXT) IS NULL OR status = CAST($4 AS TEXT))
      AND (CAST($5 AS TEXT) IS NULL OR queue = CAST($5 AS TEXT))
      AND (CAST($6 AS TEXT) IS NULL OR command = CAST($6 AS TEXT))
      AND (CAST($7 AS TEXT) IS NULL OR caller = CAST($7 AS TEXT))
    ORDER BY created_at DESC, number DESC
    LIMIT CAST($9 AS BIGINT)
    """)

  static let oldestByRun = Statement(
    """
    SELECT \(TaskSQL.columns)
    FROM tasks
    WHERE run = $8 AND (created_at, number) > ($1, $2)
      AND created_at < $3
      AND (CAST($4 AS TEXT) IS NULL OR status = CAST($4 AS TEXT))
      AND (CAST($5 AS TEXT) IS NULL OR queue = CAST($5 AS TEXT))
      AND (CAST($6 AS TEXT) IS NULL OR command = CAST($6 AS TEXT))
      AND (CAST($7 AS TEXT) IS NULL OR caller = CAST($7 AS TEXT))
    ORDER BY created_at, number
    LIMIT CAST($9 AS BIGINT)
    """)

  static let countByTime = Statement(
    """
    SELECT COUNT(*)
    FROM tasks
    WHERE created_at >= $1 AND created_at < $2
      AND (CAST($3 AS TEXT) IS NULL OR status = CAST($3 AS TEXT))
      AND (CAST($4 AS TEXT) IS NULL OR queue = CAST($4 AS TEXT))
      AND (CAST($5 AS TEXT) IS NULL OR command = CAST($5 AS TEXT))
      AND (CAST($6 AS TEXT) IS NULL OR caller = CAST($6 AS TEXT))
      AND (CAST($7 AS TEXT) IS NULL OR run = CAST($7 AS TEXT))
    """)

  static let countByStatus = Statement(
    """
    SELECT COUNT(*)
    FROM tasks
    WHERE status = $3 AND created_at >= $1 AND created_at < $2
      AND (CAST($4 AS TEXT) IS NULL OR queue = CAST($4 AS TEXT))
      AND (CAST($5 AS TEXT) IS NULL OR command = CAST($5 AS TEXT))
      AND (CAST($6 AS TEXT) IS NULL OR caller = CAST($6 AS TEXT))
      AND (CAST($7 AS TEXT) IS NULL OR run = CAST($7 AS TEXT))
    """)

  static let countByQueue = Statement(
    """
    SELECT COUNT(*)
    FROM tasks
    WHERE queue = $4 AND created_at >= $1 AND created_at < $2
      AND (CAST($3 AS TEXT) IS NULL OR status = CAST($3 AS TEXT))
      AND (CAST($5 AS TEXT) IS NULL OR command = CAST($5 AS TEXT))
      AND (CAST($6 AS TEXT) IS NULL OR caller = CAST($6 AS TEXT))
      AND (CAST($7 AS TEXT) IS NULL OR run = CAST($7 AS TEXT))
    """)

  static let countByCommand = Statement(
    """
    SELECT COUNT(*)
    FROM tasks
    WHERE command = $5 AND created_at >= $1 AND created_at < $2
      AND (CAST($3 AS TEXT) IS NULL OR status = CAST($3 AS TEXT))
      AND (CAST($4 AS TEXT) IS NULL OR queue = CAST($4 AS TEXT))
      AND (CAST($6 AS TEXT) IS NULL OR caller = CAST($6 AS TEXT))
      AND (CAST($7 AS TEXT) IS NULL OR run = CAST($7 AS TEXT))
    """)

  static let countByCaller = Statement(
    """
    SELECT COUNT(*)
    FROM tasks
    WHERE caller = $6 AND created_at >= $1 AND created_at < $2
      AND (CAST($3 AS TEXT) IS NULL OR status = CAST($3 AS TEXT))
      AND (CAST($4 AS TEXT) IS NULL OR queue = CAST($4 AS TEXT))
      AND (CAST($5 AS TEXT) IS NULL OR command = CAST($5 AS TEXT))
      AND (CAST($7 AS TEXT) IS NULL OR run = CAST($7 AS TEXT))
    """)

  static let countByRun = Statement(
    """
    SELECT COUNT(*)
    FROM tasks
    WHERE run = $7 AND created_at >= $1 AND created_at < $2
      AND (CAST($3 AS TEXT) IS NULL OR status = CAST($3 AS TEXT))
      AND (CAST($4 AS TEXT) IS NULL OR queue = CAST($4 AS TEXT))
      AND (CAST($5 AS TEXT) IS NULL OR command = CAST($5 AS TEXT))
      AND (CAST($6 AS TEXT) IS NULL OR caller = CAST($6 AS TEXT))
    """)
}
