import Holdfast

/// Mode `write`: tasks that write one thing after the other, until they are killed or stopped.
///
/// `ack TASK INDEX` says that the store has acknowledged a write, `error TASK INDEX CODE` that it
/// has not (it is tried again), `fault …` that the store said something that cannot be.
struct Writing: Sendable {
  let store: Store
  let settings: Settings

  func run() async {
    let tasks = settings.number("tasks", 6)
    await withTaskGroup(of: Void.self) { group in
      for task in 0..<tasks { group.addTask { await write(task) } }
    }
  }

  private func write(_ task: Int) async {
    guard var index = await begun(task) else { return }
    let most = index + settings.number("most", .max - index)
    while !Input.isOver, index < most {
      guard await acknowledged(task, index) else { return }
      Report.line("ack \(task) \(index)")
      index += 1
    }
  }

  /// How much the task has done in its earlier lives.
  private func begun(_ task: Int) async -> Int? {
    await again(task, -1) {
      switch WorkloadKind(task: task) {
      case .puts: try await store.kv(WorkloadKind.puts(task)).count()
      case .steps, .increments:
        Int(try await store.kv(.global).get(WorkloadStep.counter(task))?.integerValue ?? 0)
      }
    }
  }

  private func acknowledged(_ task: Int, _ index: Int) async -> Bool {
    let step = WorkloadStep(task: task, index: index)
    let count: Int64? = await again(task, index) {
      switch WorkloadKind(task: task) {
      case .steps:
        if index % 5 == 0 { try await refuse(step) }
        return try await store.transaction(idempotencyKey: step.idempotencyKey) { tx in
          try step.apply(to: tx)
        }.count
      case .puts:
        try await store.kv(WorkloadKind.puts(task)).put("p:\(index)", step.value)
        return Int64(index + 1)
      case .increments:
        return try await store.kv(.global).increment(
          WorkloadStep.counter(task), with: .idempotent(step.idempotencyKey))
      }
    }
    guard let count else { return false }
    if count != index + 1 { Report.line("fault task \(task) counted \(count) at \(index)") }
    return true
  }

  /// A body that writes and then takes it back: nothing of it may ever be seen.
  private func refuse(_ step: WorkloadStep) async throws {
    do {
      try await store.transaction { tx in
        try tx.kv(WorkloadStep.second(step.task)).put("ghost", step.value)
        throw WorkloadStep.Refused()
      }
    } catch is WorkloadStep.Refused {
      return
    }
  }

  /// Tries until it is done: what is `unavailable` was not written, what is `uncertain` is settled
  /// by the same idempotency key.
  private func again<Result: Sendable>(
    _ task: Int, _ index: Int, _ call: @Sendable () async throws -> Result
  ) async -> Result? {
    while !Input.isOver {
      do {
        return try await call()
      } catch let error as StoreError where error.code == .unavailable || error.code == .uncertain {
        Report.line("error \(task) \(index) \(error.code)")
        try? await SystemTimeSource().sleep(for: .milliseconds(5))
      } catch {
        Report.line("fault \(task) \(index) \(error)")
        return nil
      }
    }
    return nil
  }
}
