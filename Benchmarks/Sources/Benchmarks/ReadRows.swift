import Holdfast

/// Row 1: point reads, cold and hot.
enum ReadRows {
  static func measure(_ bench: Bench) async throws -> [Row] {
    let paths = try await bench.makeStores("read")
    let theirs = try Baseline(path: paths.theirs)
    return [
      try await cold(bench, paths.ours, theirs), try await hot(bench, paths.ours, theirs),
    ]
  }

  private static func cold(
    _ bench: Bench, _ path: String, _ theirs: Baseline
  ) async throws -> Row {
    // Without the map, every read goes to the database.
    let store = try await Store.open(
      StoreLocation(path), options: Bench.options(hotBytesMax: 0))
    let order = Bench.order(Bench.keyCount, seed: 1)
    let comparison = try await Comparison.run(
      bench, ours: { try await read(store, order) }, theirs: { try theirs.get(order) })
    await store.close()
    return Row(
      number: "1 cold", work: "point read of a 100-byte value, random among 100 000 keys",
      against: "`sqlite3_step` in C, autocommit", comparison: comparison, target: 1,
      notes: ["the C side's settings: \(theirs.pragmas)"])
  }

  private static func hot(
    _ bench: Bench, _ path: String, _ theirs: Baseline
  ) async throws -> Row {
    let store = try await Store.open(StoreLocation(path), options: Bench.options())
    let chosen = Bench.order(1_000, seed: 2)
    var random = Random(seed: 3)
    let order = (0..<200_000).map { _ in chosen.randomElement(using: &random) ?? 0 }
    let comparison = try await Comparison.run(
      bench, ours: { try await read(store, order) }, theirs: { try theirs.get(order) })
    await store.close()
    return Row(
      number: "1 hot", work: "the same, 1 000 keys again and again",
      against: "`sqlite3_step` in C, autocommit", comparison: comparison, target: 4)
  }

  static func read(_ store: Store, _ order: [Int32]) async throws -> Double {
    let kv = store.kv(Bench.namespace)
    let keys = Bench.keys
    return try await rate(of: order.count) {
      for number in order {
        guard try await kv.get(keys[Int(number)]) != nil else { throw Failure("a key is missing") }
      }
    }
  }
}
