import HoldfastEngine

/// The statements that read and write one task.
enum TaskSQL {
  /// What every statement that gives tasks gives, in the order that ``TaskRow`` reads.
  static let columns = """
    id, queue, command, status, priority, caller, response_channel, response_thread, run,
      attempt, max_attempts, retry_base, retry_cap, run_at, lease_owner, lease_expires_at,
      fencing_token, unique_key, source, version, created_at, updated_at, started_at,
      completed_at, error, parameters, progress, result, number, holdfast_now()
    """

  /// $1 id.
  static let get = Statement(
    """
    SELECT \(columns)
    FROM tasks
    WHERE id = $1
    """)

  /// $1 number.
  static let getByNumber = Statement(
    """
    SELECT \(columns)
    FROM tasks
    WHERE number = $1
    """)

  /// The unfinished task that has a unique key.
  ///
  /// $1 queue, $2 unique key.
  static let getTwin = Statement(
    """
    SELECT \(columns)
    FROM tasks
    WHERE queue = $1 AND unique_key = $2 AND completed_at IS NULL
    """)

  /// What comes without a time to run at runs after a delay from now; what comes without a time of
  /// making was made now.
  ///
  /// $1 id, $2 queue, $3 command, $4 status, $5 priority, $6 caller, $7 channel, $8 thread, $9 run,
  /// $10 attempt, $11 attempts, $12 back-off's base, $13 its cap, $14 run at, $15 delay, $16 unique
  /// key, $17 source, $18 created, $19 started, $20 completed, $21 error, $22 parameters, $23
  /// result.
  static let insert = Statement(
    writing: """
      INSERT INTO tasks (id, queue, command, status, priority, caller, response_channel,
        response_thread, run, attempt, max_attempts, retry_base, retry_cap, run_at, fencing_token,
        unique_key, source, version, created_at, updated_at, started_at, completed_at, error,
        parameters, result)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13,
        COALESCE(CAST($14 AS BIGINT), holdfast_now() + CAST($15 AS BIGINT)), 0, $16, $17,
        holdfast_revision(), COALESCE(CAST($18 AS BIGINT), holdfast_now()), holdfast_now(), $19,
        $20, $21, $22, $23)
      """, returning: columns)

  /// Moves a task, which ends its lease; how far one is that is pending again is how far nobody is.
  ///
  /// $1 number, $2 status, $3 attempt, $4 run at, $5 started, $6 completed, $7 error, $8 result.
  static let write = Statement(
    writing: """
      UPDATE tasks
      SET status = $2, attempt = $3, run_at = $4, lease_owner = NULL, lease_expires_at = NULL,
        lease_duration = NULL, started_at = $5, completed_at = $6, error = $7, result = $8,
        progress = CASE WHEN CAST($2 AS TEXT) = 'pending' THEN NULL ELSE progress END,
        version = holdfast_revision(), updated_at = holdfast_now()
      WHERE number = $1
      """, returning: columns)

  /// Makes a lease last from now; it draws no revision, for it enters no event.
  ///
  /// $1 number, $2 for how long, or NULL for as long as before.
  static let extendLease = Statement(
    writing: """
      UPDATE tasks
      SET lease_expires_at = holdfast_now() + COALESCE(CAST($2 AS BIGINT), lease_duration),
        lease_duration = COALESCE(CAST($2 AS BIGINT), lease_duration)
      WHERE number = $1
      """, returning: columns)

  /// Draws no revision, for it enters no event.
  ///
  /// $1 number, $2 progress.
  static let setProgress = Statement(
    writing: """
      UPDATE tasks
      SET progress = $2, updated_at = holdfast_now()
      WHERE number = $1
      """, returning: columns)

  /// Marks a task as written, so that a claim of it and a step of it cannot both be kept unseen by
  /// each other.
  ///
  /// $1 number.
  static let touch = Statement(
    """
    UPDATE tasks
    SET version = holdfast_revision(), updated_at = holdfast_now()
    WHERE number = $1
    """)

  /// $1 task, $2 name.
  static let getStep = Statement(
    """
    SELECT name, position, recorded_at, result
    FROM task_steps
    WHERE task = $1 AND name = $2
    """)

  /// $1 task.
  static let listSteps = Statement(
    """
    SELECT name, position, recorded_at, result
    FROM task_steps
    WHERE task = $1
    ORDER BY position
    """)

  /// $1 task, $2 name, $3 result.
  static let addStep = Statement(
    """
    INSERT INTO task_steps (task, position, name, recorded_at, result)
    VALUES ($1,
      (SELECT COALESCE(MAX(s.position), 0) + 1 FROM task_steps AS s WHERE s.task = $1), $2,
      holdfast_now(), $3)
    RETURNING name, position, recorded_at, result
    """)

  /// How many steps stand before a place, and how many bytes they have; SQLite knows no
  /// `octet_length`.
  ///
  /// $1 task, $2 the place.
  static let sizeOfSteps = Statement(
    sqlite: """
      SELECT COUNT(*),
        COALESCE(SUM(length(CAST(name AS BLOB)) + length(CAST(result AS BLOB))), 0)
      FROM task_steps
      WHERE task = $1 AND position < $2
      """,
    postgres: """
      SELECT COUNT(*),
        CAST(COALESCE(SUM(octet_length(name) + octet_length(result)), 0) AS BIGINT)
      FROM task_steps
      WHERE task = $1 AND position < $2
      """)

  /// Copies the steps before a place from one task to another.
  ///
  /// $1 from, $2 to, $3 the place.
  static let copySteps = Statement(
    """
    INSERT INTO task_steps (task, position, name, recorded_at, result)
    SELECT $2, s.position, s.name, s.recorded_at, s.result
    FROM task_steps AS s
    WHERE s.task = $1 AND s.position < $3
    """)

  /// The steps go with their tasks.
  ///
  /// $1 run.
  static let deleteOfRun = Statement(
    """
    DELETE FROM tasks
    WHERE run = $1
    """)

  /// $1 run.
  static let isUnfinished = Statement(
    """
    SELECT 1
    FROM tasks
    WHERE run = $1 AND completed_at IS NULL
    LIMIT 1
    """)
}
