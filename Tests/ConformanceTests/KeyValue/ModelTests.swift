import Holdfast
import HoldfastTesting
import Testing

/// What a namespace should hold, kept in the plainest way.
private struct Model {
  struct Item: Equatable {
    var value: Value
    var created: Instant
    var updated: Instant
    var expires: Instant?
    var description: String?
    var version: Int64
  }

  var items: [String: Item] = [:]

  /// What is there at a time.
  func live(_ now: Instant) -> [String: Item] {
    items.filter { $0.value.expires.map { $0 > now } ?? true }
  }

  func holds(_ condition: Condition?, _ item: Item?) -> Bool {
    switch condition {
    case nil: true
    case .absent: item == nil
    case .version(let version): item?.version == version
    case .value(let value): item?.value == value
    }
  }

  mutating func put(_ put: Put, keepsExpiry: Bool = false, version: Int64, now: Instant) {
    let old = live(now)[put.key]
    let description =
      put.description.map { $0.isEmpty ? nil : $0 } ?? (old?.description)
    items[put.key] = Item(
      value: put.value, created: old?.created ?? now, updated: now,
      expires: keepsExpiry ? old?.expires : put.ttl.map { now + $0 },
      description: put.description == nil ? old?.description : description, version: version)
  }
}

/// Random operations on a store and on the model, compared after each.
struct KeyValueWalk: Walk {
  var store: Store
  private let namespace: Namespace
  private let time: ManualTimeSource
  private var generator: SeededGenerator
  private var model = Model()

  init(_ store: Store, _ time: ManualTimeSource, seed: UInt64) throws {
    self.store = store
    self.time = time
    namespace = try Namespace("walk:\(seed)")
    generator = SeededGenerator(seed: seed)
  }

  private var kv: KeyValue { store.kv(namespace) }
  private var now: Instant { time.wallTime() }

  private mutating func key() -> String {
    ["a", "ab", "b", "é", "z/1", "z/2", "\u{10FFFF}"]
      .randomElement(using: &generator) ?? "a"
  }

  private mutating func put() -> Put {
    var put = Put(key(), .integer(Int64(generator.next() % 4)))
    if generator.next() % 4 == 0 { put.value = .random(using: &generator) }
    if generator.next() % 3 == 0 { put.ttl = .milliseconds(Int(generator.next() % 5 + 1)) }
    if generator.next() % 4 == 0 {
      put.description = ["", "one", "two"].randomElement(using: &generator)
    }
    switch generator.next() % 8 {
    case 0: put.condition = .absent
    case 1:
      let item = model.live(now)[put.key]
      put.condition = .version((item?.version ?? 5) + Int64(generator.next() % 2))
    case 2: put.condition = .value(model.live(now)[put.key]?.value ?? 1)
    default: break
    }
    return put
  }

  /// Does one thing on both sides; what it did, for the message of a failure.
  mutating func step() async throws -> String {
    switch generator.next() % 16 {
    case 0...5: return try await stepPut()
    case 6: return try await stepPutMany()
    case 7, 8: return try await stepDelete()
    case 9, 10: return try await stepIncrement()
    case 11: return try await stepExpire()
    case 12 where generator.next() % 4 == 0:
      let count = try await kv.clear()
      #expect((count == 1) == !model.live(now).isEmpty)
      if count == 1 { model.items = [:] }
      return "clear"
    case 13:
      try await store.sweep()
      return "sweep"
    default:
      let duration = Duration.microseconds(Int(generator.next() % 3_000))
      time.advance(by: duration)
      return "advance \(duration)"
    }
  }

  private mutating func stepPut() async throws -> String {
    let put = put()
    let item = model.live(now)[put.key]
    let outcome = try await outcome {
      try await kv.put(
        put.key, put.value, ttl: put.ttl, description: put.description, if: put.condition)
    }
    switch outcome {
    case .success(let result):
      #expect(model.holds(put.condition, item))
      #expect(result.isNew == (item == nil))
      model.put(put, version: result.entry.version, now: now)
    case .failure(let error):
      #expect(error.code == .conflict)
      #expect(!model.holds(put.condition, item))
    }
    return "\(put)"
  }

  private mutating func stepPutMany() async throws -> String {
    var puts: [Put] = []
    for _ in 0..<generator.next() % 5 { puts.append(put()) }
    // Which of several conditions on one key fails is not the question here.
    for place in puts.indices { puts[place].condition = nil }
    let results = try await kv.putMany(puts)
    let last = Dictionary(puts.map { (Array($0.key.utf8), $0) }) { $1 }
    for put in last.values {
      let version = results.first { $0.entry.key.utf8.elementsEqual(put.key.utf8) }?.entry.version
      model.put(put, version: try #require(version), now: now)
    }
    return "\(puts)"
  }

  private mutating func stepDelete() async throws -> String {
    let keys = [key(), key()]
    let live = model.live(now)
    if generator.next() % 2 == 0 {
      #expect(try await kv.delete(keys[0]) == (live[keys[0]] != nil))
      if live[keys[0]] != nil { model.items[keys[0]] = nil }
      return "delete \(keys[0])"
    }
    let unique = Dictionary(keys.map { (Array($0.utf8), $0) }) { $1 }.values
    let expected = unique.filter { live[$0] != nil }
    #expect(try await kv.deleteMany(keys) == expected.count)
    for key in expected { model.items[key] = nil }
    return "delete \(keys)"
  }

  private mutating func stepIncrement() async throws -> String {
    let key = key()
    let amount = Int64(generator.next() % 7) - 3
    let item = model.live(now)[key]
    switch try await outcome({ try await kv.incrementEntry(key, by: amount) }) {
    case .success(let counter):
      let old = item == nil ? 0 : item?.value.integerValue
      #expect(counter.value == (try #require(old)) + amount)
      model.put(
        Put(key, .integer(counter.value)), keepsExpiry: true, version: counter.version, now: now)
    case .failure(let error):
      #expect(error.code == .invalidState)
      #expect(item != nil)
      let sum = item?.value.integerValue.map { $0.addingReportingOverflow(amount).overflow }
      #expect(sum ?? true)
    }
    return "increment \(key) by \(amount)"
  }

  private mutating func stepExpire() async throws -> String {
    let key = key()
    let ttl = generator.next() % 2 == 0 ? Duration.milliseconds(Int(generator.next() % 5 + 1)) : nil
    let item = model.live(now)[key]
    let outcome = try await outcome {
      guard let ttl else { return try await kv.persist(key) }
      return try await kv.expire(key, after: ttl)
    }
    switch outcome {
    case .success(let entry):
      #expect(item != nil)
      let now = now
      if ttl != nil || item?.expires != nil { model.items[key]?.updated = now }
      model.items[key]?.expires = ttl.map { now + $0 }
      model.items[key]?.version = entry.version
    case .failure(let error):
      #expect(error.code == .notFound)
      #expect(item == nil)
    }
    return "expire \(key) \(String(describing: ttl))"
  }

  /// Compares everything that the store shows with the model.
  func compare(_ doing: Comment) async throws {
    let live = model.live(now)
    let sorted = live.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    let listed = try await kv.list(KeyQuery(includesValues: true)).items
    #expect(listed.map { Array($0.key.utf8) } == sorted.map { Array($0.utf8) }, doing)
    for item in listed {
      let expected = try #require(live[item.key], doing)
      #expect(expected.value.isIdentical(to: item.value), doing)
      #expect(item.version == expected.version, doing)
      #expect(item.createdAt == expected.created && item.updatedAt == expected.updated, doing)
      #expect(item.expiresAt == expected.expires, doing)
      #expect(item.description == expected.description, doing)
    }
    #expect(try await kv.count() == live.count, doing)
    let updated = try await kv.list(KeyQuery(order: .updated)).items
    let newest = live.sorted {
      ($1.value.updated, $1.value.version) < ($0.value.updated, $0.value.version)
        || (($1.value.updated, $1.value.version) == ($0.value.updated, $0.value.version)
          && $0.key.utf8.lexicographicallyPrecedes($1.key.utf8))
    }
    #expect(updated.map { Array($0.key.utf8) } == newest.map { Array($0.key.utf8) }, doing)
  }
}

@Suite(.timeLimit(.minutes(5))) struct ModelTests {
  /// Goal: whatever is done in whatever order, the store holds what a plain dictionary would.
  ///
  /// Method: random puts, deletes, increments, expiries, clears, sweeps and moves of the clock,
  /// from printed seeds, compared with a model after each step.
  @Test(arguments: Engines.available, [1, 2, 3, 4])
  func `the store does what a plain model does`(
    on engine: TestEngine, number: UInt64
  ) async throws {
    let seed = 0x5EED_2000 + number
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      var walk = try KeyValueWalk(test.store, time, seed: seed)
      for round in 0..<250 {
        let done = try await walk.step()
        try await walk.compare("seed \(seed), round \(round): \(done)")
        if Task.isCancelled { break }
      }
    }
  }
}
