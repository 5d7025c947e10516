import ArgumentParser
import HTTPTypes
import HoldfastCore

/// What every verb about a call of a provider needs.
struct ProviderCallArguments: ParsableArguments {
  @Argument(help: "The provider's name.")
  var name: String

  @OptionGroup var write: WriteArguments
  @OptionGroup var arguments: StoreArguments

  /// Sends a verb, and shows what came of it.
  ///
  /// - Parameters:
  ///   - verb: The last word of the route.
  ///   - body: The fields.
  /// - Throws: ``StoreError``: what the store says.
  func send(_ verb: String, _ body: Object) async throws {
    let headers = try write.headers()
    try await arguments.run(for: .read) { connection throws(StoreError) in
      try await connection.send(
        .post, Route("providers", name, verb), body.isEmpty ? nil : body, headers: headers)
    } show: { answer, terminal in
      Record.details(answer, for: terminal)
    }
  }
}

/// The probe whose outcome a verb brings.
struct ProbeArguments: ParsableArguments {
  @Option(help: ArgumentHelp("The token that acquire gave, if it gave one.", valueName: "number"))
  var probeToken: Int64?

  /// The field that says so.
  var fields: Object {
    var fields: Object = [:]
    fields["probe_token"] = probeToken.map(Value.integer)
    return fields
  }
}

/// Asks whether a provider may be called.
struct ProviderAcquire: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "acquire",
    abstract: "Ask whether a provider may be called, and take the probe of a half-open circuit.",
    discussion: """
      EXAMPLE
        holdfast provider acquire anthropic --json
      """)

  @OptionGroup var call: ProviderCallArguments

  func run() async throws { try await call.send("acquire", [:]) }
}

/// Counts a call that succeeded.
struct ProviderSuccess: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "success",
    abstract: "Count a call that succeeded.",
    discussion: """
      EXAMPLE
        holdfast provider success anthropic --latency 840ms
      """)

  @OptionGroup var call: ProviderCallArguments
  @OptionGroup var probe: ProbeArguments

  @Option(help: ArgumentHelp("How long it took.", valueName: "duration"))
  var latency: String?

  func run() async throws {
    var body = probe.fields
    body["latency"] = latency.map(Value.string)
    try await call.send("success", body)
  }
}

/// Counts a call that failed.
struct ProviderFailed: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "failure",
    abstract: "Count a call that failed; enough of them in a row open the circuit.",
    discussion: """
      EXAMPLE
        holdfast provider failure anthropic --kind timeout --error 'no answer in 60 s'
      """)

  @OptionGroup var call: ProviderCallArguments
  @OptionGroup var probe: ProbeArguments

  @Option(
    help: ArgumentHelp(
      """
      Why: timeout, connection, server, other; or the caller's own mistake, which is not counted: \
      authentication, invalid_request, context_length.
      """, valueName: "word"),
    completion: .list(ProviderFailure.allCases.map(\.rawValue)))
  var kind: String?

  @Option(help: ArgumentHelp("What the failure said.", valueName: "text"))
  var error: String?

  func run() async throws {
    var body = probe.fields
    body["kind"] = kind.map(Value.string)
    body["error"] = error.map(Value.string)
    try await call.send("failure", body)
  }
}

/// Counts a call that was refused for a rate limit.
struct ProviderRateLimited: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rate-limited",
    abstract: "Count a call that was refused for a rate limit, and leave the provider alone.",
    discussion: """
      EXAMPLE
        holdfast provider rate-limited anthropic --retry-after 20s
      """)

  @OptionGroup var call: ProviderCallArguments
  @OptionGroup var probe: ProbeArguments

  @Option(help: ArgumentHelp("How long it asked to be left alone.", valueName: "duration"))
  var retryAfter: String?

  @Option(help: ArgumentHelp("What the provider said.", valueName: "text"))
  var error: String?

  func run() async throws {
    var body = probe.fields
    body["retry_after"] = retryAfter.map(Value.string)
    body["error"] = error.map(Value.string)
    try await call.send("rate-limited", body)
  }
}
