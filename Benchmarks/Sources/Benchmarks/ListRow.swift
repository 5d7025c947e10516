import Holdfast

/// Row 4: a list of ten thousand keys with their values.
enum ListRow {
  private static let rows = 10_000
  /// Enough that a round takes a tenth of a second and not the time of a few wake-ups.
  private static let repeats = 50

  static func measure(_ bench: Bench) async throws -> [Row] {
    let paths = try await bench.makeStores("list")
    let theirs = try Baseline(path: paths.theirs)
    let store = try await Store.open(StoreLocation(paths.ours), options: Bench.options())
    let kv = store.kv(Bench.namespace)
    let comparison = try await Comparison.run(
      bench,
      ours: {
        try await rate(of: repeats) {
          for _ in 0..<repeats {
            let entries = try await kv.entries(prefix: "key-0003").all()
            guard entries.count == rows else { throw Failure("listed \(entries.count) keys") }
          }
        }
      },
      theirs: {
        let rates = try (0..<repeats).map { _ in
          try theirs.list(from: "key-0003", to: "key-0004", rows: rows)
        }
        return Double(rates.count) / rates.reduce(0) { $0 + 1 / $1 }
      })
    await store.close()
    return [
      Row(
        number: "4", work: "list 10 000 keys with values by prefix", against: "the `SELECT` in C",
        comparison: comparison, target: 0.7)
    ]
  }
}
