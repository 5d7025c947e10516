import ArgumentParser
import HoldfastCore

/// Says how a store is.
struct HealthVerb: Verb {
  static let configuration = CommandConfiguration.verb(
    "health", "Say how the store is: its database, its size, its rows, its circuits.",
    about: "A server tells the most to a token that reaches every namespace.",
    examples: ["holdfast health", "holdfast health --json --store https://holdfast.example"])

  @OptionGroup var arguments: StoreArguments

  func request() throws -> Request {
    .get(Route("health"))
  }
}
