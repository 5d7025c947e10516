import HoldfastEngine

/// The statements behind approvals.
enum ApprovalSQL {
  /// What every statement that gives approvals gives, in the order that ``ApprovalRow`` reads.
  static let columns = columnList(parameters: "parameters")

  /// The same for those who look at no parameters, which may be long.
  static let briefColumns = columnList(parameters: "'{}'")

  private static func columnList(parameters: String) -> String {
    """
    id, task, run, caller, permission, action, resource, channel, thread, status, decision,
      decided_by, by, reason, digest, policy, grant_id, version, requested_at, expires_at,
      decided_at, usable_until, consumed_at, \(parameters), number, holdfast_now(), history,
      asks_grant
    """
  }

  /// $1 id.
  static let get = Statement(
    """
    SELECT \(columns)
    FROM approvals
    WHERE id = $1
    """)

  /// What is known before a request: the time, the permission's policy, and a grant that lives.
  ///
  /// $1 permission, $2 task or NULL.
  static let ruling = Statement(
    """
    SELECT holdfast_now(),
      (SELECT p.mode FROM approval_policies AS p WHERE p.permission = $1),
      (SELECT g.id
       FROM grants AS g
       WHERE g.task = CAST($2 AS TEXT) AND g.permission = $1 AND g.expires_at > holdfast_now()
         AND g.revoked_at IS NULL
         AND \(GrantSQL.stands)
       ORDER BY g.expires_at DESC, g.number DESC
       LIMIT 1)
    """)

  /// $1 id, $2 task, $3 run, $4 caller, $5 permission, $6 action, $7 resource, $8 channel, $9
  /// thread, $10 digest, $11 policy, $12 grant, $13 expires, $14 parameters, $15 history.
  static let insert = Statement(
    """
    INSERT INTO approvals (id, task, run, caller, permission, action, resource, channel, thread,
      status, digest, policy, grant_id, version, requested_at, expires_at, parameters, history)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'pending', $10, $11, $12, holdfast_revision(),
      holdfast_now(), $13, $14, $15)
    ON CONFLICT (id) DO NOTHING
    """)

  /// Writes what the machine made of an approval.
  ///
  /// $1 id, $2 status, $3 decision, $4 decided by, $5 by, $6 reason, $7 decided, $8 usable until,
  /// $9 consumed, $10 history, $11 whether the decider asks for a grant.
  static let update = Statement(
    """
    UPDATE approvals
    SET status = $2, decision = $3, decided_by = $4, by = $5, reason = $6, decided_at = $7,
      usable_until = $8, consumed_at = $9, closed_at = holdfast_now(), history = $10,
      asks_grant = $11, version = holdfast_revision()
    WHERE id = $1
    """)

  /// $1 id.
  static let delete = Statement(
    """
    DELETE FROM approvals
    WHERE id = $1
    """)

  /// Undecided approvals whose time is over and that nobody has noted yet.
  ///
  /// $1 how many.
  static let due = Statement(
    """
    SELECT id
    FROM approvals
    WHERE closed_at IS NULL AND expires_at <= holdfast_now()
    ORDER BY expires_at, number
    LIMIT CAST($1 AS BIGINT)
    """)

  /// The approvals that a task waits for, all of them, however many another process let it have.
  ///
  /// $1 task.
  static let awaited = Statement(
    """
    SELECT \(briefColumns)
    FROM approvals
    WHERE task = $1 AND closed_at IS NULL
    ORDER BY requested_at, number
    """)

  /// Whether a task waits for an approval.
  ///
  /// $1 task.
  static let isAwaited = Statement(
    """
    SELECT 1
    FROM approvals
    WHERE task = $1 AND closed_at IS NULL
    LIMIT 1
    """)

  /// How many approvals a task waits for.
  ///
  /// $1 task.
  static let countAwaited = Statement(
    """
    SELECT COUNT(*)
    FROM approvals
    WHERE task = $1 AND closed_at IS NULL
    """)

  /// Whether a run has undecided approvals.
  ///
  /// $1 run.
  static let isUndecided = Statement(
    """
    SELECT 1
    FROM approvals
    WHERE run = $1 AND status = 'pending' AND expires_at > holdfast_now()
    LIMIT 1
    """)

  /// The undecided approvals of a run.
  ///
  /// $1 run.
  static let undecidedOfRun = Statement(
    """
    SELECT \(briefColumns)
    FROM approvals
    WHERE run = $1 AND status = 'pending'
    ORDER BY requested_at, number
    """)

  /// $1 run.
  static let deleteOfRun = Statement(
    """
    DELETE FROM approvals
    WHERE run = $1
    """)

  /// How many approvals a deleted run still has.
  static let resurrected = Statement(
    """
    SELECT COUNT(*)
    FROM approvals AS a
    JOIN runs AS r ON r.id = a.run
    WHERE r.status = 'deleted'
    """)

  /// How many tasks wait although their approvals were closed after they began to.
  ///
  /// A task that was set to waiting by hand has none, and is nobody's mistake.
  static let forgotten = Statement(
    """
    SELECT COUNT(*)
    FROM tasks AS t
    WHERE t.status = 'awaiting_approval'
      AND NOT EXISTS (SELECT 1 FROM approvals AS u WHERE u.task = t.id AND u.status = 'pending')
      AND EXISTS (
        SELECT 1 FROM approvals AS c WHERE c.task = t.id AND c.closed_at > t.updated_at)
    """)

  /// How many approvals are undecided although their task does not wait for them.
  static let abandoned = Statement(
    """
    SELECT COUNT(*)
    FROM approvals AS a
    WHERE a.closed_at IS NULL AND a.task IS NOT NULL
      AND NOT EXISTS (
        SELECT 1 FROM tasks AS t WHERE t.id = a.task AND t.status = 'awaiting_approval')
    """)
}
