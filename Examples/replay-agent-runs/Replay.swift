import Holdfast

/// Stores recorded runs as their agents would have: a transaction a step.
///
/// What makes it safe to kill: a step's message, its tool calls and the run's new position are one
/// transaction, so that a step is there whole or not at all; its idempotency key makes a step whose
/// answer was lost safe to repeat; and the position says where to go on.
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
    let messages = try run.messages()
    let toolCalls = try run.toolCalls()
    let kept = try await store.kv(run.state).get(RecordedRun.positionKey)?.integerValue ?? 0
    let position = Int(clamping: kept)
    await progress.resumed(run, at: position)
    for (index, step) in run.steps.enumerated().dropFirst(position) {
      try await retrying {
        _ = try await store.transaction(idempotencyKey: "replay/\(run.id)/\(step.key)") { tx in
          let state = tx.kv(run.state)
          let position = try state.get(RecordedRun.positionKey)?.integerValue ?? 0
          // The keys of old requests are forgotten one day; the position is not.
          guard position == index else { return position }
          try tx.kv(messages).put(step.key, step.message)
          for call in step.calls { try tx.kv(toolCalls).put(call.key, call.value) }
          return try state.put(RecordedRun.positionKey, .integer(Int64(index + 1))).entry.version
        }
      }
      await progress.stored(step)
    }
    try await complete(run)
    await progress.finished(run)
  }

  private func begin(_ run: RecordedRun) async throws {
    _ = try await retrying { () throws(StoreError) in
      try await store.runs.begin(
        run.id, tags: ["replay"], metadata: .object(run.metadata),
        with: .idempotent("replay/\(run.id)/begin"))
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
