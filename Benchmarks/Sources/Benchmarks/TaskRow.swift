import Holdfast

/// Row 9: tasks that are enqueued, claimed and completed by workers.
enum TaskRow {
  private static let workers = 16
  private static let cycles = 16 * 150

  static func measure(_ bench: Bench) async throws -> [Row] {
    let paths = try await bench.makeStores("task")
    let store = try await Store.open(StoreLocation(paths.ours), options: Bench.options())
    let theirs = try Baseline(path: paths.theirs)
    let order = Bench.order(3 * 1_000, seed: 8)
    let comparison = try await Comparison.run(
      bench,
      ours: { try await rate(of: cycles) { try await work(store) } },
      theirs: { try theirs.put(order, group: 1) / 3 })
    let left = try await store.tasks.stats().byStatus.filter {
      $0.key != .completed && $0.value > 0
    }
    await store.close()
    guard left.isEmpty else { throw Failure("tasks were left over: \(left)") }
    return [
      Row(
        number: "9", work: "task cycle (enqueue, claim, complete), \(workers) workers",
        against: "three times row 2's C loop a cycle", comparison: comparison, target: 6)
    ]
  }

  /// Each worker enqueues a task, claims one, which may be another's, and completes that.
  private static func work(_ store: Store) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      for worker in 0..<workers {
        group.addTask {
          let owner = "worker-\(worker)"
          for _ in 0..<(cycles / workers) {
            try await store.tasks.enqueue("call", parameters: ["text": Bench.value])
            guard let task = try await store.tasks.claim(owner: owner).first else {
              throw Failure("a claim found no task")
            }
            try await task.complete("done")
          }
        }
      }
      try await group.waitForAll()
    }
  }
}
