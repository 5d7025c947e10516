import Holdfast
import HoldfastTesting
import Testing

/// Random operations on the tasks of a store and on a model, compared after each.
struct TaskWalk: Walk {
  var store: Store
  private let time: ManualTimeSource
  private var generator: SeededGenerator
  private var model = TaskModel()
  /// The leases that somebody was given, lost ones included.
  private var leases: [(id: String, token: Int64)] = []

  private var tasks: Tasks { store.tasks }
  private var now: Instant { time.wallTime() }

  init(_ store: Store, _ time: ManualTimeSource, seed: UInt64) {
    self.store = store
    self.time = time
    generator = SeededGenerator(seed: seed)
  }

  private mutating func pick<Item>(_ items: [Item], or other: Item) -> Item {
    items.randomElement(using: &generator) ?? other
  }

  private mutating func chance(_ one: UInt64, in all: UInt64) -> Bool {
    generator.next() % all < one
  }

  private mutating func anyID() -> String {
    chance(1, in: 20) ? "missing" : pick(model.order, or: "missing")
  }

  /// A lease, mostly a living one, else one that was lost, or none at all.
  private mutating func anyLease() -> (id: String, token: Int64?) {
    if chance(1, in: 5) { return (anyID(), nil) }
    let living = leases.filter {
      model.items[$0.id]?.leaseEnd != nil && model.items[$0.id]?.token == $0.token
    }
    let lease = pick(chance(1, in: 5) || living.isEmpty ? leases : living, or: ("missing", 1))
    return (lease.id, lease.token)
  }

  /// Does one thing on both sides; what it did, for the message of a failure.
  mutating func step() async throws -> String {
    switch generator.next() % 20 {
    case 0...3: return try await stepEnqueue()
    case 4...7: return try await stepClaim()
    case 8, 9: return try await stepMove()
    case 10: return try await stepRequeue()
    case 11: return try await stepReplay()
    case 12, 13: return try await stepHold()
    case 14, 15: return try await stepEnd()
    case 16: return try await stepRecord()
    case 17: return try await stepStuck()
    default:
      let duration = Duration.milliseconds(Int(generator.next() % 3_000))
      time.advance(by: duration)
      return "advance \(duration)"
    }
  }

  private mutating func stepEnqueue() async throws -> String {
    var draft = TaskDraft("work", queue: pick(["a", "b"], or: "a"))
    draft.priority = pick([-100, 0, 0, 7, 100], or: 0)
    draft.maxAttempts = pick([1, 2, 3], or: 1)
    draft.delay = .milliseconds(Int(generator.next() % 3) * 500)
    draft.backOff = BackOff(base: .zero, cap: .zero)
    if chance(1, in: 3) { draft.uniqueKey = pick(["k", "l"], or: "k") }
    let twin = model.twin(draft.queue ?? "", draft.uniqueKey)
    let enqueued = try await tasks.enqueue(draft)
    #expect(enqueued.isNew == (twin == nil))
    if let twin {
      #expect(enqueued.task.id == twin)
    } else {
      model.add(
        enqueued.task.id,
        TaskModel.Item(
          queue: draft.queue ?? "", priority: draft.priority ?? 0,
          maxAttempts: draft.maxAttempts ?? 0, runAt: now + (draft.delay ?? .zero),
          uniqueKey: draft.uniqueKey, now: now))
    }
    return "enqueue \(draft)"
  }

  private mutating func stepClaim() async throws -> String {
    let queue = pick(["a", "b"], or: "a")
    let limit = Int(generator.next() % 3) + 1
    let lease = Duration.seconds(Int(generator.next() % 3) + 1)
    let owner = pick(["w1", "w2"], or: "w1")
    let claimed = try await tasks.claim(from: [queue], limit: limit, lease: lease, owner: owner)
    let expected = model.claim(queue, limit: limit, lease: lease, owner: owner, at: now)
    #expect(claimed.map(\.id) == expected)
    leases += claimed.map { ($0.id, $0.token) }
    return "claim \(limit) from \(queue)"
  }

  private mutating func stepMove() async throws -> String {
    let lease = chance(1, in: 2) ? anyLease() : (id: anyID(), token: nil)
    let next = pick(TaskStatus.allCases, or: .pending)
    let isSaved = chance(1, in: 4) && lease.id != "missing"
    var expected: StoreError.Code?
    if next == .awaitingApproval {
      // Only the store itself leads there, whoever has the task.
      let store = store
      expected = model.move(lease.id, to: next, at: now)
      try check(
        try await outcome {
          try await store.transaction { try $0.tasks.awaitApproval(lease.id) }
        }, expected)
      return "await approval \(lease.id)"
    }
    if next != .cancelled { expected = model.refusal(lease.id, token: lease.token) }
    if expected == nil { expected = model.move(lease.id, to: next, at: now) }
    let outcome = try await outcome {
      guard isSaved else {
        return try await tasks.updateStatus(lease.id, to: next, token: lease.token)
      }
      return try await tasks.save(
        draft { $0.id = lease.id }, status: next, token: lease.token)
    }
    try check(outcome, expected)
    return "move \(lease) to \(next)"
  }

  private mutating func stepRequeue() async throws -> String {
    let id = anyID()
    let isFinal = model.items[id].map { $0.completed != nil } ?? true
    let expected = isFinal ? model.move(id, to: .pending, at: now) : .invalidState
    try check(try await outcome { try await tasks.requeue(id) }, expected)
    return "requeue \(id)"
  }

  private mutating func stepReplay() async throws -> String {
    let id = anyID()
    switch try await outcome({ try await tasks.replay(id) }) {
    case .success(let task):
      let old = try #require(model.items[id])
      #expect(old.completed != nil)
      var item = TaskModel.Item(
        queue: old.queue, priority: old.priority, maxAttempts: old.maxAttempts, runAt: now,
        uniqueKey: nil, now: now)
      item.source = id
      model.add(task.id, item)
    case .failure(let error):
      #expect(error.code == (model.items[id] == nil ? .notFound : .invalidState))
    }
    return "replay \(id)"
  }

  private mutating func stepHold() async throws -> String {
    let (id, token) = anyLease()
    let isBeat = chance(1, in: 2)
    guard let token, isBeat else {
      let progress = Value.integer(Int64(generator.next() % 100))
      var expected = model.refusal(id, token: token)
      if expected == nil, model.items[id]?.status != .running { expected = .invalidState }
      if expected == nil { model.items[id]?.progress = progress }
      try check(
        try await outcome { try await tasks.progress(id, progress, token: token) }, expected)
      return "progress \(id)"
    }
    let expected = model.refusal(id, token: token)
    let end = now + .seconds(2)
    if expected == nil { model.items[id]?.leaseEnd = end }
    try check(
      try await outcome { try await tasks.heartbeat(id, token: token, lease: .seconds(2)) },
      expected)
    return "heartbeat \(id) \(token)"
  }

  private mutating func stepEnd() async throws -> String {
    let (id, token) = anyLease()
    switch generator.next() % 3 {
    case 0:
      var expected = model.refusal(id, token: token)
      if expected == nil { expected = model.move(id, to: .completed, at: now) }
      if expected == nil { model.items[id]?.result = "done" }
      try check(
        try await outcome { try await tasks.complete(id, result: "done", token: token) },
        expected)
      return "complete \(id)"
    case 1:
      var expected = model.refusal(id, token: token)
      if expected == nil, model.items[id]?.status != .running { expected = .invalidState }
      if expected == nil { model.items[id]?.stop(.pending, counted: false) }
      try check(try await outcome { try await tasks.release(id, token: token) }, expected)
      return "release \(id)"
    default:
      let retry = pick([TaskRetry.backOff, .after(.seconds(1)), .never], or: .never)
      var expected = model.refusal(id, token: token)
      if expected == nil, model.items[id]?.completed != nil { expected = .invalidState }
      if expected == nil, var item = model.items[id] {
        if item.leaseEnd != nil, item.attempt < item.maxAttempts, retry != .never {
          item.stop(.pending, counted: true)
          item.error = "no"
          item.runAt = retry == .backOff ? now : now + .seconds(1)
        } else {
          item.end(.failed, error: "no", at: now)
        }
        model.items[id] = item
      }
      try check(
        try await outcome { try await tasks.fail(id, error: "no", retry: retry, token: token) },
        expected)
      return "fail \(id) \(retry)"
    }
  }

  private mutating func stepRecord() async throws -> String {
    let (id, token) = anyLease()
    let name = pick(["x", "y", "z"], or: "x")
    var expected = model.refusal(id, token: token)
    if expected == nil, model.items[id]?.status != .running { expected = .invalidState }
    if expected == nil, model.items[id]?.steps.contains(name) == false {
      model.items[id]?.steps.append(name)
    }
    let store = store
    let outcome = try await outcome {
      try await store.transaction { tx in
        try tx.tasks.recordStep(name, of: id, result: .string(name), token: token).step
      }
    }
    try check(outcome, expected)
    return "step \(name) of \(id)"
  }

  private mutating func stepStuck() async throws -> String {
    let now = now
    if chance(1, in: 2) {
      let recovered = try await store.transaction { try $0.tasks.recoverExpired(limit: 1_000) }
      let expected = ["a", "b", "default"].reduce(0) { $0 + model.recover($1, at: now) }
      #expect(recovered == expected)
      return "recover"
    }
    let owner = pick([nil, "w1", "w2"], or: nil)
    let stuck = model.order.filter { id in
      guard let item = model.items[id], item.status == .running else { return false }
      guard let owner else { return item.leaseEnd.map { $0 <= now } ?? true }
      return item.owner == owner
    }
    for id in stuck { model.items[id]?.end(.failed, error: "stuck_on_startup", at: now) }
    #expect(try await tasks.failStuck(owner: owner) == stuck.count)
    return "fail stuck \(owner ?? "")"
  }

  private func check<Result>(
    _ outcome: Swift.Result<Result, StoreError>, _ expected: StoreError.Code?
  ) throws {
    switch outcome {
    case .success: #expect(expected == nil)
    case .failure(let error): #expect(error.code == expected)
    }
  }

  /// Compares everything that the store shows with the model.
  func compare(_ doing: Comment) async throws {
    var query = TaskQuery(order: .oldest, limit: 1_000)
    query.counts = true
    let page = try await tasks.list(query)
    #expect(page.total == model.order.count, doing)
    #expect(page.items.map(\.id) == model.order, doing)
    let steps = try await store.read { tx in
      try page.items.map { try tx.tasks.steps($0.id).map(\.name) }
    }
    for (task, steps) in zip(page.items, steps) {
      #expect(TaskModel.Item(task, steps: steps) == model.items[task.id], doing)
    }
    let stats = try await tasks.stats()
    for status in TaskStatus.allCases {
      #expect(
        stats.byStatus[status] == model.items.values.count { $0.status == status }, doing)
    }
  }
}

@Suite(.timeLimit(.minutes(5))) struct TaskModelTests {
  /// Goal: whatever is done in whatever order, the store holds what a plain model would.
  ///
  /// Method: random operations from printed seeds, compared with the model after each; some runs
  /// close and reopen the store every now and then, with leases in flight.
  @Test(arguments: Engines.available, [1, 2, 3, 4])
  func `tasks do what a plain model does`(
    on engine: TestEngine, number: UInt64
  ) async throws {
    let seed = 0x7A5C_0000 + number
    let reopens = number > 2
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      var walk = TaskWalk(test.store, time, seed: seed)
      try await walk.go(200, on: test, seed: seed) { reopens && $0 > 0 && $0 % 23 == 0 }
    }
  }
}
