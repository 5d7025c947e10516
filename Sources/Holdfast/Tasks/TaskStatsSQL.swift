import HoldfastEngine

/// The statements behind the numbers of tasks.
///
/// Both give, for each group: queue, command, status, how many, how many of those ran, how long
/// they ran together (seconds and the microseconds beside them, for the sum of microseconds alone
/// could pass 64 bits) and at the longest, how many are due, and since when the first of those is;
/// then the store's time. Finished tasks alone have run.
enum TaskStatsSQL {
  /// $1 queue or NULL.
  static let all = Statement(
    """
    SELECT NULL, queue, command, status, COUNT(*), COUNT(completed_at - started_at),
      CAST(COALESCE(SUM((completed_at - started_at) / 1000000), 0) AS BIGINT),
      CAST(COALESCE(SUM((completed_at - started_at) % 1000000), 0) AS BIGINT),
      COALESCE(MAX(completed_at - started_at), 0),
      COUNT(CASE WHEN status = 'pending' AND run_at <= holdfast_now() THEN 1 END),
      MIN(CASE WHEN status = 'pending' AND run_at <= holdfast_now() THEN run_at END),
      holdfast_now()
    FROM tasks
    WHERE CAST($1 AS TEXT) IS NULL OR queue = CAST($1 AS TEXT)
    GROUP BY queue, command, status
    """)

  /// The same by run too, for who may see some runs only.
  ///
  /// $1 queue or NULL.
  static let byRun = Statement(
    """
    SELECT run, queue, command, status, COUNT(*), COUNT(completed_at - started_at),
      CAST(COALESCE(SUM((completed_at - started_at) / 1000000), 0) AS BIGINT),
      CAST(COALESCE(SUM((completed_at - started_at) % 1000000), 0) AS BIGINT),
      COALESCE(MAX(completed_at - started_at), 0),
      COUNT(CASE WHEN status = 'pending' AND run_at <= holdfast_now() THEN 1 END),
      MIN(CASE WHEN status = 'pending' AND run_at <= holdfast_now() THEN run_at END),
      holdfast_now()
    FROM tasks
    WHERE CAST($1 AS TEXT) IS NULL OR queue = CAST($1 AS TEXT)
    GROUP BY run, queue, command, status
    """)
}
