import Holdfast

/// What the tasks of a store should be, kept in the plainest way.
struct TaskModel {
  /// A task, as far as it can be told without the store's own numbers.
  struct Item: Equatable {
    var status = TaskStatus.pending
    var queue: String
    var priority: Int
    var attempt = 0
    var maxAttempts: Int
    var runAt: Instant
    var owner: String?
    var leaseEnd: Instant?
    var token: Int64 = 0
    var uniqueKey: String?
    var source: String?
    var error: String?
    var result: Value?
    var progress: Value?
    var created: Instant
    var started: Instant?
    var completed: Instant?
    var steps: [String] = []

    /// What the store says of a task.
    init(_ task: TaskRecord, steps: [String]) {
      self.init(
        queue: task.queue, priority: task.priority, maxAttempts: task.maxAttempts,
        runAt: task.runAt, uniqueKey: task.uniqueKey, now: task.createdAt)
      status = task.status
      attempt = task.attempt
      owner = task.leaseOwner
      leaseEnd = task.leaseExpiresAt
      token = task.fencingToken
      source = task.source
      error = task.error
      result = task.result
      progress = task.progress
      started = task.startedAt
      completed = task.completedAt
      self.steps = steps
    }

    init(
      queue: String, priority: Int, maxAttempts: Int, runAt: Instant, uniqueKey: String?,
      now: Instant
    ) {
      self.queue = queue
      self.priority = priority
      self.maxAttempts = maxAttempts
      self.runAt = runAt
      self.uniqueKey = uniqueKey
      created = now
    }

    mutating func end(_ status: TaskStatus, error: String? = nil, at now: Instant) {
      self.status = status
      self.error = error
      completed = now
      leave()
    }

    /// The run is over, and the task may be claimed again or waits.
    mutating func stop(_ status: TaskStatus, counted: Bool) {
      if !counted, self.status == .running { attempt -= 1 }
      self.status = status
      if status == .pending {
        started = nil
        progress = nil
      }
      leave()
    }

    mutating func start(at now: Instant) {
      status = .running
      attempt += 1
      started = now
    }

    private mutating func leave() {
      owner = nil
      leaseEnd = nil
    }
  }

  /// The tasks by id.
  var items: [String: Item] = [:]
  /// The ids in the order in which they came.
  var order: [String] = []

  mutating func add(_ id: String, _ item: Item) {
    items[id] = item
    order.append(id)
  }

  /// The unfinished task with a unique key.
  func twin(_ queue: String, _ key: String?) -> String? {
    guard let key else { return nil }
    return order.first {
      items[$0]?.queue == queue && items[$0]?.uniqueKey == key && items[$0]?.completed == nil
    }
  }

  /// How a write with a token is refused; `nil` where it is not.
  func refusal(_ id: String, token: Int64?) -> StoreError.Code? {
    guard let item = items[id] else { return token == nil ? .notFound : .fenced }
    let isAllowed = item.leaseEnd == nil ? token == nil : token == item.token
    return isAllowed ? StoreError.Code?.none : .fenced
  }

  /// Takes back what was lost in a queue.
  mutating func recover(_ queue: String, at now: Instant) -> Int {
    let lost = order.filter { id in
      items[id]?.queue == queue && (items[id]?.leaseEnd.map { $0 <= now } ?? false)
    }
    for id in lost {
      guard var item = items[id] else { continue }
      if item.attempt < item.maxAttempts {
        item.stop(.pending, counted: true)
        item.error = "lease_expired"
      } else {
        item.end(.failed, error: "lease_expired", at: now)
      }
      items[id] = item
    }
    return lost.count
  }

  /// Claims what is due, as the store should.
  mutating func claim(
    _ queue: String, limit: Int, lease: Duration, owner: String, at now: Instant
  ) -> [String] {
    _ = recover(queue, at: now)
    let places = Dictionary(uniqueKeysWithValues: order.enumerated().map { ($1, $0) })
    let due = items.filter { $1.queue == queue && $1.status == .pending && $1.runAt <= now }
      .sorted { one, other in
        (other.value.priority, one.value.runAt, places[one.key] ?? 0)
          < (one.value.priority, other.value.runAt, places[other.key] ?? 0)
      }.prefix(limit).map(\.key)
    for id in due {
      items[id]?.start(at: now)
      items[id]?.token += 1
      items[id]?.owner = owner
      items[id]?.leaseEnd = now + lease
    }
    return due
  }

  /// Moves a task the plain way; how that is refused, or `nil`.
  mutating func move(_ id: String, to next: TaskStatus, at now: Instant) -> StoreError.Code? {
    guard var item = items[id] else { return .notFound }
    let legal: [TaskStatus: Set<TaskStatus>] = [
      .pending: [.running, .awaitingApproval, .failed, .cancelled],
      .running: [.completed, .failed, .cancelled, .waiting, .awaitingApproval, .pending],
      .waiting: [.pending, .failed, .cancelled],
      .awaitingApproval: [.pending, .failed, .cancelled],
      .completed: [], .failed: [.pending], .cancelled: [.pending],
    ]
    guard legal[item.status]?.contains(next) == true else { return .invalidState }
    switch next {
    case .completed: item.end(.completed, at: now)
    case .failed where item.leaseEnd != nil && item.attempt < item.maxAttempts:
      item.stop(.pending, counted: true)
      item.error = next.rawValue
      item.runAt = now
    case .failed, .cancelled: item.end(next, error: next.rawValue, at: now)
    case .running: item.start(at: now)
    case .pending where item.completed != nil:
      guard twin(item.queue, item.uniqueKey) == nil else { return .conflict }
      item.stop(.pending, counted: true)
      item.attempt = 0
      item.runAt = now
      item.completed = nil
      item.error = nil
      item.result = nil
    case .pending, .waiting, .awaitingApproval: item.stop(next, counted: false)
    }
    items[id] = item
    return nil
  }
}
