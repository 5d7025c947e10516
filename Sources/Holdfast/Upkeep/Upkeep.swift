package import HoldfastCore
import HoldfastEngine
import Logging
import NIOConcurrencyHelpers
public import ServiceLifecycle

/// Sweeps what is dead already, so that the feed says `expired` in time and the space comes back.
///
/// Of all processes and nodes that have the store open, one at a time does the work, by the row
/// `upkeep` of `leases`. An idle store is left alone: the loop sleeps until something expires or
/// somebody commits, and takes the lease only in a transaction that has something to do.
///
/// ``Store/open(_:options:)`` starts it; a program that wants it among its own services opens the
/// store with `runsUpkeep` off and runs this one.
public final class Upkeep: Service {
  private let store: Store
  private let owner: String
  private let wakeUp = WakeUp()
  private let retentionDue = NIOLockedValueBox(Duration.zero)

  /// The shortest time between two looks.
  private static let pause = Duration.seconds(1)
  /// The longest.
  private static let pauseMax = Duration.seconds(60)
  private static let lease = Duration.seconds(10)
  /// How often retention runs, on whichever node.
  private static let retentionPause = Duration.seconds(3_600)
  /// How many records one slice looks at.
  private static let recordsMax = 100
  /// Who acts, for the audit log.
  private static let actor = "upkeep"
  private static let sweep = Operation("upkeep.sweep", isWrite: true)

  /// Makes the service.
  ///
  /// - Parameter store: The store to keep.
  public init(store: Store) {
    self.store = store
    self.owner = store.context.ids.makeID(at: store.context.time.wallTime())
  }

  /// Runs until the task is cancelled or its service group shuts down.
  public func run() async {
    let subscription = store.engine.subscribe { [wakeUp] in wakeUp.signal() }
    await cancelWhenGracefulShutdown {
      while !Task.isCancelled {
        let next = await self.pass()
        await self.rest(next)
      }
    }
    store.engine.unsubscribe(subscription)
  }

  /// Sweeps all there is to sweep, and says how long nothing will be.
  private func pass() async -> Duration {
    do {
      while try await slice() > 0 && !Task.isCancelled {}
      try await store.engine.maintain()
      try await retain()
      let next = try await store.engine.read(Step(Self.nextDue))
      let microseconds = next.rows.first?.first?.integer
      return microseconds.map { .microseconds(max(0, $0)) } ?? Self.pauseMax
    } catch {
      // The pass failed as a whole; the next one begins anew. `observed` has logged the failure.
      return Self.pause
    }
  }

  /// One slice of work: a transaction for each kind that is due.
  ///
  /// - Returns: How many rows it was about; 0 when nothing is left, or another owner does it.
  package func slice() async throws(StoreError) -> Int {
    let found = try await store.engine.read(
      Step(Self.due, [.integer(FileSweeper.orphanAge.microseconds)])
    ).rows.first
    var done = 0
    if found?.first?.integer == 1 { done += try await sweepKeys() }
    if found?.last?.integer == 1 { done += try await sweepRecords() }
    return done
  }

  /// Removes dead keys: what decides by the rows that it deletes alone.
  private func sweepKeys() async throws(StoreError) -> Int {
    var options = store.writeOptions(.standard)
    options.isolation = .readCommitted
    let settings = options
    let lease = lease
    return try await store.observed(Self.sweep) {
      try await self.store.engine.write(settings) { connection in
        guard try connection.run([lease])[0].changes == 1 else { return 0 }
        let expired = try KeySweeper.sweepExpired(on: connection)
        let cleared = try KeySweeper.sweepCleared(on: connection)
        return try expired + cleared + SessionSweeper.sweep(on: connection)
      }
    }
  }

  /// Does what time has come for among the records (undecided approvals, lost leases, content that
  /// no file has): what looks at a second table and so must be serializable.
  private func sweepRecords() async throws(StoreError) -> Int {
    var settings = WriteSettings.standard
    settings.owner = Self.actor
    let lease = lease
    return try await store.observed(Self.sweep) { [settings] in
      try await self.store.write(settings, hotRows: []) { tx in
        guard try tx.reading().run([lease])[0].changes == 1 else { return 0 }
        return try tx.approvals.expireDue(limit: Self.recordsMax)
          + tx.tasks.recoverExpired(limit: Self.recordsMax)
          + FileSweeper.removeVersions(in: tx) + FileSweeper.collectChunks(in: tx)
      }
    }
  }

  /// Runs retention where no node has for an hour and something has to go.
  ///
  /// The row `retention` of `leases` keeps the others away for that hour; a store in which nothing
  /// is past its time is not written.
  ///
  /// - Returns: Whether it ran.
  @discardableResult
  package func retain() async throws(StoreError) -> Bool {
    let now = store.context.time.monotonicTime()
    let isDue = retentionDue.withLockedValue { due in
      guard now >= due else { return false }
      due = now + Self.retentionPause
      return true
    }
    guard isDue else { return false }
    let retention = store.retention
    let kept = try await store.engine.read(Step(Self.retentionIsKept)).rows
    guard kept.isEmpty, try await retention.run(dryRun: true).total > 0 else { return false }
    let lease = Step(
      Self.takeRetention, [.text(owner), .integer(Self.retentionPause.microseconds)])
    let taken = try await store.engine.write(store.writeOptions(.standard), [lease])
    guard taken[0].changes == 1 else { return false }
    _ = try await retention.run(dryRun: false, actor: Self.actor, recordsNothing: false)
    return true
  }

  private var lease: Step {
    Step(Self.takeLease, [.text(owner), .integer(Self.lease.microseconds)])
  }

  /// Waits until there may be something to do: at least a pause, at most until the next expiry, and
  /// in between for a commit.
  private func rest(_ next: Duration) async {
    let time = store.context.time
    do {
      try await time.sleep(for: Self.pause)
      let left = min(next, Self.pauseMax) - Self.pause
      guard left > .zero else { return }
      await wakeUp.wait(atMost: left, time)
    } catch {
      // Cancelled: the loop ends.
    }
  }

  /// Whether there are dead keys, and whether there are records whose time has come.
  ///
  /// $1 for how long content that no file has is kept, in microseconds.
  private static let due = Statement(
    """
    SELECT
      CASE WHEN EXISTS (SELECT 1 FROM kv WHERE expires_at <= holdfast_now())
        OR EXISTS (SELECT 1 FROM namespaces WHERE cleared_at IS NOT NULL)
        OR EXISTS (SELECT 1 FROM session_clearings)
        THEN 1 ELSE 0 END,
      CASE WHEN EXISTS (
          SELECT 1 FROM approvals WHERE closed_at IS NULL AND expires_at <= holdfast_now())
        OR EXISTS (
          SELECT 1 FROM tasks
          WHERE lease_expires_at IS NOT NULL AND lease_expires_at <= holdfast_now())
        OR EXISTS (SELECT 1 FROM files WHERE swept_number < first_number)
        OR EXISTS (
          SELECT 1 FROM orphan_chunks WHERE since <= holdfast_now() - CAST($1 AS BIGINT))
        THEN 1 ELSE 0 END
    """)

  /// In how many microseconds there will be something to do; NULL where nothing is foreseen.
  private static let nextDue = Statement(
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

  /// A row where somebody ran retention within the hour.
  private static let retentionIsKept = Statement(
    """
    SELECT 1
    FROM leases
    WHERE name = 'retention' AND expires_at > holdfast_now()
    """)

  /// $1 owner, $2 for how long in microseconds.
  private static let takeRetention = Statement(
    """
    INSERT INTO leases AS l (name, owner, expires_at)
    VALUES ('retention', $1, holdfast_now() + CAST($2 AS BIGINT))
    ON CONFLICT (name) DO UPDATE SET
      owner = excluded.owner,
      expires_at = excluded.expires_at
    WHERE l.expires_at <= holdfast_now()
    """)

  /// $1 owner, $2 for how long in microseconds.
  private static let takeLease = Statement(
    """
    INSERT INTO leases AS l (name, owner, expires_at)
    VALUES ('upkeep', $1, holdfast_now() + CAST($2 AS BIGINT))
    ON CONFLICT (name) DO UPDATE SET
      owner = excluded.owner,
      expires_at = excluded.expires_at
    WHERE l.owner = excluded.owner OR l.expires_at <= holdfast_now()
    """)
}
