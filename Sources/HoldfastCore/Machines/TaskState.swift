/// Where a task stands.
public enum TaskStatus: String, Codable, CaseIterable, Sendable {
  /// It is to be done, now or from a time on.
  case pending
  /// Somebody is at it.
  case running
  /// It sleeps, or waits for an event.
  case waiting
  /// It waits for somebody to approve it.
  case awaitingApproval = "awaiting_approval"
  /// It is done.
  case completed
  /// It was given up.
  case failed
  /// It was ended from outside.
  case cancelled

  /// Whether the task came to an end: completed, failed or cancelled.
  public var isFinal: Bool {
    switch self {
    case .completed, .failed, .cancelled: true
    case .pending, .running, .waiting, .awaitingApproval: false
    }
  }
}

/// What can happen to a task.
public enum TaskEvent: String, CaseIterable, Sendable {
  /// Somebody begins to work on it.
  case start
  /// It is done.
  case complete
  /// It is given up.
  case fail
  /// It is ended from outside.
  case cancel
  /// A run of it failed, or its lease was lost, and it is to be tried again.
  case retry
  /// Its worker hands it back untouched.
  case release
  /// It goes to sleep, or waits for an event.
  case wait
  /// It needs somebody's approval.
  case awaitApproval = "await_approval"
  /// What it waited for has come.
  case resume
  /// It is taken up again although it came to an end.
  case requeue

  /// The event that leads from one status to another.
  ///
  /// - Parameters:
  ///   - status: Where the task stands.
  ///   - next: Where it shall stand.
  /// - Returns: The event; `nil` where no step leads there.
  public static func leading(from status: TaskStatus, to next: TaskStatus) -> TaskEvent? {
    // A worker that hands its task back is the plainest way from running to pending.
    allCases.first { $0 != .retry && TaskState.successor(of: status, $0) == next }
  }
}

/// The state machine of a task.
///
/// ```
/// pending ── start ──▶ running ── complete, fail, cancel ──▶ completed, failed, cancelled
///   ▲  │                │ │ │                                             │       │
///   │  │   retry,       │ │ └─ wait ──▶ waiting ──── resume ──┐           │       │
///   │◀─┼── release ─────┘ └─ await_approval ─┐                │           │       │
///   │  └──── await_approval ──▶ awaiting_approval ── resume ──┤           │       │
///   │◀────────────────────────────────────────────────────────┘           │       │
///   │◀──────────────────────────── requeue ───────────────────────────────┴───────┘
/// ```
///
/// Whatever is not final can also fail or be cancelled. The attempt counts the runs that ended in
/// failure or a lost lease, and the one going on: a run that is handed back, goes to sleep or needs
/// an approval is not counted.
public struct TaskState: Sendable, Equatable {
  /// Where the task stands.
  public private(set) var status: TaskStatus
  /// How many runs failed, the one going on included.
  public private(set) var attempt: Int
  /// When its latest run began; `nil` before the first and while it is pending again.
  public private(set) var startedAt: Instant?
  /// When it came to an end.
  public private(set) var completedAt: Instant?

  /// Makes a state: a new task's, or one that was stored.
  ///
  /// - Parameters:
  ///   - status: Where the task stands.
  ///   - attempt: How many runs failed, the one going on included.
  ///   - startedAt: When its latest run began.
  ///   - completedAt: When it came to an end.
  public init(
    status: TaskStatus = .pending, attempt: Int = 0, startedAt: Instant? = nil,
    completedAt: Instant? = nil
  ) {
    self.status = status
    self.attempt = attempt
    self.startedAt = startedAt
    self.completedAt = completedAt
  }

  /// Takes one step.
  ///
  /// - Parameters:
  ///   - event: What happens.
  ///   - now: When it happens.
  /// - Throws: ``StoreError`` with ``StoreError/Code/invalidState`` if it cannot happen from here:
  ///   the state stays, and the details name `from` and `event`.
  public mutating func apply(_ event: TaskEvent, at now: Instant) throws(StoreError) {
    guard let next = Self.successor(of: status, event) else {
      throw StoreError(
        .invalidState,
        "A task that is \(Self.words(status.rawValue)) cannot \(Self.words(event.rawValue)).",
        details: ["from": .string(status.rawValue), "event": .string(event.rawValue)])
    }
    switch event {
    case .start:
      attempt += 1
      startedAt = now
    case .release, .wait, .awaitApproval:
      if status == .running { attempt = max(0, attempt - 1) }
    case .requeue:
      attempt = 0
      completedAt = nil
    case .complete, .fail, .cancel, .retry, .resume: break
    }
    status = next
    if next == .pending { startedAt = nil }
    if next.isFinal { completedAt = now }
  }

  /// Takes the step that leads to a status.
  ///
  /// - Parameters:
  ///   - next: Where the task shall stand.
  ///   - now: When it happens.
  /// - Returns: The step that was taken.
  /// - Throws: ``StoreError`` with ``StoreError/Code/invalidState`` if no step leads there: the
  ///   state stays, and the details name `from` and `to`.
  @discardableResult
  public mutating func move(to next: TaskStatus, at now: Instant) throws(StoreError) -> TaskEvent {
    guard let event = TaskEvent.leading(from: status, to: next) else {
      throw StoreError(
        .invalidState,
        "A task that is \(Self.words(status.rawValue)) cannot become \(Self.words(next.rawValue)).",
        details: ["from": .string(status.rawValue), "to": .string(next.rawValue)])
    }
    try apply(event, at: now)
    return event
  }

  /// Whether a run that failed now may be followed by another.
  ///
  /// - Parameter attemptsMax: How often the task may run.
  /// - Returns: Whether it may.
  public func mayRetry(attemptsMax: Int) -> Bool { attempt < attemptsMax }

  fileprivate static func successor(of status: TaskStatus, _ event: TaskEvent) -> TaskStatus? {
    switch (event, status) {
    case (.start, .pending): .running
    case (.complete, .running): .completed
    case (.fail, _) where !status.isFinal: .failed
    case (.cancel, _) where !status.isFinal: .cancelled
    case (.retry, .running), (.release, .running): .pending
    case (.wait, .running): .waiting
    case (.awaitApproval, .pending), (.awaitApproval, .running): .awaitingApproval
    case (.resume, .waiting), (.resume, .awaitingApproval): .pending
    case (.requeue, .failed), (.requeue, .cancelled): .pending
    default: nil
    }
  }

  private static func words(_ name: String) -> String {
    String(name.map { $0 == "_" ? " " : $0 })
  }
}
