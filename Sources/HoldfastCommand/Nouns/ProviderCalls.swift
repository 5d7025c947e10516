import ArgumentParser
import HoldfastCore

/// The probe whose outcome a verb brings.
struct ProbeArgument: ParsableArguments {
  @Option(help: ArgumentHelp("The token that acquire gave, if it gave one.", valueName: "number"))
  var probeToken: Int64?
}

/// Asks whether a provider may be called.
struct ProviderAcquire: Verb {
  static let configuration = CommandConfiguration.verb(
    "acquire", "Ask whether a provider may be called, and take the probe of a half-open circuit.",
    about: "A refusal is an answer too: look at allowed, the exit code is 0 either way.",
    examples: ["holdfast provider acquire anthropic --json"])

  @Argument(help: "The provider's name.")
  var name: String

  @OptionGroup var arguments: StoreArguments

  func request() throws -> Request {
    .post(Route("providers", name, "acquire"))
  }
}

/// Counts a call that succeeded.
struct ProviderSuccess: Verb {
  static let configuration = CommandConfiguration.verb(
    "success", "Count a call that succeeded.",
    examples: ["holdfast provider success anthropic --latency 840ms"])

  @Argument(help: "The provider's name.")
  var name: String

  @Option(help: ArgumentHelp("How long it took.", valueName: "duration"))
  var latency: String?

  @OptionGroup var probe: ProbeArgument
  @OptionGroup var arguments: WriteArguments

  func request() throws -> Request {
    .post(
      Route("providers", name, "success"),
      ["latency": latency, "probe_token": probe.probeToken])
  }
}

/// Counts a call that failed.
struct ProviderFailed: Verb {
  static let configuration = CommandConfiguration.verb(
    "failure", "Count a call that failed; enough of them in a row open the circuit.",
    examples: ["holdfast provider failure anthropic --kind timeout --error 'no answer in 60 s'"])

  @Argument(help: "The provider's name.")
  var name: String

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

  @OptionGroup var probe: ProbeArgument
  @OptionGroup var arguments: WriteArguments

  func request() throws -> Request {
    .post(
      Route("providers", name, "failure"),
      ["kind": kind, "error": error, "probe_token": probe.probeToken])
  }
}

/// Counts a call that was refused for a rate limit.
struct ProviderRateLimited: Verb {
  static let configuration = CommandConfiguration.verb(
    "rate-limited", "Count a call that was refused for a rate limit, and leave the provider alone.",
    examples: ["holdfast provider rate-limited anthropic --retry-after 20s"])

  @Argument(help: "The provider's name.")
  var name: String

  @Option(help: ArgumentHelp("How long it asked to be left alone.", valueName: "duration"))
  var retryAfter: String?

  @Option(help: ArgumentHelp("What the provider said.", valueName: "text"))
  var error: String?

  @OptionGroup var probe: ProbeArgument
  @OptionGroup var arguments: WriteArguments

  func request() throws -> Request {
    .post(
      Route("providers", name, "rate-limited"),
      ["retry_after": retryAfter, "error": error, "probe_token": probe.probeToken])
  }
}
