import ArgumentParser
import HoldfastCore

/// Approvals.
struct ApprovalNoun: AsyncParsableCommand {
  static let configuration = CommandConfiguration.noun(
    "approval", "Approvals: what an agent may do only when somebody allows it.",
    examples: [
      #"holdfast approval request mail --parameters '{"to":"u1"}' --task 019a2b3c"#,
      "holdfast approval list --status pending",
      "holdfast approval approve 019a2b3c --reason 'she asked for it'",
    ],
    verbs: [
      ApprovalAsk.self, ApprovalGet.self, ApprovalList.self, ApprovalWait.self,
      ApprovalDecide.self, ApprovalApprove.self, ApprovalDeny.self, ApprovalConsume.self,
      ApprovalDelete.self,
    ])
}

/// What a decision covers.
struct ScopeArguments: ParsableArguments {
  @Option(help: ArgumentHelp("To what it is done.", valueName: "text"))
  var resource: String?

  @Option(help: ArgumentHelp("How: JSON, @FILE, or -.", valueName: "value"))
  var parameters: String?

  @Option(help: ArgumentHelp("Who does it.", valueName: "name"))
  var caller: String?

  @Option(help: ArgumentHelp("The task in which it is done.", valueName: "id"))
  var task: String?

  /// The parameters, where some were given.
  var value: Value? {
    get throws(StoreError) {
      guard let parameters else { return nil }
      return try ValueArgument.read(parameters)
    }
  }
}

/// Requests an approval.
struct ApprovalAsk: Verb {
  static let configuration = CommandConfiguration.verb(
    "request", "Ask to be allowed something; a task that is named waits for it.",
    about: "The answer may be there at once: a policy or a grant of the permission gives it.",
    examples: [
      #"holdfast approval request mail --parameters '{"to":"u1"}' --task 019a2b3c"#,
      "holdfast approval request delete_account --resource u1 --ttl 10m",
    ])

  @Argument(help: "What shall be done.")
  var action: String

  @OptionGroup var scope: ScopeArguments

  @Option(
    help: ArgumentHelp("What is needed for it; else the action's name.", valueName: "name"))
  var permission: String?

  @Option(help: ArgumentHelp("The run it belongs to; else its task's.", valueName: "id"))
  var run: String?

  @Option(help: ArgumentHelp("The channel in which to ask.", valueName: "name"))
  var channel: String?

  @Option(help: ArgumentHelp("The thread in which to ask.", valueName: "name"))
  var thread: String?

  @Option(
    help: ArgumentHelp("How long it waits for a decision: 10m; else 1h.", valueName: "duration"))
  var ttl: String?

  @Option(help: ArgumentHelp("The approval's identifier; else one is made.", valueName: "id"))
  var id: String?

  @Option(
    help: ArgumentHelp("The token of the task's lease, for who works on it.", valueName: "number"))
  var fencingToken: Int64?

  @OptionGroup var arguments: WriteArguments

  func request() throws -> Request {
    try .create(
      Route("approvals"),
      [
        "id": id, "action": action, "resource": scope.resource, "parameters": scope.value,
        "caller": scope.caller, "task": scope.task, "permission": permission, "run": run,
        "channel": channel, "thread": thread, "ttl": ttl, "fencing_token": fencingToken,
      ])
  }
}

/// Shows an approval.
struct ApprovalGet: Verb {
  static let configuration = CommandConfiguration.verb(
    "get", "Show an approval; a missing one exits 66.",
    examples: ["holdfast approval get 019a2b3c --json"])

  @Argument(help: "The approval's identifier.")
  var id: String

  @OptionGroup var arguments: StoreArguments

  func request() throws -> Request {
    .get(Route("approvals", id))
  }
}

/// Lists approvals.
struct ApprovalList: Verb {
  static let configuration = CommandConfiguration.verb(
    "list", "List approvals, the newest first.",
    examples: [
      "holdfast approval list --status pending", "holdfast approval list --max-age 10m",
    ])

  @Option(
    help: "Only approvals that stand here: pending, approved, denied, expired, consumed.",
    completion: .list(ApprovalStatus.allCases.map(\.rawValue)))
  var status: String?

  @Option(help: ArgumentHelp("Only those that this caller asked for.", valueName: "name"))
  var caller: String?

  @Option(help: ArgumentHelp("Only those of this task.", valueName: "id"))
  var task: String?

  @Option(help: ArgumentHelp("Only those of this run.", valueName: "id"))
  var run: String?

  @Option(help: ArgumentHelp("Only those requested then or later.", valueName: "time"))
  var since: String?

  @Option(help: ArgumentHelp("Only those requested before then.", valueName: "time"))
  var until: String?

  @Option(
    help: ArgumentHelp(
      "Only those that nobody decided in this time, the oldest first.", valueName: "duration"))
  var maxAge: String?

  @OptionGroup var arguments: ListArguments

  func validate() throws {
    let others = [status, caller, task, run, since, until]
    guard maxAge == nil || others.allSatisfy({ $0 == nil }) else {
      throw ValidationError("--max-age goes with no other filter.")
    }
  }

  func request() throws -> Request {
    .list(
      Route("approvals").with("status", status).with("caller", caller).with("task", task)
        .with("run", run).with("since", since).with("until", until).with("max_age", maxAge),
      [
        "id", "status", "permission", "action", "resource", "caller", "task", "run",
        "requested_at", "expires_at", "decided_by", "reason",
      ])
  }
}

/// Deletes an approval.
struct ApprovalDelete: Verb {
  static let configuration = CommandConfiguration.verb(
    "delete", "Delete an approval; a task that waits for it is cancelled.",
    about: "It asks before, unless --yes.",
    examples: ["holdfast approval delete 019a2b3c --yes"])

  @Argument(help: "The approval's identifier.")
  var id: String

  @OptionGroup var arguments: Confirmed<ChangeArguments>

  func request() throws -> Request {
    try arguments.confirm("Delete the approval \(id), and cancel the task that waits for it?")
    return .delete(Route("approvals", id))
  }
}
