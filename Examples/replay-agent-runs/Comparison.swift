import Holdfast

/// Reads stored runs again, and compares them with the file.
actor Comparison {
  private let store: Store
  private var inFile = Counts()
  private var inStore = Counts()

  /// Begins with nothing read.
  ///
  /// - Parameter store: The store.
  init(store: Store) { self.store = store }

  /// Compares a run.
  ///
  /// - Parameter run: The run as it was recorded.
  /// - Throws: ``StoreError`` with `corrupt` and what differs; never what the message says.
  func check(_ run: RecordedRun) async throws {
    var found = try await checkRun(run)
    found.messages = try await checkMessages(of: run)
    let tasks = try await checkTasks(of: run)
    found.completed = tasks.count { $0.status == .completed }
    found.running = tasks.count { $0.status == .running }
    found.records = try await checkRecords(of: run)
    inFile += Counts(of: run)
    inStore += found
  }

  /// Checks the seals of the audit log.
  ///
  /// - Returns: What was compared, with its line ends.
  /// - Throws: ``StoreError`` with `corrupt` where a record was changed from outside.
  func finish() async throws -> String {
    let log = try await store.audit.verify()
    if let fault = log.faults.first {
      throw StoreError(
        .corrupt, "\(fault.sentence).", hint: "Run holdfast audit verify, and restore a backup.")
    }
    return Counts.table(file: inFile, store: inStore)
      + "verified: the store holds exactly what the file does, once and in order\n"
  }

  private func checkRun(_ run: RecordedRun) async throws -> Counts {
    guard let stored = try await store.runs.get(run.id) else {
      throw Self.differs(run, "it is not there")
    }
    guard stored.status == .completed else {
      throw Self.differs(run, "it is \(stored.status.rawValue), not completed")
    }
    guard stored.metadata["reward"] == run.reward else {
      throw Self.differs(run, "it has another reward")
    }
    var found = Counts()
    found.runs = 1
    found.rewards = stored.metadata["reward"] == nil ? 0 : 1
    return found
  }

  /// Positions without gaps show that no step was ever stored twice, not even to be taken away.
  private func checkMessages(of run: RecordedRun) async throws -> Int {
    let items = try await Self.all { after in
      let page = try await store.sessions.items(
        of: run.session, ItemQuery(after: after, limit: 1_000))
      return (page.items, page.next)
    }
    try Self.compare(run, "messages", items.count, run.steps.count)
    for (item, step) in zip(items, run.steps) {
      guard item.position == Int64(step.number), item.item == step.message else {
        throw Self.differs(run, "its message \(step.number) is another one")
      }
    }
    return items.count
  }

  private func checkTasks(of run: RecordedRun) async throws -> [TaskRecord] {
    let tasks = try await Self.all { after in
      let page = try await store.tasks.list(TaskQuery(run: run.id, after: after, limit: 1_000))
      return (page.items, page.next)
    }
    let calls = run.steps.flatMap(\.calls)
    let answers = run.steps.compactMap(\.answer)
    try Self.compare(run, "tool calls", tasks.count, calls.count)
    let taskOf = Dictionary(tasks.map { ($0.id, $0) }) { first, _ in first }
    let answerOf = Dictionary(answers.map { ($0.call.task, $0.result) }) { first, _ in first }
    for call in calls {
      let answer = answerOf[call.task]
      guard let task = taskOf[call.task], task.command == call.tool,
        task.parameters == call.arguments,
        task.status == (answer == nil ? .running : .completed),
        task.result ?? .null == answer ?? .null
      else { throw Self.differs(run, "its tool call \(call.task) is another one") }
    }
    return tasks
  }

  private func checkRecords(of run: RecordedRun) async throws -> Int {
    let records = try await Self.all { after in
      let page = try await store.audit.list(AuditQuery(run: run.id, after: after, limit: 1_000))
      return (page.items, page.next)
    }
    let expected = run.steps.flatMap { run.records(of: $0) }
    try Self.compare(run, "audit records", records.count, expected.count)
    // The list is ordered by time, and clocks are set back now and then: a deed has its own name.
    let recordOf = Dictionary(records.map { ("\($0.action) \($0.subject ?? "")", $0) }) {
      first, _ in first
    }
    for entry in expected {
      guard let record = recordOf["\(entry.action) \(entry.subject ?? "")"],
        record.result == entry.result, record.details == entry.details
      else { throw Self.differs(run, "an audit record is missing or another one") }
    }
    return records.count
  }

  /// Reads a list to its end.
  private static func all<Item: Sendable>(
    _ page: @Sendable (_ after: String?) async throws -> ([Item], next: String?)
  ) async throws -> [Item] {
    var (items, next) = try await page(nil)
    while let after = next {
      let more = try await page(after)
      items += more.0
      next = more.next
    }
    return items
  }

  private static func compare(
    _ run: RecordedRun, _ what: String, _ stored: Int, _ expected: Int
  ) throws(StoreError) {
    guard stored == expected else {
      throw differs(run, "it has \(stored) \(what), not \(expected)")
    }
  }

  private static func differs(_ run: RecordedRun, _ how: String) -> StoreError {
    StoreError(
      .corrupt, "The run \(run.id) differs from the file: \(how).",
      hint: "Look at what else writes to the store.")
  }
}
