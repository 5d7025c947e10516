import ArgumentParser
import HoldfastCore

/// Prints changes as they come.
struct KeyValueWatch: AsyncParsableCommand {
  static let configuration = CommandConfiguration.verb(
    "watch", "Print the changes of a namespace's keys as they come, until Ctrl-C.",
    about: """
      A line a change: what was done, the key, the version, and the cursor to go on from with \
      --since. A change never carries a value. Without --since it begins now.
      """,
    examples: [
      "holdfast kv watch run:42 --prefix step/",
      "holdfast kv watch run:42 --json | jq .key",
    ])

  @Argument(help: "The namespace, such as run:42.")
  var namespace: String

  @Option(help: ArgumentHelp("Only keys that begin so.", valueName: "text"))
  var prefix: String?

  @Option(help: ArgumentHelp("Go on after this change.", valueName: "cursor"))
  var since: String?

  @OptionGroup var arguments: StoreArguments

  func run() async throws {
    let url = try StoreURL.named(arguments.store)
    let signal = try await Signals.cancelling {
      try await Connection.use(url, for: .read) { connection in try await watch(connection) }
    }
    if let signal { Signals.end(by: signal) }
  }

  private func watch(_ connection: Connection) async throws {
    let route = Route("changes").with("namespace", namespace).with("prefix", prefix)
      .with("since", since).with("kind", "kv")
    var last = since
    var isWatching = false
    do {
      for try await event in try await connection.events(route) {
        if !isWatching { Stream.say("Watching \(Printable.sentence(namespace)).") }
        isWatching = true
        last = event.id ?? last
        guard let data = event.data else { continue }
        if event.name == "error" { throw Problem.error(Array(data.utf8), status: 500) }
        Stream.data(line(try Value(json: data), data))
      }
    } catch let error as StoreError {
      throw Self.resumable(error, last)
    } catch {
      throw Self.resumable(
        StoreError(.unavailable, "The stream of changes broke off.", cause: error), last)
    }
    guard !Task.isCancelled else { return }
    throw Self.resumable(StoreError(.unavailable, "The stream of changes ended."), last)
  }

  private static func resumable(_ error: StoreError, _ cursor: String?) -> StoreError {
    guard let cursor, error.code == .unavailable || error.code == .closed else { return error }
    return StoreError(
      error.code, error.message, hint: "Go on with --since \(cursor).", details: error.details,
      cause: error.cause)
  }

  /// A change as one line, written at once.
  private func line(_ change: Value, _ json: String) -> String {
    let terminal = Terminal.output
    if arguments.json { return (terminal.isTerminal ? Printable.json(json) : json) + "\n" }
    let operation = change["operation"]?.stringValue ?? ""
    let key = change["key"]?.stringValue ?? ""
    let revision = change["revision"]?.integerValue ?? 0
    let cursor = change["cursor"]?.stringValue ?? ""
    let cells = [operation, key, String(revision), cursor].map(Printable.escaped)
    guard let columns = terminal.columns else { return cells.joined(separator: "\t") + "\n" }
    let style: Terminal.Style = operation == "put" ? .green : .yellow
    let padding = String(repeating: " ", count: max(0, 9 - cells[0].count))
    let room = max(columns - 12 - cells[2].count, 8)
    return terminal.styled(cells[0], style) + padding + Printable.cut(cells[1], to: room) + "  "
      + terminal.styled(cells[2], .dim) + "\n"
  }
}
