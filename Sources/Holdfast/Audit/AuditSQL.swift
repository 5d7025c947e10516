import HoldfastEngine

/// The statements behind the audit log; those of its lists are in ``AuditListSQL``.
enum AuditSQL {
  /// Takes the first chain that no session has, for as long as this session lives.
  ///
  /// Only on PostgreSQL: one statement tries one number after the other until it gets one. A lock
  /// of a session outlives the transaction, even one that is rolled back.
  static let takeChain = Statement(
    sqlite: "",
    postgres: """
      WITH RECURSIVE store AS (
        SELECT oid::BIGINT AS number
        FROM pg_namespace
        WHERE nspname = current_schema()
      ), tried (chain, taken) AS (
        SELECT 1::BIGINT,
          pg_try_advisory_lock(hashtextextended('holdfast audit chain 1', s.number))
        FROM store AS s
        UNION ALL
        SELECT t.chain + 1,
          pg_try_advisory_lock(
            hashtextextended('holdfast audit chain ' || (t.chain + 1), s.number))
        FROM tried AS t, store AS s
        WHERE NOT t.taken AND t.chain < 100000
      )
      SELECT chain
      FROM tried
      WHERE taken
      """)

  /// $1 chain; 0 is the register.
  static let head = Statement(
    """
    SELECT number, mac, keyed, seal, holdfast_now()
    FROM audit_chains
    WHERE chain = $1
    """)

  /// $1 chain, $2 number, $3 mac, $4 keyed, $5 seal.
  static let addHead = Statement(
    """
    INSERT INTO audit_chains (chain, number, mac, keyed, seal)
    VALUES ($1, $2, $3, $4, $5)
    """)

  /// $1 chain, $2 number, $3 mac, $4 keyed, $5 seal.
  static let setHead = Statement(
    """
    UPDATE audit_chains
    SET number = $2, mac = $3, keyed = $4, seal = $5
    WHERE chain = $1
    """)

  /// All heads, the register first.
  static let heads = Statement(
    """
    SELECT chain, number, mac, keyed, seal
    FROM audit_chains
    ORDER BY chain
    """)

  /// $1 chain, $2 number, $3 time, $4 imported, $5 actor, $6 by, $7 action, $8 subject, $9 bot,
  /// $10 run, $11 memory, $12 result, $13 details, $14 previous, $15 mac.
  static let add = Statement(
    """
    INSERT INTO audit_log (chain, number, time, imported_at, actor, by, action, subject, bot, run,
      memory, result, details, previous, mac)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
    """)

  /// $1 chain, $2 number.
  static let get = Statement(
    """
    SELECT chain, number, time, imported_at, actor, by, action, subject, bot, run, memory, result,
      details, previous, mac
    FROM audit_log
    WHERE chain = $1 AND number = $2
    """)

  /// Records of one chain in their order: $1 chain, $2 the number after which it goes on, $3 how
  /// many.
  static let walk = Statement(
    """
    SELECT chain, number, time, imported_at, actor, by, action, subject, bot, run, memory, result,
      details, previous, mac
    FROM audit_log
    WHERE chain = $1 AND number > $2
    ORDER BY number
    LIMIT CAST($3 AS BIGINT)
    """)

  /// How many records a chain has: $1 chain.
  static let count = Statement(
    """
    SELECT COUNT(*)
    FROM audit_log
    WHERE chain = $1
    """)

  /// A chain with records beyond the register: $1 how many chains there are.
  static let stray = Statement(
    """
    SELECT chain, number
    FROM audit_log
    WHERE chain > $1
    ORDER BY chain, number
    LIMIT 1
    """)

  /// Where else a seal stands, in a stretch of a chain: $1 chain, $2 from number, $3 to number, $4
  /// the seal, $5 a number of that chain that is left out.
  static let findSeal = Statement(
    """
    SELECT number
    FROM audit_log
    WHERE chain = $1 AND number BETWEEN $2 AND $3 AND mac = $4 AND number <> $5
    ORDER BY number
    LIMIT 1
    """)

  /// All checkpoints, each chain's in order.
  static let checkpoints = Statement(
    """
    SELECT chain, kind, number, mac, before, seal
    FROM audit_checkpoints
    ORDER BY chain, kind, number
    """)

  /// The newest checkpoint of each kind of each chain: retention makes one an hour.
  static let newestCheckpoints = Statement(
    """
    SELECT c.chain, c.kind, c.number, c.mac, c.before, c.seal
    FROM audit_chains AS h
    CROSS JOIN (SELECT 'cut' AS kind UNION ALL SELECT 'key') AS k
    JOIN audit_checkpoints AS c ON c.chain = h.chain AND c.kind = k.kind
      AND c.number = (
        SELECT MAX(n.number)
        FROM audit_checkpoints AS n
        WHERE n.chain = h.chain AND n.kind = k.kind)
    """)

  /// $1 chain, $2 kind, $3 number, $4 mac, $5 before, $6 seal.
  static let addCheckpoint = Statement(
    """
    INSERT INTO audit_checkpoints (chain, kind, number, mac, before, seal)
    VALUES ($1, $2, $3, $4, $5, $6)
    """)

  /// $1 chain, $2 kind, $3 number.
  static let removeCheckpoint = Statement(
    """
    DELETE FROM audit_checkpoints
    WHERE chain = $1 AND kind = $2 AND number = $3
    """)

  /// $1 chain, $2 the last number that goes.
  static let cut = Statement(
    """
    DELETE FROM audit_log
    WHERE chain = $1 AND number <= $2
    """)

  /// The first record of a chain that is not as old: $1 chain, $2 the time.
  static let firstKept = Statement(
    """
    SELECT number
    FROM audit_log
    WHERE chain = $1 AND COALESCE(imported_at, time) >= $2
    ORDER BY number
    LIMIT 1
    """)

  /// Which log it is.
  static let store = Statement(
    """
    SELECT value, holdfast_now()
    FROM meta
    WHERE name = 'audit.store'
    """)
}
