import ArgumentParser
import HoldfastCore

/// The conversations of agents.
struct SessionNoun: AsyncParsableCommand {
  static let configuration = CommandConfiguration.noun(
    "session", "Sessions: conversations, item by item.",
    examples: [
      "holdfast session save chat-1 --channel slack --thread 17.5",
      #"holdfast session append chat-1 '{"role":"user","text":"Hello"}'"#,
      "holdfast session items chat-1 --last 20",
    ],
    verbs: [
      SessionSave.self, SessionGet.self, SessionList.self, SessionTouch.self, SessionItems.self,
      SessionAppend.self, SessionPop.self, SessionClear.self, SessionDelete.self,
    ])
}

/// Saves a session.
struct SessionSave: Verb {
  static let configuration = CommandConfiguration.verb(
    "save", "Save a session, whether it is there or not; its items stay.",
    examples: ["holdfast session save chat-1 --run refund-42 --channel slack --thread 17.5"])

  @Argument(help: "The session's identifier; one is made if it is left out.")
  var id: String?

  @Option(help: ArgumentHelp("The run that it belongs to.", valueName: "id"))
  var run: String?

  @Option(help: ArgumentHelp("The channel of the conversation.", valueName: "name"))
  var channel: String?

  @Option(help: ArgumentHelp("The thread of the channel.", valueName: "name"))
  var thread: String?

  @Option(help: ArgumentHelp("Who talks to the agent.", valueName: "name"))
  var user: String?

  @Option(help: ArgumentHelp("What is kept with it: JSON, @FILE, or -.", valueName: "value"))
  var data: String?

  @OptionGroup var arguments: ChangeArguments

  func request() throws -> Request {
    .create(
      Route("sessions"),
      [
        "id": id, "run": run, "channel": channel, "thread": thread, "user": user,
        "data": try data.map { text throws(StoreError) in try ValueArgument.read(text) },
      ])
  }
}

/// Shows a session.
struct SessionGet: Verb {
  static let configuration = CommandConfiguration.verb(
    "get", "Show a session; a missing one exits 66.",
    examples: ["holdfast session get chat-1 --json"])

  @Argument(help: "The session's identifier.")
  var id: String

  @OptionGroup var arguments: StoreArguments

  func request() throws -> Request { .get(Route("sessions", id)) }
}

/// Lists sessions.
struct SessionList: Verb {
  static let configuration = CommandConfiguration.verb(
    "list", "List sessions, the newest first.",
    about: "With a channel and a thread it shows the session of this thread that was used last.",
    examples: [
      "holdfast session list --user u1 --since 2026-01-01T00:00:00Z",
      "holdfast session list --channel slack --thread 17.5",
    ])

  @Option(help: ArgumentHelp("Only sessions of this run.", valueName: "id"))
  var run: String?

  @Option(help: ArgumentHelp("Only sessions of this channel.", valueName: "name"))
  var channel: String?

  @Option(help: ArgumentHelp("The session of this thread of the channel.", valueName: "name"))
  var thread: String?

  @Option(help: ArgumentHelp("Only sessions of this user.", valueName: "name"))
  var user: String?

  @Option(
    help: ArgumentHelp("Only sessions that were saved first then or later.", valueName: "time"))
  var since: String?

  @Option(help: ArgumentHelp("Only sessions that were saved first before then.", valueName: "time"))
  var until: String?

  @OptionGroup var arguments: ListArguments

  func request() throws -> Request {
    .list(
      Route("sessions").with("run", run).with("channel", channel).with("thread", thread)
        .with("user", user).with("since", since).with("until", until),
      ["id", "item_count", "last_used_at", "channel", "thread", "user", "run"])
  }
}

/// Notes that a session is in use.
struct SessionTouch: Verb {
  static let configuration = CommandConfiguration.verb(
    "touch", "Note that a session is in use.", examples: ["holdfast session touch chat-1"])

  @Argument(help: "The session's identifier.")
  var id: String

  @OptionGroup var arguments: ChangeArguments

  func request() throws -> Request { .post(Route("sessions", id, "touch")) }
}

/// Reads a conversation.
struct SessionItems: Verb {
  static let configuration = CommandConfiguration.verb(
    "items", "Read a conversation, in order.",
    examples: [
      "holdfast session items chat-1 --last 20",
      "holdfast session items chat-1 --from 1 --all --json",
    ])

  @Argument(help: "The session's identifier.")
  var id: String

  @Option(help: ArgumentHelp("Only the last so many.", valueName: "number"))
  var last: Int?

  @Option(help: ArgumentHelp("From this position on.", valueName: "position"))
  var from: Int?

  @OptionGroup var arguments: ListArguments

  func request() throws -> Request {
    .list(
      Route("sessions", id, "items").with("last", last).with("from", from),
      ["position", "item"])
  }
}

/// Appends to a conversation.
struct SessionAppend: Verb {
  static let configuration = CommandConfiguration.verb(
    "append", "Append items to a conversation: all or none, one behind the other.",
    examples: [#"holdfast session append chat-1 '{"role":"user","text":"Hello"}'"#])

  @Argument(help: "The session's identifier.")
  var id: String

  @Argument(help: ArgumentHelp("A JSON object, @FILE, or -.", valueName: "item"))
  var items: [String]

  @OptionGroup var arguments: ChangeArguments

  func request() throws -> Request {
    let items = try items.map { text throws(StoreError) in try ValueArgument.read(text) }
    return .post(Route("sessions", id, "items"), ["items": Value.array(items)])
  }
}

/// Takes the last item away.
struct SessionPop: Verb {
  static let configuration = CommandConfiguration.verb(
    "pop", "Take the last item of a conversation away, and show it.",
    about: "It asks before, unless --yes. An empty conversation shows nothing.",
    examples: ["holdfast session pop chat-1 --yes"])

  @Argument(help: "The session's identifier.")
  var id: String

  @OptionGroup var arguments: Confirmed<ChangeArguments>

  func request() throws -> Request {
    try arguments.confirm("Take the last item of the session \(id) away?")
    return .post(Route("sessions", id, "pop"), nil, .row(["position", "item"]))
  }
}

/// Takes all items away.
struct SessionClear: Verb {
  static let configuration = CommandConfiguration.verb(
    "clear", "Take all items of a conversation away; the session stays.",
    about: "It asks before, unless --yes.",
    examples: ["holdfast session clear chat-1 --yes"])

  @Argument(help: "The session's identifier.")
  var id: String

  @OptionGroup var arguments: Confirmed<ChangeArguments>

  func request() throws -> Request {
    try arguments.confirm("Take all items of the session \(id) away?")
    return .delete(Route("sessions", id, "items"))
  }
}

/// Deletes a session.
struct SessionDelete: Verb {
  static let configuration = CommandConfiguration.verb(
    "delete", "Delete a session with its items.",
    about: "It asks before, unless --yes.",
    examples: ["holdfast session delete chat-1 --yes"])

  @Argument(help: "The session's identifier.")
  var id: String

  @OptionGroup var arguments: Confirmed<ChangeArguments>

  func request() throws -> Request {
    try arguments.confirm("Delete the session \(id) with its items?")
    return .delete(Route("sessions", id))
  }
}
