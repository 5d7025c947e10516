import HoldfastEngine

/// What upkeep sweeps, a transaction each: what fails in one holds up no other.
enum UpkeepPart: CaseIterable {
  /// Dead keys, and the items of dead sessions.
  case keys
  /// Approvals whose time is over.
  case approvals
  /// Tasks whose lease ran out.
  case leases
  /// Versions of files that nobody sees any more.
  case versions
  /// Content that no file has.
  case chunks

  /// What a sweep of it is called in metrics.
  var operation: Operation {
    switch self {
    case .keys: Operations.keys
    case .approvals: Operations.approvals
    case .leases: Operations.leases
    case .versions: Operations.versions
    case .chunks: Operations.chunks
    }
  }

  private enum Operations {
    static let keys = Operation("upkeep.keys", isWrite: true)
    static let approvals = Operation("upkeep.approvals", isWrite: true)
    static let leases = Operation("upkeep.leases", isWrite: true)
    static let versions = Operation("upkeep.versions", isWrite: true)
    static let chunks = Operation("upkeep.chunks", isWrite: true)
  }
}

extension Operation {
  /// What the marking of namespaces without keys is called in metrics.
  static let upkeepNamespaces = Operation("upkeep.namespaces", isWrite: true)
}

/// The statements of upkeep itself.
enum UpkeepSQL {
  /// Which parts have something to do, a column each in their order.
  ///
  /// $1 for how long content that no file has is kept, in microseconds.
  static let due = Statement(
    """
    SELECT
      CASE WHEN EXISTS (SELECT 1 FROM kv WHERE expires_at <= holdfast_now())
        OR EXISTS (SELECT 1 FROM namespaces WHERE cleared_at IS NOT NULL)
        OR EXISTS (SELECT 1 FROM session_clearings)
        THEN 1 ELSE 0 END,
      CASE WHEN EXISTS (
          SELECT 1 FROM approvals WHERE closed_at IS NULL AND expires_at <= holdfast_now())
        THEN 1 ELSE 0 END,
      CASE WHEN EXISTS (
          SELECT 1 FROM tasks
          WHERE lease_expires_at IS NOT NULL AND lease_expires_at <= holdfast_now())
        THEN 1 ELSE 0 END,
      CASE WHEN EXISTS (SELECT 1 FROM files WHERE swept_number < first_number)
        THEN 1 ELSE 0 END,
      CASE WHEN EXISTS (
          SELECT 1 FROM orphan_chunks WHERE since <= holdfast_now() - CAST($1 AS BIGINT))
        THEN 1 ELSE 0 END
    """)

  /// In how many microseconds there will be something to do; NULL where nothing is foreseen.
  static let nextDue = Statement(
    """
    SELECT MIN(n.at) - holdfast_now()
    FROM (
      SELECT MIN(k.expires_at) AS at FROM kv AS k WHERE k.expires_at IS NOT NULL
      UNION ALL
      SELECT MIN(a.expires_at) AS at FROM approvals AS a WHERE a.closed_at IS NULL
      UNION ALL
      SELECT MIN(t.lease_expires_at) AS at FROM tasks AS t WHERE t.lease_expires_at IS NOT NULL
    ) AS n
    """)

  /// A page of the namespaces in the order of their rows, each with 1 where it has keys, else NULL.
  ///
  /// It is bounded by what is looked at, not by what is found. The limit inside keeps PostgreSQL
  /// from reading all keys into a table of its own for one page.
  ///
  /// $1 the last row of the page before, $2 how many.
  static let namespaces = Statement(
    """
    SELECT n.id, n.name,
      (SELECT 1 FROM kv AS k WHERE k.namespace_id = n.id LIMIT 1)
    FROM namespaces AS n
    WHERE n.id > $1 AND n.cleared_at IS NULL
    ORDER BY n.id
    LIMIT CAST($2 AS BIGINT)
    """)

  /// A row where another node ran retention within the hour.
  ///
  /// This node knows by its own clock when it did: its row ends later, by as long as the run took.
  ///
  /// $1 owner.
  static let retentionIsKept = Statement(
    """
    SELECT 1
    FROM leases
    WHERE name = 'retention' AND owner <> $1 AND expires_at > holdfast_now()
    """)

  /// $1 name, $2 owner, $3 for how long in microseconds.
  static let takeLease = Statement(
    """
    INSERT INTO leases AS l (name, owner, expires_at)
    VALUES ($1, $2, holdfast_now() + CAST($3 AS BIGINT))
    ON CONFLICT (name) DO UPDATE SET
      owner = excluded.owner,
      expires_at = excluded.expires_at
    WHERE l.owner = excluded.owner OR l.expires_at <= holdfast_now()
    """)
}
