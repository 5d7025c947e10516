import Holdfast
import HoldfastTesting
import Testing

/// What approvals, policies and grants should be, kept in the plainest way.
private struct Model {
  struct Item: Equatable {
    var request: ApprovalRequest
    var requested: Instant
    var expires: Instant
    var decision: ApprovalDecision?
    var decidedBy: String?
    var asksGrant = false
    var usableUntil: Instant?
    var isConsumed = false
    /// Whether somebody decided, or upkeep noted that its time is over.
    var isClosed = false

    func status(_ now: Instant) -> ApprovalStatus {
      switch decision {
      case .approve: isConsumed ? .consumed : .approved
      case .deny: .denied
      case nil: now < expires ? .pending : .expired
      }
    }
  }

  /// What there is one grant of at most that lives.
  struct Place: Hashable {
    let permission: String
    let task: String
    let isPolicy: Bool
  }

  var items: [String: Item] = [:]
  var policies: [String: (mode: PolicyMode, grants: Bool)] = [:]
  /// When grants end.
  var grants: [Place: Instant] = [:]
  var tasks: [String: TaskStatus] = [:]

  func liveGrants(_ now: Instant) -> [Place: Instant] { grants.filter { $0.value > now } }

  func isGranted(_ permission: String, to task: String, _ now: Instant) -> Bool {
    liveGrants(now).keys.contains { $0.permission == permission && $0.task == task }
  }

  /// What is decided about a request at once, and by whom.
  func ruling(_ request: ApprovalRequest, _ now: Instant) -> (ApprovalDecision, String)? {
    let permission = request.permission ?? request.scope.action
    let mode = policies[permission]?.mode
    if mode == .alwaysDeny { return (.deny, "policy:\(permission)") }
    if let task = request.scope.task, isGranted(permission, to: task, now) {
      return (.approve, "grant")
    }
    return mode?.decision.map { ($0, "policy:\(permission)") }
  }

  mutating func request(_ id: String, _ request: ApprovalRequest, _ now: Instant) {
    let ruling = ruling(request, now)
    let expires = now + (request.ttl ?? .seconds(3_600))
    items[id] = Item(request: request, requested: now, expires: expires)
    if let task = request.scope.task, ruling?.0 != .approve { tasks[task] = .awaitingApproval }
    if let (decision, name) = ruling { decide(id, decision, by: name, now) }
  }

  /// Ends the wait of a task, if it waits; with its end what it waited for is closed.
  mutating func endWait(of item: Item, _ status: TaskStatus, _ now: Instant) {
    guard let task = item.request.scope.task, tasks[task] == .awaitingApproval else { return }
    let others = items.filter { $0.value.request.scope.task == task && !$0.value.isClosed }
    if status == .pending, !others.isEmpty { return }
    tasks[task] = status
    for (id, other) in others {
      items[id]?.isClosed = true
      guard other.status(now) == .pending else { continue }
      items[id]?.decision = .deny
      items[id]?.decidedBy = "task:\(task)"
    }
  }

  mutating func sweep(_ now: Instant) {
    for id in items.keys {
      guard let item = items[id], !item.isClosed, item.status(now) == .expired else { continue }
      items[id]?.isClosed = true
      endWait(of: item, .cancelled, now)
    }
  }

  mutating func delete(_ id: String, _ now: Instant) {
    guard let item = items.removeValue(forKey: id), !item.isClosed else { return }
    endWait(of: item, .cancelled, now)
  }

  mutating func decide(
    _ id: String, _ decision: ApprovalDecision, by name: String, grant: Bool = false,
    _ now: Instant
  ) {
    guard var item = items[id] else { return }
    item.decision = decision
    item.decidedBy = name
    item.asksGrant = grant
    item.isClosed = true
    if decision == .approve { item.usableUntil = max(item.expires, now + .seconds(900)) }
    items[id] = item
    endWait(of: item, decision == .approve ? .pending : .cancelled, now)
    guard decision == .approve, name != "grant", let task = item.request.scope.task else { return }
    let permission = item.request.permission ?? item.request.scope.action
    guard grant || policies[permission]?.grants == true else { return }
    let end = now + .seconds(grant ? 900 : 300)
    // What a policy granted stands in for nothing that was asked for.
    for isPolicy in grant ? [false] : [true, false] {
      let other = Place(permission: permission, task: task, isPolicy: isPolicy)
      if let live = liveGrants(now)[other], live >= end { return }
    }
    grants[Place(permission: permission, task: task, isPolicy: !grant)] = end
  }

  mutating func endGrants(ofPolicy permission: String) {
    grants = grants.filter { $0.key.permission != permission || !$0.key.isPolicy }
  }
}

/// Random operations on a store and on the model, compared after each.
struct ApprovalWalk: Walk {
  var store: Store
  private let time: ManualTimeSource
  private let tasks: [String]
  private var generator: SeededGenerator
  private var model: Model
  private var made = 0

  init(_ store: Store, _ time: ManualTimeSource, seed: UInt64) async throws {
    self.store = store
    self.time = time
    tasks = try await [store.makeTask(), store.makeTask()]
    generator = SeededGenerator(seed: seed)
    model = Model(tasks: Dictionary(uniqueKeysWithValues: tasks.map { ($0, .pending) }))
  }

  private var now: Instant { time.wallTime() }

  private mutating func chance(_ one: UInt64, in all: UInt64) -> Bool {
    generator.next() % all < one
  }

  private mutating func one<Item>(of items: [Item]) throws -> Item {
    try #require(items.randomElement(using: &generator))
  }

  private mutating func permission() throws -> String { try one(of: ["p", "q"]) }

  private mutating func knownID() throws -> String {
    try one(of: model.items.keys.sorted() + ["missing"])
  }

  /// Does one thing on both sides; what it did, for the message of a failure.
  mutating func step() async throws -> String {
    switch generator.next() % 16 {
    case 0...3: return try await stepRequest()
    case 4...6: return try await stepDecide()
    case 7...8: return try await stepConsume()
    case 9: return try await stepDelete()
    case 10: return try await stepPolicy()
    case 11: return try await stepRevoke()
    case 12:
      try await store.transaction { tx in while try tx.approvals.expireDue(limit: 3) > 0 {} }
      model.sweep(now)
      return "sweep"
    case 13: return try await stepRequeue()
    default:
      let seconds = try one(of: [1, 60, 290, 300, 600, 899])
      time.advance(by: .seconds(seconds))
      return "advance \(seconds) s"
    }
  }

  private mutating func stepRequest() async throws -> String {
    made += 1
    let id = chance(1, in: 8) ? try knownID() : "approval \(made)"
    let request = ApprovalRequest(
      "act", parameters: ["n": .integer(Int64(generator.next() % 3))],
      caller: chance(1, in: 2) ? "bot" : nil, task: chance(1, in: 2) ? try one(of: tasks) : nil,
      permission: try permission(), ttl: chance(1, in: 2) ? .seconds(300) : nil, id: id)
    let isTaken = model.items[id] != nil
    let isOver = request.scope.task.map { model.tasks[$0] == .cancelled } ?? false
    let expected: StoreError.Code? =
      if isOver { .invalidState } else if isTaken { .conflict } else { nil }
    switch try await outcome({ try await store.approvals.request(request) }) {
    case .success:
      #expect(expected == nil)
      model.request(id, request, now)
    case .failure(let error): #expect(error.code == expected)
    }
    return "request \(id) for \(request.scope.task ?? "no task")"
  }

  private mutating func stepDecide() async throws -> String {
    let id = try knownID()
    let decision = try one(of: ApprovalDecision.allCases)
    let person = try one(of: ["alice", "bob"])
    let item = model.items[id]
    let grant = decision == .approve && item?.request.scope.task != nil && chance(1, in: 2)
    let isAgain =
      item?.decision == decision && item?.decidedBy == person && item?.asksGrant == grant
    let expected: StoreError.Code? =
      if item == nil { .notFound } else if isAgain || item?.status(now) == .pending { nil } else {
        .invalidState
      }
    let outcome = try await outcome {
      try await store.approvals.decide(id, decision, by: person, grant: grant)
    }
    switch outcome {
    case .success:
      #expect(expected == nil)
      if !isAgain { model.decide(id, decision, by: person, grant: grant, now) }
    case .failure(let error): #expect(error.code == expected)
    }
    return "decide \(id) \(decision) by \(person), grant \(grant)"
  }

  private mutating func stepConsume() async throws -> String {
    let id = try knownID()
    let item = model.items[id]
    var scope = item?.request.scope ?? ApprovalScope("act")
    let isWrong = chance(1, in: 4)
    if isWrong { scope.parameters = "something else" }
    let isOver = item?.request.scope.task.map { model.tasks[$0] == .cancelled } ?? false
    let isUsable =
      item?.status(now) == .approved && item?.usableUntil.map { now < $0 } == true && !isOver
    let expected: StoreError.Code? =
      if item == nil { .notFound } else if isWrong { .conflict } else if isUsable { nil } else {
        .invalidState
      }
    let given = scope
    switch try await outcome({ try await store.approvals.consume(id, given) }) {
    case .success:
      #expect(expected == nil)
      model.items[id]?.isConsumed = true
    case .failure(let error): #expect(error.code == expected)
    }
    return "consume \(id), wrong \(isWrong)"
  }

  private mutating func stepDelete() async throws -> String {
    let id = try knownID()
    #expect(try await store.approvals.delete(id) == (model.items[id] != nil))
    model.delete(id, now)
    return "delete \(id)"
  }

  private mutating func stepPolicy() async throws -> String {
    let permission = try permission()
    let old = model.policies[permission]
    guard !chance(1, in: 3) else {
      #expect(try await store.policies.delete(permission) == (old != nil))
      model.policies[permission] = nil
      model.endGrants(ofPolicy: permission)
      return "delete policy \(permission)"
    }
    let mode = try one(of: PolicyMode.allCases)
    let grants = mode != .alwaysDeny && chance(1, in: 2)
    let result = try await store.policies.set(permission, mode, grants: grants)
    #expect(result.isNew == (old == nil))
    model.policies[permission] = (mode, grants)
    if old?.mode != mode || old?.grants != grants { model.endGrants(ofPolicy: permission) }
    return "policy \(permission) \(mode), grants \(grants)"
  }

  private mutating func stepRequeue() async throws -> String {
    let cancelled = tasks.filter { model.tasks[$0] == .cancelled }
    try await store.transaction { tx in for task in cancelled { try tx.tasks.requeue(task) } }
    for task in cancelled { model.tasks[task] = .pending }
    return "requeue"
  }

  private mutating func stepRevoke() async throws -> String {
    let live = try await store.grants.list().items
    guard let grant = live.randomElement(using: &generator) else { return "nothing to revoke" }
    try await store.grants.revoke(grant.id)
    model.grants[Self.place(of: grant)] = nil
    return "revoke \(grant.permission) of \(grant.task)"
  }

  private static func place(of grant: Grant) -> Model.Place {
    Model.Place(
      permission: grant.permission, task: grant.task, isPolicy: grant.source == .policy)
  }

  /// Compares everything that the store shows with the model.
  func compare(_ doing: Comment) async throws {
    let listed = try await store.approvals.list(ApprovalQuery(limit: 1_000)).items
    #expect(Set(listed.map(\.id)) == Set(model.items.keys), doing)
    for approval in listed {
      let item = try #require(model.items[approval.id], doing)
      #expect(approval.status == item.status(now), doing)
      #expect(approval.decision == item.decision, doing)
      let decider = approval.grant == nil ? approval.decidedBy : "grant"
      #expect(decider == item.decidedBy, doing)
      #expect(approval.requestedAt == item.requested && approval.expiresAt == item.expires, doing)
      #expect(approval.usableUntil == item.usableUntil, doing)
      #expect(approval.scope == item.request.scope, doing)
    }
    for status in ApprovalStatus.allCases {
      let query = ApprovalQuery(status: status, limit: 1_000)
      let ids = try await store.approvals.list(query).items.map(\.id)
      let expected = model.items.filter { $0.value.status(now) == status }.keys
      #expect(Set(ids) == Set(expected), doing)
    }
    for task in tasks {
      #expect(try await store.tasks.get(task)?.status == model.tasks[task], doing)
    }
    let policies = try await store.policies.list().items
    #expect(policies.map(\.permission) == model.policies.keys.sorted(), doing)
    for policy in policies {
      let expected = try #require(model.policies[policy.permission], doing)
      #expect(policy.mode == expected.mode && policy.grants == expected.grants, doing)
    }
    let grants = try await store.grants.list().items.map { (Self.place(of: $0), $0.expiresAt) }
    #expect(grants.count == model.liveGrants(now).count, doing)
    #expect(Dictionary(grants) { $1 } == model.liveGrants(now), doing)
  }
}

@Suite(.timeLimit(.minutes(5))) struct ApprovalModelTests {
  /// Goal: whatever is done in whatever order, approvals, policies and grants are what a plain
  /// model says, also when the store is closed and opened in the middle.
  ///
  /// Method: random requests, decisions, uses, policies, sweeps and moves of the clock, from
  /// printed seeds, compared with the model after each step; once without and once with restarts.
  @Test(arguments: Engines.available, [false, true])
  func `approvals are what a plain model says`(
    on engine: TestEngine, restarts: Bool
  ) async throws {
    for seed: UInt64 in [0xA11_0001, 0xA11_0002] {
      let time = ManualTimeSource()
      try await withStore(on: engine, options: .testing(time: time)) { test in
        var walk = try await ApprovalWalk(test.store, time, seed: seed)
        try await walk.go(150, on: test, seed: seed) { restarts && $0 % 50 == 49 }
      }
    }
  }
}
