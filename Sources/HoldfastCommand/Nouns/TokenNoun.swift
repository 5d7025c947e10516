import ArgumentParser
import HoldfastCore

/// Access tokens.
struct TokenNoun: AsyncParsableCommand {
  static let configuration = CommandConfiguration.noun(
    "token", "Access tokens for those who reach the store over a network.",
    about: """
      On the machine of the store no token is needed: a lost one is replaced by making \
      another.
      """,
    examples: ["holdfast token create alice --role agent --namespace 'run:**'"],
    verbs: [
      TokenCreate.self, TokenList.self, TokenRevoke.self,
    ])
}

/// Makes a token.
struct TokenCreate: Verb {
  static let configuration = CommandConfiguration.verb(
    "create", "Make a token, and print its secret, which is shown this once.",
    about: """
      reader reads; agent also writes; operator also cancels; admin may do everything. In a \
      namespace's pattern * stands for one last segment, ** for all below.
      """,
    examples: [
      "holdfast token create alice --role agent --namespace 'run:**' --ttl 30d",
      "export HOLDFAST_TOKEN=$(holdfast token create me --role admin)",
    ])

  @Argument(help: "The name of its holder, which no other token has.")
  var name: String

  @Option(
    help: "What the holder may do: reader, agent, operator or admin.",
    completion: .list(Role.allCases.map(\.rawValue)))
  var role: String

  @Option(
    help: ArgumentHelp(
      "Only these namespaces; may be repeated. Without it all.", valueName: "pattern"))
  var namespace: [String] = []

  @Option(help: ArgumentHelp("How long it is accepted: 12h, 30d.", valueName: "duration"))
  var ttl: String?

  @OptionGroup var arguments: StoreArguments

  func request() throws -> Request {
    var request = Request.create(
      Route("tokens"),
      [
        "name": name, "role": role, "namespaces": namespace.isEmpty ? nil : namespace, "ttl": ttl,
      ], .line("secret"))
    request.note = { _ in "This is the token's only copy: the store keeps no secret." }
    return request
  }
}

/// Lists tokens.
struct TokenList: Verb {
  static let configuration = CommandConfiguration.verb(
    "list", "List the tokens by name, without their secrets.",
    examples: ["holdfast token list"])

  @OptionGroup var arguments: ListArguments

  func request() throws -> Request {
    .list(
      Route("tokens"), ["name", "role", "namespaces", "prefix", "created_at", "expires_at"])
  }
}

/// Revokes a token.
struct TokenRevoke: Verb {
  static let configuration = CommandConfiguration.verb(
    "revoke", "Revoke a token at once, on every node.",
    about: "It asks before, unless --yes.",
    examples: ["holdfast token revoke alice --yes"])

  @Argument(help: "The token's name.")
  var name: String

  @OptionGroup var arguments: Confirmed<StoreArguments>

  func request() throws -> Request {
    try arguments.confirm("Revoke the token \(name)?")
    return .delete(Route("tokens", name))
  }
}
