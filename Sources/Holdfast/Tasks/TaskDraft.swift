public import HoldfastCore

/// A task as it is asked for.
///
/// ```swift
/// var draft = TaskDraft("send-email", parameters: ["to": "a@b.example"])
/// draft.uniqueKey = "welcome:a@b.example"
/// draft.delay = .seconds(60)
/// try await store.tasks.enqueue(draft)
/// ```
///
/// What is left out takes the defaults that the store was opened with (``TaskDefaults``).
public struct TaskDraft: Sendable, Equatable {
  /// What is to be done, in a word that its worker knows: 1 to 256 bytes.
  public var command: String
  /// With what it is to be done.
  public var parameters: Value
  /// The task's identifier, 1 to 256 bytes, not `stats`; one is made if left out.
  public var id: String?
  /// The queue in which it waits for a worker: 1 to 256 bytes.
  public var queue: String?
  /// Which tasks go first: −100 to 100, the highest first.
  public var priority: Int?
  /// Who asks for it.
  public var caller: String?
  /// The channel to which the answer belongs.
  public var responseChannel: String?
  /// The thread to which the answer belongs.
  public var responseThread: String?
  /// The run to which it belongs.
  public var run: String?
  /// What no other unfinished task of the queue may have.
  public var uniqueKey: String?
  /// How long it waits at first, up to ten years; not together with ``runAt``.
  public var delay: Duration?
  /// From when on it may run.
  public var runAt: Instant?
  /// How often it may run, 1 to 1 000.
  public var maxAttempts: Int?
  /// How long it waits after a run that failed.
  public var backOff: BackOff?

  /// Makes a draft; everything else is set on it.
  ///
  /// - Parameters:
  ///   - command: What is to be done.
  ///   - parameters: With what it is to be done.
  ///   - queue: The queue in which it waits for a worker.
  ///   - run: The run to which it belongs.
  public init(
    _ command: String, parameters: Value = [:], queue: String? = nil, run: String? = nil
  ) {
    self.command = command
    self.parameters = parameters
    self.queue = queue
    self.run = run
  }
}

/// What a task is where nobody says otherwise.
public struct TaskDefaults: Sendable, Equatable {
  /// The queue.
  public var queue = "default"
  /// The priority.
  public var priority = 0
  /// How often a task may run.
  public var maxAttempts = 5
  /// How long a task waits after a run that failed: from one second to one hour.
  public var backOff = BackOff(base: .seconds(1), cap: .seconds(3_600))
  /// How long a lease lasts without a heartbeat; a worker sends one every third of it.
  public var lease = Duration.seconds(30)

  /// The defaults of the defaults.
  public init() {}
}

extension TaskDraft {
  /// What an idempotency key is compared with.
  var argument: Value {
    [
      .string(command), parameters, .of(id), .of(queue), .of(priority.map(Int64.init)),
      .of(caller), .of(responseChannel), .of(responseThread), .of(run), .of(uniqueKey),
      .of(delay?.microseconds), .of(runAt?.microseconds), .of(maxAttempts.map(Int64.init)),
      .of(backOff?.base.microseconds), .of(backOff?.cap.microseconds),
    ]
  }
}

extension Value {
  /// A text, or null where there is none.
  static func of(_ text: String?) -> Value { text.map(Value.string) ?? .null }

  /// A number, or null where there is none.
  static func of(_ number: Int64?) -> Value { number.map(Value.integer) ?? .null }
}
