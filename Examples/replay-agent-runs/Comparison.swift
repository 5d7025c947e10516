import Holdfast

/// Reads stored runs again, and compares them with the file.
struct Comparison: Sendable {
  let store: Store

  /// Compares a run.
  ///
  /// - Parameter run: The run as it was recorded.
  /// - Throws: ``StoreError`` with `corrupt` and what differs; never what the message says.
  func check(_ run: RecordedRun) async throws {
    guard let stored = try await store.runs.get(run.id) else {
      throw Self.differs(run, "it is not there")
    }
    guard stored.status == .completed else {
      throw Self.differs(run, "it is \(stored.status.rawValue), not completed")
    }
    guard stored.metadata["reward"] == run.reward else {
      throw Self.differs(run, "it has another reward")
    }
    let position = try await store.kv(run.state).get(RecordedRun.positionKey)
    guard position == .integer(Int64(run.steps.count)) || run.steps.isEmpty else {
      throw Self.differs(run, "its position is not the number of its messages")
    }
    let messages = run.steps.map { ($0.key, $0.message) }
    try await compare(run, "message", messages, in: try run.messages())
    // Of the two writes of a call the later one, with the result, is what stays.
    var calls: [String: Value] = [:]
    for step in run.steps { for call in step.calls { calls[call.key] = call.value } }
    let expected = calls.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    try await compare(run, "tool call", expected, in: try run.toolCalls())
  }

  private func compare(
    _ run: RecordedRun, _ what: String, _ expected: [(String, Value)], in namespace: Namespace
  ) async throws {
    let stored = try await store.kv(namespace).entries().all()
    guard stored.count == expected.count else {
      let difference = "it has \(stored.count) \(what)s, not \(expected.count)"
      throw Self.differs(run, difference)
    }
    for (entry, (key, value)) in zip(stored, expected) {
      guard entry.key == key, entry.value == value else {
        throw Self.differs(run, "its \(what) \(key) is another one")
      }
    }
  }

  private static func differs(_ run: RecordedRun, _ how: String) -> StoreError {
    StoreError(
      .corrupt, "The run \(run.id) differs from the file: \(how).",
      hint: "Look at what else writes to the store.")
  }
}
