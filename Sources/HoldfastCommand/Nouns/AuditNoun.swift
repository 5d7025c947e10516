import ArgumentParser
import HTTPTypes
import HoldfastCore

/// The audit log.
struct AuditNoun: AsyncParsableCommand {
  static let configuration = CommandConfiguration.noun(
    "audit", "The audit log: who did what, in sealed chains that nobody changes unseen.",
    examples: [
      "holdfast audit record plan.advance --run 42",
      "holdfast audit list --actor alice --since 2026-01-01T00:00:00Z",
      "holdfast audit anchor > anchor.json",
      "holdfast audit verify --anchor anchor.json",
    ],
    verbs: [
      AuditRecordVerb.self, AuditGet.self, AuditList.self, AuditVerify.self, AuditAnchorVerb.self,
    ])
}

/// Adds a record.
struct AuditRecordVerb: Verb {
  static let configuration = CommandConfiguration.verb(
    "record", "Add a record.",
    about: "The actor is who runs this, or the token's name; --by is kept beside it, unproven.",
    examples: ["holdfast audit record refund.pay --subject order:7 --run 42 --result paid"])

  @Argument(help: "What was done, such as plan.advance.")
  var action: String

  @Option(help: ArgumentHelp("To what.", valueName: "text"))
  var subject: String?

  @Option(help: ArgumentHelp("The bot that it concerns.", valueName: "id"))
  var bot: String?

  @Option(help: ArgumentHelp("The run that it belongs to.", valueName: "id"))
  var run: String?

  @Option(help: ArgumentHelp("The memory that it concerns.", valueName: "id"))
  var memory: String?

  @Option(help: ArgumentHelp("What came of it.", valueName: "text"))
  var result: String?

  @Option(help: ArgumentHelp("Who is said to have done it.", valueName: "name"))
  var by: String?

  @Option(help: ArgumentHelp("A JSON object, @FILE, or -.", valueName: "object"))
  var details: String?

  @OptionGroup var arguments: WriteArguments

  func request() throws -> Request {
    .create(
      Route("audit"),
      [
        "action": action, "subject": subject, "bot": bot, "run": run, "memory": memory,
        "result": result, "by": by,
        "details": try ValueArgument.object(details, "details"),
      ])
  }
}

/// Shows a record.
struct AuditGet: Verb {
  static let configuration = CommandConfiguration.verb(
    "get", "Show a record; a missing one exits 66.",
    examples: ["holdfast audit get 1:17"])

  @Argument(help: "The record's identifier: its chain and its number.")
  var id: String

  @OptionGroup var arguments: StoreArguments

  func request() throws -> Request {
    .get(Route("audit", id))
  }
}

/// Lists records.
struct AuditList: Verb {
  static let configuration = CommandConfiguration.verb(
    "list", "List the records, the newest first.",
    examples: [
      "holdfast audit list --run 42", "holdfast audit list --memory m7 --action memory.share",
    ])

  @Option(help: ArgumentHelp("Only what this one did.", valueName: "name"))
  var actor: String?

  @Option(help: ArgumentHelp("Only this action.", valueName: "action"))
  var action: String?

  @Option(help: ArgumentHelp("Only what was done to this.", valueName: "text"))
  var subject: String?

  @Option(help: ArgumentHelp("Only what concerns this bot.", valueName: "id"))
  var bot: String?

  @Option(help: ArgumentHelp("Only what concerns this memory.", valueName: "id"))
  var memory: String?

  @Option(help: ArgumentHelp("Only what belongs to this run.", valueName: "id"))
  var run: String?

  @Option(help: ArgumentHelp("Only what happened then or later.", valueName: "time"))
  var since: String?

  @Option(help: ArgumentHelp("Only what happened before then.", valueName: "time"))
  var until: String?

  @OptionGroup var arguments: ListArguments

  func request() throws -> Request {
    let route = Route("audit").with("actor", actor).with("action", action)
      .with("subject", subject).with("bot", bot).with("memory", memory).with("run", run)
      .with("since", since).with("until", until)
    return .list(
      route,
      ["id", "time", "actor", "action", "subject", "bot", "run", "memory", "result", "details"])
  }
}

/// Prints what the log has come to.
struct AuditAnchorVerb: Verb {
  static let configuration = CommandConfiguration.verb(
    "anchor", "Print what the log has come to, to be kept elsewhere.",
    about: """
      A log, or a whole database, that is set back to an older state of itself is sound in \
      itself: audit verify finds it only with an anchor from later on. An anchor holds no secret, \
      and stays good when retention cuts the log.
      """,
    examples: ["holdfast audit anchor > anchor.json"])

  @OptionGroup var arguments: StoreArguments

  func request() throws -> Request {
    .get(Route("audit", "anchor"), Look { anchor, _ in anchor.json + "\n" })
  }
}
