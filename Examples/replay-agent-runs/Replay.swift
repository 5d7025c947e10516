import Holdfast

/// Stores recorded runs as their agents would have: a transaction a step.
///
/// What makes it safe to kill: a step's message, tasks and audit records are one transaction, so
/// that a step is there whole or not at all; its idempotency key makes a step whose answer was lost
/// safe to repeat; and the number of messages in the session says where to go on.
struct Replay: Sendable {
  let store: Store
  let progress: Progress

  private static let triesMax = 6

  /// Stores a run, or what is still missing of it.
  ///
  /// - Parameter run: The run.
  /// - Throws: ``StoreError`` of the store's, once trying again has not helped.
  func run(_ run: RecordedRun) async throws {
    if let known = try await retrying({ () throws(StoreError) in try await store.runs.get(run.id) })
    {
      guard !known.status.isFinished, known.status != .archived else {
        return await progress.found(run)
      }
    } else {
      try await begin(run)
    }
    let position = try await retrying { () throws(StoreError) in
      try await store.sessions.count(run.session)
    }
    await progress.resumed(run, at: position)
    for step in run.steps.dropFirst(position) {
      try await retrying { try await keep(step, of: run) }
      await progress.stored(step)
    }
    try await complete(run)
    await progress.finished(run)
  }

  /// A run and the session of its messages come into being together.
  private func begin(_ run: RecordedRun) async throws {
    try await retrying {
      _ = try await store.transaction(idempotencyKey: "replay/\(run.id)/begin") { tx in
        try tx.runs.begin(run.id, tags: ["replay"], metadata: .object(run.metadata))
        return try tx.sessions.save(SessionEntry(run.session, run: run.id)).session.version
      }
    }
  }

  /// What a message brings: the message, the tasks that it begins and ends, and who did so.
  private func keep(_ step: RecordedStep, of run: RecordedRun) async throws {
    _ = try await store.transaction(idempotencyKey: "replay/\(run.id)/\(step.number)") { tx in
      let count = try tx.sessions.count(run.session)
      // The keys of old requests are forgotten one day; the messages are not.
      guard count == step.number - 1 else { return count }
      for call in step.calls { try tx.tasks.save(run.draft(of: call), status: .running) }
      if let answer = step.answer {
        try tx.tasks.complete(answer.call.task, result: answer.result)
      }
      try tx.audit.record(run.records(of: step))
      return try tx.sessions.append([step.message], to: run.session).itemCount
    }
  }

  /// The end of a run and what it earned come together.
  private func complete(_ run: RecordedRun) async throws {
    var metadata = run.metadata
    metadata["reward"] = run.reward
    metadata["messages"] = .integer(Int64(run.steps.count))
    let whole = metadata
    _ = try await retrying {
      try await store.transaction(idempotencyKey: "replay/\(run.id)/complete") { tx in
        try tx.runs.update(run.id, metadata: .object(whole))
        return try tx.runs.apply(.complete, to: run.id).version
      }
    }
  }

  /// Tries again where the store says that this may help; every call here may be repeated.
  private func retrying<Result>(_ call: () async throws -> Result) async throws -> Result {
    var pause = Duration.milliseconds(50)
    for _ in 1..<Self.triesMax {
      do {
        return try await call()
      } catch StoreError.Code.unavailable, StoreError.Code.uncertain {
        try await SystemTimeSource().sleep(for: pause)
        pause *= 2
      }
    }
    return try await call()
  }
}
