import Holdfast
import HoldfastCore

/// The write verbs of tasks.
///
/// A task belongs to the namespace of its run, or to `global`; which that is only the store knows
/// once the task is there.
enum TaskOperations {
  static let all = [
    enqueue, enqueueMany, save, updateStatus, heartbeat, progress, complete, fail, release, cancel,
    requeue, replay, step, failStuck,
  ]

  static let enqueue = WriteOperation("tasks.enqueue") { fields, context throws(StoreError) in
    let draft = try TaskDraft(taking: &fields, context)
    var write = PreparedWrite(
      touches: [.exactly(.holding(run: draft.run))]
    ) { tx throws(StoreError) in reply(try tx.tasks.enqueue(draft)) }
    write.runRestricted = { tx, access throws(StoreError) in
      let enqueued = try tx.tasks.enqueue(draft)
      try check(enqueued, access)
      return reply(enqueued)
    }
    return write
  }

  private static func reply(_ enqueued: EnqueuedTask) -> Reply {
    Reply(
      status: enqueued.isNew ? 201 : 200, body: enqueued.json, version: enqueued.task.version,
      location: enqueued.isNew ? location(enqueued.task.id) : nil, changed: enqueued.isNew)
  }

  /// Keeps a task that is there already under the same unique key from who may not see it.
  private static func check(_ enqueued: EnqueuedTask, _ access: Access) throws(StoreError) {
    guard enqueued.isNew || access.reads(enqueued.task.namespace) else {
      throw StoreError(
        .conflict, "An unfinished task of the queue has the same unique key.",
        hint: "Wait for it to finish, or use another unique key.")
    }
  }

  static let enqueueMany = WriteOperation(
    "tasks.enqueue_many"
  ) { fields, context throws(StoreError) in
    var drafts: [TaskDraft] = []
    for (place, item) in try fields.items("tasks").enumerated() {
      do throws(StoreError) {
        var fields = try Fields.of(item, in: "tasks")
        drafts.append(try TaskDraft(taking: &fields, context))
        try fields.finish()
      } catch {
        throw error.adding("index", .integer(Int64(place)))
      }
    }
    let namespaces = Set(drafts.map { Namespace.holding(run: $0.run) })
    var write = PreparedWrite(
      touches: namespaces.map { .exactly($0) }
    ) { [drafts] tx throws(StoreError) in reply(try tx.tasks.enqueueMany(drafts)) }
    write.runRestricted = { [drafts] tx, access throws(StoreError) in
      let enqueued = try tx.tasks.enqueueMany(drafts)
      for task in enqueued { try check(task, access) }
      return reply(enqueued)
    }
    return write
  }

  private static func reply(_ enqueued: [EnqueuedTask]) -> Reply {
    Reply(
      status: 200, body: ["items": .array(enqueued.map(\.json))],
      changed: enqueued.contains { $0.isNew })
  }

  static let save = WriteOperation("tasks.save") { fields, context throws(StoreError) in
    let status = try fields.optionalWord("status") ?? TaskStatus.pending
    let result = fields.optional("result")
    let error = try fields.optionalText("error")
    let created = try fields.optionalTime("created_at")
    let started = try fields.optionalTime("started_at")
    let completed = try fields.optionalTime("completed_at")
    let token = try fields.optionalInteger("fencing_token")
    let draft = try TaskDraft(taking: &fields, context)
    guard let id = draft.id else { throw Fields.missing("id") }
    return PreparedWrite(
      touches: [.exactly(.holding(run: draft.run))], version: version(of: id),
      owners: owners(of: id)
    ) { tx throws(StoreError) in
      let old = try tx.tasks.get(id)
      if let old { try checkPlain(old.status, status) }
      let task = try tx.tasks.save(
        draft, status: status, result: result, error: error, createdAt: created,
        startedAt: started, completedAt: completed, token: token)
      return Reply(
        status: old == nil ? 201 : 200, body: task.json, version: task.version,
        location: old == nil ? location(id) : nil)
    }
  }

  static let updateStatus = WriteOperation(
    "tasks.update_status"
  ) { fields, _ throws(StoreError) in
    let status: TaskStatus = try fields.word("status")
    let result = fields.optional("result")
    let error = try fields.optionalText("error")
    let token = try fields.optionalInteger("fencing_token")
    return try write(&fields) { tx, id throws(StoreError) in
      if let old = try tx.tasks.get(id) { try checkPlain(old.status, status) }
      return try tx.tasks.updateStatus(id, to: status, result: result, error: error, token: token)
    }
  }

  /// Ending somebody's work and taking up what has ended are for operators, and have verbs of their
  /// own; what waits for an approval goes on by the decision.
  private static func checkPlain(_ old: TaskStatus, _ new: TaskStatus) throws(StoreError) {
    guard old != .awaitingApproval || new == .cancelled else {
      throw StoreError(
        .invalidState, "The task waits for an approval.",
        hint: "Decide the approval, or delete it.")
    }
    let isRequeue = new == .pending && (old == .failed || old == .cancelled)
    let verb: String? = new == .cancelled ? "cancel" : isRequeue ? "requeue" : nil
    guard let verb else { return }
    throw Fields.failure(
      "status", "verb", "This step has a verb of its own.", hint: "Use \(verb) instead.")
  }

  static let heartbeat = WriteOperation("tasks.heartbeat") { fields, _ throws(StoreError) in
    guard let token = try fields.optionalInteger("fencing_token") else {
      throw Fields.missing("fencing_token")
    }
    let lease = try fields.optionalDuration("lease")
    return try write(&fields) { tx, id throws(StoreError) in
      try tx.tasks.heartbeat(id, token: token, lease: lease)
    }
  }

  static let progress = WriteOperation("tasks.progress") { fields, _ throws(StoreError) in
    let token = try fields.optionalInteger("fencing_token")
    let progress = try fields.value("progress")
    return try write(&fields) { tx, id throws(StoreError) in
      try tx.tasks.progress(id, progress, token: token)
    }
  }

  static let complete = WriteOperation("tasks.complete") { fields, _ throws(StoreError) in
    let token = try fields.optionalInteger("fencing_token")
    let result = fields.optional("result")
    return try write(&fields) { tx, id throws(StoreError) in
      try tx.tasks.complete(id, result: result, token: token)
    }
  }

  static let fail = WriteOperation("tasks.fail") { fields, _ throws(StoreError) in
    let token = try fields.optionalInteger("fencing_token")
    let error = try fields.text("error")
    let mayRetry = try fields.optionalFlag("retry") ?? true
    let delay = try fields.optionalDuration("retry_after")
    guard mayRetry || delay == nil else {
      throw Fields.failure(
        "retry_after", "conflict", "A task that is not tried again has no time for it.",
        hint: "Leave retry or retry_after out.")
    }
    let retry: TaskRetry = mayRetry ? delay.map { .after($0) } ?? .backOff : .never
    return try write(&fields) { tx, id throws(StoreError) in
      try tx.tasks.fail(id, error: error, retry: retry, token: token)
    }
  }

  static let release = WriteOperation("tasks.release") { fields, _ throws(StoreError) in
    let token = try fields.optionalInteger("fencing_token")
    return try write(&fields) { tx, id throws(StoreError) in
      try tx.tasks.release(id, token: token)
    }
  }

  static let cancel = WriteOperation(
    "tasks.cancel", role: .operator
  ) { fields, _ throws(StoreError) in
    let reason = try fields.optionalText("reason")
    return try write(&fields) { tx, id throws(StoreError) in
      try tx.tasks.cancel(id, reason: reason)
    }
  }

  static let requeue = WriteOperation(
    "tasks.requeue", role: .operator
  ) { fields, _ throws(StoreError) in
    let delay = try fields.optionalDuration("delay") ?? .zero
    return try write(&fields) { tx, id throws(StoreError) in
      try tx.tasks.requeue(id, delay: delay)
    }
  }

  static let replay = WriteOperation(
    "tasks.replay", role: .operator
  ) { fields, _ throws(StoreError) in
    let id = try fields.text("id")
    let step = try fields.optionalText("step")
    return PreparedWrite(
      touches: [], version: version(of: id), owners: owners(of: id)
    ) { tx throws(StoreError) in
      let task = try tx.tasks.replay(id, from: step)
      return Reply(
        status: 201, body: task.json, version: task.version, location: location(task.id))
    }
  }

  static let step = WriteOperation("tasks.step") { fields, _ throws(StoreError) in
    let id = try fields.text("id")
    let name = try fields.text("name")
    let result = try fields.value("result")
    let token = try fields.optionalInteger("fencing_token")
    return PreparedWrite(
      touches: [], version: version(of: id), owners: owners(of: id)
    ) { tx throws(StoreError) in
      let recorded = try tx.tasks.recordStep(name, of: id, result: result, token: token)
      return Reply(
        status: recorded.isNew ? 201 : 200, body: recorded.step.json, changed: recorded.isNew)
    }
  }

  /// It ends the work of others, in every namespace.
  static let failStuck = WriteOperation(
    "tasks.fail_stuck", role: .operator
  ) { fields, context throws(StoreError) in
    let owner = try fields.optionalText("owner")
    return PreparedWrite(touches: [.everything]) { tx throws(StoreError) in
      let count = try tx.tasks.failStuck(
        owner: owner, limit: min(1_000, context.limits.transactionOperationsMax))
      return Reply(status: 200, body: ["failed": .integer(Int64(count))], changed: count > 0)
    }
  }

  private static func write(
    _ fields: inout Fields,
    _ change: @escaping @Sendable (Transaction, String) throws(StoreError) -> TaskRecord
  ) throws(StoreError) -> PreparedWrite {
    let id = try fields.text("id")
    return PreparedWrite(
      touches: [], version: version(of: id), owners: owners(of: id)
    ) { tx throws(StoreError) in
      let before = try tx.tasks.get(id)?.version
      let task = try change(tx, id)
      return Reply(
        status: 200, body: task.json, version: task.version, changed: task.version != before)
    }
  }

  private static func location(_ id: String) -> String { "/v1/tasks/\(PercentText.encode(id))" }

  private static func version(
    of id: String
  ) -> @Sendable (Transaction) throws(StoreError) -> Int64? {
    { tx throws(StoreError) in try tx.tasks.get(id)?.version }
  }

  private static func owners(
    of id: String
  ) -> @Sendable (Transaction) throws(StoreError) -> [Touch] {
    { tx throws(StoreError) in try tx.tasks.get(id).map { [.exactly($0.namespace)] } ?? [] }
  }
}

extension TaskDraft {
  /// Takes the fields of a task that is asked for.
  fileprivate init(taking fields: inout Fields, _ context: StoreContext) throws(StoreError) {
    self.init(try fields.text("command"))
    if let parameters = fields.optional("parameters") { self.parameters = parameters }
    id = try fields.optionalText("id")
    queue = try fields.optionalText("queue")
    priority = try fields.optionalInteger("priority").map(Int.init(clamping:))
    caller = try fields.optionalText("caller")
    responseChannel = try fields.optionalText("response_channel")
    responseThread = try fields.optionalText("response_thread")
    run = try fields.optionalText("run")
    uniqueKey = try fields.optionalText("unique_key")
    delay = try fields.optionalDuration("delay")
    runAt = try fields.optionalTime("run_at")
    maxAttempts = try fields.optionalInteger("max_attempts").map(Int.init(clamping:))
    let base = try fields.optionalDuration("retry_base")
    let cap = try fields.optionalDuration("retry_cap")
    guard base != nil || cap != nil else { return }
    let standard = context.tasks.backOff
    backOff = BackOff(base: base ?? standard.base, cap: cap ?? standard.cap)
  }
}
