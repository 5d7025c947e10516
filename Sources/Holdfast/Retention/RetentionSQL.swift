import HoldfastEngine

/// The statements by which retention walks tables; ``RetentionPart`` tells parameters and columns.
///
/// The sizes differ: SQLite counts the bytes of a text only when it is taken for a blob, and
/// PostgreSQL has a function for it.
enum RetentionSQL {
  /// A task that somebody may still redrive or decide about stays.
  ///
  /// Its open approvals are all less the closed ones: so they are found by the task. For an EXISTS
  /// PostgreSQL may read all open approvals of the store once instead.
  static let oldTasks = Statement(
    """
    SELECT t.completed_at, t.number, t.completed_at, t.run,
      CASE WHEN EXISTS (
          SELECT 1 FROM dead_letters AS d
          WHERE d.source = 'task:' || t.id AND d.status <> 'resolved')
        OR (
          SELECT COUNT(*) - COUNT(a.closed_at) FROM approvals AS a WHERE a.task = t.id) > 0
        THEN 1 ELSE 0 END, t.id
    FROM tasks AS t
    WHERE (t.completed_at, t.number) > ($1, $2) AND t.completed_at < $3
    ORDER BY t.completed_at, t.number
    LIMIT CAST($4 AS BIGINT)
    """)

  static let newTasks = Statement(
    sqlite: """
      SELECT completed_at, number, completed_at, run, 300 + LENGTH(CAST(parameters AS BLOB))
        + COALESCE(LENGTH(CAST(result AS BLOB)), 0)
      FROM tasks
      WHERE completed_at IS NOT NULL AND (completed_at, number) < ($1, $2)
      ORDER BY completed_at DESC, number DESC
      LIMIT $3
      """,
    postgres: """
      SELECT completed_at, number, completed_at, run, 300 + OCTET_LENGTH(parameters)
        + COALESCE(OCTET_LENGTH(result), 0)
      FROM tasks
      WHERE completed_at IS NOT NULL AND (completed_at, number) < ($1, $2)
      ORDER BY completed_at DESC, number DESC
      LIMIT $3::BIGINT
      """)

  /// $1 the task's number.
  static let removeTask = Statement(
    """
    DELETE FROM tasks
    WHERE number = $1
    """)

  /// An approval stays while a task waits that it belongs to, and while it can still be used.
  static let oldApprovals = Statement(
    """
    SELECT a.closed_at, a.number, a.closed_at, a.run,
      CASE WHEN (SELECT t.status FROM tasks AS t WHERE t.id = a.task) = 'awaiting_approval'
          OR (a.status = 'approved' AND a.usable_until > holdfast_now())
        THEN 1 ELSE 0 END, a.id
    FROM approvals AS a
    WHERE (a.closed_at, a.number) > ($1, $2) AND a.closed_at < $3
    ORDER BY a.closed_at, a.number
    LIMIT CAST($4 AS BIGINT)
    """)

  static let newApprovals = Statement(
    sqlite: """
      SELECT closed_at, number, closed_at, run, 400 + LENGTH(CAST(parameters AS BLOB))
        + LENGTH(CAST(history AS BLOB))
      FROM approvals
      WHERE closed_at IS NOT NULL AND (closed_at, number) < ($1, $2)
      ORDER BY closed_at DESC, number DESC
      LIMIT $3
      """,
    postgres: """
      SELECT closed_at, number, closed_at, run, 400 + OCTET_LENGTH(parameters)
        + OCTET_LENGTH(history)
      FROM approvals
      WHERE closed_at IS NOT NULL AND (closed_at, number) < ($1, $2)
      ORDER BY closed_at DESC, number DESC
      LIMIT $3::BIGINT
      """)

  /// $1 the approval's number.
  static let removeApproval = Statement(
    """
    DELETE FROM approvals
    WHERE number = $1
    """)

  static let oldGrants = Statement(
    """
    SELECT expires_at, number, expires_at, run, 0, id
    FROM grants
    WHERE (expires_at, number) > ($1, $2) AND expires_at < $3
      AND expires_at <= holdfast_now()
    ORDER BY expires_at, number
    LIMIT CAST($4 AS BIGINT)
    """)

  static let newGrants = Statement(
    """
    SELECT expires_at, number, expires_at, run, 300
    FROM grants
    WHERE (expires_at, number) < ($1, $2)
    ORDER BY expires_at DESC, number DESC
    LIMIT CAST($3 AS BIGINT)
    """)

  /// $1 the grant's number.
  static let removeGrant = Statement(
    """
    DELETE FROM grants
    WHERE number = $1
    """)

  static let oldSessions = Statement(
    """
    SELECT last_used_at, number, last_used_at, run, 0, id, next_position
    FROM session_contexts
    WHERE item_count = 0 AND (last_used_at, number) > ($1, $2) AND last_used_at < $3
    ORDER BY last_used_at, number
    LIMIT CAST($4 AS BIGINT)
    """)

  static let newSessions = Statement(
    sqlite: """
      SELECT last_used_at, number, last_used_at, run, 200 + LENGTH(CAST(data AS BLOB))
      FROM session_contexts
      WHERE item_count = 0 AND (last_used_at, number) < ($1, $2)
      ORDER BY last_used_at DESC, number DESC
      LIMIT $3
      """,
    postgres: """
      SELECT last_used_at, number, last_used_at, run, 200 + OCTET_LENGTH(data)
      FROM session_contexts
      WHERE item_count = 0 AND (last_used_at, number) < ($1, $2)
      ORDER BY last_used_at DESC, number DESC
      LIMIT $3::BIGINT
      """)

  /// By creation, for which there is an index whether a session has items or not: nothing was used
  /// last before it was created.
  static let oldConversations = Statement(
    """
    SELECT created_at, number, last_used_at, run, CASE WHEN item_count > 0 THEN 0 ELSE 1 END, id,
      next_position
    FROM session_contexts
    WHERE (created_at, number) > ($1, $2) AND created_at < $3
    ORDER BY created_at, number
    LIMIT CAST($4 AS BIGINT)
    """)

  /// $1 the session's number.
  static let removeSession = Statement(
    """
    DELETE FROM session_contexts
    WHERE number = $1
    """)

  static let oldThreads = Statement(
    """
    SELECT t.last_message_at, t.channel, t.thread, t.last_message_at, NULL,
      CASE WHEN EXISTS (
        SELECT 1 FROM session_contexts AS s WHERE s.id = t.session_key AND s.item_count > 0)
        THEN 1 ELSE 0 END, t.channel
    FROM thread_sessions AS t
    WHERE (t.last_message_at, t.channel, t.thread) > ($1, $2, $3) AND t.last_message_at < $4
    ORDER BY t.last_message_at, t.channel, t.thread
    LIMIT CAST($5 AS BIGINT)
    """)

  static let newThreads = Statement(
    sqlite: """
      SELECT last_message_at, channel, thread, last_message_at, NULL,
        150 + LENGTH(CAST(data AS BLOB))
      FROM thread_sessions
      WHERE (last_message_at, channel, thread) < ($1, $2, $3)
      ORDER BY last_message_at DESC, channel DESC, thread DESC
      LIMIT $4
      """,
    postgres: """
      SELECT last_message_at, channel, thread, last_message_at, NULL, 150 + OCTET_LENGTH(data)
      FROM thread_sessions
      WHERE (last_message_at, channel, thread) < ($1, $2, $3)
      ORDER BY last_message_at DESC, channel DESC, thread DESC
      LIMIT $4::BIGINT
      """)

  static let oldLetters = Statement(
    """
    SELECT resolved_at, number, resolved_at, run, 0, id
    FROM dead_letters
    WHERE status = 'resolved' AND (resolved_at, number) > ($1, $2) AND resolved_at < $3
    ORDER BY resolved_at, number
    LIMIT CAST($4 AS BIGINT)
    """)

  static let newLetters = Statement(
    sqlite: """
      SELECT resolved_at, number, resolved_at, run, 200 + LENGTH(CAST(message AS BLOB))
        + LENGTH(CAST(history AS BLOB))
      FROM dead_letters
      WHERE status = 'resolved' AND resolved_at IS NOT NULL
        AND (resolved_at, number) < ($1, $2)
      ORDER BY resolved_at DESC, number DESC
      LIMIT $3
      """,
    postgres: """
      SELECT resolved_at, number, resolved_at, run, 200 + OCTET_LENGTH(message)
        + OCTET_LENGTH(history)
      FROM dead_letters
      WHERE status = 'resolved' AND resolved_at IS NOT NULL
        AND (resolved_at, number) < ($1, $2)
      ORDER BY resolved_at DESC, number DESC
      LIMIT $3::BIGINT
      """)

  /// $1 the letter's number.
  static let removeLetter = Statement(
    """
    DELETE FROM dead_letters
    WHERE number = $1
    """)

  static let newRecords = Statement(
    sqlite: """
      SELECT time, chain, number, COALESCE(imported_at, time), NULL,
        250 + LENGTH(CAST(details AS BLOB))
      FROM audit_log
      WHERE (time, chain, number) < ($1, $2, $3)
      ORDER BY time DESC, chain DESC, number DESC
      LIMIT $4
      """,
    postgres: """
      SELECT time, chain, number, COALESCE(imported_at, time), NULL, 250 + OCTET_LENGTH(details)
      FROM audit_log
      WHERE (time, chain, number) < ($1, $2, $3)
      ORDER BY time DESC, chain DESC, number DESC
      LIMIT $4::BIGINT
      """)

  /// $1 before when, $2 how many: those that are that old, up to so many.
  static let countKeys = Statement(
    """
    SELECT COUNT(*)
    FROM (
      SELECT 1 FROM idempotency WHERE created_at < $1 LIMIT CAST($2 AS BIGINT)) AS k
    """)

  /// A slice: $1 before when, $2 how many.
  static let removeKeys = Statement(
    """
    DELETE FROM idempotency
    WHERE (owner, key) IN (
      SELECT o.owner, o.key
      FROM idempotency AS o
      WHERE o.created_at < $1
      ORDER BY o.created_at
      LIMIT CAST($2 AS BIGINT))
    """)

  /// How many versions would go in all namespaces that have no policy of their own: $1 how many
  /// are kept, $2 whether policies of a store that is too large hold.
  static let countVersions = Statement(
    """
    SELECT COALESCE(SUM(f.versions - CAST($1 AS BIGINT)), 0)
    FROM files AS f
    WHERE f.versions > $1 AND f.versions > 1
      AND NOT EXISTS (
        SELECT 1 FROM retention_policies AS p
        WHERE p.kind = 'files' AND p.namespace = f.namespace AND p.over_size <= $2)
    """)

  /// $1 how many are kept, $2 namespace.
  static let countVersionsIn = Statement(
    """
    SELECT COALESCE(SUM(versions - CAST($1 AS BIGINT)), 0)
    FROM files
    WHERE namespace = $2 AND versions > $1 AND versions > 1
    """)

  /// Files with more versions: $1 and $2 as ``countVersions``, $3 how many files.
  static let withMoreVersions = Statement(
    """
    SELECT f.namespace, f.name
    FROM files AS f
    WHERE f.versions > $1 AND f.versions > 1
      AND NOT EXISTS (
        SELECT 1 FROM retention_policies AS p
        WHERE p.kind = 'files' AND p.namespace = f.namespace AND p.over_size <= $2)
    ORDER BY f.versions DESC
    LIMIT CAST($3 AS BIGINT)
    """)
}
