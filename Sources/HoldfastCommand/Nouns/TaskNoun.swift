import ArgumentParser
import HoldfastCore

/// Tasks.
struct TaskNoun: AsyncParsableCommand {
  static let configuration = CommandConfiguration.noun(
    "task", "Tasks: work that is done once, by whoever claims it first.",
    examples: [
      #"holdfast task enqueue send-email --parameters '{"to":"a@b.example"}'"#,
      "holdfast task claim --limit 10 --lease 30s",
      "holdfast task complete 019a2b3c --token 1 --result '\"sent\"'",
    ],
    verbs: [
      TaskEnqueue.self, TaskEnqueueMany.self, TaskSave.self, TaskSetStatus.self, TaskGet.self,
      TaskList.self, TaskStatsVerb.self, TaskSteps.self,
      TaskClaim.self, TaskHeartbeat.self, TaskProgress.self, TaskRecordStep.self,
      TaskComplete.self, TaskFail.self, TaskRelease.self, TaskCancel.self, TaskRequeue.self,
      TaskReplay.self, TaskFailStuck.self,
    ])
}

/// Enqueues a task.
struct TaskEnqueue: Verb {
  static let configuration = CommandConfiguration.verb(
    "enqueue", "Enqueue a task.",
    about: """
      A unique key is enqueued once: while an unfinished task of the queue has it, that one is \
      the answer.
      """,
    examples: [
      #"holdfast task enqueue mail --parameters '{"to":"a@b.example"}' --delay 5m"#,
      "holdfast task enqueue sweep --queue nightly --unique sweep --priority 10",
    ])

  @Argument(help: "What is to be done, in a word that its worker knows.")
  var command: String

  @Option(help: ArgumentHelp("Its identifier; one is made if it is left out.", valueName: "id"))
  var id: String?

  @Option(help: ArgumentHelp("How long it waits at first.", valueName: "duration"))
  var delay: String?

  @OptionGroup var fields: TaskFields
  @OptionGroup var arguments: WriteArguments

  func request() throws -> Request {
    .create(
      Route("tasks"),
      try fields.body.adding(["command": command, "id": id, "delay": delay]))
  }
}

/// Shows a task.
struct TaskGet: Verb {
  static let configuration = CommandConfiguration.verb(
    "get", "Show a task; a missing one exits 66.", examples: ["holdfast task get 019a2b3c --json"])

  @Argument(help: "The task's identifier.")
  var id: String

  @OptionGroup var arguments: StoreArguments

  func request() throws -> Request { .get(Route("tasks", id)) }
}

/// Lists tasks.
struct TaskList: Verb {
  static let configuration = CommandConfiguration.verb(
    "list", "List tasks, the newest first.",
    examples: [
      "holdfast task list --status failed --since 2026-01-01T00:00:00Z",
      "holdfast task list --status pending --queue mail --order oldest",
    ])

  @Option(
    help: "Only tasks that stand here, such as pending, running or failed.",
    completion: .list(TaskStatus.allCases.map(\.rawValue)))
  var status: String?

  @Option(help: ArgumentHelp("Only tasks of this queue.", valueName: "queue"))
  var queue: String?

  @Option(help: ArgumentHelp("Only tasks with this command.", valueName: "command"))
  var command: String?

  @Option(help: ArgumentHelp("Only tasks that this caller asked for.", valueName: "name"))
  var caller: String?

  @Option(help: ArgumentHelp("Only tasks of this run.", valueName: "id"))
  var run: String?

  @Option(help: ArgumentHelp("Only tasks that were enqueued then or later.", valueName: "time"))
  var since: String?

  @Option(help: ArgumentHelp("Only tasks that were enqueued before then.", valueName: "time"))
  var until: String?

  @Option(
    help: "In which order: newest or oldest first.", completion: .list(["newest", "oldest"]))
  var order: String?

  @Flag(help: "Say too how many match in all, at the cost of a scan of them.")
  var total = false

  @OptionGroup var arguments: ListArguments

  func request() throws -> Request {
    var request = Request.list(
      Route("tasks").with("status", status).with("queue", queue).with("command", command)
        .with("caller", caller).with("run", run).with("since", since).with("until", until)
        .with("order", order),
      ["id", "status", "queue", "command", "priority", "attempt", "created_at", "run_at", "error"])
    request.asksTotal = total
    return request
  }
}

/// Shows the numbers of tasks.
struct TaskStatsVerb: Verb {
  static let configuration = CommandConfiguration.verb(
    "stats", "Show how many tasks stand where, and how long they took.",
    examples: ["holdfast task stats --queue mail"])

  @Option(help: ArgumentHelp("Only tasks of this queue.", valueName: "queue"))
  var queue: String?

  @OptionGroup var arguments: StoreArguments

  func request() throws -> Request { .get(Route("tasks", "stats").with("queue", queue)) }
}

/// Lists the steps of a task.
struct TaskSteps: Verb {
  static let configuration = CommandConfiguration.verb(
    "steps", "List the steps that a task has recorded.",
    examples: ["holdfast task steps 019a2b3c"])

  @Argument(help: "The task's identifier.")
  var id: String

  @OptionGroup var arguments: StoreArguments

  func request() throws -> Request {
    .get(Route("tasks", id, "steps"), .rows(["position", "name", "recorded_at", "result"]))
  }
}
