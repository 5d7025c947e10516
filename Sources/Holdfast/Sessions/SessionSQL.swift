import HoldfastEngine

/// The statements behind sessions.
enum SessionSQL {
  /// What every statement that gives sessions gives, in the order in which a session is read.
  static let columns = """
    id, run, channel, thread, user_id, data, item_count, next_position, version, created_at,
      last_used_at, first_position, number
    """

  /// $1 id.
  static let get = Statement(
    """
    SELECT \(columns)
    FROM session_contexts
    WHERE id = $1
    """)

  /// Those of a thread, the one that was used last first.
  ///
  /// $1 channel, $2 thread, $3 how many.
  static let ofThread = Statement(
    """
    SELECT id, run
    FROM session_contexts
    WHERE channel = $1 AND thread = $2
    ORDER BY last_used_at DESC, version DESC, last_use DESC, number DESC
    LIMIT CAST($3 AS BIGINT)
    """)

  /// $1 id, $2 run, $3 channel, $4 thread, $5 user, $6 data, $7 use.
  static let create = Statement(
    """
    INSERT INTO session_contexts (id, run, channel, thread, user_id, data, version, created_at,
      last_used_at, last_use)
    VALUES ($1, $2, $3, $4, $5, $6, holdfast_revision(), holdfast_now(), holdfast_now(),
      CAST($7 AS BIGINT))
    ON CONFLICT (id) DO NOTHING
    """)

  /// $1 id, $2 channel, $3 thread, $4 user, $5 data, $6 use.
  static let replace = Statement(
    """
    UPDATE session_contexts
    SET channel = $2, thread = $3, user_id = $4, data = $5, version = holdfast_revision(),
      last_used_at = holdfast_now(), last_use = CAST($6 AS BIGINT)
    WHERE id = $1
    """)

  /// $1 id, $2 use.
  static let touch = Statement(
    """
    UPDATE session_contexts
    SET version = holdfast_revision(), last_used_at = holdfast_now(),
      last_use = CAST($2 AS BIGINT)
    WHERE id = $1
    RETURNING \(columns)
    """)

  /// $1 number.
  static let delete = Statement(
    """
    DELETE FROM session_contexts
    WHERE number = $1
    """)

  /// $1 run.
  static let numbersOfRun = Statement(
    """
    SELECT number, next_position
    FROM session_contexts
    WHERE run = $1
    """)

  /// $1 run.
  static let deleteOfRun = Statement(
    """
    DELETE FROM session_contexts
    WHERE run = $1
    """)
}

/// Every list takes the same parameters: $1 and $2 the place before which it goes on (created,
/// number), $3 the earliest time, $4 run, $5 channel, $6 user, each or NULL, $7 how many.
///
/// There is one statement for each index that can serve it.
extension SessionSQL {
  static let listByTime = Statement(
    """
    SELECT \(columns)
    FROM session_contexts
    WHERE (created_at, number) < ($1, $2) AND created_at >= $3
      AND CAST($4 AS TEXT) IS NULL AND CAST($5 AS TEXT) IS NULL
      AND CAST($6 AS TEXT) IS NULL
    ORDER BY created_at DESC, number DESC
    LIMIT CAST($7 AS BIGINT)
    """)

  static let listByRun = Statement(
    """
    SELECT \(columns)
    FROM session_contexts
    WHERE run = $4 AND (created_at, number) < ($1, $2) AND created_at >= $3
      AND (CAST($5 AS TEXT) IS NULL OR channel = CAST($5 AS TEXT))
      AND (CAST($6 AS TEXT) IS NULL OR user_id = CAST($6 AS TEXT))
    ORDER BY created_at DESC, number DESC
    LIMIT CAST($7 AS BIGINT)
    """)

  static let listByUser = Statement(
    """
    SELECT \(columns)
    FROM session_contexts
    WHERE user_id = $6 AND (created_at, number) < ($1, $2) AND created_at >= $3
      AND CAST($4 AS TEXT) IS NULL
      AND (CAST($5 AS TEXT) IS NULL OR channel = CAST($5 AS TEXT))
    ORDER BY created_at DESC, number DESC
    LIMIT CAST($7 AS BIGINT)
    """)

  static let listByChannel = Statement(
    """
    SELECT \(columns)
    FROM session_contexts
    WHERE channel = $5 AND (created_at, number) < ($1, $2) AND created_at >= $3
      AND CAST($4 AS TEXT) IS NULL
      AND CAST($6 AS TEXT) IS NULL
    ORDER BY created_at DESC, number DESC
    LIMIT CAST($7 AS BIGINT)
    """)
}

/// Items.
extension SessionSQL {
  /// Takes positions for new items; no row for a session that is missing or may not be written.
  ///
  /// $1 id, $2 how many, $3 use.
  static let takePositions = Statement(
    """
    UPDATE session_contexts
    SET next_position = next_position + CAST($2 AS BIGINT),
      item_count = item_count + CAST($2 AS BIGINT), version = holdfast_revision(),
      last_used_at = holdfast_now(), last_use = CAST($3 AS BIGINT)
    WHERE id = $1
      AND (run IS NULL OR NOT EXISTS (
        SELECT 1 FROM runs AS r
        WHERE r.id = session_contexts.run AND r.status IN ('archived', 'deleted')))
    RETURNING run, item_count, next_position, version, number
    """)

  /// $1 session's number, $2 position, $3 item.
  static let addItem = Statement(
    """
    INSERT INTO session_items (session, position, item, created_at)
    VALUES ($1, $2, $3, holdfast_now())
    """)

  /// $1 session's number, $2 the first position, $3 how many.
  static let items = Statement(
    """
    SELECT position, item, created_at
    FROM session_items
    WHERE session = $1 AND position >= $2
    ORDER BY position
    LIMIT CAST($3 AS BIGINT)
    """)

  /// Where the last so many items begin.
  ///
  /// $1 session's number, $2 the first position, $3 how many there are before the one that is
  /// wanted, from the end.
  static let positionFromEnd = Statement(
    """
    SELECT position
    FROM session_items
    WHERE session = $1 AND position >= $2
    ORDER BY position DESC
    LIMIT 1 OFFSET CAST($3 AS BIGINT)
    """)

  /// $1 session's number, $2 the first position.
  static let pop = Statement(
    """
    DELETE FROM session_items
    WHERE session = $1
      AND position = (
        SELECT MAX(l.position) FROM session_items AS l WHERE l.session = $1 AND l.position >= $2)
    RETURNING position, item, created_at
    """)

  /// $1 session's number, $2 use.
  static let countDown = Statement(
    """
    UPDATE session_contexts
    SET item_count = item_count - 1, version = holdfast_revision(),
      last_used_at = holdfast_now(), last_use = CAST($2 AS BIGINT)
    WHERE number = $1
    """)

  /// $1 session's number, $2 use.
  static let clear = Statement(
    """
    UPDATE session_contexts
    SET first_position = next_position, item_count = 0, version = holdfast_revision(),
      last_used_at = holdfast_now(), last_use = CAST($2 AS BIGINT)
    WHERE number = $1
    """)
}

/// What must not be; each gives a number of rows.
extension SessionSQL {
  /// Items that belong neither to a session, at a position that it gave, nor to upkeep.
  static let strayItems = Statement(
    """
    SELECT COUNT(*)
    FROM session_items AS i
    WHERE NOT EXISTS (
        SELECT 1 FROM session_contexts AS s
        WHERE s.number = i.session AND i.position >= s.first_position
          AND i.position < s.next_position)
      AND NOT EXISTS (
        SELECT 1 FROM session_clearings AS c
        WHERE c.session = i.session AND i.position < c.below)
    """)

  static let miscounted = Statement(
    """
    SELECT COUNT(*)
    FROM session_contexts AS s
    WHERE s.item_count <> (
      SELECT COUNT(*) FROM session_items AS i
      WHERE i.session = s.number AND i.position >= s.first_position)
    """)

  static let resurrected = Statement(
    """
    SELECT COUNT(*)
    FROM session_contexts AS s
    JOIN runs AS r ON r.id = s.run
    WHERE r.status = 'deleted'
    """)
}
