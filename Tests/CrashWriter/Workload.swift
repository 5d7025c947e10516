package import Holdfast

/// One step of the workload that is killed again and again: what a writer does, and what whoever
/// looks at the store afterwards must find.
///
/// A step writes three keys in two namespaces, counts, moves a run on and leaves its idempotency
/// key, in one transaction; so each of them betrays a half of it. Both sides make the step from two
/// numbers, so that nothing but the numbers has to be reported.
package struct WorkloadStep: Sendable {
  /// What a step's transaction returns, and its idempotency key keeps.
  package struct Outcome: Codable, Sendable, Equatable {
    /// The revision that the step was written in.
    package let version: Int64
    /// How many steps its task has done, this one included.
    package let count: Int64
  }

  /// Thrown by a body that undoes itself.
  package struct Refused: Error {
    package init() {}
  }

  /// Which of the writer's tasks does it.
  package let task: Int
  /// The task's how manieth step it is, from 0.
  package let index: Int

  package init(task: Int, index: Int) {
    self.task = task
    self.index = index
  }

  /// The namespace of a task's third keys.
  ///
  /// - Parameter task: The task.
  /// - Returns: The namespace.
  /// - Throws: Never, for any number of a task.
  package static func second(_ task: Int) throws(StoreError) -> Namespace {
    try Namespace(segments: ["crash", "t\(task)"])
  }

  /// The key, in the global namespace, that counts a task's steps.
  ///
  /// - Parameter task: The task.
  /// - Returns: The key.
  package static func counter(_ task: Int) -> String { "count:\(task)" }

  /// The run that the step moves on: four steps take a run from its begin to its end.
  package var runID: String { "w\(task)-\(index / 4)" }

  /// What the step does to its run; `nil` where it begins it.
  package var event: RunEvent? {
    switch index % 4 {
    case 0: nil
    case 1: .pause
    case 2: .resume
    default: .complete
    }
  }

  /// In which state the step leaves its run.
  package var status: RunStatus {
    switch index % 4 {
    case 0, 2: .active
    case 1: .paused
    default: .completed
    }
  }

  /// Makes the step safe to repeat.
  package var idempotencyKey: String { "w\(task)-\(index)" }

  /// What its keys hold: from a few bytes to more than a page.
  package var value: Value {
    [
      "task": .integer(Int64(task)), "index": .integer(Int64(index)),
      "pad": .string(String(repeating: "x", count: index * 397 % 6_000)),
    ]
  }

  /// What the feed says of it: kind, namespace and subject of each event.
  package var events: Set<String> {
    [
      "kv run:\(runID) a:\(index)", "kv run:\(runID) b:\(index)",
      "kv crash:t\(task) c:\(index)", "kv global \(Self.counter(task))",
      "run run:\(runID) \(runID)",
    ]
  }

  /// Does the step.
  ///
  /// - Parameter tx: The transaction.
  /// - Returns: Its version and count.
  /// - Throws: What the transaction's operations throw.
  package func apply(to tx: Transaction) throws -> Outcome {
    let count = try tx.kv(.global).incrementEntry(Self.counter(task))
    if let event { try tx.runs.apply(event, to: runID) } else { try tx.runs.begin(runID) }
    try tx.kv(.run(runID)).put("a:\(index)", value)
    try tx.kv(Self.second(task)).put("c:\(index)", value)
    let last = try tx.kv(.run(runID)).put("b:\(index)", value)
    return Outcome(version: last.entry.version, count: count.value)
  }
}

/// What a writer's task does, by its number.
package enum WorkloadKind: Sendable {
  /// Transactions of a ``WorkloadStep`` each.
  case steps
  /// Single puts.
  case puts
  /// Single increments, each with an idempotency key.
  case increments

  /// The kind of a task.
  ///
  /// - Parameter task: The task's number.
  package init(task: Int) {
    switch task % 3 {
    case 0: self = .steps
    case 1: self = .puts
    default: self = .increments
    }
  }

  /// The namespace of the keys of a task that puts.
  ///
  /// - Parameter task: The task's number.
  /// - Returns: The namespace.
  /// - Throws: Never, for any number of a task.
  package static func puts(_ task: Int) throws(StoreError) -> Namespace {
    try Namespace(segments: ["crash", "p\(task)"])
  }
}
