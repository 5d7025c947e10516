package import HoldfastCore

// The change feed on PostgreSQL.
//
// Revisions are not drawn in the order of commits, so the feed goes by transaction ids, whole
// transactions, and stops before the oldest id that one of this store's writers still has open. The
// reader has to know two things: which ids are open, and which of these belong to strangers, whose long
// transactions (another database's, for example) must not stop it.
//
// 1. A statement by itself reads from the lock table which ids strangers hold: sessions that do not hold
//    this store's shared lock. A session of ours takes that lock before it writes for the first time, so
//    an id that was a stranger's then never writes to our feed.
// 2. Only then one snapshot is taken, and everything else is read in it: the ids open in it but for the
//    strangers', and the rows below the least of them. What lies below that bound is either visible in
//    this same snapshot or was rolled back; nothing can commit in between.
//
// The other order, a snapshot first and the locks after it, loses a transaction that commits between the
// two. And the snapshot's own list of open ids is asked, not the lock table, because a transaction has
// its id a moment before it holds the lock on it.

extension PostgresEngine {
  package func feedEnd() async throws(StoreError) -> FeedCursor {
    let page = try await readFeed(after: nil, limit: 0)
    return FeedCursor(
      incarnation: page.head.incarnation, timeline: page.head.timeline,
      position: page.head.bound, place: 0)
  }

  package func feed(after cursor: FeedCursor, limit: Int) async throws(StoreError) -> FeedPage {
    let page = try await readFeed(after: cursor, limit: max(1, limit))
    let head = page.head
    try head.check(cursor)
    let events = page.rows.map { head.event($0) }
    var next = FeedCursor(
      incarnation: head.incarnation, timeline: head.timeline, position: head.bound, place: 0)
    if events.count >= limit, let last = events.last {
      next = last.cursor
    } else if (cursor.position, cursor.place) > (next.position, next.place) {
      next = cursor
    }
    let heldBack = head.hidesRows && events.count < limit
    if heldBack { notifier.lookAgain() }
    return FeedPage(events: events, next: next, heldBack: heldBack)
  }

  private func readFeed(
    after cursor: FeedCursor?, limit: Int
  ) async throws(StoreError) -> (head: FeedHead, rows: RawResult) {
    var pipeline = Pipeline()
    pipeline.add(FeedSQL.noteStrangers, SessionOpener.lockKey(identity))
    pipeline.sync()
    let begin = pipeline.add(FeedSQL.begin)
    let head = pipeline.add(FeedSQL.head)
    let rows = pipeline.add(
      FeedSQL.rows,
      [
        .text(String(cursor?.position ?? 0)), .integer(cursor?.place ?? 0),
        .integer(Int64(limit)),
      ])
    pipeline.add(FeedSQL.commit)
    pipeline.sync()
    var budget = RetryBudget(options)
    while true {
      let exchanged = try await pool.exchange(pipeline)
      let answer = exchanged.answer
      if let session = exchanged.session {
        await giveBack(session, openTransaction: answer.holds(begin))
      }
      guard let failure = answer.failure else {
        let feed = try answer.result(head).withRow { row throws(StoreError) in try FeedHead(row) }
        return (feed, try answer.result(rows))
      }
      guard answer.lost, budget.mayTryAnotherConnection() else { throw failure.storeError }
    }
  }

  private func giveBack(_ session: PooledSession, openTransaction: Bool) async {
    guard openTransaction else { return pool.giveBack(session) }
    var pipeline = Pipeline()
    TransactionFrame(kind: .reading).close(&pipeline, commits: false)
    let answer = await session.exchange(pipeline)
    if answer.lost { pool.discard(session) } else { pool.giveBack(session) }
  }
}

/// What the feed's reader learns about the feed as a whole, in the snapshot that it reads the rows in.
struct FeedHead {
  /// The first transaction id that is not read yet.
  let bound: Int64
  /// Whether something committed lies at or past the bound.
  let hidesRows: Bool
  let incarnation: String
  let timeline: Int64
  /// The place of the last row that was removed.
  let trimmed: (position: Int64, place: Int64)?
  /// The first transaction id of each timeline that this store has seen.
  let timelines: [Int64: Int64]

  init(_ row: Row) throws(StoreError) {
    bound = row.integer(0)
    hidesRows = row.text(1) == "t"
    guard let timeline = Int64(row.text(2), radix: 16) else {
      throw DatabaseFailure(state: "25006").storeError
    }
    self.timeline = timeline
    var incarnation = ""
    var trimmed: (Int64, Int64)?
    var timelines: [Int64: Int64] = [:]
    for note in row.text(3).split(separator: "\n") {
      guard let split = note.firstIndex(of: "=") else { continue }
      let name = note[..<split]
      let value = note[note.index(after: split)...]
      if name == "incarnation" {
        incarnation = String(value)
      } else if name == "trimmed" {
        let numbers = value.split(separator: " ").compactMap { Int64($0) }
        if numbers.count == 2 { trimmed = (numbers[0], numbers[1]) }
      } else if name.hasPrefix("timeline."), let number = Int64(name.dropFirst(9)) {
        timelines[number] = Int64(value)
      }
    }
    self.incarnation = incarnation
    self.trimmed = trimmed
    self.timelines = timelines
  }

  /// Refuses a cursor from which not everything can be read any more.
  ///
  /// - Parameter cursor: A cursor that somebody kept.
  /// - Throws: `trimmed` where something between the cursor and now is gone, and for a cursor
  ///   of another history.
  func check(_ cursor: FeedCursor) throws(StoreError) {
    guard Bytewise.equal(cursor.incarnation, incarnation) else { throw Self.gone }
    // What an old primary gave after the new one had begun never came to be here.
    for (number, first) in timelines where number > cursor.timeline && number <= timeline {
      if (cursor.position, cursor.place) > (first, 0) { throw Self.gone }
    }
    if let trimmed, (cursor.position, cursor.place) < trimmed { throw Self.gone }
  }

  private static let gone = StoreError(
    .trimmed, "The changes after this cursor are no longer kept.",
    hint: "Read the present state, then watch from a new cursor.")

  /// One event of the feed.
  func event(_ row: Row) -> FeedEvent {
    FeedEvent(
      cursor: FeedCursor(
        incarnation: incarnation, timeline: timeline, position: row.integer(0),
        place: row.integer(1)),
      revision: row.integer(2), kind: row.text(3), namespace: row.text(4),
      subject: row.optionalText(5), operation: row.text(6), below: row.integer(7) == 1,
      time: Instant(microseconds: row.integer(8)))
  }
}

/// The statements of the feed's reader.
enum FeedSQL {
  static let begin = Statement(
    sqlite: "", postgres: "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
  static let commit = Statement(sqlite: "", postgres: "COMMIT")

  /// Keeps, for this session, the open ids of strangers.
  ///
  /// One look at the lock table serves for both questions. A prepared transaction has no session, and is nobody's of ours.
  static let noteStrangers = Statement(
    sqlite: "",
    postgres: """
      WITH held AS MATERIALIZED (
        SELECT locktype, database, classid, objid, objsubid, transactionid, pid
        FROM pg_locks
        WHERE granted AND (locktype = 'transactionid' AND mode = 'ExclusiveLock'
          OR locktype = 'advisory')
      )
      SELECT set_config('holdfast.strangers', COALESCE((
        SELECT string_agg(x.transactionid::TEXT, ',')
        FROM held AS x
        WHERE x.locktype = 'transactionid' AND NOT EXISTS (
          SELECT 1 FROM held AS w
          WHERE w.locktype = 'advisory' AND w.objsubid = 2 AND w.pid = x.pid
            AND w.classid = $1::INTEGER::OID AND w.objid = $2::INTEGER::OID
            AND w.database = (
              SELECT oid FROM pg_database WHERE datname = current_database()))
      ), ''), false)
      """)

  /// The first id that is not read: the least open one that is no stranger's, or the next to come.
  private static let bound = """
    (SELECT LEAST(
      pg_snapshot_xmax(s)::TEXT::BIGINT,
      (SELECT MIN(x::TEXT::BIGINT) FROM pg_snapshot_xip(s) AS x
        WHERE x::xid::TEXT
          <> ALL (string_to_array(current_setting('holdfast.strangers'), ','))))
    FROM pg_current_snapshot() AS s)
    """

  private static let floor =
    "(SELECT COALESCE(MAX(value::BIGINT), 0) FROM meta WHERE name = 'feed.floor')"

  static let head = Statement(
    sqlite: "",
    postgres: """
      SELECT
        b.bound,
        EXISTS (
          SELECT 1 FROM changes
          WHERE writer >= b.bound::TEXT::xid8 AND position > \(floor)),
        substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8),
        (SELECT string_agg(substr(name, 6) || '=' || value, E'\\n') FROM meta
          WHERE name LIKE 'feed.%')
      FROM (SELECT \(bound) AS bound) AS b
      """)

  static let rows = Statement(
    sqlite: "",
    postgres: """
      SELECT writer, position, revision, kind, namespace, subject, operation, below, at
      FROM changes
      WHERE (writer, position) > ($1::TEXT::xid8, $2::BIGINT)
        AND writer < \(bound)::TEXT::xid8
        AND position > \(floor)
      ORDER BY writer, position
      LIMIT $3::BIGINT
      """)
}
