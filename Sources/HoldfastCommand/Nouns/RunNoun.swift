import ArgumentParser
import HoldfastCore

/// The runs of agents.
struct RunNoun: AsyncParsableCommand {
  static let configuration = CommandConfiguration.noun(
    "run", "Runs of agents: where their state and history hang together.",
    examples: [
      "holdfast run begin refund-42 --tag airline",
      "holdfast run complete refund-42",
    ],
    verbs: [
      RunBegin.self, RunGet.self, RunList.self, RunUpdate.self, RunComplete.self, RunFail.self,
      RunCancel.self, RunPause.self, RunResume.self, RunArchive.self, RunDelete.self,
    ])
}

/// Begins a run.
struct RunBegin: Verb {
  static let configuration = CommandConfiguration.verb(
    "begin", "Begin a run.",
    examples: [#"holdfast run begin refund-42 --tag airline --metadata '{"customer":"u1"}'"#])

  @Argument(help: "The run's identifier; one is made if it is left out.")
  var id: String?

  @Option(help: ArgumentHelp("The run that begins it.", valueName: "id"))
  var parent: String?

  @Option(
    help: ArgumentHelp("A word by which it can be listed; may be repeated.", valueName: "tag"))
  var tag: [String] = []

  @OptionGroup var metadata: MetadataArguments
  @OptionGroup var arguments: WriteArguments

  func request() throws -> Request {
    try .create(
      Route("runs"),
      [
        "id": id, "parent": parent, "tags": tag.isEmpty ? nil : tag, "metadata": metadata.value,
      ])
  }
}

/// Shows a run.
struct RunGet: Verb {
  static let configuration = CommandConfiguration.verb(
    "get", "Show a run; a missing one exits 66.",
    examples: ["holdfast run get refund-42 --json"])

  @Argument(help: "The run's identifier.")
  var id: String

  @OptionGroup var arguments: StoreArguments

  func request() throws -> Request {
    .get(Route("runs", id))
  }
}

/// Lists runs.
struct RunList: Verb {
  static let configuration = CommandConfiguration.verb(
    "list", "List runs, the newest first; archived ones only when asked for.",
    examples: ["holdfast run list --status failed --tag airline --since 2026-01-01T00:00:00Z"])

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

  @OptionGroup var arguments: ListArguments

  func request() throws -> Request {
    .list(
      Route("runs").with("status", status).with("tag", tag).with("parent", parent)
        .with("since", since).with("until", until).with("archived", archived),
      ["id", "status", "created_at", "completed_at", "tags", "error"])
  }
}

/// Changes a run's tags or metadata.
struct RunUpdate: Verb {
  static let configuration = CommandConfiguration.verb(
    "update", "Replace a run's tags or metadata; what is left out stays.",
    examples: [#"holdfast run update refund-42 --metadata '{"reward":1.0}'"#])

  @Argument(help: "The run's identifier.")
  var id: String

  @Option(help: ArgumentHelp("A new tag; may be repeated.", valueName: "tag"))
  var tag: [String] = []

  @Flag(help: "Take all tags away.")
  var noTags = false

  @OptionGroup var metadata: MetadataArguments
  @OptionGroup var arguments: ChangeArguments

  func validate() throws {
    guard tag.isEmpty || !noTags else {
      throw ValidationError("--tag and --no-tags do not go together.")
    }
  }

  func request() throws -> Request {
    try .patch(
      Route("runs", id),
      ["tags": tag.isEmpty && !noTags ? nil : tag, "metadata": metadata.value])
  }
}

/// Deletes a run.
struct RunDelete: Verb {
  static let configuration = CommandConfiguration.verb(
    "delete", "Delete a run with all that is under it; its identifier is never used again.",
    about: "It asks before, unless --yes.",
    examples: ["holdfast run delete refund-42 --yes"])

  @Argument(help: "The run's identifier.")
  var id: String

  @OptionGroup var arguments: Confirmed<ChangeArguments>

  func request() throws -> Request {
    try arguments.confirm("Delete the run \(id) with all that is under it?")
    return .delete(Route("runs", id))
  }
}
