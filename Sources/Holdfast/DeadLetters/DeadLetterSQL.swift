import HoldfastEngine

/// The statements behind dead letters.
enum DeadLetterSQL {
  /// What every statement that gives letters gives, in the order that ``DeadLetterRow`` reads.
  static let columns = """
    id, source, run, channel, thread, status, retry_count, next_retry_at, given_up_at,
      resolved_at, replayed_as, error, history, message, version, created_at, updated_at, number,
      holdfast_now(), history_dropped
    """

  /// $1 id.
  static let get = Statement(
    """
    SELECT \(columns)
    FROM dead_letters
    WHERE id = $1
    """)

  /// The letter of a source that is not resolved, the newest of several.
  ///
  /// $1 source, $2 run (empty for none), $3 message.
  static let unresolved = Statement(
    """
    SELECT \(columns)
    FROM dead_letters
    WHERE source = $1 AND status <> 'resolved' AND COALESCE(run, '') = $2 AND message = $3
    ORDER BY created_at DESC, number DESC
    LIMIT 1
    """)

  /// Writes everything but the time of creation.
  ///
  /// $1 id, $2 source, $3 task, $4 run, $5 channel, $6 thread, $7 error, $8 message, $9 status,
  /// $10 retry count, $11 next retry, $12 given up, $13 history, $14 how many events it lost.
  static let save = Statement(
    """
    INSERT INTO dead_letters (id, source, task, run, channel, thread, error, message, status,
      retry_count, next_retry_at, given_up_at, history, history_dropped, version, created_at,
      updated_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, holdfast_revision(),
      holdfast_now(), holdfast_now())
    ON CONFLICT (id) DO UPDATE SET
      source = excluded.source, task = excluded.task, channel = excluded.channel,
      thread = excluded.thread, error = excluded.error, message = excluded.message,
      status = excluded.status, retry_count = excluded.retry_count,
      next_retry_at = excluded.next_retry_at, given_up_at = excluded.given_up_at,
      history = excluded.history, history_dropped = excluded.history_dropped,
      version = excluded.version, updated_at = excluded.updated_at
    """)

  /// $1 id, $2 status, $3 retry count, $4 next retry, $5 given up, $6 resolved, $7 error, $8 the
  /// task that was made of it, $9 history, $10 how many events it lost.
  static let step = Statement(
    """
    UPDATE dead_letters
    SET status = $2, retry_count = $3, next_retry_at = $4, given_up_at = $5, resolved_at = $6,
      error = $7, replayed_as = $8, history = $9, history_dropped = $10,
      version = holdfast_revision(), updated_at = holdfast_now()
    WHERE id = $1
    """)

  /// $1 id, $2 message.
  static let edit = Statement(
    """
    UPDATE dead_letters
    SET message = $2
    WHERE id = $1
    """)

  /// Those of an archived run can no longer be written, and are passed over.
  ///
  /// $1 how many, $2 and $3 the place behind which it goes on (next retry, number).
  static let retryable = Statement(
    """
    SELECT \(columns)
    FROM dead_letters
    WHERE status = 'open' AND next_retry_at <= holdfast_now() AND next_retry_at >= $2
      AND (next_retry_at > $2 OR number > $3)
      AND (run IS NULL OR NOT EXISTS (
        SELECT 1 FROM runs AS r WHERE r.id = dead_letters.run AND r.status = 'archived'))
    ORDER BY next_retry_at, number
    LIMIT CAST($1 AS BIGINT)
    """)

  /// $1 run.
  static let removeOfRun = Statement(
    """
    DELETE FROM dead_letters
    WHERE run = $1
    """)
}

/// What must not be.
extension DeadLetterSQL {
  static let resurrected = Statement(
    """
    SELECT COUNT(*)
    FROM dead_letters AS d
    JOIN runs AS r ON r.id = d.run
    WHERE r.status = 'deleted'
    """)
}

/// Every list takes the same parameters: $1 and $2 the place before which it goes on (created,
/// number), $3 the earliest time, $4 status or NULL, $5 source or NULL, $6 run or NULL, $7 how
/// many.
///
/// There is one statement for each index that can serve it.
extension DeadLetterSQL {
  static let listByTime = Statement(
    """
    SELECT \(columns)
    FROM dead_letters
    WHERE (created_at, number) < ($1, $2) AND created_at >= $3
      AND CAST($4 AS TEXT) IS NULL AND CAST($5 AS TEXT) IS NULL AND CAST($6 AS TEXT) IS NULL
    ORDER BY created_at DESC, number DESC
    LIMIT CAST($7 AS BIGINT)
    """)

  static let listByStatus = Statement(
    """
    SELECT \(columns)
    FROM dead_letters
    WHERE status = $4 AND (created_at, number) < ($1, $2) AND created_at >= $3
      AND CAST($5 AS TEXT) IS NULL AND CAST($6 AS TEXT) IS NULL
    ORDER BY created_at DESC, number DESC
    LIMIT CAST($7 AS BIGINT)
    """)

  static let listBySource = Statement(
    """
    SELECT \(columns)
    FROM dead_letters
    WHERE source = $5 AND (created_at, number) < ($1, $2) AND created_at >= $3
      AND (CAST($4 AS TEXT) IS NULL OR status = CAST($4 AS TEXT))
      AND CAST($6 AS TEXT) IS NULL
    ORDER BY created_at DESC, number DESC
    LIMIT CAST($7 AS BIGINT)
    """)

  /// The source is the word for all tasks here.
  static let listOfTasks = Statement(
    """
    SELECT \(columns)
    FROM dead_letters
    WHERE task IS NOT NULL AND (created_at, number) < ($1, $2) AND created_at >= $3
      AND (CAST($4 AS TEXT) IS NULL OR status = CAST($4 AS TEXT))
      AND CAST($5 AS TEXT) IS NOT NULL AND CAST($6 AS TEXT) IS NULL
    ORDER BY created_at DESC, number DESC
    LIMIT CAST($7 AS BIGINT)
    """)

  static let listByRun = Statement(
    """
    SELECT \(columns)
    FROM dead_letters
    WHERE run = $6 AND (created_at, number) < ($1, $2) AND created_at >= $3
      AND (CAST($4 AS TEXT) IS NULL OR status = CAST($4 AS TEXT))
      AND (CAST($5 AS TEXT) IS NULL OR source = CAST($5 AS TEXT)
        OR (CAST($5 AS TEXT) = 'task' AND task IS NOT NULL))
    ORDER BY created_at DESC, number DESC
    LIMIT CAST($7 AS BIGINT)
    """)
}
