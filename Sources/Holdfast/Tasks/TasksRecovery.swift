public import HoldfastCore
import HoldfastEngine

/// What becomes of tasks whose workers are gone.
extension TasksTransaction {
  /// Fails what a dead owner left, with the error `stuck_on_startup`.
  ///
  /// It is failed for good, whatever attempts are left, and leaves no dead letter: who calls this
  /// looks through what was found, and requeues or replays what is still wanted.
  ///
  /// - Parameters:
  ///   - owner: Whose tasks; every running task that has no living lease if left out.
  ///   - limit: At most so many, 1 to 10 000.
  /// - Returns: How many there were; as many as the limit where there may be more.
  /// - Throws: ``StoreError`` with `invalid`.
  @discardableResult
  public func failStuck(owner: String? = nil, limit: Int = 1_000) throws(StoreError) -> Int {
    if let owner { try Checks.id(owner, "owner", limits) }
    guard (1...limits.transactionOperationsMax).contains(limit) else {
      throw TaskChecks.failure(
        "limit", "From 1 to \(limits.transactionOperationsMax) tasks are failed at once.",
        hint: "Choose a limit in that range.")
    }
    let connection = try transaction.writing(operations: 0, bytes: 0)
    let mayTake = mayTakeLeases(at: try connection.now())
    let rows = try connection.tasks(
      TaskClaimSQL.stuck, [Bound(owner), .integer(Int64(limit)), Bound(mayTake)])
    _ = try transaction.writing(operations: rows.count, bytes: 0)
    for row in rows {
      var change = TaskChange(row)
      change.error = TaskError.stuck
      try change.apply(.fail)
      try keep(change, TaskEvent.fail.rawValue, connection)
    }
    return rows.count
  }

  /// Takes back the tasks whose lease has run out: to be tried again, or failed with a dead letter
  /// where their attempts are spent.
  ///
  /// Claims do the same for their own queues; this is for queues that nobody claims from.
  ///
  /// - Parameter limit: At most so many.
  /// - Returns: How many there were; as many as the limit where there may be more.
  /// - Throws: ``StoreError`` of the engine's.
  package func recoverExpired(limit: Int) throws(StoreError) -> Int {
    let connection = try transaction.writing(operations: 0, bytes: 0)
    var recovered = 0
    var queue = ""
    while recovered < limit,
      case .some(.some(let next)) = try connection.first(
        TaskClaimSQL.nextLeasedQueue, [.text(queue)], { $0.optionalText(0) })
    {
      recovered += try recoverExpired(in: [next], limit: limit - recovered, connection)
      queue = next
    }
    return recovered
  }

  /// The same for some queues: at most so many in all of them, those that were lost first.
  func recoverExpired(
    in queues: [String], limit: Int, _ connection: any Connection
  ) throws(StoreError) -> Int {
    let looks = queues.map { Step(TaskClaimSQL.lost, [.text($0), .integer(Int64(limit))]) }
    let found = try connection.run(looks + [Step(StoreTime.now)])
    let now = try StoreTime.told(found.last)
    var rows: [TaskRow] = []
    for columns in found.dropLast().flatMap(\.rows) { rows.append(try TaskRow(columns)) }
    guard mayTakeLeases(at: now), !rows.isEmpty else { return 0 }
    if rows.count > limit {
      rows.sort { ($0.lostAt, $0.number) < ($1.lostAt, $1.number) }
      rows.removeLast(rows.count - limit)
    }
    _ = try transaction.writing(operations: rows.count, bytes: 0)
    try recover(rows, connection)
    return rows.count
  }

  /// Takes tasks back: those that are tried again in one round trip.
  private func recover(_ rows: [TaskRow], _ connection: any Connection) throws(StoreError) {
    var steps: [Step] = []
    for row in rows {
      var change = TaskChange(row)
      change.error = TaskError.leaseExpired
      if row.state.mayRetry(attemptsMax: row.task.maxAttempts) {
        try change.apply(.retry)
        steps.append(change.write)
        steps.append(Feed.event("task", row.namespace, row.task.id, "recover"))
      } else {
        _ = try giveUp(change, connection)
      }
    }
    guard !steps.isEmpty else { return }
    let results = try connection.run(steps)
    guard results.allSatisfy({ $0.changes == 1 }) else {
      throw Excess.fault(.internal, "A task could not be written.")
    }
  }

  private func mayTakeLeases(at now: Instant) -> Bool {
    let context = transaction.context
    return context.leaps.mayTakeLeases(at: now, monotonic: context.time.monotonicTime())
  }
}

extension TaskRow {
  /// When the lease ran out.
  fileprivate var lostAt: Instant { task.leaseExpiresAt ?? now }
}
