import ArgumentParser
import HoldfastCore

/// Reads a value.
struct KeyValueGet: Verb {
  static let configuration = CommandConfiguration.verb(
    "get", "Print the value of a key.",
    about: """
      The value is printed as JSON, from which the same value can be read; --json adds the \
      version, the times and the description. A missing key prints nothing and exits 66.
      """,
    examples: [
      "holdfast kv get run:42 plan",
      "holdfast kv get run:42 greeting --raw > greeting.txt",
    ])

  @OptionGroup var place: PlaceArguments
  @OptionGroup var arguments: StoreArguments

  @Flag(help: "Print a string, or bytes, as they are.")
  var raw = false

  func validate() throws {
    guard !(raw && arguments.json) else {
      throw ValidationError("--raw and --json do not go together.")
    }
  }

  func request() throws -> Request {
    .get(place.route(), raw ? .rawValue : .value)
  }
}

/// Lists keys.
struct KeyValueList: Verb {
  static let configuration = CommandConfiguration.verb(
    "list", "List the keys of a namespace.",
    examples: [
      "holdfast kv list run:42 --prefix step/ --values",
      "holdfast kv list run:42 --order updated --limit 10",
    ])

  @Argument(help: "The namespace, such as run:42.")
  var namespace: String

  @Option(help: ArgumentHelp("Only keys that begin so.", valueName: "text"))
  var prefix: String?

  @Option(help: ArgumentHelp("Begin at this key, itself included.", valueName: "key"))
  var from: String?

  @Flag(help: "From the last key to the first.")
  var reverse = false

  @Flag(help: "Show the values too.")
  var values = false

  @Option(help: "By key, or by the time of update, the newest first.")
  var order: Order = .key

  @OptionGroup var arguments: ListArguments

  enum Order: String, ExpressibleByArgument, CaseIterable {
    case key, updated
  }

  func request() throws -> Request {
    .list(
      Route("kv", namespace).with("prefix", prefix).with("from", from)
        .with("reverse", reverse).with("values", values)
        .with("order", order == .key ? nil : order.rawValue),
      values ? EntryFields.whole : EntryFields.brief)
  }
}

/// Counts keys.
struct KeyValueCount: Verb {
  static let configuration = CommandConfiguration.verb(
    "count", "Count the keys of a namespace: exact, at the cost of a scan.",
    examples: ["holdfast kv count run:42 --prefix step/"])

  @Argument(help: "The namespace, such as run:42.")
  var namespace: String

  @Option(help: ArgumentHelp("Only keys that begin so.", valueName: "text"))
  var prefix: String?

  @OptionGroup var arguments: StoreArguments

  func request() throws -> Request {
    .get(
      Route("kv", namespace).with("prefix", prefix).with("count", true).with("limit", 1),
      .number("count"))
  }
}

/// Lists namespaces.
struct KeyValueNamespaces: Verb {
  static let configuration = CommandConfiguration.verb(
    "namespaces", "List the namespaces that hold keys.",
    examples: ["holdfast kv namespaces --prefix users --depth 2 --count"])

  @Option(help: ArgumentHelp("Only this namespace and those below it.", valueName: "namespace"))
  var prefix: String?

  @Option(help: ArgumentHelp("Down to so many segments.", valueName: "number"))
  var depth: Int?

  @Flag(help: "Count their keys too: exact, at the cost of a scan.")
  var count = false

  @OptionGroup var arguments: ListArguments

  func request() throws -> Request {
    .list(
      Route("kv").with("prefix", prefix).with("depth", depth).with("count", count),
      count ? ["namespace", "count"] : ["namespace"])
  }
}
