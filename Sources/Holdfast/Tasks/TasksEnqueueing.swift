public import HoldfastCore
import HoldfastEngine

/// How tasks come into being.
extension TasksTransaction {
  /// Enqueues a task.
  ///
  /// A task with a unique key is enqueued once: while an unfinished one of the queue has the key,
  /// that one is the answer.
  ///
  /// - Parameters:
  ///   - command: What is to be done.
  ///   - parameters: With what.
  ///   - queue: The queue in which it waits; the store's default if left out.
  ///   - run: The run to which it belongs.
  /// - Returns: The task, and whether it is new.
  /// - Throws: What ``enqueue(_:)`` throws.
  @discardableResult
  public func enqueue(
    _ command: String, parameters: Value = [:], queue: String? = nil, run: String? = nil
  ) throws(StoreError) -> EnqueuedTask {
    try enqueue(TaskDraft(command, parameters: parameters, queue: queue, run: run))
  }

  /// Enqueues a task with everything that can be said of it.
  ///
  /// - Parameter draft: The task.
  /// - Returns: The task, and whether it is new.
  /// - Throws: ``StoreError`` with `conflict` for an id that is taken, `invalid_state` under an
  ///   archived or deleted run, `invalid`, `too_large`.
  @discardableResult
  public func enqueue(_ draft: TaskDraft) throws(StoreError) -> EnqueuedTask {
    let enqueued = try enqueue([TaskPlan(draft, transaction.context)])
    guard let only = enqueued.first else {
      throw Excess.fault(.internal, "A task could not be enqueued.")
    }
    return only
  }

  /// Enqueues many tasks: all of them, or none.
  ///
  /// - Parameter drafts: The tasks; none is fine.
  /// - Returns: One answer a task, in order. Of two with the same unique key, the second gets the
  ///   first.
  /// - Throws: What ``enqueue(_:)`` throws, with the task's position in the details.
  @discardableResult
  public func enqueueMany(_ drafts: [TaskDraft]) throws(StoreError) -> [EnqueuedTask] {
    var plans: [TaskPlan] = []
    plans.reserveCapacity(drafts.count)
    for (place, draft) in drafts.enumerated() {
      do throws(StoreError) {
        plans.append(try TaskPlan(draft, transaction.context))
      } catch {
        throw error.adding("index", .integer(Int64(place)))
      }
    }
    return try enqueue(plans)
  }

  private func enqueue(_ plans: [TaskPlan]) throws(StoreError) -> [EnqueuedTask] {
    guard !plans.isEmpty else { return [] }
    let connection = try transaction.writing(
      operations: plans.count, bytes: plans.reduce(0) { $0 + $1.bytes })
    for run in Set(plans.compactMap { $0.draft.run.map(Bytewise.init) }) {
      try RunGuard.check(run: run.text, on: connection)
    }
    let twins = try twins(of: plans, connection)
    let places = places(of: plans)
    let made = plans.indices.filter { places[$0] == $0 && twins[$0] == nil }
    try checkIDs(of: plans, at: made, connection)
    let results = try connection.written(
      made.map { plans[$0].insertion }, thenLook: TaskSQL.get,
      with: made.map { Feed.event("task", plans[$0].namespace, plans[$0].id, "enqueue") })
    var tasks = twins
    for (index, place) in made.enumerated() {
      guard let columns = results[index].rows.first else { continue }
      tasks[place] = try TaskRow(columns).task
    }
    let isMade = Set(made)
    return plans.indices.compactMap { place in
      tasks[places[place]].map { EnqueuedTask(task: $0, isNew: isMade.contains(place)) }
    }
  }

  /// The place of the plan that each plan leads to: itself, or the first with its unique key.
  private func places(of plans: [TaskPlan]) -> [Int] {
    var firsts: [UniquePlace: Int] = [:]
    return plans.enumerated().map { place, plan in
      guard let unique = UniquePlace(plan) else { return place }
      if let first = firsts[unique] { return first }
      firsts[unique] = place
      return place
    }
  }

  /// The unfinished tasks that have the unique keys of plans, by the plans' places.
  private func twins(
    of plans: [TaskPlan], _ connection: any Connection
  ) throws(StoreError) -> [Int: TaskRecord] {
    let asking = plans.indices.filter { plans[$0].draft.uniqueKey != nil }
    let results = try connection.run(
      asking.map {
        Step(TaskSQL.getTwin, [.text(plans[$0].queue), Bound(plans[$0].draft.uniqueKey)])
      })
    var twins: [Int: TaskRecord] = [:]
    for (place, result) in zip(asking, results) {
      if let columns = result.rows.first { twins[place] = try TaskRow(columns).task }
    }
    return twins
  }

  /// Refuses identifiers of new tasks that are taken, or given twice; nobody gets the identifier of
  /// a plan that leads to another task.
  private func checkIDs(
    of plans: [TaskPlan], at made: [Int], _ connection: any Connection
  ) throws(StoreError) {
    let asking = made.filter { plans[$0].hasGivenID }
    let results = try connection.run(asking.map { Step(TaskSQL.get, [.text(plans[$0].id)]) })
    var seen: Set<Bytewise> = []
    for (place, result) in zip(asking, results) {
      guard result.rows.isEmpty, seen.insert(Bytewise(plans[place].id)).inserted else {
        let error = StoreError(
          .conflict, "A task with this id exists already.", hint: "Use another id, or none.",
          details: ["task": .string(plans[place].id)])
        throw plans.count > 1 ? error.adding("index", .integer(Int64(place))) : error
      }
    }
  }

  /// Makes a new task from one that came to an end, which it names as its source.
  ///
  /// The new one has the old one's command, parameters and settings, and no unique key, for it is
  /// asked for by hand.
  ///
  /// - Parameters:
  ///   - id: The old task's identifier.
  ///   - step: The step from which on everything is done again; the steps before it answer from
  ///     their record. Everything is done again if left out.
  ///   - parameters: What the new task is given instead of the old one's parameters.
  /// - Returns: The new task, pending.
  /// - Throws: ``StoreError`` with `not_found` for an unknown task or step, `invalid_state` for a
  ///   task that is not finished or whose run is archived, `too_large` for parameters or steps
  ///   that the transaction has no room for.
  @discardableResult
  public func replay(
    _ id: String, from step: String? = nil, parameters: Value? = nil
  ) throws(StoreError) -> TaskRecord {
    try TaskChecks.id(id, limits)
    if let step { try Checks.id(step, "step", limits) }
    let connection = try transaction.writing(bytes: id.utf8.count)
    let old = try known(id, connection).task
    guard old.status.isFinal else {
      throw StoreError(
        .invalidState, "A task that is \(old.status.rawValue) cannot be replayed.",
        hint: "Wait until it is finished, or cancel it.",
        details: ["from": .string(old.status.rawValue), "event": "replay"])
    }
    if let run = old.run { try RunGuard.check(run: run, on: connection) }
    let kept = try step.map { name throws(StoreError) in
      guard let found = try self.step(name, of: id, connection) else {
        throw StoreError(
          .notFound, "The task recorded no such step.", hint: "List the steps of the task.",
          details: ["task": .string(id), "step": .string(name)])
      }
      return found.position
    }
    var draft = TaskDraft(
      old.command, parameters: parameters ?? old.parameters, queue: old.queue, run: old.run)
    draft.priority = old.priority
    draft.caller = old.caller
    draft.responseChannel = old.responseChannel
    draft.responseThread = old.responseThread
    draft.maxAttempts = old.maxAttempts
    draft.backOff = old.backOff
    var plan = try TaskPlan(draft, transaction.context)
    plan.source = id
    var events = [Feed.event("task", plan.namespace, plan.id, "replay")]
    _ = try transaction.writing(operations: 0, bytes: plan.bytes)
    if let kept {
      let steps = try connection.first(
        TaskSQL.sizeOfSteps, [.text(id), .integer(Int64(kept))]
      ) { (count: Int($0.integer(0)), bytes: Int($0.integer(1))) }
      _ = try transaction.writing(operations: steps?.count ?? 0, bytes: steps?.bytes ?? 0)
      events.append(
        Step(TaskSQL.copySteps, [.text(id), .text(plan.id), .integer(Int64(kept))]))
    }
    let task = try written(plan.insertion, thenLook: TaskSQL.get, with: events, connection)
    try note(AuditAction.taskReplay, task, ["source": .string(id), "step": .of(step)])
    return task
  }

  /// Refuses a task beside an unfinished one with the same unique key.
  ///
  /// The other one is named only where both belong to the same run, or to none: whoever may write
  /// the one need not be allowed to know of the other.
  func checkTwin(
    _ queue: String, _ uniqueKey: String?, run: String?, _ connection: any Connection
  ) throws(StoreError) {
    guard let uniqueKey else { return }
    let twins = try connection.tasks(TaskSQL.getTwin, [.text(queue), .text(uniqueKey)])
    guard let twin = twins.first else { return }
    let isNear = twin.namespace == Namespace.holding(run: run)
    throw StoreError(
      .conflict, "An unfinished task of the queue has the same unique key.",
      hint: "Wait for the other task, or cancel it.",
      details: isNear ? ["task": .string(twin.task.id)] : [:])
  }
}

/// A place that one unfinished task can have: a queue, and a unique key in it.
private struct UniquePlace: Hashable {
  let queue: Bytewise
  let key: Bytewise

  init?(_ plan: TaskPlan) {
    guard let key = plan.draft.uniqueKey else { return nil }
    self.queue = Bytewise(plan.queue)
    self.key = Bytewise(key)
  }
}
