import ArgumentParser
import HoldfastCore

/// Bots.
struct BotNoun: AsyncParsableCommand {
  static let configuration = CommandConfiguration.noun(
    "bot", "Bots: agents that outlive their runs.",
    examples: [
      "holdfast bot create mailer --name 'The mailer'",
      "holdfast kv list bot:mailer",
    ],
    verbs: [
      BotCreate.self, BotGet.self, BotList.self, BotUpdate.self, BotDelete.self,
    ])
}

/// Creates a bot.
struct BotCreate: Verb {
  static let configuration = CommandConfiguration.verb(
    "create", "Create a bot.",
    examples: [#"holdfast bot create mailer --name 'The mailer' --metadata '{"team":"mail"}'"#])

  @Argument(help: "A short name that no other bot has.")
  var slug: String

  @Option(help: ArgumentHelp("Its identifier; one is made if it is left out.", valueName: "id"))
  var id: String?

  @Option(help: ArgumentHelp("What people call it.", valueName: "text"))
  var name: String?

  @OptionGroup var metadata: MetadataArguments
  @OptionGroup var arguments: WriteArguments

  func request() throws -> Request {
    try .create(
      Route("bots"),
      ["slug": slug, "id": id, "name": name, "metadata": metadata.value])
  }
}

/// Shows a bot.
struct BotGet: Verb {
  static let configuration = CommandConfiguration.verb(
    "get", "Show a bot; a missing one exits 66.",
    examples: ["holdfast bot get 019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5b"])

  @Argument(help: "The bot's identifier.")
  var id: String

  @OptionGroup var arguments: StoreArguments

  func request() throws -> Request {
    .get(Route("bots", id))
  }
}

/// Lists bots.
struct BotList: Verb {
  static let configuration = CommandConfiguration.verb(
    "list", "List bots by their slugs.",
    examples: ["holdfast bot list --slug mailer"])

  @Option(help: ArgumentHelp("Only the bot with this slug.", valueName: "slug"))
  var slug: String?

  @OptionGroup var arguments: ListArguments

  func request() throws -> Request {
    .list(
      Route("bots").with("slug", slug), ["slug", "id", "name", "version", "updated_at"])
  }
}

/// Changes a bot.
struct BotUpdate: Verb {
  static let configuration = CommandConfiguration.verb(
    "update", "Change a bot's slug, name or metadata; what is left out stays.",
    examples: ["holdfast bot update 019a2b3c --name 'The new mailer'"])

  @Argument(help: "The bot's identifier.")
  var id: String

  @Option(help: ArgumentHelp("A short name that no other bot has.", valueName: "slug"))
  var slug: String?

  @Option(help: ArgumentHelp("What people call it.", valueName: "text"))
  var name: String?

  @OptionGroup var metadata: MetadataArguments
  @OptionGroup var arguments: ChangeArguments

  func request() throws -> Request {
    try .patch(
      Route("bots", id), ["slug": slug, "name": name, "metadata": metadata.value])
  }
}

/// Deletes a bot.
struct BotDelete: Verb {
  static let configuration = CommandConfiguration.verb(
    "delete", "Delete a bot with its keys.",
    about: "It asks before, unless --yes.",
    examples: ["holdfast bot delete 019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5b --yes"])

  @Argument(help: "The bot's identifier.")
  var id: String

  @OptionGroup var arguments: Confirmed<ChangeArguments>

  func request() throws -> Request {
    try arguments.confirm("Delete the bot \(id) with its keys?")
    return .delete(Route("bots", id))
  }
}
