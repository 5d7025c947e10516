import HoldfastEngine

/// The statements of a claim, and of those who look for lost leases.
///
/// A claim walks the priorities that are present in a queue from the highest, and reads in each
/// only what is due: what is not due costs it nothing, however much it is.
enum TaskClaimSQL {
  /// The highest priority below another that has pending tasks; no task has one of 101.
  ///
  /// $1 queue, $2 the other priority.
  static let nextPriority = Statement(
    """
    SELECT MAX(priority)
    FROM tasks
    WHERE queue = $1 AND status = 'pending' AND priority < $2
    """)

  /// What is due at one priority, with how many bytes it brings along.
  ///
  /// On PostgreSQL the rows are locked, and those that another transaction is changing are skipped
  /// instead of waited for; SQLite has one writer and knows neither, nor `octet_length`.
  ///
  /// $1 queue, $2 priority, $3 and $4 the place behind which it goes on (run at, number), $5 how
  /// many.
  static let due = Statement(
    sqlite: """
      SELECT number, priority, run_at, run, length(CAST(parameters AS BLOB))
      FROM tasks
      WHERE queue = $1 AND status = 'pending' AND priority = $2
        AND run_at >= $3 AND run_at <= holdfast_now() AND (run_at > $3 OR number > $4)
      ORDER BY run_at, number
      LIMIT $5
      """,
    postgres: """
      SELECT number, priority, run_at, run, octet_length(parameters)
      FROM tasks
      WHERE queue = $1 AND status = 'pending' AND priority = $2
        AND run_at >= $3 AND run_at <= holdfast_now() AND (run_at > $3 OR number > $4)
      ORDER BY run_at, number
      LIMIT CAST($5 AS BIGINT)
      FOR UPDATE SKIP LOCKED
      """)

  /// The whole walk in one round trip; SQLite, which has none to save, knows no LATERAL.
  ///
  /// The priorities come in the order in which the recursion makes them, and the walk ends where
  /// enough was found.
  ///
  /// $1 queue, $2 how many.
  static let walk = Statement(
    sqlite: "SELECT 0 WHERE 0",
    postgres: """
      WITH RECURSIVE present (priority) AS (
        SELECT (
          SELECT MAX(t.priority)
          FROM tasks AS t
          WHERE t.queue = $1 AND t.status = 'pending')
        UNION ALL
        SELECT (
          SELECT MAX(t.priority)
          FROM tasks AS t
          WHERE t.queue = $1 AND t.status = 'pending' AND t.priority < p.priority)
        FROM present AS p
        WHERE p.priority IS NOT NULL)
      SELECT d.number, d.priority, d.run_at, d.run, d.bytes
      FROM present AS p
      CROSS JOIN LATERAL (
        SELECT t.number, t.priority, t.run_at, t.run, octet_length(t.parameters) AS bytes
        FROM tasks AS t
        WHERE t.queue = $1 AND t.status = 'pending' AND t.priority = p.priority
          AND t.run_at <= holdfast_now()
        ORDER BY t.run_at, t.number
        LIMIT CAST($2 AS BIGINT)
        FOR UPDATE SKIP LOCKED) AS d
      WHERE p.priority IS NOT NULL
      LIMIT CAST($2 AS BIGINT)
      """)

  /// Gives a task to a worker; a new token tells this lease from all before.
  ///
  /// $1 number, $2 owner, $3 for how long.
  static let lease = Statement(
    writing: """
      UPDATE tasks
      SET status = 'running', attempt = attempt + 1, fencing_token = fencing_token + 1,
        lease_owner = $2, lease_expires_at = holdfast_now() + CAST($3 AS BIGINT),
        lease_duration = CAST($3 AS BIGINT), started_at = holdfast_now(),
        version = holdfast_revision(), updated_at = holdfast_now()
      WHERE number = $1 AND status = 'pending'
      """, returning: TaskSQL.columns)

  /// The tasks of a queue whose lease has run out, the longest ago first.
  ///
  /// On PostgreSQL they are locked, and those that their worker is writing at this moment are left
  /// to it.
  ///
  /// $1 queue, $2 how many.
  static let lost = Statement(
    sqlite: """
      SELECT \(TaskSQL.columns)
      FROM tasks
      WHERE queue = $1 AND lease_expires_at IS NOT NULL AND lease_expires_at <= holdfast_now()
      ORDER BY lease_expires_at, number
      LIMIT $2
      """,
    postgres: """
      SELECT \(TaskSQL.columns)
      FROM tasks
      WHERE queue = $1 AND lease_expires_at IS NOT NULL AND lease_expires_at <= holdfast_now()
      ORDER BY lease_expires_at, number
      LIMIT CAST($2 AS BIGINT)
      FOR UPDATE SKIP LOCKED
      """)

  /// The next queue that has lost leases, in the order of names.
  ///
  /// $1 the queue before.
  static let nextLeasedQueue = Statement(
    """
    SELECT MIN(queue)
    FROM tasks
    WHERE lease_expires_at IS NOT NULL AND lease_expires_at <= holdfast_now() AND queue > $1
    """)

  /// When a queue next has something to claim: the first time at which a task is due at any
  /// priority, or a lease runs out.
  ///
  /// $1 queue.
  static let nextDue = Statement(
    """
    WITH RECURSIVE present (priority) AS (
      SELECT (
        SELECT MAX(t.priority)
        FROM tasks AS t
        WHERE t.queue = $1 AND t.status = 'pending')
      UNION ALL
      SELECT (
        SELECT MAX(t.priority)
        FROM tasks AS t
        WHERE t.queue = $1 AND t.status = 'pending' AND t.priority < p.priority)
      FROM present AS p
      WHERE p.priority IS NOT NULL)
    SELECT
      (SELECT MIN((
          SELECT MIN(t.run_at)
          FROM tasks AS t
          WHERE t.queue = $1 AND t.status = 'pending' AND t.priority = p.priority))
        FROM present AS p),
      (SELECT MIN(t.lease_expires_at)
        FROM tasks AS t
        WHERE t.queue = $1 AND t.lease_expires_at IS NOT NULL),
      holdfast_now()
    """)

  /// The running tasks of one owner, or all that no living lease holds; either is NULL.
  ///
  /// $1 owner, $2 how many, $3 whether leases that ran out count.
  static let stuck = Statement(
    """
    SELECT \(TaskSQL.columns)
    FROM tasks
    WHERE status = 'running'
      AND CASE
        WHEN CAST($1 AS TEXT) IS NOT NULL THEN lease_owner = CAST($1 AS TEXT)
        WHEN lease_expires_at IS NULL THEN 1 = 1
        ELSE CAST($3 AS BIGINT) = 1 AND lease_expires_at <= holdfast_now() END
    ORDER BY created_at, number
    LIMIT CAST($2 AS BIGINT)
    """)
}
