import Holdfast
import HoldfastTesting
import Testing

/// Random operations on an audit log and on a plain list, compared after each.
struct AuditWalk: Walk {
  var store: Store
  private let time: ManualTimeSource
  private var generator: SeededGenerator
  private var records: [AuditRecord] = []
  private var heads: [Int64: Int64] = [:]
  private var anchors: [AuditAnchor] = []
  private var chain: Int64 = 1

  init(_ store: Store, _ time: ManualTimeSource, seed: UInt64) {
    self.store = store
    self.time = time
    generator = SeededGenerator(seed: seed)
  }

  private mutating func pick<Item>(_ items: [Item?]) -> Item? {
    items.randomElement(using: &generator) ?? nil
  }

  private mutating func entry() -> AuditEntry {
    var entry = AuditEntry(
      actor: pick(["al", "bo", nil]), action: pick(["x", "y"]) ?? "z",
      subject: pick(["s", "é", nil]), bot: pick(["b", nil]), run: pick(["r", "42", nil]),
      memory: pick(["m", nil]), result: pick(["ok", "", nil]))
    entry.details = ["value": .random(using: &generator)]
    entry.by = pick(["someone", nil])
    if generator.next() % 8 == 0 { entry.importedTime = time.wallTime() + .seconds(-5) }
    return entry
  }

  /// Does one thing on both sides; what it did, for the message of a failure.
  mutating func step() async throws -> String {
    switch generator.next() % 16 {
    case 0...8: return try await record(fails: false)
    case 9, 10: return try await record(fails: true)
    case 11:
      chain = Int64(generator.next() % 3) + 1
      return "chain \(chain)"
    case 12:
      anchors.append(try await store.audit.anchor())
      return "anchor"
    case 13: return try await cut()
    default:
      time.advance(by: .milliseconds(Int(generator.next() % 2_000)))
      return "wait"
    }
  }

  private mutating func record(fails: Bool) async throws -> String {
    let entries = (0..<generator.next() % 4).map { _ in entry() }
    try await store.useChain(chain)
    do {
      let made = try await store.transaction { tx in
        let made = try tx.audit.record(entries)
        if fails { throw OwnError(number: 0) }
        return made
      }
      for (entry, record) in zip(entries, made) {
        heads[chain, default: 0] += 1
        #expect(record.chain == chain && record.number == heads[chain])
        #expect(record.actor == entry.actor ?? "library" && record.action == entry.action)
        #expect(record.time == entry.importedTime ?? time.wallTime())
      }
      records += made
    } catch is OwnError {}
    return "record \(entries.count) in \(chain)\(fails ? ", and fail" : "")"
  }

  private mutating func cut() async throws -> String {
    let before = time.wallTime() + .seconds(-Int(generator.next() % 8))
    var expected = 0
    for chain: Int64 in 1...3 {
      let inChain = records.filter { $0.chain == chain }
      let old = inChain.prefix { ($0.importedAt ?? $0.time) < before }
      let ids = Set(old.map(\.id))
      expected += ids.count
      records.removeAll { ids.contains($0.id) }
    }
    let removed = try await store.transaction { tx in
      var removed = 0
      while case let count = try tx.audit.cut(before: before, limit: 3), count > 0 {
        removed += count
      }
      return removed
    }
    #expect(removed == expected)
    return "cut \(removed)"
  }

  /// Compares everything that the store shows with the model.
  mutating func compare(_ doing: Comment) async throws {
    let sorted = records.sorted {
      ($1.time, $1.chain, $1.number) < ($0.time, $0.chain, $0.number)
    }
    let query = AuditQuery(
      actor: pick(["al", nil, nil]), action: pick(["x", nil, nil]), bot: pick(["b", nil, nil]),
      memory: pick(["m", nil, nil]), run: pick(["r", nil, nil]), limit: 1_000)
    let listed = try await store.audit.list(query).items
    let expected = sorted.filter { record in
      (query.actor.map { $0 == record.actor } ?? true)
        && (query.action.map { $0 == record.action } ?? true)
        && (query.bot.map { $0 == record.bot } ?? true)
        && (query.memory.map { $0 == record.memory } ?? true)
        && (query.run.map { $0 == record.run } ?? true)
    }
    #expect(listed.map(\.id) == expected.map(\.id), doing)
    for (one, other) in zip(listed, expected) {
      #expect(one.details.isIdentical(to: other.details), doing)
      #expect(one.by == other.by && one.result == other.result, doing)
    }
    let found = try await store.audit.verify(against: anchors.randomElement(using: &generator))
    #expect(found.faults.isEmpty && found.records == Int64(records.count), doing)
  }
}

@Suite(.timeLimit(.minutes(5))) struct AuditModelTests {
  /// Goal: whatever is recorded, rolled back, cut and reopened in whatever order, the log holds
  /// what a plain list would, its numbers have no gaps, and it verifies against every anchor.
  ///
  /// Method: random steps from printed seeds on three chains, compared with a model after each,
  /// the store closed and opened anew in between.
  @Test(arguments: Engines.available, [1, 2, 3])
  func `the audit log does what a plain list does`(
    on engine: TestEngine, number: UInt64
  ) async throws {
    let seed = 0xA0D1_7000 + number
    let time = ManualTimeSource()
    let key = number == 1 ? nil : try MasterKey.test()
    try await withStore(on: engine, options: .oneSession(time: time, key: key)) { test in
      var walk = AuditWalk(test.store, time, seed: seed)
      try await walk.go(120, on: test, seed: seed) { $0 % 30 == 29 }
    }
  }
}
