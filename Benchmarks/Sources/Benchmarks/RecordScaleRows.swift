import Holdfast

/// What a claim and an audit record cost when a hundred times more is stored.
enum RecordScaleRows {
  private static let few = 10_000
  private static let many = 1_000_000
  private static let claims = 500
  private static let appends = 1_000

  static func measure(_ bench: Bench) async throws -> [Row] {
    let small = try await makeStore(bench, few)
    let large = try await makeStore(bench, many)
    let held = inWords(many)
    let rows = [
      Row(
        number: "claim", work: "\(held) queued tasks, one claimed at a time",
        against: "\(inWords(few)) queued tasks",
        comparison: try await Comparison.run(
          bench, ours: { try await claim(large) }, theirs: { try await claim(small) }),
        target: 1.5, isCost: true),
      Row(
        number: "audit append", work: "\(held) audit records, one more at a time, durable",
        against: "\(inWords(few)) audit records",
        comparison: try await Comparison.run(
          bench, ours: { try await append(large) }, theirs: { try await append(small) }),
        target: 1.2, isCost: true),
    ]
    await small.close()
    await large.close()
    return rows
  }

  private static func makeStore(_ bench: Bench, _ count: Int) async throws -> Store {
    let store = try await Store.open(
      StoreLocation("\(bench.folder)/records-\(count).db"), options: Bench.options())
    let draft = TaskDraft("call", parameters: ["text": Bench.value])
    let entry = AuditEntry(action: "tool.call", subject: "call", details: ["text": Bench.value])
    for _ in 0..<(count / 500) {
      _ = try await store.tasks.enqueueMany(
        Array(repeating: draft, count: 500), with: .relaxed)
      try await store.audit.record(Array(repeating: entry, count: 500), with: .relaxed)
    }
    return store
  }

  /// What is claimed is replaced, so that the queue keeps its length.
  private static func claim(_ store: Store) async throws -> Double {
    var owned: [ClaimedTask] = []
    let claimed = try await rate(of: claims) {
      for _ in 0..<claims {
        guard let task = try await store.tasks.claim(owner: "worker").first else {
          throw Failure("a claim found no task")
        }
        owned.append(task)
      }
    }
    for task in owned {
      try await task.complete()
      try await store.tasks.enqueue("call", parameters: ["text": Bench.value])
    }
    return claimed
  }

  private static func append(_ store: Store) async throws -> Double {
    try await rate(of: appends) {
      for _ in 0..<appends {
        try await store.audit.record(
          AuditEntry(action: "tool.call", subject: "call", details: ["text": Bench.value]))
      }
    }
  }
}
