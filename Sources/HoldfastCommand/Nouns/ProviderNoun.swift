import ArgumentParser
import HTTPTypes
import HoldfastCore

/// Providers of models.
struct ProviderNoun: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "provider",
    abstract: "Providers of models: their circuits, and whether they may be called.",
    discussion: """
      EXAMPLE
        holdfast provider put anthropic --priority 1
        holdfast provider acquire anthropic
        holdfast provider success anthropic --latency 840ms
      """,
    subcommands: [
      ProviderPut.self, ProviderGet.self, ProviderList.self, ProviderDelete.self,
      ProviderAcquire.self, ProviderSuccess.self, ProviderFailed.self, ProviderRateLimited.self,
    ])
}

/// Puts a provider.
struct ProviderPut: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "put",
    abstract: "Make a provider known, move it among its peers, or set its state.",
    discussion: """
      What is left out stays; a state is given whole, with the names of its fields.

      EXAMPLE
        holdfast provider put anthropic --priority 1
        holdfast provider put anthropic --state '{"circuit":"closed"}'
      """)

  @Argument(help: "The provider's name.")
  var name: String

  @Option(help: ArgumentHelp("The least is called first, -1000 to 1000.", valueName: "number"))
  var priority: Int?

  @Option(help: ArgumentHelp("The whole state: a JSON object, @FILE, or -.", valueName: "object"))
  var state: String?

  @OptionGroup var condition: ConditionArguments
  @OptionGroup var write: WriteArguments
  @OptionGroup var arguments: StoreArguments

  func run() async throws {
    var body: Object = [:]
    if let state { body = try ValueArgument.object(state, "state").objectValue ?? [:] }
    if let priority { body["priority"] = .integer(Int64(priority)) }
    var headers = try write.headers()
    headers.append(contentsOf: condition.headers)
    try await arguments.run(for: .write) { [body, headers] connection throws(StoreError) in
      try await connection.send(.put, Route("providers", name), body, headers: headers)
    } show: { provider, terminal in
      Record.details(provider, for: terminal)
    }
  }
}

/// Shows a provider.
struct ProviderGet: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "get",
    abstract: "Show a provider; a missing one exits 66.",
    discussion: """
      EXAMPLE
        holdfast provider get anthropic --json
      """)

  @Argument(help: "The provider's name.")
  var name: String

  @OptionGroup var arguments: StoreArguments

  func run() async throws {
    try await arguments.run(for: .read) { connection throws(StoreError) in
      try await connection.send(.get, Route("providers", name))
    } show: { provider, terminal in
      Record.details(provider, for: terminal)
    }
  }
}

/// Lists providers.
struct ProviderList: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "List providers in the order in which they are called.",
    discussion: """
      EXAMPLE
        holdfast provider list
      """)

  @OptionGroup var page: PageArguments
  @OptionGroup var arguments: StoreArguments

  func run() async throws {
    try await arguments.list(page, Route("providers")) { items, terminal in
      Record.list(
        items,
        fields: [
          "name", "priority", "circuit", "consecutive_failures", "retry_at",
          "rate_limited_until", "last_latency", "last_error",
        ], for: terminal)
    }
  }
}

/// Forgets a provider.
struct ProviderDelete: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "delete",
    abstract: "Forget a provider with its state.",
    discussion: """
      It asks before, unless --yes.

      EXAMPLE
        holdfast provider delete anthropic --yes
      """)

  @Argument(help: "The provider's name.")
  var name: String

  @OptionGroup var confirmation: ConfirmationArguments
  @OptionGroup var condition: ConditionArguments
  @OptionGroup var write: WriteArguments
  @OptionGroup var arguments: StoreArguments

  func run() async throws {
    try confirmation.confirm("Forget the provider \(name)?")
    var headers = try write.headers()
    headers.append(contentsOf: condition.headers)
    try await arguments.run(for: .read) { [headers] connection throws(StoreError) in
      try await connection.send(.delete, Route("providers", name), headers: headers)
    } show: { _, _ in
      ""
    }
  }
}
