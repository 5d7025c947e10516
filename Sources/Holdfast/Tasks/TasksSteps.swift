public import HoldfastCore
import HoldfastEngine

/// The steps of a task: what was done once is not done again when the task runs again.
extension TasksTransaction {
  /// The record of a step.
  ///
  /// - Parameters:
  ///   - name: The step's name, 1 to 256 bytes.
  ///   - id: The task's identifier.
  ///   - token: The fencing token, where the task is leased.
  /// - Returns: The record; `nil` for a step that was not done yet.
  /// - Throws: ``StoreError`` with `fenced`, `not_found`, `invalid_state` for a task that does not
  ///   run, `invalid`.
  public func step(
    _ name: String, of id: String, token: Int64? = nil
  ) throws(StoreError) -> TaskStep? {
    try TaskChecks.id(id, limits)
    try Checks.id(name, "step", limits)
    let connection = try transaction.reading()
    _ = try running(id, token, connection)
    return try step(name, of: id, connection)
  }

  /// Records what a step gave, once: a step that has a record keeps it.
  ///
  /// - Parameters:
  ///   - name: The step's name, 1 to 256 bytes.
  ///   - id: The task's identifier.
  ///   - result: What the step gave.
  ///   - token: The fencing token, where the task is leased.
  /// - Returns: The record, and whether it is new.
  /// - Throws: ``StoreError`` with `fenced`, `not_found`, `invalid_state` for a task that does not
  ///   run, `invalid`, `too_large`.
  @discardableResult
  public func recordStep(
    _ name: String, of id: String, result: Value, token: Int64? = nil
  ) throws(StoreError) -> (step: TaskStep, isNew: Bool) {
    try TaskChecks.id(id, limits)
    try Checks.id(name, "step", limits)
    let text = try result.json(within: limits)
    let connection = try transaction.writing(bytes: name.utf8.count + text.utf8.count)
    let row = try running(id, token, connection)
    if let kept = try step(name, of: id, connection) { return (kept, false) }
    let results = try connection.run([
      Step(TaskSQL.addStep, [.text(id), .text(name), .text(text)]),
      Step(TaskSQL.touch, [.integer(row.number)]),
      Feed.event("task", row.namespace, id, "step"),
    ])
    guard let columns = results.first?.rows.first else {
      throw Excess.fault(.internal, "A step could not be recorded.")
    }
    return (try TaskStep(columns), true)
  }

  /// The steps that a task has recorded.
  ///
  /// - Parameter id: The task's identifier.
  /// - Returns: The steps in the order in which they were recorded; none for a missing task.
  /// - Throws: ``StoreError`` with `invalid` for an identifier that cannot be.
  public func steps(_ id: String) throws(StoreError) -> [TaskStep] {
    try TaskChecks.id(id, limits)
    let found = try transaction.reading().run([Step(TaskSQL.listSteps, [.text(id)])])
    var steps: [TaskStep] = []
    for columns in found.first?.rows ?? [] { steps.append(try TaskStep(columns)) }
    return steps
  }

  func step(
    _ name: String, of id: String, _ connection: any Connection
  ) throws(StoreError) -> TaskStep? {
    let found = try connection.run([Step(TaskSQL.getStep, [.text(id), .text(name)])])
    guard let columns = found.first?.rows.first else { return nil }
    return try TaskStep(columns)
  }
}

extension TaskStep {
  fileprivate init(_ columns: [Bound]) throws(StoreError) {
    var columns = Columns(columns)
    name = columns.text()
    position = Int(columns.integer())
    recordedAt = columns.instant()
    result = try ValueText.decode(columns.text())
  }
}
