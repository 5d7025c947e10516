import Holdfast
import HoldfastCore

/// The write verbs of runs.
///
/// A run belongs to its own namespace, `run:ID`.
enum RunOperations {
  static let all = [begin, update, delete] + steps

  static let begin = WriteOperation("runs.begin") { fields, context throws(StoreError) in
    let id = try fields.optionalText("id") ?? context.ids.makeID(at: context.time.wallTime())
    let parent = try fields.optionalText("parent")
    let tags = try fields.optionalTexts("tags") ?? []
    let metadata = try fields.optionalObject("metadata") ?? [:]
    var write = PreparedWrite(touches: [.exactly(.run(id))]) { tx throws(StoreError) in
      let run = try tx.runs.begin(id, parent: parent, tags: tags, metadata: metadata)
      return Reply(
        status: 201, body: run.json, version: run.version,
        location: "/v1/runs/\(PercentText.encode(run.id))")
    }
    if let parent { write.needs = [(.run(parent), noParent(parent))] }
    return write
  }

  static let update = WriteOperation("runs.update") { fields, _ throws(StoreError) in
    let id = try fields.text("id")
    let tags = try fields.optionalTexts("tags")
    let metadata = try fields.optionalObject("metadata")
    return write(id) { tx throws(StoreError) in
      try tx.runs.update(id, tags: tags, metadata: metadata)
    }
  }

  /// A step of a run's life for each of its events.
  static let steps = RunEvent.allCases.map(step)

  /// The verb of an event.
  ///
  /// - Parameter event: The event.
  /// - Returns: The verb, such as `runs.complete`.
  static func step(_ event: RunEvent) -> WriteOperation {
    // Cancelling ends somebody else's work, which is for operators.
    let role: Role = event == .cancel ? .operator : .agent
    return WriteOperation("runs.\(event.rawValue)", role: role) { fields, _ throws(StoreError) in
      let id = try fields.text("id")
      let error = event == .fail ? try fields.optionalText("error") : nil
      return write(id) { tx throws(StoreError) in
        try tx.runs.apply(event, to: id, error: error)
      }
    }
  }

  /// Deleting a run under which something is unfinished cancels tasks, or takes a question from who
  /// was to answer it: both are for operators, by whatever way.
  static let delete = WriteOperation("runs.delete") { fields, _ throws(StoreError) in
    let id = try fields.text("id")
    var write = PreparedWrite(
      touches: [.withAllBelow(.run(id))],
      version: { tx throws(StoreError) in try tx.runs.get(id)?.version }
    ) { tx throws(StoreError) in
      try tx.runs.delete(id)
      return Reply(status: 204, body: ["deleted": true])
    }
    write.demands = { tx, access throws(StoreError) in
      guard !access.role.allows(.operator), let what = try tx.runs.unfinished(under: id) else {
        return
      }
      throw StoreError(
        .forbidden, "The run cannot be deleted by its agents: \(what).",
        hint: "Finish what is under the run, or let an operator delete it.",
        details: ["run": .string(id), "role": .string(Role.operator.rawValue)])
    }
    return write
  }

  private static func write(
    _ id: String, _ change: @escaping @Sendable (Transaction) throws(StoreError) -> Run
  ) -> PreparedWrite {
    PreparedWrite(
      touches: [.exactly(.run(id))],
      version: { tx throws(StoreError) in try tx.runs.get(id)?.version }
    ) { tx throws(StoreError) in
      let run = try change(tx)
      return Reply(status: 200, body: run.json, version: run.version)
    }
  }

  /// What begin says of a parent that is not there; one that may not be seen gets the same.
  private static func noParent(_ id: String) -> StoreError {
    StoreError(
      .notFound, "There is no run that could be the parent.", hint: "Begin the parent first.",
      details: ["parent": .string(id)])
  }
}
