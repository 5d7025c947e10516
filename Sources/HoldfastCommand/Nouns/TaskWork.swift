import ArgumentParser
import HoldfastCore

/// Claims tasks.
struct TaskClaim: Verb {
  static let configuration = CommandConfiguration.verb(
    "claim", "Claim the tasks that are due, under a lease.",
    about: "Each comes with a fencing token, which all later writes of the worker bring along.",
    examples: ["holdfast task claim --queue mail --limit 10 --lease 30s --wait 20s"])

  @Option(
    help: ArgumentHelp(
      "A queue to look in, default if left out; may be repeated.", valueName: "queue"))
  var queue: [String] = []

  @Option(help: ArgumentHelp("At most this many, 1 to 1000; one if left out.", valueName: "number"))
  var limit: Int?

  @Option(
    help: ArgumentHelp(
      "How long the lease lasts without a heartbeat; 30s if left out.", valueName: "duration"))
  var lease: String?

  @Option(help: ArgumentHelp("The worker's name.", valueName: "name"))
  var owner: String?

  @Option(help: ArgumentHelp("How long to wait where nothing is due.", valueName: "duration"))
  var wait: String?

  @OptionGroup var arguments: StoreArguments

  func request() throws -> Request {
    .post(
      Route("tasks", "claim"),
      [
        "queues": queue.isEmpty ? nil : queue, "limit": limit, "lease": lease, "owner": owner,
        "wait": wait,
      ],
      .rows(["id", "fencing_token", "queue", "command", "attempt", "parameters"]))
  }
}

/// The task that a verb is about, and the token of the worker's lease.
struct TaskArgument: ParsableArguments {
  @Argument(help: "The task's identifier.")
  var id: String

  @Option(
    help: ArgumentHelp(
      "The fencing token of the lease; a task that is not leased needs none.",
      valueName: "number"))
  var token: Int64?
}

/// Makes a lease last longer.
struct TaskHeartbeat: Verb {
  static let configuration = CommandConfiguration.verb(
    "heartbeat", "Make the lease of a task last longer.",
    examples: ["holdfast task heartbeat 019a2b3c --token 1 --lease 30s"])

  @OptionGroup var subject: TaskArgument

  @Option(
    help: ArgumentHelp(
      "How long it lasts from now; as long as before if left out.", valueName: "duration"))
  var lease: String?

  @OptionGroup var arguments: StoreArguments

  func request() throws -> Request {
    .post(
      Route("tasks", subject.id, "heartbeat"), ["fencing_token": subject.token, "lease": lease])
  }
}

/// Says how far a task is.
struct TaskProgress: Verb {
  static let configuration = CommandConfiguration.verb(
    "progress", "Say how far a task is.",
    examples: ["holdfast task progress 019a2b3c 0.4 --token 1"])

  @OptionGroup var subject: TaskArgument

  @Argument(help: "How far it is: JSON, text, @FILE, or -.")
  var progress: String

  @OptionGroup var arguments: StoreArguments

  func request() throws -> Request {
    .post(
      Route("tasks", subject.id, "progress"),
      ["fencing_token": subject.token, "progress": try ValueArgument.read(progress)])
  }
}

/// Records what a step gave.
struct TaskRecordStep: Verb {
  static let configuration = CommandConfiguration.verb(
    "step", "Record what a step of a task gave, once.",
    about: "A step that has a record keeps it, and the record is the answer.",
    examples: [#"holdfast task step 019a2b3c charge '{"receipt":7}' --token 1"#])

  @OptionGroup var subject: TaskArgument

  @Argument(help: "The step's name.")
  var name: String

  @Argument(help: "What it gave: JSON, text, @FILE, or -.")
  var result: String

  @OptionGroup var arguments: WriteArguments

  func request() throws -> Request {
    .post(
      Route("tasks", subject.id, "steps"),
      [
        "name": name, "result": try ValueArgument.read(result), "fencing_token": subject.token,
      ])
  }
}

/// Ends a task as done.
struct TaskComplete: Verb {
  static let configuration = CommandConfiguration.verb(
    "complete", "End a task as done.",
    examples: [#"holdfast task complete 019a2b3c --token 1 --result '{"sent":true}'"#])

  @OptionGroup var subject: TaskArgument

  @Option(help: ArgumentHelp("What it gave: JSON, text, @FILE, or -.", valueName: "value"))
  var result: String?

  @OptionGroup var arguments: ChangeArguments

  func request() throws -> Request {
    .post(
      Route("tasks", subject.id, "complete"),
      ["fencing_token": subject.token, "result": try result.map(ValueArgument.read)])
  }
}

/// Says that a task failed.
struct TaskFail: Verb {
  static let configuration = CommandConfiguration.verb(
    "fail", "Say that a task failed; a leased one is tried again while attempts are left.",
    examples: ["holdfast task fail 019a2b3c 'no answer' --token 1 --retry-after 10m"])

  @OptionGroup var subject: TaskArgument

  @Argument(help: "Why it failed.")
  var error: String

  @Flag(help: "Do not try it again.")
  var noRetry = false

  @Option(help: ArgumentHelp("When it is tried again.", valueName: "duration"))
  var retryAfter: String?

  @OptionGroup var arguments: ChangeArguments

  func validate() throws {
    guard !noRetry || retryAfter == nil else {
      throw ValidationError("--no-retry and --retry-after do not go together.")
    }
  }

  func request() throws -> Request {
    .post(
      Route("tasks", subject.id, "fail"),
      [
        "fencing_token": subject.token, "error": error, "retry": noRetry ? false : nil,
        "retry_after": retryAfter,
      ])
  }
}

/// Hands a task back.
struct TaskRelease: Verb {
  static let configuration = CommandConfiguration.verb(
    "release", "Hand a running task back untouched; the run is not counted.",
    examples: ["holdfast task release 019a2b3c --token 1"])

  @OptionGroup var subject: TaskArgument
  @OptionGroup var arguments: ChangeArguments

  func request() throws -> Request {
    .post(Route("tasks", subject.id, "release"), ["fencing_token": subject.token])
  }
}

/// Ends a task from outside.
struct TaskCancel: Verb {
  static let configuration = CommandConfiguration.verb(
    "cancel", "End a task from outside, at once and for good, whoever works on it.",
    about: "It asks before, unless --yes.",
    examples: ["holdfast task cancel 019a2b3c --reason 'ordered twice' --yes"])

  @Argument(help: "The task's identifier.")
  var id: String

  @Option(help: ArgumentHelp("Why.", valueName: "text"))
  var reason: String?

  @OptionGroup var arguments: Confirmed<ChangeArguments>

  func request() throws -> Request {
    try arguments.confirm("Cancel the task \(id), whoever works on it?")
    return .post(Route("tasks", id, "cancel"), ["reason": reason])
  }
}

/// Takes a task up again.
struct TaskRequeue: Verb {
  static let configuration = CommandConfiguration.verb(
    "requeue", "Take a failed or cancelled task up again, with all its attempts.",
    examples: ["holdfast task requeue 019a2b3c --delay 5m"])

  @Argument(help: "The task's identifier.")
  var id: String

  @Option(help: ArgumentHelp("How long it waits at first.", valueName: "duration"))
  var delay: String?

  @OptionGroup var arguments: ChangeArguments

  func request() throws -> Request {
    .post(Route("tasks", id, "requeue"), ["delay": delay])
  }
}

/// Makes a new task from an old one.
struct TaskReplay: Verb {
  static let configuration = CommandConfiguration.verb(
    "replay", "Make a new task from a finished one, from the start or from a step.",
    examples: ["holdfast task replay 019a2b3c --from send"])

  @Argument(help: "The old task's identifier.")
  var id: String

  @Option(
    help: ArgumentHelp(
      "The step from which on everything is done again.", valueName: "step"))
  var from: String?

  @OptionGroup var arguments: WriteArguments

  func request() throws -> Request {
    .post(Route("tasks", id, "replay"), ["step": from])
  }
}

/// Fails what a dead owner left.
struct TaskFailStuck: Verb {
  static let configuration = CommandConfiguration.verb(
    "fail-stuck", "Fail the tasks that a dead owner left, and say how many.",
    about: """
      Without an owner these are all running tasks that have no living lease. At most a thousand are
      failed at once. They are not tried again by themselves and leave no dead letters. It asks
      before, unless --yes.
      """,
    examples: ["holdfast task fail-stuck --owner worker-7 --yes"])

  @Option(help: ArgumentHelp("Whose tasks.", valueName: "name"))
  var owner: String?

  @OptionGroup var arguments: Confirmed<StoreArguments>

  func request() throws -> Request {
    let whose = owner.map { "that \($0) runs" } ?? "that run without a living lease"
    try arguments.confirm("Fail all tasks \(whose)?")
    return .post(Route("tasks", "fail-stuck"), ["owner": owner], .number("failed"))
  }
}
