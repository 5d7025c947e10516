public import HoldfastCore
import HoldfastEngine

extension Transaction {
  /// The tasks, inside this transaction.
  public var tasks: TasksTransaction { TasksTransaction(transaction: self) }
}

/// The tasks of a store, inside a transaction: every operation exists here, once, but for claims,
/// which are transactions of their own (``Tasks/claim(from:limit:lease:owner:wait:)``).
///
/// Invariants, beside those of ``HoldfastCore/TaskState``:
/// - A leased task takes its worker's writes only with the token of its latest lease; a lease that
///   ran out counts until somebody took the task. Whatever moves a task ends its lease.
/// - Only the first write of a task under a run looks whether the run may be written: a run with
///   unfinished tasks cannot be archived, and its deletion takes its tasks along.
/// - What is refused is refused before the first write, so that a body may catch it and go on.
public struct TasksTransaction {
  let transaction: Transaction

  var limits: Limits { transaction.context.limits }

  /// A task.
  ///
  /// - Parameter id: Its identifier.
  /// - Returns: The task; `nil` for a missing one.
  /// - Throws: ``StoreError`` with `invalid` for an identifier that cannot be.
  public func get(_ id: String) throws(StoreError) -> TaskRecord? {
    try TaskChecks.id(id, limits)
    return try find(id, transaction.reading())?.task
  }

  /// Lists one page of tasks; it ends early where they come to more than 8 MiB.
  ///
  /// - Parameter query: Which tasks, and in which order.
  /// - Returns: The tasks, where the next page begins, and how many match where that was asked for.
  /// - Throws: ``StoreError`` with `invalid` for a limit out of range or a cursor from elsewhere.
  public func list(_ query: TaskQuery = TaskQuery()) throws(StoreError) -> TaskPage {
    let limit = try limits.pageItems(query.limit)
    try check(query)
    let connection = try transaction.reading()
    let filters = [
      Bound(query.status?.rawValue), Bound(query.queue), Bound(query.command),
      Bound(query.caller), Bound(query.run),
    ]
    let statements = TaskLists.serving(query)
    let place: TimePlace
    let end: Int64
    switch query.order {
    case .newest:
      place = try TimePlace(.tasks, after: query.after, until: query.until)
      end = query.since?.microseconds ?? .min
    case .oldest:
      place = try TimePlace(.tasksOldestFirst, after: query.after, since: query.since)
      end = query.until?.microseconds ?? .max
    }
    let page = try connection.page(
      query.order == .newest ? statements.newest : statements.oldest,
      [.integer(place.time), .integer(place.number), .integer(end)] + filters
        + [.integer(Int64(limit) + 1)], limit: limit, bytesMax: limits.pageBytesMax
    ) { row throws(StoreError) in
      let row = try TaskRow(Columns(row))
      return (row, row.bytes)
    }
    let last = page.items.last.map {
      TimePlace(place.list, time: $0.task.createdAt.microseconds, number: $0.number)
    }
    let total = try query.counts ? count(query, statements.count, filters, connection) : nil
    return TaskPage(
      items: page.items.map(\.task), next: page.isMore ? last?.token : nil, total: total)
  }

  private func count(
    _ query: TaskQuery, _ statement: Statement, _ filters: [Bound], _ connection: any Connection
  ) throws(StoreError) -> Int? {
    let times: [Bound] = [
      .integer(query.since?.microseconds ?? .min), .integer(query.until?.microseconds ?? .max),
    ]
    return try connection.first(statement, times + filters) { Int($0.integer(0)) }
  }

  private func check(_ query: TaskQuery) throws(StoreError) {
    if let queue = query.queue { try Checks.id(queue, "queue", limits) }
    if let command = query.command { try Checks.id(command, "command", limits) }
    if let caller = query.caller { try Checks.id(caller, "caller", limits) }
    if let run = query.run { try Checks.runID(run, limits) }
  }

  /// The numbers of tasks by status, command and queue, and how long they took.
  ///
  /// - Parameter queue: Only tasks of this queue.
  /// - Returns: The numbers, of a scan of the tasks.
  /// - Throws: ``StoreError`` with `invalid` for a queue that cannot be.
  public func stats(queue: String? = nil) throws(StoreError) -> TaskStats {
    try stats(queue: queue, seenBy: nil)
  }

  /// The same, of the tasks that somebody may see.
  ///
  /// - Parameters:
  ///   - queue: Only tasks of this queue.
  ///   - sees: Whether what is in a namespace may be seen; `nil` for all of it.
  /// - Returns: The numbers.
  /// - Throws: ``StoreError`` with `invalid` for a queue that cannot be.
  package func stats(
    queue: String?, seenBy sees: ((Namespace) -> Bool)?
  ) throws(StoreError) -> TaskStats {
    if let queue { try Checks.id(queue, "queue", limits) }
    let statement = sees == nil ? TaskStatsSQL.all : TaskStatsSQL.byRun
    var stats = TaskStats()
    let rows = try transaction.reading().all(statement, [Bound(queue)]) { TaskGroup(row: $0) }
    for row in rows where sees?(.holding(run: row.run)) ?? true { stats.add(row) }
    return stats
  }
}

/// The statements that list tasks, by the index that serves a query best.
private struct TaskLists {
  let newest: Statement
  let oldest: Statement
  let count: Statement

  /// The narrowest filter leads: a run has fewer tasks than a status.
  static func serving(_ query: TaskQuery) -> TaskLists {
    if query.run != nil { return byRun }
    if query.caller != nil { return byCaller }
    if query.command != nil { return byCommand }
    if query.status != nil { return byStatus }
    return query.queue != nil ? byQueue : byTime
  }

  private static let byTime = TaskLists(
    newest: TaskListSQL.newestByTime, oldest: TaskListSQL.oldestByTime,
    count: TaskListSQL.countByTime)
  private static let byStatus = TaskLists(
    newest: TaskListSQL.newestByStatus, oldest: TaskListSQL.oldestByStatus,
    count: TaskListSQL.countByStatus)
  private static let byQueue = TaskLists(
    newest: TaskListSQL.newestByQueue, oldest: TaskListSQL.oldestByQueue,
    count: TaskListSQL.countByQueue)
  private static let byCommand = TaskLists(
    newest: TaskListSQL.newestByCommand, oldest: TaskListSQL.oldestByCommand,
    count: TaskListSQL.countByCommand)
  private static let byCaller = TaskLists(
    newest: TaskListSQL.newestByCaller, oldest: TaskListSQL.oldestByCaller,
    count: TaskListSQL.countByCaller)
  private static let byRun = TaskLists(
    newest: TaskListSQL.newestByRun, oldest: TaskListSQL.oldestByRun,
    count: TaskListSQL.countByRun)
}

/// What the operations on tasks share.
extension TasksTransaction {
  func find(_ id: String, _ connection: any Connection) throws(StoreError) -> TaskRow? {
    try connection.tasks(TaskSQL.get, [.text(id)]).first
  }

  /// A task that may be written by who brings a token, or none.
  ///
  /// - Parameters:
  ///   - id: The task's identifier.
  ///   - token: The fencing token that came along.
  ///   - connection: The transaction's connection.
  /// - Returns: The task's row.
  /// - Throws: `not_found` for a missing task; `fenced` where the token is not that of a lease that
  ///   lasts, or is missing where the task is leased. Who holds a token of a task that is gone, as
  ///   with a deleted run, has lost the lease.
  func authorised(
    _ id: String, _ token: Int64?, _ connection: any Connection
  ) throws(StoreError) -> TaskRow {
    guard let row = try find(id, connection) else {
      throw token == nil ? Self.missing(id) : fenced(id, nil)
    }
    let mayWrite = row.isLeased ? token == row.task.fencingToken : token == nil
    guard mayWrite else { throw fenced(id, row.task.status) }
    return row
  }

  /// A task, whoever has it.
  func known(_ id: String, _ connection: any Connection) throws(StoreError) -> TaskRow {
    guard let row = try find(id, connection) else { throw Self.missing(id) }
    return row
  }

  /// Writes a change and enters its event; what a task waited for is over with its waiting.
  @discardableResult
  func keep(
    _ change: TaskChange, _ operation: String, _ connection: any Connection
  ) throws(StoreError) -> TaskRecord {
    let event = Feed.event("task", change.row.namespace, change.row.task.id, operation)
    let task = try written(
      change.write, thenLook: TaskSQL.getByNumber, with: [event], connection)
    if change.row.task.status == .awaitingApproval {
      try transaction.approvals.close(awaitedBy: task, connection)
    }
    return task
  }

  /// Writes a task and gives it as it is then.
  func written(
    _ step: Step, thenLook look: Statement, with events: [Step] = [],
    _ connection: any Connection
  ) throws(StoreError) -> TaskRecord {
    let results = try connection.written([step], thenLook: look, with: events)
    guard let columns = results.first?.rows.first else {
      throw Excess.fault(.internal, "A task could not be written.")
    }
    return try TaskRow(columns).task
  }

  /// The text of a result; null stands for none.
  func text(_ value: Value?) throws(StoreError) -> String? {
    guard let value, !value.isNull else { return nil }
    return try value.json(within: limits)
  }

  /// Records who did something to a task from outside.
  func note(_ action: String, _ task: TaskRecord, _ details: Value = [:]) throws(StoreError) {
    try transaction.audit.record(
      AuditEntry(
        action: action, subject: "task:\(task.id)", run: task.run, result: task.status.rawValue,
        details: details))
  }

  /// The error for a task that is not there.
  ///
  /// - Parameter id: The task's identifier.
  /// - Returns: The error.
  package static func missing(_ id: String) -> StoreError {
    StoreError(
      .notFound, "There is no such task.", hint: "Enqueue the task first.",
      details: ["task": .string(id)])
  }

  private func fenced(_ id: String, _ status: TaskStatus?) -> StoreError {
    StoreError(
      .fenced, "The task is not held under this fencing token.",
      details: ["task": .string(id), "status": .of(status?.rawValue)])
  }
}
