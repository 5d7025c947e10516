import ArgumentParser
import HTTPTypes
import HoldfastCore

/// Bots.
struct BotNoun: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bot",
    abstract: "Bots: agents that outlive their runs.",
    discussion: """
      EXAMPLE
        holdfast bot create mailer --name 'The mailer'
        holdfast kv list bot:mailer
      """,
    subcommands: [
      BotCreate.self, BotGet.self, BotList.self, BotUpdate.self, BotDelete.self,
    ])
}

/// Creates a bot.
struct BotCreate: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "create",
    abstract: "Create a bot.",
    discussion: """
      EXAMPLE
        holdfast bot create mailer --name 'The mailer' --metadata '{"team":"mail"}'
      """)

  @Argument(help: "A short name that no other bot has.")
  var slug: String

  @Option(help: ArgumentHelp("Its identifier; one is made if it is left out.", valueName: "id"))
  var id: String?

  @Option(help: ArgumentHelp("What people call it.", valueName: "text"))
  var name: String?

  @Option(help: ArgumentHelp("A JSON object, @FILE, or -.", valueName: "object"))
  var metadata: String?

  @OptionGroup var write: WriteArguments
  @OptionGroup var arguments: StoreArguments

  func run() async throws {
    var body: Object = ["slug": .string(slug)]
    body["id"] = id.map(Value.string)
    body["name"] = name.map(Value.string)
    if let metadata { body["metadata"] = try ValueArgument.object(metadata, "metadata") }
    let headers = try write.headers()
    try await arguments.run(for: .write) { [body] connection throws(StoreError) in
      try await connection.send(.post, Route("bots"), body, headers: headers)
    } show: { bot, terminal in
      Record.details(bot, for: terminal)
    }
  }
}

/// Shows a bot.
struct BotGet: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "get",
    abstract: "Show a bot; a missing one exits 66.",
    discussion: """
      EXAMPLE
        holdfast bot get 019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5b
      """)

  @Argument(help: "The bot's identifier.")
  var id: String

  @OptionGroup var arguments: StoreArguments

  func run() async throws {
    try await arguments.run(for: .read) { connection throws(StoreError) in
      try await connection.send(.get, Route("bots", id))
    } show: { bot, terminal in
      Record.details(bot, for: terminal)
    }
  }
}

/// Lists bots.
struct BotList: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "List bots by their slugs.",
    discussion: """
      EXAMPLE
        holdfast bot list --slug mailer
      """)

  @Option(help: ArgumentHelp("Only the bot with this slug.", valueName: "slug"))
  var slug: String?

  @OptionGroup var page: PageArguments
  @OptionGroup var arguments: StoreArguments

  func run() async throws {
    try await arguments.list(page, Route("bots").with("slug", slug)) { items, terminal in
      Record.list(
        items, fields: ["slug", "id", "name", "version", "updated_at"], for: terminal)
    }
  }
}

/// Changes a bot.
struct BotUpdate: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "update",
    abstract: "Change a bot's slug, name or metadata; what is left out stays.",
    discussion: """
      EXAMPLE
        holdfast bot update 019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5b --name 'The new mailer'
      """)

  @Argument(help: "The bot's identifier.")
  var id: String

  @Option(help: ArgumentHelp("A short name that no other bot has.", valueName: "slug"))
  var slug: String?

  @Option(help: ArgumentHelp("What people call it.", valueName: "text"))
  var name: String?

  @Option(help: ArgumentHelp("A JSON object, @FILE, or -.", valueName: "object"))
  var metadata: String?

  @OptionGroup var condition: ConditionArguments
  @OptionGroup var write: WriteArguments
  @OptionGroup var arguments: StoreArguments

  func run() async throws {
    var body: Object = [:]
    body["slug"] = slug.map(Value.string)
    body["name"] = name.map(Value.string)
    if let metadata { body["metadata"] = try ValueArgument.object(metadata, "metadata") }
    var headers = try write.headers()
    headers.append(contentsOf: condition.headers)
    try await arguments.run(for: .read) { [body, headers] connection throws(StoreError) in
      try await connection.send(.patch, Route("bots", id), body, headers: headers)
    } show: { bot, terminal in
      Record.details(bot, for: terminal)
    }
  }
}

/// Deletes a bot.
struct BotDelete: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "delete",
    abstract: "Delete a bot with its keys.",
    discussion: """
      It asks before, unless --yes.

      EXAMPLE
        holdfast bot delete 019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5b --yes
      """)

  @Argument(help: "The bot's identifier.")
  var id: String

  @OptionGroup var confirmation: ConfirmationArguments
  @OptionGroup var condition: ConditionArguments
  @OptionGroup var write: WriteArguments
  @OptionGroup var arguments: StoreArguments

  func run() async throws {
    try confirmation.confirm("Delete the bot \(id) with its keys?")
    var headers = try write.headers()
    headers.append(contentsOf: condition.headers)
    try await arguments.run(for: .read) { [headers] connection throws(StoreError) in
      try await connection.send(.delete, Route("bots", id), headers: headers)
    } show: { _, _ in
      ""
    }
  }
}
