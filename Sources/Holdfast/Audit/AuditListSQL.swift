import HoldfastEngine

/// The statements that list the audit log, the newest record first.
///
/// Each takes the same parameters: $1 to $3 the place before which it goes on (time, chain,
/// number), $4 the earliest time, $5 actor, $6 action, $7 subject, $8 bot, $9 run, $10 memory, each
/// NULL for any, $11 how many. There is one statement for each index that can serve it; the
/// narrowest leads.
enum AuditListSQL {
  /// The statement whose index serves a query best.
  static func statement(for query: AuditQuery) -> Statement {
    if query.memory != nil { return byMemory }
    if query.subject != nil { return bySubject }
    if query.run != nil { return byRun }
    if query.bot != nil { return byBot }
    if query.action != nil { return byAction }
    if query.actor != nil { return byActor }
    return byTime
  }

  static let byTime = Statement(
    """
    SELECT chain, number, time, imported_at, actor, by, action, subject, bot, run, memory, result,
      details, previous, mac
    FROM audit_log
    WHERE (time, chain, number) < ($1, $2, $3) AND time >= $4
      AND (CAST($5 AS TEXT) IS NULL OR actor = CAST($5 AS TEXT))
      AND (CAST($6 AS TEXT) IS NULL OR action = CAST($6 AS TEXT))
      AND (CAST($7 AS TEXT) IS NULL OR subject = CAST($7 AS TEXT))
      AND (CAST($8 AS TEXT) IS NULL OR bot = CAST($8 AS TEXT))
      AND (CAST($9 AS TEXT) IS NULL OR run = CAST($9 AS TEXT))
      AND (CAST($10 AS TEXT) IS NULL OR memory = CAST($10 AS TEXT))
    ORDER BY time DESC, chain DESC, number DESC
    LIMIT CAST($11 AS BIGINT)
    """)

  static let byActor = Statement(
    """
    SELECT chain, number, time, imported_at, actor, by, action, subject, bot, run, memory, result,
      details, previous, mac
    FROM audit_log
    WHERE actor = $5 AND (time, chain, number) < ($1, $2, $3) AND time >= $4
      AND (CAST($6 AS TEXT) IS NULL OR action = CAST($6 AS TEXT))
      AND (CAST($7 AS TEXT) IS NULL OR subject = CAST($7 AS TEXT))
      AND (CAST($8 AS TEXT) IS NULL OR bot = CAST($8 AS TEXT))
      AND (CAST($9 AS TEXT) IS NULL OR run = CAST($9 AS TEXT))
      AND (CAST($10 AS TEXT) IS NULL OR memory = CAST($10 AS TEXT))
    ORDER BY time DESC, chain DESC, number DESC
    LIMIT CAST($11 AS BIGINT)
    """)

  static let byAction = Statement(
    """
    SELECT chain, number, time, imported_at, actor, by, action, subject, bot, run, memory, result,
      details, previous, mac
    FROM audit_log
    WHERE action = $6 AND (time, chain, number) < ($1, $2, $3) AND time >= $4
      AND (CAST($5 AS TEXT) IS NULL OR actor = CAST($5 AS TEXT))
      AND (CAST($7 AS TEXT) IS NULL OR subject = CAST($7 AS TEXT))
      AND (CAST($8 AS TEXT) IS NULL OR bot = CAST($8 AS TEXT))
      AND (CAST($9 AS TEXT) IS NULL OR run = CAST($9 AS TEXT))
      AND (CAST($10 AS TEXT) IS NULL OR memory = CAST($10 AS TEXT))
    ORDER BY time DESC, chain DESC, number DESC
    LIMIT CAST($11 AS BIGINT)
    """)

  static let bySubject = Statement(
    """
    SELECT chain, number, time, imported_at, actor, by, action, subject, bot, run, memory, result,
      details, previous, mac
    FROM audit_log
    WHERE subject = $7 AND (time, chain, number) < ($1, $2, $3) AND time >= $4
      AND (CAST($5 AS TEXT) IS NULL OR actor = CAST($5 AS TEXT))
      AND (CAST($6 AS TEXT) IS NULL OR action = CAST($6 AS TEXT))
      AND (CAST($8 AS TEXT) IS NULL OR bot = CAST($8 AS TEXT))
      AND (CAST($9 AS TEXT) IS NULL OR run = CAST($9 AS TEXT))
      AND (CAST($10 AS TEXT) IS NULL OR memory = CAST($10 AS TEXT))
    ORDER BY time DESC, chain DESC, number DESC
    LIMIT CAST($11 AS BIGINT)
    """)

  static let byBot = Statement(
    """
    SELECT chain, number, time, imported_at, actor, by, action, subject, bot, run, memory, result,
      details, previous, mac
    FROM audit_log
    WHERE bot = $8 AND (time, chain, number) < ($1, $2, $3) AND time >= $4
      AND (CAST($5 AS TEXT) IS NULL OR actor = CAST($5 AS TEXT))
      AND (CAST($6 AS TEXT) IS NULL OR action = CAST($6 AS TEXT))
      AND (CAST($7 AS TEXT) IS NULL OR subject = CAST($7 AS TEXT))
      AND (CAST($9 AS TEXT) IS NULL OR run = CAST($9 AS TEXT))
      AND (CAST($10 AS TEXT) IS NULL OR memory = CAST($10 AS TEXT))
    ORDER BY time DESC, chain DESC, number DESC
    LIMIT CAST($11 AS BIGINT)
    """)

  static let byRun = Statement(
    """
    SELECT chain, number, time, imported_at, actor, by, action, subject, bot, run, memory, result,
      details, previous, mac
    FROM audit_log
    WHERE run = $9 AND (time, chain, number) < ($1, $2, $3) AND time >= $4
      AND (CAST($5 AS TEXT) IS NULL OR actor = CAST($5 AS TEXT))
      AND (CAST($6 AS TEXT) IS NULL OR action = CAST($6 AS TEXT))
      AND (CAST($7 AS TEXT) IS NULL OR subject = CAST($7 AS TEXT))
      AND (CAST($8 AS TEXT) IS NULL OR bot = CAST($8 AS TEXT))
      AND (CAST($10 AS TEXT) IS NULL OR memory = CAST($10 AS TEXT))
    ORDER BY time DESC, chain DESC, number DESC
    LIMIT CAST($11 AS BIGINT)
    """)

  static let byMemory = Statement(
    """
    SELECT chain, number, time, imported_at, actor, by, action, subject, bot, run, memory, result,
      details, previous, mac
    FROM audit_log
    WHERE memory = $10 AND (time, chain, number) < ($1, $2, $3) AND time >= $4
      AND (CAST($5 AS TEXT) IS NULL OR actor = CAST($5 AS TEXT))
      AND (CAST($6 AS TEXT) IS NULL OR action = CAST($6 AS TEXT))
      AND (CAST($7 AS TEXT) IS NULL OR subject = CAST($7 AS TEXT))
      AND (CAST($8 AS TEXT) IS NULL OR bot = CAST($8 AS TEXT))
      AND (CAST($9 AS TEXT) IS NULL OR run = CAST($9 AS TEXT))
    ORDER BY time DESC, chain DESC, number DESC
    LIMIT CAST($11 AS BIGINT)
    """)
}
