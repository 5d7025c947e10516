import ArgumentParser
import HoldfastCore

/// Which sessions the threads of channels are talking to.
struct ThreadNoun: AsyncParsableCommand {
  static let configuration = CommandConfiguration.noun(
    "thread", "Threads of channels, and the session that each is talking to.",
    examples: [
      "holdfast thread put slack 17.5 chat-1",
      "holdfast thread get slack 17.5",
    ],
    verbs: [
      ThreadPut.self, ThreadGet.self, ThreadList.self, ThreadTouch.self, ThreadDelete.self,
    ])
}

/// The thread that a verb is about.
struct ThreadArgument: ParsableArguments {
  @Argument(help: "The channel.")
  var channel: String

  @Argument(help: "The thread of the channel.")
  var thread: String

  /// Where it is.
  var route: Route { Route("threads", channel, thread) }
}

/// Says which session a thread is talking to.
struct ThreadPut: Verb {
  static let configuration = CommandConfiguration.verb(
    "put", "Say which session a thread is talking to.",
    examples: ["holdfast thread put slack 17.5 chat-1"])

  @OptionGroup var subject: ThreadArgument

  @Argument(help: "The session's key.")
  var sessionKey: String

  @Option(help: ArgumentHelp("What is kept with it: JSON, @FILE, or -.", valueName: "value"))
  var data: String?

  @OptionGroup var arguments: ChangeArguments

  func request() throws -> Request {
    .put(
      subject.route,
      [
        "session_key": sessionKey,
        "data": try data.map { text throws(StoreError) in try ValueArgument.read(text) },
      ])
  }
}

/// Shows which session a thread is talking to.
struct ThreadGet: Verb {
  static let configuration = CommandConfiguration.verb(
    "get", "Show which session a thread is talking to; a missing one exits 66.",
    examples: ["holdfast thread get slack 17.5"])

  @OptionGroup var subject: ThreadArgument
  @OptionGroup var arguments: StoreArguments

  func request() throws -> Request { .get(subject.route) }
}

/// Lists threads.
struct ThreadList: Verb {
  static let configuration = CommandConfiguration.verb(
    "list", "List threads by their channels and names.",
    examples: ["holdfast thread list --channel slack"])

  @Option(help: ArgumentHelp("Only threads of this channel.", valueName: "name"))
  var channel: String?

  @OptionGroup var arguments: ListArguments

  func request() throws -> Request {
    .list(
      Route("threads").with("channel", channel),
      ["channel", "thread", "session_key", "last_message_at"])
  }
}

/// Notes that a message came.
struct ThreadTouch: Verb {
  static let configuration = CommandConfiguration.verb(
    "touch", "Note that a message came through a thread.",
    examples: ["holdfast thread touch slack 17.5"])

  @OptionGroup var subject: ThreadArgument
  @OptionGroup var arguments: ChangeArguments

  func request() throws -> Request {
    .post(Route("threads", subject.channel, subject.thread, "touch"))
  }
}

/// Forgets which session a thread is talking to.
struct ThreadDelete: Verb {
  static let configuration = CommandConfiguration.verb(
    "delete", "Forget which session a thread is talking to; the session stays.",
    about: "It asks before, unless --yes.",
    examples: ["holdfast thread delete slack 17.5 --yes"])

  @OptionGroup var subject: ThreadArgument
  @OptionGroup var arguments: Confirmed<ChangeArguments>

  func request() throws -> Request {
    try arguments.confirm("Forget the thread \(subject.thread) of \(subject.channel)?")
    return .delete(subject.route)
  }
}
