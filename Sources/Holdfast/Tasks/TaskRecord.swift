public import HoldfastCore

/// One task: work that is done once, by whoever claims it first, and what became of it.
public struct TaskRecord: Sendable, Equatable, Codable {
  /// The task's identifier.
  public let id: String
  /// The queue in which it waits for a worker.
  public let queue: String
  /// What is to be done, in a word that its worker knows.
  public let command: String
  /// With what it is to be done.
  public let parameters: Value
  /// Where it stands.
  public let status: TaskStatus
  /// Which tasks go first: −100 to 100, the highest first.
  public let priority: Int
  /// Who asked for it.
  public let caller: String?
  /// The channel to which the answer belongs.
  public let responseChannel: String?
  /// The thread to which the answer belongs.
  public let responseThread: String?
  /// The run to which it belongs.
  public let run: String?
  /// What it gave; `nil` for nothing or null.
  public let result: Value?
  /// Why it failed or was cancelled; of a task that is tried again, why its latest run failed.
  public let error: String?
  /// How far its worker says it is; `nil` while it is pending, again or for the first time.
  public let progress: Value?
  /// How many of its runs failed or lost their lease, the one going on included.
  public let attempt: Int
  /// How often it may run.
  public let maxAttempts: Int
  /// How long it waits after a run that failed.
  public let backOff: BackOff
  /// From when on it may run.
  public let runAt: Instant
  /// The worker that has it under a lease.
  public let leaseOwner: String?
  /// Until when the lease lasts without a heartbeat; `nil` for a task that is not leased.
  public let leaseExpiresAt: Instant?
  /// The token of its latest lease, which grows with every claim; 0 before the first.
  public let fencingToken: Int64
  /// What no other unfinished task of the queue may have.
  public let uniqueKey: String?
  /// The task that this one replays.
  public let source: String?
  /// The revision of the transaction that wrote it last; heartbeats and progress leave it.
  public let version: Int64
  /// When it was enqueued.
  public let createdAt: Instant
  /// When it was last written.
  public let updatedAt: Instant
  /// When its latest run began; `nil` before the first and while it is pending again.
  public let startedAt: Instant?
  /// When it was completed, failed or was cancelled.
  public let completedAt: Instant?
}

/// What a step of a task gave, kept so that the step is not done again.
public struct TaskStep: Sendable, Equatable, Codable {
  /// The step's name, once in its task.
  public let name: String
  /// What it gave.
  public let result: Value
  /// Its place among the steps of the task, from 1.
  public let position: Int
  /// When it was recorded.
  public let recordedAt: Instant
}

/// What a run that failed says of the next one.
public enum TaskRetry: Sendable, Equatable {
  /// After the task's back-off.
  case backOff
  /// After this long.
  case after(Duration)
  /// Not at all: the task is given up, however many attempts are left.
  case never
}

/// The task that an enqueueing led to.
public struct EnqueuedTask: Sendable, Equatable, Codable {
  /// The new task, or the unfinished one that has the same unique key.
  public let task: TaskRecord
  /// Whether the task is new.
  public let isNew: Bool
}
