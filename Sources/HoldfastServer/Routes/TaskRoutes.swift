import Holdfast
import HoldfastCore
import Hummingbird

/// Tasks: agents enqueue them and work on them, operators cancel, requeue and replay.
enum TaskRoutes {
  static let all =
    [
      Route(.post, "/v1/tasks", role: .agent) { call in
        try await call.answer(TaskOperations.enqueue)
      },
      Route(.post, "/v1/tasks/enqueue-many", role: .agent) { call in
        try await call.answer(TaskOperations.enqueueMany)
      },
      Route(.post, "/v1/tasks/claim", role: .agent, pace: .waitingOnBody, answer: claim),
      Route(.post, "/v1/tasks/fail-stuck", role: .operator) { call in
        try await call.answer(TaskOperations.failStuck)
      },
      Route(.get, "/v1/tasks", role: .reader, answer: list),
      Route(.get, "/v1/tasks/stats", role: .reader, answer: stats),
      Route(.get, "/v1/tasks/{id}", role: .reader, answer: get),
      Route(.put, "/v1/tasks/{id}", role: .agent) { call in
        try await change(call, TaskOperations.save)
      },
      Route(.get, "/v1/tasks/{id}/steps", role: .reader, answer: steps),
      Route(.post, "/v1/tasks/{id}/steps", role: .agent) { call in
        try await change(call, TaskOperations.step)
      },
    ] + verbs

  private static let verbs = [
    ("status", TaskOperations.updateStatus), ("heartbeat", TaskOperations.heartbeat),
    ("progress", TaskOperations.progress), ("complete", TaskOperations.complete),
    ("fail", TaskOperations.fail), ("release", TaskOperations.release),
    ("cancel", TaskOperations.cancel), ("requeue", TaskOperations.requeue),
    ("replay", TaskOperations.replay),
  ].map { word, write in
    Route(.post, "/v1/tasks/{id}/\(word)", role: write.role) { call in
      try await change(call, write)
    }
  }

  /// The task's identifier in the path.
  private static func id(_ call: Call) throws(Refusal) -> String {
    let id = try call.id("task id")
    try Refusal.asMalformed { () throws(StoreError) in try TaskChecks.id(id, call.limits) }
    return id
  }

  private static func change(_ call: Call, _ write: WriteOperation) async throws -> Response {
    let id = try id(call)
    return try await call.answer(write, path: ["id": .string(id)])
  }

  /// Claims what is due, or with `wait` the first that is within that time.
  private static func claim(_ call: Call) async throws -> Response {
    try call.noQuery()
    try call.onlyOnce(
      "A claim cannot be repeated: its answer holds leases, which end.",
      hint: "Leave the Idempotency-Key out: what a lost answer claimed comes back after its lease.")
    var fields = Fields(try call.fields())
    let queues = try fields.optionalTexts("queues") ?? [call.store.context.tasks.queue]
    let limit = try fields.optionalInteger("limit").map(Int.init(clamping:)) ?? 1
    let lease = try fields.optionalDuration("lease")
    let owner = try fields.optionalText("owner") ?? call.access.name
    let wait = try wait(&fields)
    try fields.finish()
    let order = try ClaimOrder(
      queues, limit: limit, lease: lease, owner: owner, reaches: call.access.reach,
      call.store.context)
    let atMost = min(wait, call.core.options.waitMax)
    let claimed = try await call.waiting {
      try await call.store.tasks.claim(order, wait: atMost)
    }
    if wait > .zero { try await call.core.trust(call) }
    return .json(
      ["items": .array(claimed.map(\.json))], headers: [.cacheControl: "no-store"])
  }

  private static func wait(_ fields: inout Fields) throws(StoreError) -> Duration {
    guard let text = try fields.optionalText("wait") else { return .zero }
    return try Fields.naming("wait") { () throws(StoreError) in
      try DurationText.parse(text, allowingZero: true)
    }
  }

  private static func get(_ call: Call) async throws -> Response {
    try call.noQuery()
    let task = try await visible(call)
    // Heartbeats and progress leave the version, so an unfinished task has no entity tag: a client
    // that saw it before would be told that nothing changed.
    guard task.status.isFinal else { return .json(task.json) }
    return try call.answer(task.json, version: task.version)
  }

  private static func steps(_ call: Call) async throws -> Response {
    try call.noQuery()
    let task = try await visible(call)
    let steps = try await call.store.tasks.steps(task.id)
    return .json(.object(Value.page(steps.map(\.json), next: nil)))
  }

  /// The task of the path, if the caller may see it.
  private static func visible(_ call: Call) async throws -> TaskRecord {
    let id = try id(call)
    let missing = TasksTransaction.missing(id)
    guard let task = try await call.store.tasks.get(id) else { throw missing }
    try call.requireRead(task.namespace, orElse: missing)
    return task
  }

  private static func list(_ call: Call) async throws -> Response {
    let query = try call.query { query throws(Refusal) in
      TaskQuery(
        status: try query.word("status"), queue: query.text("queue"),
        command: query.text("command"), caller: query.text("caller"), run: query.text("run"),
        since: try query.instant("since"), until: try query.instant("until"),
        order: try query.word("order") ?? .newest, after: query.text("after"),
        limit: try query.number("limit"), counts: try query.flag("total"))
    }
    guard !call.access.isUnrestricted else {
      let page = try await call.store.tasks.list(query)
      return answer(page.items, next: page.next, total: page.total)
    }
    let page = try await call.visible(
      Tasks.list, limit: query.limit, after: query.after, where: { call.access.reads($0.namespace) }
    ) { tx, after, limit throws(StoreError) in
      var query = query
      query.run = query.run ?? call.access.onlyRun
      query.after = after
      query.limit = limit
      query.counts = false
      let page = try tx.tasks.list(query)
      return Page(items: page.items, next: page.next)
    }
    let total = query.counts ? try await count(query, call) : nil
    return answer(page.items, next: page.next, total: total)
  }

  private static func answer(_ tasks: [TaskRecord], next: String?, total: Int?) -> Response {
    var object = Value.page(tasks.map(\.json), next: next)
    if let total { object["total"] = .integer(Int64(total)) }
    return .json(.object(object))
  }

  /// How many tasks match, of those that the caller may see.
  private static func count(_ query: TaskQuery, _ call: Call) async throws(StoreError) -> Int {
    var query = query
    query.run = query.run ?? call.access.onlyRun
    query.after = nil
    query.limit = call.limits.pageItemsMax
    query.counts = false
    var count = 0
    repeat {
      let page = try await call.store.tasks.list(query)
      count += page.items.count { call.access.reads($0.namespace) }
      query.after = page.next
    } while query.after != nil
    return count
  }

  private static func stats(_ call: Call) async throws -> Response {
    let queue = try call.query { query throws(Refusal) in query.text("queue") }
    let access = call.access
    guard !access.isUnrestricted else {
      return .json(try await call.store.tasks.stats(queue: queue).json)
    }
    let stats = try await call.store.tasks.stats(queue: queue, seenBy: { access.reads($0) })
    return .json(stats.json)
  }
}
