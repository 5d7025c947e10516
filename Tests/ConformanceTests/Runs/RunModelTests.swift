import Holdfast
import HoldfastTesting
import Testing

/// What runs and bots should be, kept in the plainest way.
private struct RunModel {
  struct Item: Equatable {
    var state = RunState()
    var parent: String?
    var tags: [String]
    var metadata: Value = [:]
    var error: String?
    var created: Instant
    var updated: Instant
  }

  struct Bot: Equatable {
    var slug: String
    var name: String
    var created: Instant
    var updated: Instant
  }

  var runs: [String: Item] = [:]
  /// The runs in the order in which they began.
  var order: [String] = []
  var deleted: Set<String> = []
  var bots: [String: Bot] = [:]
  /// What the key `k` holds under each run and bot.
  var keys: [Namespace: Value] = [:]

  /// How a write to a run that must be there is refused; `nil` where it is not.
  func refusal(_ id: String) -> StoreError.Code? {
    if deleted.contains(id) { return .invalidState }
    return runs[id] == nil ? .notFound : nil
  }

  /// How the beginning of a run is refused; `nil` where it is not.
  func refusalToBegin(_ id: String, under parent: String?) -> StoreError.Code? {
    if deleted.contains(id) { return .invalidState }
    if let parent, runs[parent] == nil { return .notFound }
    return runs[id] == nil ? nil : .conflict
  }

  func owner(ofSlug slug: String) -> String? { bots.first { $0.value.slug == slug }?.key }
}

/// Random operations on a store and on the model, compared after each.
struct RunWalk: Walk {
  var store: Store
  private let time: ManualTimeSource
  private var generator: SeededGenerator
  private var model = RunModel()

  private var now: Instant { time.wallTime() }

  init(_ store: Store, _ time: ManualTimeSource, seed: UInt64) {
    self.store = store
    self.time = time
    generator = SeededGenerator(seed: seed)
  }

  private mutating func tags() -> [String] {
    ["a", "b", "é"].filter { _ in generator.next() % 2 == 0 }
  }

  /// Does one thing on both sides; what it did, for the message of a failure.
  mutating func step() async throws -> String {
    let id = generator.pick(["1", "2", "run: é", "4", "5", "6"])
    switch generator.next() % 16 {
    case 0...2: return try await stepBegin(id)
    case 3, 4: return try await stepUpdate(id)
    case 5...8: return try await stepApply(id)
    case 9 where generator.next() % 2 == 0:
      let isThere = model.keys[.run(id)] != nil && !model.deleted.contains(id)
      let expected = isThere ? nil : model.refusal(id)
      let code = await refusal { try await store.runs.delete(id) }?.code
      #expect(code == expected)
      guard code == nil else { return "delete no run \(id)" }
      model.runs[id] = nil
      model.order.removeAll { $0 == id }
      model.deleted.insert(id)
      model.keys[.run(id)] = nil
      return "delete run \(id)"
    case 10, 11: return try await stepPut(generator.pick([.run(id), .bot(id)]), run: id)
    case 12...14: return try await stepBot(id)
    default:
      time.advance(by: .microseconds(Int(generator.next() % 3)))
      return "advance"
    }
  }

  private mutating func stepBegin(_ id: String) async throws -> String {
    let parent = generator.next() % 3 == 0 ? generator.pick(["1", "2", "missing"]) : nil
    let tags = tags()
    let expected = model.refusalToBegin(id, under: parent)
    let code = await refusal {
      try await store.runs.begin(id, parent: parent, tags: tags)
    }?.code
    #expect(code == expected)
    if code == nil {
      model.runs[id] = RunModel.Item(parent: parent, tags: tags, created: now, updated: now)
      model.order.append(id)
    }
    return "begin \(id) under \(parent ?? "nothing") with \(tags)"
  }

  private mutating func stepUpdate(_ id: String) async throws -> String {
    let tags = generator.next() % 2 == 0 ? tags() : nil
    let number = Int64(generator.next() % 9)
    let metadata: Value? = number < 5 ? ["n": .integer(number)] : Value?.none
    var expected = model.refusal(id)
    if model.runs[id]?.state.status == .archived { expected = .invalidState }
    let code = await refusal {
      try await store.runs.update(id, tags: tags, metadata: metadata)
    }?.code
    #expect(code == expected)
    if code == nil {
      if let tags { model.runs[id]?.tags = tags }
      if let metadata { model.runs[id]?.metadata = metadata }
      let now = now
      model.runs[id]?.updated = now
    }
    return "update \(id)"
  }

  private mutating func stepApply(_ id: String) async throws -> String {
    let event = generator.pick(RunEvent.allCases)
    let error = generator.pick([nil, "no money"])
    let code = await refusal { try await store.runs.apply(event, to: id, error: error) }?.code
    guard model.refusal(id) == nil, var item = model.runs[id] else {
      #expect(code == model.refusal(id))
      return "\(event) no run \(id)"
    }
    do throws(StoreError) {
      try item.state.apply(event, at: now)
      #expect(code == nil)
      if event == .fail { item.error = error }
      item.updated = now
      model.runs[id] = item
    } catch {
      #expect(code == error.code)
    }
    return "\(event) \(id)"
  }

  private mutating func stepPut(_ namespace: Namespace, run id: String) async throws -> String {
    let value = Value.integer(Int64(generator.next() % 9))
    let isClosed = model.deleted.contains(id) || model.runs[id]?.state.status == .archived
    let code = await refusal { try await store.kv(namespace).put("k", value) }?.code
    #expect(code == (namespace == .run(id) && isClosed ? .invalidState : nil))
    if code == nil { model.keys[namespace] = value }
    return "put under \(namespace)"
  }

  private mutating func stepBot(_ id: String) async throws -> String {
    let slug = generator.pick(["s", "t", "u", "é"])
    let owner = model.owner(ofSlug: slug)
    let old = model.bots[id]
    switch generator.next() % 5 {
    case 0, 1:
      let code = await refusal { try await store.bots.create(id, slug: slug) }?.code
      #expect(code == (old != nil || owner != nil ? .conflict : nil))
      if code == nil {
        model.bots[id] = RunModel.Bot(slug: slug, name: slug, created: now, updated: now)
      }
      return "create bot \(id) as \(slug)"
    case 2, 3:
      let isTaken = owner != nil && owner != id
      let code = await refusal { try await store.bots.update(id, slug: slug, name: "n") }?.code
      #expect(code == (old == nil ? .notFound : isTaken ? .conflict : nil))
      if code == nil {
        model.bots[id]?.slug = slug
        model.bots[id]?.name = "n"
        let now = now
        model.bots[id]?.updated = now
      }
      return "call bot \(id) \(slug)"
    default:
      let isThere = old != nil || model.keys[.bot(id)] != nil
      #expect(try await store.bots.delete(id) == isThere)
      model.bots[id] = nil
      model.keys[.bot(id)] = nil
      return "delete bot \(id)"
    }
  }

  /// Compares everything that the store shows with the model.
  func compare(_ doing: Comment) async throws {
    let listed = try await store.runs.list(RunQuery(includesArchived: true)).items
    let newest = model.order.enumerated().sorted { one, other in
      let (left, right) = (model.runs[one.element], model.runs[other.element])
      return (right?.created ?? now, other.offset) < (left?.created ?? now, one.offset)
    }
    #expect(listed.map(\.id) == newest.map(\.element), doing)
    for run in listed {
      let seen = RunModel.Item(
        state: RunState(status: run.status, completedAt: run.completedAt), parent: run.parent,
        tags: run.tags, metadata: run.metadata, error: run.error, created: run.createdAt,
        updated: run.updatedAt)
      #expect(model.runs[run.id] == seen, doing)
    }
    for tag in ["a", "b", "é"] {
      let query = RunQuery(tag: tag, includesArchived: true)
      let ids = try await store.runs.list(query).items.map(\.id)
      #expect(ids == listed.filter { $0.tags.contains(tag) }.map(\.id), doing)
    }
    let counts = try await store.runs.counts()
    for status in RunStatus.allCases {
      #expect(counts[status] == model.runs.values.count { $0.state.status == status }, doing)
    }
    let bots = try await store.bots.list().items
    #expect(bots.map(\.slug) == bots.map(\.slug).sorted(), doing)
    let seen = bots.map { bot in
      (
        bot.id,
        RunModel.Bot(
          slug: bot.slug, name: bot.name, created: bot.createdAt, updated: bot.updatedAt)
      )
    }
    #expect(Dictionary(seen) { $1 } == model.bots, doing)
    let names = try await store.namespaces.list().items.map(\.namespace)
    #expect(Set(names) == Set(model.keys.keys), doing)
    for (namespace, value) in model.keys {
      #expect(try await store.kv(namespace).get("k") == value, doing)
    }
  }
}

@Suite(.timeLimit(.minutes(5))) struct RunModelTests {
  /// Goal: whatever is done in whatever order, runs and bots are what a plain model says, with
  /// their keys.
  ///
  /// Method: random begins, updates, steps, deletions and writes below runs and bots, from printed
  /// seeds, compared with the model after each; some runs close and reopen the store in between.
  @Test(arguments: Engines.available, [1, 2, 3])
  func `runs and bots do what a plain model does`(
    on engine: TestEngine, number: UInt64
  ) async throws {
    let seed = 0x5EED_3000 + number
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      var walk = RunWalk(test.store, time, seed: seed)
      try await walk.go(150, on: test, seed: seed) { number > 1 && $0 % 40 == 39 }
    }
  }
}
