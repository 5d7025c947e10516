import HoldfastEngine

/// The statements behind providers.
///
/// Columns: name, priority, circuit, consecutive failures and successes, opened at, wait, openings,
/// probe's token and end, rate limited until, last error, last latency, last success, total
/// successes and failures, up since, version, created, updated, now.
enum ProviderSQL {
  /// $1 name.
  static let get = Statement(
    """
    SELECT name, priority, circuit, consecutive_failures, consecutive_successes, opened_at, wait,
      openings, probe_token, probe_expires_at, rate_limited_until, last_error, last_latency,
      last_success_at, total_successes, total_failures, up_since, version, created_at, updated_at,
      holdfast_now()
    FROM provider_health
    WHERE name = $1
    """)

  /// Those whose latency nobody knows come last among equals. The bound on the priority alone lets
  /// SQLite begin in the index, where a comparison of rows with an expression does not.
  ///
  /// $1 to $3 the place behind which it goes on (priority, latency, name), $4 how many.
  static let list = Statement(
    """
    SELECT name, priority, circuit, consecutive_failures, consecutive_successes, opened_at, wait,
      openings, probe_token, probe_expires_at, rate_limited_until, last_error, last_latency,
      last_success_at, total_successes, total_failures, up_since, version, created_at, updated_at,
      holdfast_now()
    FROM provider_health
    WHERE priority >= $1
      AND (priority, COALESCE(last_latency, 9223372036854775807), name) > ($1, $2, $3)
    ORDER BY priority, COALESCE(last_latency, 9223372036854775807), name
    LIMIT CAST($4 AS BIGINT)
    """)

  /// Writes a whole row, a new one or over the old.
  ///
  /// $1 to $17 the columns from name to up since.
  static let save = Statement(
    """
    INSERT INTO provider_health (name, priority, circuit, consecutive_failures,
      consecutive_successes, opened_at, wait, openings, probe_token, probe_expires_at,
      rate_limited_until, last_error, last_latency, last_success_at, total_successes,
      total_failures, up_since, version, created_at, updated_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17,
      holdfast_revision(), holdfast_now(), holdfast_now())
    ON CONFLICT (name) DO UPDATE SET
      priority = excluded.priority, circuit = excluded.circuit,
      consecutive_failures = excluded.consecutive_failures,
      consecutive_successes = excluded.consecutive_successes, opened_at = excluded.opened_at,
      wait = excluded.wait, openings = excluded.openings, probe_token = excluded.probe_token,
      probe_expires_at = excluded.probe_expires_at,
      rate_limited_until = excluded.rate_limited_until, last_error = excluded.last_error,
      last_latency = excluded.last_latency, last_success_at = excluded.last_success_at,
      total_successes = excluded.total_successes, total_failures = excluded.total_failures,
      up_since = excluded.up_since, version = excluded.version, updated_at = excluded.updated_at
    RETURNING version, created_at, updated_at
    """)

  /// Counts successes that changed no state: it is no change that anybody watches, and draws no
  /// revision.
  ///
  /// Those of a circuit that has seen a failure meanwhile are not in a row any more.
  ///
  /// $1 name, $2 how many, $3 the last latency or NULL, $4 when the last was, $5 the largest count.
  static let count = Statement(
    """
    UPDATE provider_health
    SET total_successes = CASE
        WHEN total_successes > CAST($5 AS BIGINT) - CAST($2 AS BIGINT) THEN CAST($5 AS BIGINT)
        ELSE total_successes + CAST($2 AS BIGINT) END,
      consecutive_successes = CASE
        WHEN circuit <> 'closed' OR consecutive_failures > 0 THEN consecutive_successes
        WHEN consecutive_successes > CAST($5 AS BIGINT) - CAST($2 AS BIGINT)
          THEN CAST($5 AS BIGINT)
        ELSE consecutive_successes + CAST($2 AS BIGINT) END,
      last_latency = COALESCE(CAST($3 AS BIGINT), last_latency),
      last_success_at = CASE
        WHEN last_success_at > CAST($4 AS BIGINT) THEN last_success_at
        ELSE CAST($4 AS BIGINT) END
    WHERE name = $1
    """)

  /// $1 name.
  static let delete = Statement(
    """
    DELETE FROM provider_health
    WHERE name = $1
    """)

  /// What the constraints of the table let nobody write who does not switch them off.
  static let impossible = Statement(
    """
    SELECT COUNT(*)
    FROM provider_health
    WHERE circuit NOT IN ('closed', 'open', 'half_open')
      OR consecutive_failures < 0 OR consecutive_successes < 0
      OR total_successes < 0 OR total_failures < 0 OR last_latency < 0
      OR (circuit = 'closed') <> (opened_at IS NULL)
      OR (opened_at IS NULL) <> (wait IS NULL) OR wait < 1
      OR (opened_at IS NULL) <> (openings = 0) OR openings < 0
      OR (probe_token IS NULL) <> (probe_expires_at IS NULL)
      OR (probe_token IS NOT NULL AND circuit <> 'half_open')
    """)

  static let counts = Statement(
    """
    SELECT circuit, COUNT(*)
    FROM provider_health
    GROUP BY circuit
    """)
}
