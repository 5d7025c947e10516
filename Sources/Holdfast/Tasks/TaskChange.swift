import HoldfastCore
import HoldfastEngine

/// A task on its way from one state to the next: what was read of it, and what will be written.
///
/// Whatever moves a task ends its lease; a claim alone gives one, by a statement of its own.
struct TaskChange {
  let row: TaskRow
  private(set) var state: TaskState
  var runAt: Instant
  var result: String?
  var error: String?

  init(_ row: TaskRow) {
    self.row = row
    state = row.state
    runAt = row.task.runAt
    result = row.task.result?.json
    error = row.task.error
  }

  /// Takes one step.
  ///
  /// - Throws: `invalid_state` where it is not possible.
  mutating func apply(_ event: TaskEvent) throws(StoreError) {
    try state.apply(event, at: row.now)
    settle(event)
  }

  /// Takes the step that leads to a status.
  ///
  /// - Throws: `invalid_state` where none does.
  mutating func move(to status: TaskStatus) throws(StoreError) -> TaskEvent {
    let event = try state.move(to: status, at: row.now)
    settle(event)
    return event
  }

  private mutating func settle(_ event: TaskEvent) {
    switch event {
    case .complete: error = nil
    case .requeue:
      runAt = row.now
      error = nil
      result = nil
    default: break
    }
  }

  /// What writes the task.
  var write: Step {
    Step(
      TaskSQL.write,
      [
        .integer(row.number), .text(state.status.rawValue), .integer(Int64(state.attempt)),
        .integer(runAt.microseconds), Bound(state.startedAt?.microseconds),
        Bound(state.completedAt?.microseconds), Bound(error), Bound(result),
      ])
  }
}

/// What a task's error says where nobody gave one.
enum TaskError {
  /// The worker of the task died or was cut off in its last attempt.
  static let leaseExpired = "lease_expired"
  /// The task's owner was gone when its successor started.
  static let stuck = "stuck_on_startup"

  /// What stands for a reason that was not given.
  static func unnamed(_ status: TaskStatus) -> String { status.rawValue }
}
