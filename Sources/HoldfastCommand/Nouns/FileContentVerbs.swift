import ArgumentParser
import HTTPTypes
import Holdfast
import HoldfastCore
import HoldfastServer

/// Gives a file's content.
struct FileGet: AsyncParsableCommand {
  static let configuration = CommandConfiguration.verb(
    "get", "Write a file's content to standard output, or into a file.",
    about: """
      What was read is compared with the digest that the store has of it. A file that is written \
      to is there only when all of it came; it keeps its rights, and a link leads to its file. A \
      pipe or a device takes the content as it comes.
      """,
    examples: [
      "holdfast file get run:42 report.pdf --output report.pdf",
      "holdfast file get run:42 notes.md --number 3",
    ])

  @OptionGroup var file: FileArguments

  @Option(help: ArgumentHelp("Which version; the newest if it is left out.", valueName: "number"))
  var number: Int?

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("The file to write; - for standard output.", valueName: "path"))
  var output: String?

  @OptionGroup var arguments: StoreArguments

  func run() async throws {
    let route = file.route().with("number", number)
    try await Connection.use(StoreURL.named(arguments.store), for: .read) { connection in
      let response = try await connection.content(route)
      let tag = response.headers[.eTag]?.filter { $0 != "\"" } ?? ""
      guard let output, output != "-" else {
        return try await Self.take(response.body, tag) { piece throws(StoreError) in
          Stream.data(piece)
        }
      }
      var written = try NewFile(output)
      try await Self.take(response.body, tag) { piece throws(StoreError) in
        try written.write(piece)
      }
      try written.keep()
    }
  }

  /// Reads a body to its end, and compares it with its digest.
  private static func take(
    _ body: APIBody, _ digest: String, _ write: ([UInt8]) throws(StoreError) -> Void
  ) async throws {
    var taken = ContentDigest()
    do {
      for try await piece in body {
        taken.add(piece)
        try write(piece)
      }
    } catch let error as StoreError {
      throw error
    } catch {
      throw StoreError(.unavailable, "The content broke off.", cause: error)
    }
    guard taken.text == digest else {
      throw StoreError(.corrupt, "What came is not what the store has a digest of.")
    }
  }
}

/// Shows what changed between two versions.
struct FileDiff: Verb {
  static let configuration = CommandConfiguration.verb(
    "diff", "Show what changed between two versions of a text.",
    examples: [
      "holdfast file diff run:42 notes.md",
      "holdfast file diff run:42 notes.md --from 1 --to 3",
    ])

  @OptionGroup var file: FileArguments

  @Option(
    help: ArgumentHelp("The one version; the one before if it is left out.", valueName: "number"))
  var from: Int?

  @Option(help: ArgumentHelp("The other; the newest if it is left out.", valueName: "number"))
  var to: Int?

  @OptionGroup var arguments: StoreArguments

  func request() throws -> Request {
    .get(file.route("diff").with("from", from).with("to", to), Self.look)
  }

  private static let look = Look { diff, terminal in
    text(diff["diff"]?.stringValue ?? "", for: terminal)
  }

  /// The difference, coloured for a person.
  private static func text(_ diff: String, for terminal: Terminal) -> String {
    guard terminal.isTerminal else { return diff }
    return diff.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map { line in
      let style: Terminal.Style =
        switch line.first {
        case "+": .green
        case "-": .red
        case "@": .cyan
        default: .plain
        }
      return terminal.styled(Printable.sentence(String(line)), style) + "\n"
    }.joined()
  }
}
