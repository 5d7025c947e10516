import Holdfast

/// Rows 2 and 3: durable puts, one after the other and from 64 tasks.
enum WriteRows {
  static let sequentialCount = 2_000
  private static let tasks = 64
  private static let togetherCount = 64 * 300

  static func measure(_ bench: Bench) async throws -> [Row] {
    let paths = try await bench.makeStores("write")
    let store = try await Store.open(StoreLocation(paths.ours), options: Bench.options())
    let theirs = try Baseline(path: paths.theirs)
    var rows: [Row] = []
    if bench.settings.wants(["2"]) { rows.append(try await one(bench, store, theirs)) }
    if bench.settings.wants(["3"]) { rows.append(try await together(bench, store, theirs)) }
    await store.close()
    return rows
  }

  private static func one(
    _ bench: Bench, _ store: Store, _ theirs: Baseline
  ) async throws -> Row {
    let kv = store.kv(Bench.namespace)
    let order = Bench.order(sequentialCount, seed: 4)
    let comparison = try await Comparison.run(
      bench,
      ours: {
        try await rate(of: order.count) {
          for number in order { try await kv.put(Bench.keys[Int(number)], Bench.value) }
        }
      },
      theirs: { try theirs.put(order, group: 1) })
    let sync = try Baseline.syncTime(in: bench.folder)
    return Row(
      number: "2", work: "durable put, one task after the other, random keys",
      against: "upsert and feed row in C, `synchronous=FULL`", comparison: comparison,
      target: 0.85, notes: ["a 4 KiB append and its flush take \(number2(sync * 1e6)) µs"])
  }

  private static func together(
    _ bench: Bench, _ store: Store, _ theirs: Baseline
  ) async throws -> Row {
    let kv = store.kv(Bench.namespace)
    let order = Bench.order(togetherCount, seed: 5)
    let single = Array(order.prefix(sequentialCount))
    var singles: [Double] = []
    let comparison = try await Comparison.run(
      bench,
      ours: {
        try await rate(of: order.count) {
          try await withThrowingTaskGroup(of: Void.self) { group in
            for task in 0..<tasks {
              group.addTask {
                for place in stride(from: task, to: order.count, by: tasks) {
                  try await kv.put(Bench.keys[Int(order[place])], Bench.value)
                }
              }
            }
            try await group.waitForAll()
          }
        }
      },
      theirs: {
        singles.append(try theirs.put(single, group: 1))
        return try theirs.put(order, group: tasks)
      })
    let sync = try Baseline.syncTime(in: bench.folder)
    var notes = ["a 4 KiB append and its flush take \(number2(sync * 1e6)) µs"]
    if !singles.isEmpty {
      let gain = Series(values: zip(comparison.ours.values, singles.dropFirst()).map { $0 / $1 })
      notes.append(
        "\(number2(gain.median))× (\(number2(gain.least))–\(number2(gain.most))) the C loop that "
          + "commits each put by itself; aim 8×")
    }
    return Row(
      number: "3", work: "durable put, 64 tasks at once, random keys",
      against: "64 puts a transaction in C", comparison: comparison, target: 0.85, notes: notes)
  }
}
