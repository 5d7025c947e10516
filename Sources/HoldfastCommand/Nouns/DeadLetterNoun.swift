import ArgumentParser
import HoldfastCore

/// What could not be delivered, and tasks whose attempts are spent.
struct DeadLetterNoun: AsyncParsableCommand {
  static let configuration = CommandConfiguration.noun(
    "dead-letter", "Dead letters: what could not be done, and giving it another chance.",
    examples: [
      "holdfast dead-letter list --status given_up",
      "holdfast dead-letter redrive 019a2b3c --reason 'new address'",
    ],
    verbs: [
      DeadLetterList.self, DeadLetterGet.self, DeadLetterRedrive.self,
      DeadLetterRedriveAll.self, DeadLetterResolve.self, DeadLetterRetryFailed.self,
      DeadLetterSave.self,
    ])
}

/// Which letters a verb is about.
struct DeadLetterFilter: ParsableArguments {
  @Option(
    help: "Only letters that stand here: open, given_up, resolved.",
    completion: .list(DeadLetterStatus.allCases.map(\.rawValue)))
  var status: String?

  @Option(help: ArgumentHelp("Only letters of this source; task for all tasks.", valueName: "name"))
  var source: String?

  @Option(help: ArgumentHelp("Only letters of this run.", valueName: "id"))
  var run: String?

  @Option(help: ArgumentHelp("Only letters that came then or later.", valueName: "time"))
  var since: String?

  @Option(help: ArgumentHelp("Only letters that came before then.", valueName: "time"))
  var until: String?
}

/// What a redrive changes, and why.
struct RedriveArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "What is delivered instead: JSON, @FILE, or -; the old message stays in the history.",
      valueName: "value"))
  var message: String?

  @Option(help: ArgumentHelp("Why; kept in the history.", valueName: "text"))
  var reason: String?

  /// The new message, where one was given.
  var edit: Value? {
    get throws(StoreError) {
      try message.map { text throws(StoreError) in try ValueArgument.read(text) }
    }
  }
}

/// Lists letters.
struct DeadLetterList: Verb {
  static let configuration = CommandConfiguration.verb(
    "list", "List dead letters, the newest first.",
    examples: [
      "holdfast dead-letter list --status given_up --source task",
      "holdfast dead-letter list --retryable",
    ])

  @OptionGroup var filter: DeadLetterFilter

  @Flag(help: "Those that are open and due, the soonest first.")
  var retryable = false

  @OptionGroup var arguments: ListArguments

  func request() throws -> Request {
    .list(
      Route("dead-letters").with("status", filter.status).with("source", filter.source)
        .with("run", filter.run).with("since", filter.since).with("until", filter.until)
        .with("retryable", retryable),
      ["id", "status", "source", "retry_count", "next_retry_at", "created_at", "error"])
  }
}

/// Shows a letter.
struct DeadLetterGet: Verb {
  static let configuration = CommandConfiguration.verb(
    "get", "Show a dead letter with its history; a missing one exits 66.",
    examples: ["holdfast dead-letter get 019a2b3c --json"])

  @Argument(help: "The letter's identifier.")
  var id: String

  @OptionGroup var arguments: StoreArguments

  func request() throws -> Request { .get(Route("dead-letters", id)) }
}

/// Redrives letters by name.
struct DeadLetterRedrive: Verb {
  static let configuration = CommandConfiguration.verb(
    "redrive", "Give dead letters another chance: all that are named, or none.",
    examples: [
      "holdfast dead-letter redrive 019a2b3c --reason 'new address'"
    ])

  @Argument(help: ArgumentHelp("The letters' identifiers.", valueName: "id"))
  var ids: [String]

  @OptionGroup var change: RedriveArguments
  @OptionGroup var arguments: WriteArguments

  func request() throws -> Request {
    .post(
      Route("dead-letters", "redrive"),
      ["ids": ids, "message": try change.edit, "reason": change.reason],
      .rows(["id", "status", "source", "next_retry_at", "replayed_as"]))
  }
}

/// Redrives letters by a filter.
struct DeadLetterRedriveAll: Verb {
  static let configuration = CommandConfiguration.verb(
    "redrive-all", "Give all dead letters that a filter matches another chance, a page at a time.",
    about: """
      It asks before, unless --yes. What is resolved stays so. Where more than a page matches, \
      the answer says with --json where to go on: --after NEXT.
      """,
    examples: ["holdfast dead-letter redrive-all --source slack --limit 1000 --yes"])

  @OptionGroup var filter: DeadLetterFilter
  @OptionGroup var change: RedriveArguments

  @Option(help: ArgumentHelp("At most this many, 1 to 1000.", valueName: "number"))
  var limit: Int?

  @Option(help: ArgumentHelp("Go on where a page ended: its next.", valueName: "next"))
  var after: String?

  @OptionGroup var arguments: Confirmed<WriteArguments>

  func request() throws -> Request {
    try arguments.confirm("Redrive all dead letters that match?")
    return .post(
      Route("dead-letters", "redrive"),
      [
        "status": filter.status, "source": filter.source, "run": filter.run,
        "since": filter.since, "until": filter.until, "limit": limit, "after": after,
        "message": try change.edit, "reason": change.reason,
      ], .rows(["id", "status", "source", "next_retry_at", "replayed_as"]))
  }
}

/// Ends a letter for good.
struct DeadLetterResolve: Verb {
  static let configuration = CommandConfiguration.verb(
    "resolve", "Say that a dead letter is dealt with, for good.",
    about: "It asks before, unless --yes.",
    examples: ["holdfast dead-letter resolve 019a2b3c --reason 'sent by hand' --yes"])

  @Argument(help: "The letter's identifier.")
  var id: String

  @Option(help: ArgumentHelp("How it was dealt with; kept in the history.", valueName: "text"))
  var reason: String?

  @OptionGroup var arguments: Confirmed<ChangeArguments>

  func request() throws -> Request {
    try arguments.confirm("Resolve the dead letter \(id), so that nothing retries it any more?")
    return .post(Route("dead-letters", id, "resolve"), ["reason": reason])
  }
}

/// Counts a try that failed.
struct DeadLetterRetryFailed: Verb {
  static let configuration = CommandConfiguration.verb(
    "retry-failed", "Count a try that failed.",
    about: "Without --next and --give-up the store's back-off says when the next one is.",
    examples: [
      "holdfast dead-letter retry-failed 019a2b3c --error busy"
    ])

  @Argument(help: "The letter's identifier.")
  var id: String

  @Option(help: ArgumentHelp("When it is tried again.", valueName: "time"))
  var next: String?

  @Flag(help: "Nothing tries it again by itself.")
  var giveUp = false

  @Option(help: ArgumentHelp("Why the try failed.", valueName: "text"))
  var error: String?

  @OptionGroup var arguments: ChangeArguments

  func validate() throws {
    guard next == nil || !giveUp else {
      throw ValidationError("--next and --give-up do not go together.")
    }
  }

  func request() throws -> Request {
    let time: Value? = giveUp ? .some(.null) : next.map(Value.string)
    return .post(
      Route("dead-letters", id, "retry-failed"), ["next_retry_at": time, "error": error])
  }
}

/// Saves a letter.
struct DeadLetterSave: Verb {
  static let configuration = CommandConfiguration.verb(
    "save", "Save what could not be delivered.",
    examples: [
      #"holdfast dead-letter save slack '{"text":"Done."}' --error 'no such channel'"#
    ])

  @Argument(help: "What failed: the word of the message's handler.")
  var source: String

  @Argument(help: "What should have been delivered: JSON, @FILE, or -.")
  var message: String

  @Option(help: ArgumentHelp("The letter's identifier; one is made without it.", valueName: "id"))
  var id: String?

  @Option(help: ArgumentHelp("Why it was not delivered.", valueName: "text"))
  var error: String?

  @Option(help: ArgumentHelp("Through which channel it should have gone.", valueName: "name"))
  var channel: String?

  @Option(help: ArgumentHelp("To which thread of the channel.", valueName: "name"))
  var thread: String?

  @Option(help: ArgumentHelp("The run that it belongs to.", valueName: "id"))
  var run: String?

  @Option(help: ArgumentHelp("When it is tried next.", valueName: "time"))
  var next: String?

  @OptionGroup var arguments: ChangeArguments

  func request() throws -> Request {
    .create(
      Route("dead-letters"),
      [
        "id": id, "source": source, "message": try ValueArgument.read(message), "error": error,
        "channel": channel, "thread": thread, "run": run, "next_retry_at": next,
      ])
  }
}
