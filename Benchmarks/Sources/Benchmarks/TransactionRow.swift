import Holdfast

/// Row 5: transactions of ten writes over keys, runs and bots.
enum TransactionRow {
  private static let count = 1_000

  static func measure(_ bench: Bench) async throws -> [Row] {
    let paths = try await bench.makeStores("transaction")
    let theirs = try Baseline(path: paths.theirs)
    let store = try await Store.open(StoreLocation(paths.ours), options: Bench.options())
    let order = Bench.order(count * 6, seed: 6)
    let comparison = try await Comparison.run(
      bench,
      ours: {
        try await rate(of: count) {
          for number in 0..<count { try await write(store, order[(number * 6)..<(number * 6 + 6)]) }
        }
      },
      theirs: { try theirs.transactions(count, order) })
    await store.close()
    return [
      Row(
        number: "5", work: "transaction of ten writes: six keys, two runs, two bots",
        against: "the same statements in C", comparison: comparison, target: 0.8)
    ]
  }

  private static func write(_ store: Store, _ order: ArraySlice<Int32>) async throws {
    try await store.transaction { tx in
      let kv = tx.kv(Bench.namespace)
      for number in order { try kv.put(Bench.keys[Int(number)], Bench.value) }
      for id in ["bench-1", "bench-2"] {
        try tx.runs.update(id, metadata: ["step": 1])
        try tx.bots.update(id, metadata: ["step": 1])
      }
    }
  }
}
