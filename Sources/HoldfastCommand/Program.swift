import ArgumentParser
import HoldfastCore

/// The program `holdfast`: it parses, asks and prints; what a verb means is decided by the store.
@main
struct Program: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "holdfast",
    abstract: "The durable state of AI agents, in a SQLite file or a PostgreSQL database.",
    discussion: """
      Data goes to standard output, everything else to standard error. A failure's exit code says \
      what to do: 64 mend the call, 65 it cannot be done in this state or is too large, 66 it is \
      not there, 69 try again later, 70 report a bug, 73 make room, 74 the data is damaged, 75 \
      somebody else was first, or nobody knows whether it was done, 77 you may not, 78 store and \
      program do not fit. 1 is your own no.

      EXAMPLE
        holdfast kv put run:42 plan '{"step":1}'
        holdfast kv get run:42 plan
      """,
    version: Version.number,
    subcommands: [
      Serve.self,
      KeyValueNoun.self,
      RunNoun.self,
      BotNoun.self,
      SessionNoun.self,
      ThreadNoun.self,
      DeadLetterNoun.self,
      TaskNoun.self,
      ProviderNoun.self,
      FileNoun.self,
      ApprovalNoun.self,
      PolicyNoun.self,
      GrantNoun.self,
      TokenNoun.self,
      RetentionNoun.self,
      AuditNoun.self,
      HealthVerb.self,
      Migrate.self,
      Verify.self,
      Version.self,
    ])

  /// The words up to the first that is no verb.
  ///
  /// Asked for help about a verb that there is not, the parser would give its noun's help as if all
  /// were well. Without the question it says what is wrong.
  ///
  /// - Parameter words: The arguments.
  /// - Returns: The words; `nil` where all verbs are known.
  static func unknown(in words: [String]) -> [String]? {
    var command: any ParsableCommand.Type = Program.self
    var known: [String] = []
    for word in words.first == "help" ? words.dropFirst() : words[...] {
      let verbs = command.configuration.subcommands
      guard !verbs.isEmpty, !word.hasPrefix("-") else { return nil }
      known.append(word)
      guard let verb = verbs.first(where: { $0._commandName == word }) else { return known }
      command = verb
    }
    return nil
  }

  /// Runs the command line, and makes of a failure a sentence, a hint and an exit code.
  static func main() async {
    do {
      try GivenText.check()
      var command = try parseAsRoot(unknown(in: Array(CommandLine.arguments.dropFirst())))
      if let asynchronous = command as? any AsyncParsableCommand {
        // One thread at a time: it leaves the main actor, where nothing touches it again.
        nonisolated(unsafe) var leaving = asynchronous
        try await leaving.run()
      } else {
        try command.run()
      }
    } catch let error as StoreError {
      Failure.report(error)
      Self.exit(withError: ExitCode(error.code.exitCode))
    } catch {
      Self.exit(withError: error)
    }
  }
}
