package import HoldfastCore
import HoldfastEngine

/// A task that was looked through and can be written.
struct TaskPlan {
  let id: String
  /// Whether the caller chose the identifier, so that it may be taken.
  let hasGivenID: Bool
  let draft: TaskDraft
  let queue: String
  let parameters: String
  let priority: Int
  let maxAttempts: Int
  let backOff: BackOff
  /// Where the task begins; a task that is saved may begin anywhere.
  var state = TaskState()
  var createdAt: Instant?
  var result: String?
  var error: String?
  /// The task that this one replays.
  var source: String?

  /// Looks a draft through.
  ///
  /// - Throws: `invalid` for what cannot be, `too_large`.
  init(_ draft: TaskDraft, _ context: StoreContext) throws(StoreError) {
    let limits = context.limits
    self.draft = draft
    hasGivenID = draft.id != nil
    id = draft.id ?? context.ids.makeID(at: context.time.wallTime())
    queue = draft.queue ?? context.tasks.queue
    priority = draft.priority ?? context.tasks.priority
    maxAttempts = draft.maxAttempts ?? context.tasks.maxAttempts
    backOff = draft.backOff ?? context.tasks.backOff
    try TaskChecks.id(id, limits)
    try Checks.id(queue, "queue", limits)
    try Checks.id(draft.command, "command", limits)
    if let caller = draft.caller { try Checks.id(caller, "caller", limits) }
    if let channel = draft.responseChannel { try Checks.id(channel, "response channel", limits) }
    if let thread = draft.responseThread { try Checks.id(thread, "response thread", limits) }
    if let run = draft.run { try Checks.runID(run, limits) }
    if let key = draft.uniqueKey { try Checks.id(key, "unique key", limits) }
    try TaskChecks.priority(priority)
    try TaskChecks.attempts(maxAttempts, limits)
    try TaskChecks.backOff(backOff, limits)
    if let delay = draft.delay {
      guard draft.runAt == nil else {
        throw TaskChecks.failure(
          "run_at", "A task has a delay or a time to run at, not both.",
          hint: "Leave one of them out.")
      }
      try TaskChecks.delay(delay, "delay", limits)
    }
    try TaskChecks.time(draft.runAt, "run_at")
    parameters = try draft.parameters.json(within: limits)
  }

  /// How many bytes it writes.
  var bytes: Int {
    parameters.utf8.count + (result?.utf8.count ?? 0) + (error?.utf8.count ?? 0)
      + draft.command.utf8.count + 256
  }

  /// The namespace that decides who may see the task.
  var namespace: Namespace { .holding(run: draft.run) }

  /// What writes the task.
  var insertion: Step {
    Step(
      TaskSQL.insert,
      [
        .text(id), .text(queue), .text(draft.command), .text(state.status.rawValue),
        .integer(Int64(priority)), Bound(draft.caller), Bound(draft.responseChannel),
        Bound(draft.responseThread), Bound(draft.run), .integer(Int64(state.attempt)),
        .integer(Int64(maxAttempts)), .integer(backOff.base.microseconds),
        .integer(backOff.cap.microseconds), Bound(draft.runAt?.microseconds),
        .integer(draft.delay?.microseconds ?? 0), Bound(draft.uniqueKey), Bound(source),
        Bound(createdAt?.microseconds), Bound(state.startedAt?.microseconds),
        Bound(state.completedAt?.microseconds), Bound(error), .text(parameters), Bound(result),
      ])
  }
}

/// The checks of what callers say of tasks.
package enum TaskChecks {
  /// Checks a task's identifier; `stats` has a route of its own.
  ///
  /// - Parameters:
  ///   - id: The identifier.
  ///   - limits: The store's limits.
  /// - Throws: ``StoreError`` with `invalid`.
  package static func id(_ id: String, _ limits: Limits) throws(StoreError) {
    try Checks.id(id, "task id", limits)
    guard !Bytewise.equal(id, "stats") else {
      throw StoreError(
        .invalid, "A task id cannot be stats.", hint: "Choose another one.",
        details: ["reason": "reserved"])
    }
  }

  static func priority(_ priority: Int) throws(StoreError) {
    guard (-100...100).contains(priority) else {
      throw failure(
        "priority", "A priority is from -100 to 100.", hint: "Choose one in that range.")
    }
  }

  static func attempts(_ attempts: Int, _ limits: Limits) throws(StoreError) {
    guard (1...limits.taskAttemptsMax).contains(attempts) else {
      throw failure(
        "max_attempts", "A task may run from 1 to \(limits.taskAttemptsMax) times.",
        hint: "Choose a number in that range.")
    }
  }

  static func backOff(_ backOff: BackOff, _ limits: Limits) throws(StoreError) {
    try delay(backOff.base, "retry_base", limits)
    try delay(backOff.cap, "retry_cap", limits)
  }

  static func delay(
    _ delay: Duration, _ field: String, _ limits: Limits
  ) throws(StoreError) {
    guard delay >= .zero, delay <= limits.lifetimeMax else {
      throw failure(
        field, "A delay is from 0s to \(DurationText.format(limits.lifetimeMax)).",
        hint: "Choose a delay in that range.")
    }
  }

  static func lease(_ lease: Duration, _ limits: Limits) throws(StoreError) {
    guard lease >= limits.leaseMin, lease <= limits.leaseMax else {
      let least = DurationText.format(limits.leaseMin)
      let most = DurationText.format(limits.leaseMax)
      throw failure(
        "lease", "A lease is from \(least) to \(most) long.", hint: "Choose a lease in that range.")
    }
  }

  /// A time that can be written as text, so that no sum and no difference of two can overflow.
  static func time(_ time: Instant?, _ field: String) throws(StoreError) {
    guard let time, time < .textMin || time > .textMax else { return }
    throw failure(
      field, "A time of a task is in the years 1 to 9999.", hint: "Choose a time in that range.")
  }

  /// What is kept of an error: a worker may fail with pages, and a failure that is refused for its
  /// length would leave the task running without a word of why.
  static func error(_ error: String, _ limits: Limits) throws(StoreError) -> String {
    let kept = Checks.cut(error, bytesMax: limits.descriptionBytesMax)
    try Checks.text(kept, "error", bytesMax: limits.descriptionBytesMax)
    return kept
  }

  static func failure(_ field: String, _ message: String, hint: String) -> StoreError {
    StoreError(
      .invalid, message, hint: hint,
      details: ["field": .string(field), "reason": "out_of_range"])
  }
}
