import Foundation
import Holdfast

/// What stays the same when a thousand times more is stored.
enum ScaleRows {
  private static let few = 10_000
  private static let reads = 50_000
  private static let puts = 1_000
  private static let pages = 2_000

  static func measure(_ bench: Bench) async throws -> [Row] {
    let many = bench.settings.scaleKeys
    let small = try await makeStore(bench, few)
    let large = try await makeStore(bench, many)
    var rows = try await compare(bench, small, large, many)
    rows.append(try await open(bench, small, large, many))
    let text = try await Program.runAside(
      [CommandLine.arguments[0], "footprint", large, String(many)])
    let resident = try Program.number(after: "resident", in: text)
    rows[rows.count - 1].notes.append(
      "\(number2(resident)) MB resident after \(text.split(separator: "\n").last ?? "work"); "
        + "at most 80 MB: \(resident <= 80 ? "met" : "**not met**")")
    return rows
  }

  private static func makeStore(_ bench: Bench, _ keys: Int) async throws -> String {
    let path = "\(bench.folder)/scale-\(keys).db"
    let store = try await Store.open(StoreLocation(path), options: Bench.options())
    try await Bench.fill(store, keys: keys)
    await store.close()
    return path
  }

  /// Reads, puts and lists, in the small store and in the large one.
  private static func compare(
    _ bench: Bench, _ small: String, _ large: String, _ many: Int
  ) async throws -> [Row] {
    let held = "\(inWords(many)) keys"
    let before = "\(inWords(few)) keys"
    let one = try await Side(small, keys: few)
    let other = try await Side(large, keys: many)
    let rows = [
      Row(
        number: "point read", work: "\(held), \(inWords(few)) of them in use", against: before,
        comparison: try await Comparison.run(
          bench, ours: { try await other.readUsed(reads) },
          theirs: { try await one.readUsed(reads) }),
        target: 1.6, isCost: true),
      Row(
        number: "point read, all", work: "\(held), all at random", against: before,
        comparison: try await Comparison.run(
          bench, ours: { try await other.readCold(reads) },
          theirs: { try await one.readCold(reads) }),
        target: 1.6, isCost: true, notes: ["both without the map of hot entries"]),
      Row(
        number: "put", work: "\(held), durable, random keys", against: before,
        comparison: try await Comparison.run(
          bench, ours: { try await other.put(puts) }, theirs: { try await one.put(puts) }),
        target: 1.6, isCost: true),
      Row(
        number: "list page", work: "\(held), 100 keys with values from a random one on",
        against: before,
        comparison: try await Comparison.run(
          bench, ours: { try await other.list(pages) }, theirs: { try await one.list(pages) }),
        target: 1.3, isCost: true),
    ]
    await one.close()
    await other.close()
    return rows
  }

  private static func open(
    _ bench: Bench, _ small: String, _ large: String, _ many: Int
  ) async throws -> Row {
    let comparison = try await Comparison.run(
      bench, ours: { try await open(large) }, theirs: { try await open(small) })
    let milliseconds = 1_000 / comparison.ours.median
    return Row(
      number: "open", work: "\(inWords(many)) keys", against: "\(inWords(few)) keys",
      comparison: comparison, target: 1.6, isCost: true,
      notes: [
        "\(number2(milliseconds)) ms with \(inWords(many)) keys; at most 50 ms: "
          + (milliseconds <= 50 ? "met" : "**not met**")
      ])
  }

  private static func open(_ path: String) async throws -> Double {
    let start = ContinuousClock.now
    let store = try await Store.open(StoreLocation(path), options: Bench.options())
    let taken = (ContinuousClock.now - start).seconds
    await store.close()
    return 1 / taken
  }
}

/// A store of some size, open.
final class Side {
  private let store: Store
  private let cold: Store
  private let keys: Int
  private let used: [String]
  private var random: Random

  init(_ path: String, keys: Int) async throws {
    store = try await Store.open(StoreLocation(path), options: Bench.options())
    cold = try await Store.open(StoreLocation(path), options: Bench.options(hotBytesMax: 0))
    self.keys = keys
    random = Random(seed: UInt64(keys))
    used = Bench.order(10_000, below: keys, seed: 7).map { Bench.key(Int($0)) }
  }

  func close() async {
    await store.close()
    await cold.close()
  }

  private func some(_ count: Int) -> [String] {
    (0..<count).map { _ in Bench.key(Int.random(in: 0..<keys, using: &random)) }
  }

  func readUsed(_ count: Int) async throws -> Double {
    let chosen = (0..<count).compactMap { _ in used.randomElement(using: &random) }
    return try await read(store, chosen)
  }

  func readCold(_ count: Int) async throws -> Double { try await read(cold, some(count)) }

  private func read(_ store: Store, _ chosen: [String]) async throws -> Double {
    let kv = store.kv(Bench.namespace)
    return try await rate(of: chosen.count) {
      for key in chosen {
        guard try await kv.get(key) != nil else { throw Failure("a key is missing") }
      }
    }
  }

  func put(_ count: Int) async throws -> Double {
    let kv = store.kv(Bench.namespace)
    let chosen = some(count)
    return try await rate(of: count) {
      for key in chosen { try await kv.put(key, Bench.value) }
    }
  }

  func list(_ count: Int) async throws -> Double {
    let kv = store.kv(Bench.namespace)
    let chosen = some(count)
    return try await rate(of: count) {
      for key in chosen {
        let page = try await kv.list(KeyQuery(from: key, limit: 100, includesValues: true))
        guard !page.items.isEmpty else { throw Failure("an empty page") }
      }
    }
  }
}

/// How much memory a store takes, measured in a process that does nothing else.
enum Footprint {
  static func measure(path: String, keys: Int) async throws {
    let side = try await Side(path, keys: keys)
    _ = try await side.readUsed(50_000)
    _ = try await side.readCold(50_000)
    _ = try await side.put(500)
    _ = try await side.list(500)
    let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
    let kilobytes = try Program.number(after: "VmRSS:", in: status)
    print("resident \(kilobytes / 1_024)")
    print("100 000 reads, 500 puts and 500 pages")
    await side.close()
  }
}
