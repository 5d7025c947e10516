import ArgumentParser
import HTTPTypes
import HoldfastCore

/// Reads a value.
struct KeyValueGet: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "get",
    abstract: "Print the value of a key.",
    discussion: """
      The value is printed as JSON, from which the same value can be read; --json adds the \
      version, \
      the times and the description. A missing key prints nothing and exits 66.

      EXAMPLE
        holdfast kv get run:42 plan
        holdfast kv get run:42 greeting --raw > greeting.txt
      """)

  @OptionGroup var place: PlaceArguments
  @OptionGroup var arguments: StoreArguments

  @Flag(help: "Print a string, or bytes, as they are.")
  var raw = false

  func validate() throws {
    guard !(raw && arguments.json) else {
      throw ValidationError("--raw and --json do not go together.")
    }
  }

  func run() async throws {
    try await Connection.use(StoreURL.named(arguments.store), for: .read) { connection in
      let answer = try await connection.send(.get, place.route())
      guard raw else {
        return try arguments.print(answer) { entry, terminal in
          let value = entry["value"] ?? .null
          let text = terminal.isTerminal ? Printable.json(value.jsonPretty) : value.json
          return text + "\n"
        }
      }
      switch try answer.value()["value"] ?? .null {
      case .string(let text): Stream.data(text)
      case .bytes(let bytes): Stream.data(bytes)
      case let value: Stream.data(value.json)
      }
    }
  }
}

/// Lists keys.
struct KeyValueList: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "List the keys of a namespace.",
    discussion: """
      EXAMPLE
        holdfast kv list run:42 --prefix step/ --values
        holdfast kv list run:42 --order updated --limit 10
      """)

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

  @OptionGroup var page: PageArguments
  @OptionGroup var arguments: StoreArguments

  enum Order: String, ExpressibleByArgument, CaseIterable {
    case key, updated
  }

  func run() async throws {
    let route = Route("kv", namespace).with("prefix", prefix).with("from", from)
      .with("reverse", reverse).with("values", values)
      .with("order", order == .key ? nil : order.rawValue)
    let fields = values ? EntryFields.whole : EntryFields.brief
    try await arguments.list(page, route) { items, terminal in
      Record.list(items, fields: fields, for: terminal)
    }
  }
}

/// Counts keys.
struct KeyValueCount: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "count",
    abstract: "Count the keys of a namespace: exact, at the cost of a scan.",
    discussion: """
      EXAMPLE
        holdfast kv count run:42 --prefix step/
      """)

  @Argument(help: "The namespace, such as run:42.")
  var namespace: String

  @Option(help: ArgumentHelp("Only keys that begin so.", valueName: "text"))
  var prefix: String?

  @OptionGroup var arguments: StoreArguments

  func run() async throws {
    let route = Route("kv", namespace).with("prefix", prefix).with("count", true).with("limit", 1)
    try await arguments.run(for: .read) { connection throws(StoreError) in
      try await connection.send(.get, route)
    } show: { page, _ in
      "\(page["count"]?.integerValue ?? 0)\n"
    }
  }
}

/// Lists namespaces.
struct KeyValueNamespaces: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "namespaces",
    abstract: "List the namespaces that hold keys.",
    discussion: """
      EXAMPLE
        holdfast kv namespaces --prefix users --depth 2 --count
      """)

  @Option(help: ArgumentHelp("Only this namespace and those below it.", valueName: "namespace"))
  var prefix: String?

  @Option(help: ArgumentHelp("Down to so many segments.", valueName: "number"))
  var depth: Int?

  @Flag(help: "Count their keys too: exact, at the cost of a scan.")
  var count = false

  @OptionGroup var page: PageArguments
  @OptionGroup var arguments: StoreArguments

  func run() async throws {
    let route = Route("kv").with("prefix", prefix).with("depth", depth).with("count", count)
    let fields = count ? ["namespace", "count"] : ["namespace"]
    try await arguments.list(page, route) { items, terminal in
      Record.list(items, fields: fields, for: terminal)
    }
  }
}
