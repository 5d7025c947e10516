import ArgumentParser
import HTTPTypes
import HoldfastCore

/// Checks the audit log.
struct AuditVerify: AsyncParsableCommand {
  static let configuration = CommandConfiguration.verb(
    "verify", "Check that nobody changed the audit log; faults exit 74.",
    about: """
      The first bad record of each chain is named: edited, removed, inserted, reordered, \
      duplicated, cut off, or moved from another chain; so is an edited head and a dropped chain. \
      A log that was set back as a whole is found with an anchor only. A server asks for a token \
      of the role operator that reaches every namespace.
      """,
    examples: ["holdfast audit verify", "holdfast audit verify --anchor anchor.json"])

  @Option(
    help: ArgumentHelp(
      "What audit anchor printed, in a file; - for standard input.", valueName: "file"),
    completion: .file())
  var anchor: String?

  @OptionGroup var arguments: StoreArguments

  func run() async throws {
    let body: Body = [
      "anchor": try ValueArgument.object(anchor.map { $0 == "-" ? $0 : "@" + $0 }, "anchor")
    ]
    let isValid = try await Connection.use(StoreURL.named(arguments.store), for: .read) {
      connection in
      let answer = try await connection.send(
        .long(Route("audit", "verify"), body, isRead: true))
      try arguments.print(answer, Self.look)
      let found = try answer.value()
      if !arguments.json, let warning = found["warning"]?.stringValue { Stream.say(warning) }
      return found["valid"]?.boolValue == true
    }
    guard isValid else { throw ExitCode(StoreError.Code.corrupt.exitCode) }
  }

  private static let look = Look { found, terminal in
    guard found["valid"]?.boolValue != true else {
      let count = found["records"]?.integerValue ?? 0
      return terminal.styled("valid", .green) + "\t\(count) records\n"
    }
    let faults = found["faults"]?.arrayValue ?? []
    return terminal.styled("invalid", .red) + "\n"
      + faults.map { Printable.escaped($0["sentence"]?.stringValue ?? "") + "\n" }.joined()
  }
}
