import ArgumentParser
import HoldfastCore

/// What can be said of a task, however it comes into being.
struct TaskFields: ParsableArguments {
  @Option(help: ArgumentHelp("With what: JSON, text, @FILE, or -.", valueName: "value"))
  var parameters: String?

  @Option(help: ArgumentHelp("The queue in which it waits.", valueName: "queue"))
  var queue: String?

  @Option(
    help: ArgumentHelp("Which go first: -100 to 100, the highest first.", valueName: "number"))
  var priority: Int?

  @Option(help: ArgumentHelp("Who asks for it.", valueName: "name"))
  var caller: String?

  @Option(help: ArgumentHelp("The channel to which the answer belongs.", valueName: "name"))
  var responseChannel: String?

  @Option(help: ArgumentHelp("The thread to which the answer belongs.", valueName: "name"))
  var responseThread: String?

  @Option(help: ArgumentHelp("The run to which it belongs.", valueName: "id"))
  var run: String?

  @Option(
    help: ArgumentHelp(
      "What no other unfinished task of the queue may have.", valueName: "key"))
  var unique: String?

  @Option(help: ArgumentHelp("From when on it may run.", valueName: "time"))
  var runAt: String?

  @Option(help: ArgumentHelp("How often it may run, 1 to 1000.", valueName: "number"))
  var maxAttempts: Int?

  @Option(
    help: ArgumentHelp("How long it waits at most after its first failure.", valueName: "duration"))
  var retryBase: String?

  @Option(
    help: ArgumentHelp("How long it waits after a failure at most.", valueName: "duration"))
  var retryCap: String?

  /// The fields as HTTP takes them.
  var body: Body {
    get throws {
      [
        "parameters": try parameters.map(ValueArgument.read), "queue": queue,
        "priority": priority, "caller": caller, "response_channel": responseChannel,
        "response_thread": responseThread, "run": run, "unique_key": unique, "run_at": runAt,
        "max_attempts": maxAttempts, "retry_base": retryBase, "retry_cap": retryCap,
      ]
    }
  }
}

/// What became of a task that is led without workers.
struct TaskOutcome: ParsableArguments {
  @Option(help: ArgumentHelp("What it gave: JSON, text, @FILE, or -.", valueName: "value"))
  var result: String?

  @Option(help: ArgumentHelp("Why it failed or was cancelled.", valueName: "text"))
  var error: String?

  @Option(
    help: ArgumentHelp("The fencing token, where the task is leased.", valueName: "number"))
  var token: Int64?

  /// The fields as HTTP takes them.
  var body: Body {
    get throws {
      [
        "result": try result.map(ValueArgument.read), "error": error, "fencing_token": token,
      ]
    }
  }
}

/// Enqueues several tasks.
struct TaskEnqueueMany: Verb {
  static let configuration = CommandConfiguration.verb(
    "enqueue-many", "Enqueue several tasks: all of them, or none.",
    about: "Each is an object with the fields that HTTP takes, or a list of such objects.",
    examples: [
      #"holdfast task enqueue-many '{"command":"send"}' '{"command":"sweep"}'"#,
      "holdfast task enqueue-many @tasks.json",
    ])

  @Argument(help: ArgumentHelp("A JSON object or a list of them, @FILE, or -.", valueName: "task"))
  var tasks: [String]

  @OptionGroup var arguments: WriteArguments

  func request() throws -> Request {
    let tasks: [Value] = try tasks.flatMap { text in
      let value = try ValueArgument.read(text)
      return value.arrayValue ?? [value]
    }
    return .create(
      Route("tasks", "enqueue-many"), ["tasks": Value.array(tasks)],
      .rows(["id", "status", "queue", "command", "is_new"]))
  }
}

/// Saves a task as somebody else leads it.
struct TaskSave: Verb {
  static let configuration = CommandConfiguration.verb(
    "save", "Save a task that is led without workers.",
    about: """
      A new identifier takes status and times as given; over a task that is there it is one step to
      the status. A task that is set running so has no lease: it never expires by itself.
      """,
    examples: [
      "holdfast task save import-7 import --status running",
      "holdfast task save import-7 import --status completed --result '{\"rows\":12}'",
    ])

  @Argument(help: "The task's identifier.")
  var id: String

  @Argument(help: "What is to be done, or was.")
  var command: String

  @Option(
    help: "Where it stands: pending if left out.",
    completion: .list(TaskStatus.allCases.map(\.rawValue)))
  var status: String?

  @Option(help: ArgumentHelp("When it was made; now if left out.", valueName: "time"))
  var createdAt: String?

  @Option(help: ArgumentHelp("When its latest run began.", valueName: "time"))
  var startedAt: String?

  @Option(help: ArgumentHelp("When it came to an end.", valueName: "time"))
  var completedAt: String?

  @OptionGroup var outcome: TaskOutcome
  @OptionGroup var fields: TaskFields
  @OptionGroup var arguments: ChangeArguments

  func request() throws -> Request {
    .put(
      Route("tasks", id),
      try fields.body.adding(outcome.body).adding([
        "command": command, "status": status, "created_at": createdAt,
        "started_at": startedAt, "completed_at": completedAt,
      ]))
  }
}

/// Moves a task to another status.
struct TaskSetStatus: Verb {
  static let configuration = CommandConfiguration.verb(
    "status", "Move a task that is led without workers to another status.",
    about: "Cancelling and requeueing have verbs of their own.",
    examples: [
      "holdfast task status import-7 running",
      "holdfast task status import-7 failed --error 'no such file'",
    ])

  @Argument(help: "The task's identifier.")
  var id: String

  @Argument(
    help: "Where it shall stand.", completion: .list(TaskStatus.allCases.map(\.rawValue)))
  var status: String

  @OptionGroup var outcome: TaskOutcome
  @OptionGroup var arguments: ChangeArguments

  func request() throws -> Request {
    .post(Route("tasks", id, "status"), try outcome.body.adding(["status": status]))
  }
}
