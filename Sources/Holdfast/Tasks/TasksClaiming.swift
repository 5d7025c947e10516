public import HoldfastCore
import HoldfastEngine

/// Claiming tasks.
extension Tasks {
  private static let claim = Operation("tasks.claim", isWrite: true)
  private static let due = Operation("tasks.due", isWrite: false)
  /// How soon a claim that waits looks again for what is due and was not to be had: somebody is
  /// writing it at this moment, the worker may not have it, or no lease is taken after a leap.
  private static let pause = Duration.milliseconds(250)

  /// Claims the tasks that are due, for one worker, for as long as the lease lasts.
  ///
  /// The highest priority goes first, then who may run since the longest, then who came first.
  /// Tasks whose lease has run out are taken too, so that nothing waits for a restart.
  ///
  /// ```swift
  /// for task in try await store.tasks.claim(from: ["mail"], limit: 10, lease: .seconds(30)) { … }
  /// ```
  ///
  /// **Durability.** When this returns, the leases survive the death of the process and of the
  /// machine. **Atomicity.** All tasks of one call are claimed in one transaction; no other worker
  /// holds any of them. **Idempotency.** None: a second call claims other tasks. A lost answer
  /// costs one lease time, not a task. **Cancellation.** Before the claim starts nothing is
  /// claimed; after it the call returns normally. **Cost.** One transaction and one look at each
  /// priority present, whatever the length of the queue; calls that wait for the same queues in one
  /// process share one.
  ///
  /// - Parameters:
  ///   - queues: The queues to look in, as one; the store's default queue if left out.
  ///   - limit: At most this many tasks, 1 to 1 000.
  ///   - lease: How long the worker may work without a heartbeat, 1 s to 24 h; the store's default
  ///     if left out.
  ///   - owner: The worker's name, 1 to 256 bytes; the store's actor if left out.
  ///   - wait: How long to wait where nothing is due.
  /// - Returns: The tasks, each with its fencing token; empty when nothing is due.
  /// - Throws: ``StoreError`` with `invalid` for a limit or lease out of range, `unavailable` if
  ///   the database stayed busy: nothing was claimed.
  public func claim(
    from queues: [String]? = nil, limit: Int = 1, lease: Duration? = nil, owner: String? = nil,
    wait: Duration = .zero
  ) async throws(StoreError) -> [ClaimedTask] {
    let order = try ClaimOrder(
      queues ?? [store.context.tasks.queue], limit: limit, lease: lease, owner: owner,
      store.context)
    return try await claim(order, wait: wait).map { ClaimedTask(record: $0, store: store) }
  }

  /// Claims what was ordered.
  ///
  /// - Parameters:
  ///   - order: What is wanted.
  ///   - wait: How long to wait where nothing is due.
  /// - Returns: The tasks.
  /// - Throws: As ``claim(from:limit:lease:owner:wait:)``.
  package func claim(
    _ order: ClaimOrder, wait: Duration
  ) async throws(StoreError) -> [TaskRecord] {
    guard wait > .zero else { return try await claim(order) }
    let time = store.context.time
    let end = time.monotonicTime() + wait
    // The subscription comes before the first look, so that no commit falls between the two.
    let wakeUp = WakeUp()
    let subscription = store.engine.subscribe { wakeUp.signal() }
    defer { store.engine.unsubscribe(subscription) }
    while true {
      let tasks = try await claim(order)
      guard tasks.isEmpty else { return tasks }
      // A commit by anybody wakes; only one that made something due is worth a claim.
      repeat {
        let left = end - time.monotonicTime()
        guard left > .zero, !Task.isCancelled else { return [] }
        let next = try await untilDue(order.queues) ?? left
        let pause = next > .zero ? min(next, ChangeTail.quietPause) : Self.pause
        await wakeUp.wait(atMost: min(left, pause), time)
      } while try await untilDue(order.queues).map { $0 > .zero } ?? true
    }
  }

  private func claim(_ order: ClaimOrder) async throws(StoreError) -> [TaskRecord] {
    try await store.observed(Self.claim) {
      // SQLite's writer joins the claims with all other writes that wait; between them there is
      // nothing to wait for.
      guard store.engine.dialect == .postgres else { return try await claim([order]).first ?? [] }
      return try await store.claims.claim(order) { [self] orders throws(StoreError) in
        try await claim(orders)
      }
    }
  }

  private func claim(_ orders: [ClaimOrder]) async throws(StoreError) -> [[TaskRecord]] {
    do {
      return try await store.write(
        .standard, hotRows: orders.first?.hotRows ?? [], decidesFirst: true
      ) { tx in try ClaimWalk(tx).claim(orders) }
    } catch {
      throw StoreError.from(error)
    }
  }

  /// How long it is until one of the queues has something to claim; `nil` where nothing is ahead.
  private func untilDue(_ queues: [String]) async throws(StoreError) -> Duration? {
    try await store.consult(Self.due) { tx in
      let looks = queues.map { Step(TaskClaimSQL.nextDue, [.text($0)]) }
      let times = try tx.reading().run(looks).flatMap(\.rows).flatMap { columns in
        let now = Instant(microseconds: columns.last?.integer ?? 0)
        return columns.prefix(2).compactMap { time in
          time.integer.map { Instant(microseconds: $0) - now }
        }
      }
      return times.min().map { max(.zero, $0) }
    }
  }
}
