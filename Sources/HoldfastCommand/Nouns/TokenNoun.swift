import ArgumentParser
import HTTPTypes
import HoldfastCore

/// Access tokens.
struct TokenNoun: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "token",
    abstract: "Access tokens for those who reach the store over a network.",
    discussion: """
      On the machine of the store no token is needed: a lost one is replaced by making another.

      EXAMPLE
        holdfast token create alice --role agent --namespace 'run:**'
      """,
    subcommands: [TokenCreate.self, TokenList.self, TokenRevoke.self])
}

/// Makes a token.
struct TokenCreate: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "create",
    abstract: "Make a token, and print its secret, which is shown this once.",
    discussion: """
      reader reads; agent also writes; operator also cancels; admin may do everything. In a \
      namespace's pattern * stands for one last segment, ** for all below.

      EXAMPLE
        holdfast token create alice --role agent --namespace 'run:**' --ttl 30d
        export HOLDFAST_TOKEN=$(holdfast token create me --role admin)
      """)

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

  func run() async throws {
    var body: Object = ["name": .string(name), "role": .string(role)]
    if !namespace.isEmpty { body["namespaces"] = .array(namespace.map(Value.string)) }
    body["ttl"] = ttl.map(Value.string)
    try await arguments.run(for: .write) { [body] connection throws(StoreError) in
      try await connection.send(.post, Route("tokens"), body)
    } show: { token, _ in
      (token["secret"]?.stringValue ?? "") + "\n"
    }
    guard !arguments.json else { return }
    Stream.say("This is the token's only copy: the store keeps no secret.")
  }
}

/// Lists tokens.
struct TokenList: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "List the tokens by name, without their secrets.",
    discussion: """
      EXAMPLE
        holdfast token list
      """)

  @OptionGroup var page: PageArguments
  @OptionGroup var arguments: StoreArguments

  func run() async throws {
    try await arguments.list(page, Route("tokens")) { items, terminal in
      Record.list(
        items, fields: ["name", "role", "namespaces", "prefix", "created_at", "expires_at"],
        for: terminal)
    }
  }
}

/// Revokes a token.
struct TokenRevoke: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "revoke",
    abstract: "Revoke a token at once, on every node.",
    discussion: """
      It asks before, unless --yes.

      EXAMPLE
        holdfast token revoke alice --yes
      """)

  @Argument(help: "The token's name.")
  var name: String

  @OptionGroup var confirmation: ConfirmationArguments
  @OptionGroup var arguments: StoreArguments

  func run() async throws {
    try confirmation.confirm("Revoke the token \(name)?")
    try await arguments.run(for: .read) { connection throws(StoreError) in
      try await connection.send(.delete, Route("tokens", name))
    } show: { _, _ in
      ""
    }
  }
}
