package import HoldfastCore
import Logging
import NIOConcurrencyHelpers

/// The PostgreSQL engine: serializable transactions over a pool of libpq connections.
///
/// What Holdfast does by itself goes out as one pipeline and is taken in by one poller thread; a
/// body borrows a connection and runs on a thread of its own. Nothing blocks the cooperative pool.
///
/// Invariants, and who keeps them:
/// - Every session holds the store's shared lock before it writes (``SessionOpener``).
/// - A transaction that failed is rolled back, and its hot rows are unlocked, before the session
///   serves anybody else (``StepsPlan/tidying(_:)``, ``BodyConnection``).
/// - A commit is reported as failed only where the server said so or never got it; otherwise the
///   outcome is `uncertain`.
/// - Only serialization failures and broken connections are tried again, within bounds
///   (``RetryBudget``).
package final class PostgresEngine: Engine {
  package let dialect = Dialect.postgres
  let options: EngineOptions
  let identity: StoreIdentity
  let migration: Int
  let poller: Poller
  let pool: Pool
  let notifier: Notifier
  let hotRows: HotRows
  private let threads: WorkerPool
  private let clock = NIOLockedValueBox(StoreClock())
  let retries = NIOLockedValueBox(0)

  private init(
    options: EngineOptions, opener: SessionOpener, first: Session, identity: StoreIdentity,
    migration: Int
  ) throws(StoreError) {
    let poller = try Poller()
    self.options = options
    self.identity = identity
    self.migration = migration
    self.poller = poller
    threads = WorkerPool(name: "holdfast-pg-tx", threadsMax: max(1, options.poolConnectionsMax))
    hotRows = HotRows(poller: poller, waitMax: options.busyWaitMax)
    notifier = Notifier(poller: poller, options: options, opener: opener, identity: identity)
    let schema = identity.schemaNumber
    pool = Pool(poller: poller, options: options) { () throws(StoreError) in
      let (session, found) = try opener.beginAgain()
      try opener.join(session, found, schemaNumber: schema, migration: migration)
      return session
    }
    pool.add(first, reserved: false)
  }

  deinit {
    notifier.silence()
    poller.stop()
  }

  /// Opens a store, migrating it first where that is needed and allowed.
  ///
  /// - Parameters:
  ///   - url: `postgres://user:password@host1,host2/database?options=-csearch_path%3Dschema`. The
  ///     store lies in the first schema of the search path that exists.
  ///   - options: Sources, bounds and sizes.
  ///   - migrations: All migrations that this program knows, by number.
  /// - Returns: The engine.
  /// - Throws: `invalid` for a URL that cannot be read; `unauthenticated`, `not_found`,
  ///   `unavailable` or `incompatible` with what failed, never with the password.
  package static func open(
    url: String, options: EngineOptions, migrations: [Migration]
  ) async throws(StoreError) -> PostgresEngine {
    let target = try PostgresTarget(url: url)
    let opener = SessionOpener(connecting: Connecting(target: target), options: options)
    return try await onOwnThread { () throws(StoreError) in
      let (session, identity) = try opener.begin()
      let migrator = PostgresMigrator(
        session: session, identity: identity, options: options, migrations: migrations)
      try migrator.run()
      let newest = migrations.last?.number ?? 0
      try opener.join(
        session, identity, schemaNumber: identity.schemaNumber, migration: newest)
      return try PostgresEngine(
        options: options, opener: opener, first: session, identity: identity, migration: newest)
    }
  }

  /// What ``open(url:options:migrations:)`` would run, without running it.
  ///
  /// - Parameters:
  ///   - url: The store.
  ///   - options: Sources, bounds and sizes.
  ///   - migrations: All migrations that this program knows, by number.
  /// - Returns: The migrations that have not run yet.
  /// - Throws: As ``open(url:options:migrations:)``.
  package static func plannedMigrations(
    url: String, options: EngineOptions = EngineOptions(), migrations: [Migration]
  ) async throws(StoreError) -> [Migration] {
    let target = try PostgresTarget(url: url)
    let opener = SessionOpener(connecting: Connecting(target: target), options: options)
    return try await onOwnThread { () throws(StoreError) in
      let (session, identity) = try opener.begin()
      return try PostgresMigrator(
        session: session, identity: identity, options: options, migrations: migrations
      ).pending()
    }
  }

  private static func onOwnThread<Result: Sendable>(
    _ work: @escaping @Sendable () throws(StoreError) -> Result
  ) async throws(StoreError) -> Result {
    let thread = WorkerPool(name: "holdfast-pg-open", threadsMax: 1)
    defer { thread.close() }
    return try await thread.run(work)
  }

  package func close() async {
    await notifier.flush(over: pool)
    await pool.close()
    threads.close()
    await notifier.close()
    poller.stop()
  }

  /// The time that a transaction is told, where a source overrules the database's.
  var transactionTime: Instant? {
    guard options.time.overrulesDatabase else { return nil }
    return clock.withLockedValue {
      $0.now(wall: options.time.wallTime(), monotonic: options.time.monotonicTime())
    }
  }

  // MARK: Statements that are known beforehand

  package func read(_ step: Step) async throws(StoreError) -> StepResult {
    try step.checkForPostgres()
    var budget = RetryBudget(options)
    while true {
      var pipeline = Pipeline()
      // One statement needs no BEGIN: it is a transaction, and the session's level serializable.
      if let now = transactionTime {
        pipeline.add(TransactionFrame.setNow, [.text(String(now.microseconds))])
      }
      let place = pipeline.add(step)
      pipeline.sync()
      let exchanged = try await pool.exchange(pipeline)
      exchanged.giveBack()
      let answer = exchanged.answer
      guard let failure = answer.failure else { return try answer.result(place).materialised }
      try await again(after: failure, lost: answer.lost, &budget)
    }
  }

  package func readHot<Entry: AnyObject & Sendable>(
    _ key: HotKey, _ step: Step,
    _ make: @Sendable (StepResult) throws(StoreError) -> (entry: Entry, size: Int)?
  ) async throws(StoreError) -> Entry? {
    // Another node's commit cannot be noticed without asking the server, so nothing is kept here.
    try make(try await read(step))?.entry
  }

  package func write(
    _ options: WriteOptions, _ steps: [Step]
  ) async throws(StoreError) -> [StepResult] {
    guard !steps.isEmpty else { return [] }
    for step in steps {
      try step.checkForPostgres()
      if let probe = self.options.probe { try probe(.statement) }
    }
    let results = try await queued(options) { frame throws(StoreError) in
      if let probe = self.options.probe { try probe(.beforeCommit) }
      return try await self.attempt(frame, steps)
    }
    return results.map(\.materialised)
  }

  private func attempt(
    _ frame: TransactionFrame, _ steps: [Step]
  ) async throws(StoreError) -> Attempt<[RawResult]> {
    let plan = StepsPlan(frame, steps)
    let exchanged = try await pool.exchange(plan.pipeline)
    if let session = exchanged.session {
      await tidy(session, plan.tidying(exchanged.answer))
    }
    return plan.verdict(exchanged.answer)
  }

  private func tidy(_ session: PooledSession, _ pipeline: Pipeline?) async {
    guard let pipeline else { return pool.giveBack(session) }
    let answer = await session.exchange(pipeline)
    if answer.lost { pool.discard(session) } else { pool.giveBack(session) }
  }

  // MARK: Bodies

  package func read<Result: Sendable>(
    _ kind: ReadKind, _ body: @escaping @Sendable (any Connection) throws -> Result
  ) async throws -> Result {
    var budget = RetryBudget(options)
    while true {
      let frame = TransactionFrame(kind: .reading, now: transactionTime)
      switch try await attempt(frame, body) {
      case .done(let result): return result
      case .threw(let error): throw error
      case .refused(let failure): try await again(after: failure, lost: false, &budget)
      case .lost, .uncertain: try await again(after: .connectionLost, lost: true, &budget)
      }
    }
  }

  package func write<Result: Sendable>(
    _ options: WriteOptions, _ body: @escaping @Sendable (any Connection) throws -> Result
  ) async throws -> Result {
    let outcome: Swift.Result<Result, any Error> = try await queued(options) {
      frame throws(StoreError) in
      switch try await self.attempt(frame, body) {
      case .done(let result): .done(.success(result))
      case .threw(let error): .threw(error)
      case .refused(let failure): .refused(failure)
      case .lost: .lost
      case .uncertain: .uncertain
      }
    } threw: {
      .failure($0)
    }
    return try outcome.get()
  }

  private func attempt<Result: Sendable>(
    _ frame: TransactionFrame, _ body: @escaping @Sendable (any Connection) throws -> Result
  ) async throws(StoreError) -> Attempt<Result> {
    let (pool, threads, options, doors) = (pool, threads, options, identity.doors)
    let outcome: Swift.Result<Attempt<Result>, StoreError> = await withCheckedContinuation {
      caller in
      pool.take { taken in
        let session: PooledSession
        switch taken {
        case .failure(let error): return caller.resume(returning: .failure(error))
        case .success(let found): session = found
        }
        session.withdraw()
        do throws(StoreError) {
          try threads.submit {
            let attempt = BodyConnection(session.session, frame, doors: doors, options)
              .attempt(body)
            if session.session.isBroken {
              pool.discard(session)
            } else {
              session.enlist()
              pool.giveBack(session)
            }
            caller.resume(returning: .success(attempt))
          }
        } catch {
          session.enlist()
          pool.giveBack(session)
          caller.resume(returning: .failure(error))
        }
      }
    }
    return try outcome.get()
  }

  // MARK: Trying again

  /// Runs a transaction behind its hot rows, again and again within the bounds.
  private func queued<Result: Sendable>(
    _ options: WriteOptions,
    _ attempt: (TransactionFrame) async throws(StoreError) -> Attempt<Result>,
    threw: (any Error) throws(StoreError) -> Result = PostgresEngine.rethrow
  ) async throws(StoreError) -> Result {
    guard !Task.isCancelled else { throw .cancelled }
    let locks = locks(for: options.hotRows)
    try await hotRows.enter(locks)
    defer { hotRows.leave(locks) }
    var budget = RetryBudget(self.options)
    var doors: Set<Int64> = []
    while true {
      let frame = TransactionFrame(
        kind: options.isolation == .readCommitted ? .readCommitted : .serializable,
        relaxed: options.durability == .relaxed, locks: (locks + doors).sorted(),
        needsLocks: !doors.isEmpty, now: transactionTime)
      switch try await attempt(frame) {
      case .done(let result):
        notifier.committed()
        if let probe = self.options.probe { try probe(.afterCommit) }
        return result
      case .threw(let error): return try threw(error)
      case .refused(let failure):
        doors.formUnion(failure.awaited)
        try await again(after: failure, lost: false, &budget)
      case .lost: try await again(after: .connectionLost, lost: true, &budget)
      case .uncertain:
        // Whoever waits for changes must look: it may have been committed.
        notifier.committed()
        throw StoreError(
          .uncertain, "The connection to PostgreSQL broke before it confirmed the commit.")
      }
    }
  }

  private static func rethrow<Result>(_ error: any Error) throws(StoreError) -> Result {
    throw error as? StoreError ?? StoreError(.internal, "A transaction failed.", cause: error)
  }

  /// Waits before another attempt, or says why there is none.
  private func again(
    after failure: DatabaseFailure, lost: Bool, _ budget: inout RetryBudget
  ) async throws(StoreError) {
    if failure.isRetryable {
      guard let pause = budget.pause() else { throw failure.storeError }
      retries.withLockedValue { $0 += 1 }
      await poller.sleep(for: pause)
      return
    }
    guard lost, budget.mayTryAnotherConnection() else { throw failure.storeError }
  }

  /// The advisory locks of hot rows: ascending, once each, and other ones in every store of a
  /// database.
  private func locks(for rows: [Int64]) -> [Int64] {
    guard !rows.isEmpty else { return [] }
    return Array(Set(rows.map { $0 ^ identity.salt })).sorted()
  }

  // MARK: Wake-ups

  package func subscribe(_ callback: @escaping @Sendable () -> Void) -> Subscription {
    notifier.subscribe(callback)
  }

  package func unsubscribe(_ subscription: Subscription) { notifier.unsubscribe(subscription) }
}
