import HoldfastCore
import HoldfastEngine

/// One claim, for one worker or for several who want tasks of the same queues.
///
/// Invariants: tasks go out by priority, then by the time from which they may run, then in the
/// order in which they came, over all queues together; a task whose lease ran out is taken back
/// first and then stands in that order like any other; what is not due is not visited.
struct ClaimWalk {
  let transaction: Transaction
  let connection: any Connection

  /// How many lost leases one claim takes back, over all its queues.
  ///
  /// It is there to claim: the next claim and upkeep take more.
  private static let recoveredMax = 50
  /// How many tasks are looked at in one go where not all may be had.
  private static let pageMax = 200
  /// How many tasks of a queue are looked at in all where not all may be had: a claim must end in
  /// time, and each that it looks at is locked on PostgreSQL.
  ///
  /// So a worker whose token reaches few namespaces gets nothing from a queue while as many due
  /// tasks of others stand before its own. Such workers have a queue of their own.
  private static let lookedAtMax = 20_000

  init(_ transaction: Transaction) throws(StoreError) {
    self.transaction = transaction
    connection = try transaction.writing(operations: 0, bytes: 0)
  }

  /// A task that may be claimed.
  private struct Candidate {
    let number: Int64
    let priority: Int64
    let runAt: Int64
    let run: String?
    let bytes: Int

    init(_ columns: [Bound]) {
      var columns = Columns(columns)
      number = columns.integer()
      priority = columns.integer()
      runAt = columns.integer()
      run = columns.optionalText()
      bytes = Int(columns.integer())
    }

    static func isBefore(_ one: Candidate, _ other: Candidate) -> Bool {
      (other.priority, one.runAt, one.number) < (one.priority, other.runAt, other.number)
    }
  }

  /// Claims for each order in turn.
  ///
  /// - Parameter orders: Who wants how much, of the same queues all; one that may not have all that
  ///   is there comes alone.
  /// - Returns: The tasks of each order.
  /// - Throws: What the database says, as a ``StoreError``.
  func claim(_ orders: [ClaimOrder]) throws(StoreError) -> [[TaskRecord]] {
    guard let first = orders.first else { return [] }
    _ = try transaction.tasks.recoverExpired(
      in: first.queues, limit: Self.recoveredMax, connection)
    let wanted = orders.reduce(0) { $0 + $1.limit }
    let found = try candidates(first, wanted)
    var rest = found[...]
    var steps: [Step] = []
    var counts: [Int] = []
    for order in orders {
      let taken = share(of: order, in: rest)
      rest = rest.dropFirst(taken.count)
      counts.append(taken.count)
      steps += taken.map {
        Step(
          TaskClaimSQL.lease,
          [.integer($0.number), .text(order.owner), .integer(order.lease.microseconds)])
      }
    }
    _ = try transaction.writing(operations: steps.count, bytes: 0)
    var tasks = try leased(steps)[...]
    return counts.map { count in
      defer { tasks = tasks.dropFirst(count) }
      return Array(tasks.prefix(count))
    }
  }

  /// What one worker gets: as many as it wants, and not more than an answer should hold.
  private func share(
    of order: ClaimOrder, in rest: ArraySlice<Candidate>
  ) -> ArraySlice<Candidate> {
    var bytes = 0
    let bytesMax = transaction.context.limits.pageBytesMax
    return rest.prefix(order.limit).prefix { candidate in
      defer { bytes += candidate.bytes }
      return bytes == 0 || bytes + candidate.bytes <= bytesMax
    }
  }

  private func leased(_ steps: [Step]) throws(StoreError) -> [TaskRecord] {
    guard !steps.isEmpty else { return [] }
    var tasks: [TaskRecord] = []
    var events: [Step] = []
    for result in try connection.written(steps, thenLook: TaskSQL.getByNumber) {
      guard let columns = result.rows.first else {
        throw Excess.fault(.internal, "A task that was due could not be claimed.")
      }
      let row = try TaskRow(columns)
      tasks.append(row.task)
      events.append(Feed.event("task", row.namespace, row.task.id, "claim"))
    }
    _ = try connection.run(events)
    return tasks
  }

  private func candidates(_ order: ClaimOrder, _ wanted: Int) throws(StoreError) -> [Candidate] {
    var found: [Candidate] = []
    if order.reaches == nil, connection.dialect == .postgres {
      let walks = order.queues.map {
        Step(TaskClaimSQL.walk, [.text($0), .integer(Int64(wanted))])
      }
      found = try connection.run(walks).flatMap(\.rows).map(Candidate.init)
    } else {
      for queue in order.queues { found += try walk(queue, order.reaches, wanted) }
    }
    return Array(found.sorted(by: Candidate.isBefore).prefix(wanted))
  }

  /// Walks one queue, priority by priority.
  private func walk(
    _ queue: String, _ reaches: ((Namespace) -> Bool)?, _ wanted: Int
  ) throws(StoreError) -> [Candidate] {
    var found: [Candidate] = []
    var lookedAt = 0
    var priority: Int64 = 101
    while found.count < wanted, lookedAt < Self.lookedAtMax,
      case .some(.some(let next)) = try connection.first(
        TaskClaimSQL.nextPriority, [.text(queue), .integer(priority)],
        { $0.optionalInteger(0) })
    {
      priority = next
      var place = (runAt: Int64.min, number: Int64.min)
      while found.count < wanted, lookedAt < Self.lookedAtMax {
        let count = reaches == nil ? wanted - found.count : Self.pageMax
        let page = try connection.run([
          Step(
            TaskClaimSQL.due,
            [
              .text(queue), .integer(priority), .integer(place.runAt), .integer(place.number),
              .integer(Int64(count)),
            ])
        ]).flatMap(\.rows).map(Candidate.init)
        lookedAt += page.count
        found += page.filter { reaches?(.holding(run: $0.run)) ?? true }
        guard page.count == count, let last = page.last else { break }
        place = (last.runAt, last.number)
      }
    }
    return Array(found.prefix(wanted))
  }
}
