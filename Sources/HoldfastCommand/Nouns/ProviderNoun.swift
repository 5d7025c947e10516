import ArgumentParser
import HoldfastCore

/// Providers of models.
struct ProviderNoun: AsyncParsableCommand {
  static let configuration = CommandConfiguration.noun(
    "provider", "Providers of models: their circuits, and whether they may be called.",
    examples: [
      "holdfast provider put anthropic --priority 1",
      "holdfast provider acquire anthropic",
      "holdfast provider success anthropic --latency 840ms",
    ],
    verbs: [
      ProviderPut.self, ProviderGet.self, ProviderList.self, ProviderDelete.self,
      ProviderAcquire.self, ProviderSuccess.self, ProviderFailed.self, ProviderRateLimited.self,
    ])
}

/// Puts a provider.
struct ProviderPut: Verb {
  static let configuration = CommandConfiguration.verb(
    "put", "Make a provider known, move it among its peers, or set its state.",
    about: "What is left out stays; a state is given whole, with the names of its fields.",
    examples: [
      "holdfast provider put anthropic --priority 1",
      #"holdfast provider put anthropic --state '{"circuit":"closed"}'"#,
    ])

  @Argument(help: "The provider's name.")
  var name: String

  @Option(help: ArgumentHelp("The least is called first, -1000 to 1000.", valueName: "number"))
  var priority: Int?

  @Option(help: ArgumentHelp("The whole state: a JSON object, @FILE, or -.", valueName: "object"))
  var state: String?

  @OptionGroup var arguments: ChangeArguments

  func request() throws -> Request {
    var fields = try ValueArgument.object(state, "state")?.objectValue ?? [:]
    if let priority { fields["priority"] = .integer(Int64(priority)) }
    return .put(Route("providers", name), Body(fields: fields))
  }
}

extension Body {
  /// A body whose fields somebody gave as they are.
  fileprivate init(fields: Object) { object = fields }
}

/// Shows a provider.
struct ProviderGet: Verb {
  static let configuration = CommandConfiguration.verb(
    "get", "Show a provider; a missing one exits 66.",
    examples: ["holdfast provider get anthropic --json"])

  @Argument(help: "The provider's name.")
  var name: String

  @OptionGroup var arguments: StoreArguments

  func request() throws -> Request {
    .get(Route("providers", name))
  }
}

/// Lists providers.
struct ProviderList: Verb {
  static let configuration = CommandConfiguration.verb(
    "list", "List providers in the order in which they are called.",
    examples: ["holdfast provider list"])

  @OptionGroup var arguments: ListArguments

  func request() throws -> Request {
    .list(
      Route("providers"),
      [
        "name", "priority", "circuit", "consecutive_failures", "retry_at", "rate_limited_until",
        "last_latency", "last_error",
      ])
  }
}

/// Forgets a provider.
struct ProviderDelete: Verb {
  static let configuration = CommandConfiguration.verb(
    "delete", "Forget a provider with its state.",
    about: "It asks before, unless --yes.",
    examples: ["holdfast provider delete anthropic --yes"])

  @Argument(help: "The provider's name.")
  var name: String

  @OptionGroup var arguments: Confirmed<ChangeArguments>

  func request() throws -> Request {
    try arguments.confirm("Forget the provider \(name)?")
    return .delete(Route("providers", name))
  }
}
