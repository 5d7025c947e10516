import ArgumentParser
import HTTPTypes
import HoldfastCore

/// The runs of agents.
struct RunNoun: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Runs of agents: where their state and history hang together.",
    discussion: """
      EXAMPLE
        holdfast run begin refund-42 --tag airline
        holdfast run complete refund-42
      """,
    subcommands: [
      RunBegin.self, RunGet.self, RunList.self, RunUpdate.self, RunComplete.self, RunFail.self,
      RunCancel.self, RunPause.self, RunResume.self, RunArchive.self, RunDelete.self,
    ])
}

/// Begins a run.
struct RunBegin: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "begin",
    abstract: "Begin a run.",
    discussion: """
      EXAMPLE
        holdfast run begin refund-42 --tag airline --metadata '{"customer":"u1"}'
      """)

  @Argument(help: "The run's identifier; one is made if it is left out.")
  var id: String?

  @Option(help: ArgumentHelp("The run that begins it.", valueName: "id"))
  var parent: String?

  @Option(
    help: ArgumentHelp("A word by which it can be listed; may be repeated.", valueName: "tag"))
  var tag: [String] = []

  @Option(help: ArgumentHelp("A JSON object, @FILE, or -.", valueName: "object"))
  var metadata: String?

  @OptionGroup var write: WriteArguments
  @OptionGroup var arguments: StoreArguments

  func run() async throws {
    var body: Object = [:]
    body["id"] = id.map(Value.string)
    body["parent"] = parent.map(Value.string)
    if !tag.isEmpty { body["tags"] = .array(tag.map(Value.string)) }
    if let metadata { body["metadata"] = try ValueArgument.object(metadata, "metadata") }
    let headers = try write.headers()
    try await arguments.run(for: .write) { [body] connection throws(StoreError) in
      try await connection.send(.post, Route("runs"), body, headers: headers)
    } show: { run, terminal in
      Record.details(run, for: terminal)
    }
  }
}

/// Shows a run.
struct RunGet: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "get",
    abstract: "Show a run; a missing one exits 66.",
    discussion: """
      EXAMPLE
        holdfast run get refund-42 --json
      """)

  @Argument(help: "The run's identifier.")
  var id: String

  @OptionGroup var arguments: StoreArguments

  func run() async throws {
    try await arguments.run(for: .read) { connection throws(StoreError) in
      try await connection.send(.get, Route("runs", id))
    } show: { run, terminal in
      Record.details(run, for: terminal)
    }
  }
}

/// Lists runs.
struct RunList: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "List runs, the newest first; archived ones only when asked for.",
    discussion: """
      EXAMPLE
        holdfast run list --status failed --tag airline --since 2026-01-01T00:00:00Z
      """)

  @Option(
    help: "Only runs that stand here: active, paused, completed, failed, cancelled, archived.",
    completion: .list(RunStatus.allCases.map(\.rawValue)))
  var status: String?

  @Option(help: ArgumentHelp("Only runs that bear this tag.", valueName: "tag"))
  var tag: String?

  @Option(help: ArgumentHelp("Only runs that this run began.", valueName: "id"))
  var parent: String?

  @Option(help: ArgumentHelp("Only runs that began then or later.", valueName: "time"))
  var since: String?

  @Option(help: ArgumentHelp("Only runs that began before then.", valueName: "time"))
  var until: String?

  @Flag(help: "Archived runs too.")
  var archived = false

  @OptionGroup var page: PageArguments
  @OptionGroup var arguments: StoreArguments

  func run() async throws {
    let route = Route("runs").with("status", status).with("tag", tag)
      .with("parent", parent).with("since", since).with("until", until)
      .with("archived", archived)
    try await arguments.list(page, route) { items, terminal in
      Record.list(
        items, fields: ["id", "status", "created_at", "completed_at", "tags", "error"],
        for: terminal)
    }
  }
}

/// Changes a run's tags or metadata.
struct RunUpdate: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "update",
    abstract: "Replace a run's tags or metadata; what is left out stays.",
    discussion: """
      EXAMPLE
        holdfast run update refund-42 --metadata '{"reward":1.0}'
      """)

  @Argument(help: "The run's identifier.")
  var id: String

  @Option(help: ArgumentHelp("A new tag; may be repeated.", valueName: "tag"))
  var tag: [String] = []

  @Flag(help: "Take all tags away.")
  var noTags = false

  @Option(help: ArgumentHelp("A JSON object, @FILE, or -.", valueName: "object"))
  var metadata: String?

  @OptionGroup var condition: ConditionArguments
  @OptionGroup var write: WriteArguments
  @OptionGroup var arguments: StoreArguments

  func validate() throws {
    guard tag.isEmpty || !noTags else {
      throw ValidationError("--tag and --no-tags do not go together.")
    }
  }

  func run() async throws {
    var body: Object = [:]
    if !tag.isEmpty || noTags { body["tags"] = .array(tag.map(Value.string)) }
    if let metadata { body["metadata"] = try ValueArgument.object(metadata, "metadata") }
    var headers = try write.headers()
    headers.append(contentsOf: condition.headers)
    try await arguments.run(for: .read) { [body, headers] connection throws(StoreError) in
      try await connection.send(.patch, Route("runs", id), body, headers: headers)
    } show: { run, terminal in
      Record.details(run, for: terminal)
    }
  }
}

/// Deletes a run.
struct RunDelete: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "delete",
    abstract: "Delete a run with all that is under it; its identifier is never used again.",
    discussion: """
      It asks before, unless --yes.

      EXAMPLE
        holdfast run delete refund-42 --yes
      """)

  @Argument(help: "The run's identifier.")
  var id: String

  @OptionGroup var confirmation: ConfirmationArguments
  @OptionGroup var condition: ConditionArguments
  @OptionGroup var write: WriteArguments
  @OptionGroup var arguments: StoreArguments

  func run() async throws {
    try confirmation.confirm("Delete the run \(id) with all that is under it?")
    var headers = try write.headers()
    headers.append(contentsOf: condition.headers)
    try await arguments.run(for: .read) { [headers] connection throws(StoreError) in
      try await connection.send(.delete, Route("runs", id), headers: headers)
    } show: { _, _ in
      ""
    }
  }
}
