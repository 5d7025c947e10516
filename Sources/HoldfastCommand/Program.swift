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
      what to do: 64 mend the call, 66 it is not there, 69 try again later, 75 somebody else was \
      first, 77 you may not.

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
      Migrate.self,
      Verify.self,
      Version.self,
    ])

  /// Runs the command line, and makes of a failure a sentence, a hint and an exit code.
  static func main() async {
    do {
      var command = try parseAsRoot()
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
