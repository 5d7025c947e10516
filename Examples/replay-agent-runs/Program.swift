import ArgumentParser
import Holdfast
import Logging

/// Loads recorded agent runs into a store, as the agents themselves would have written them.
///
/// It may be killed at any point and started again: nothing is lost and nothing stored twice.
@main
struct Program: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replay-agent-runs",
    abstract: "Load recorded agent runs into a Holdfast store.",
    discussion: """
      Each line of the file is one run: a JSON object with task_id, trial, reward and messages in \
      the chat-completions shape. Start it again after a crash, and it goes on where it was.

      EXAMPLE
        replay-agent-runs agent-runs.jsonl --store agents.db --verify
      """)

  @Argument(help: "A file with one run a line.")
  var file: String

  @Option(help: "A SQLite file or a postgres:// URL.")
  var store = "agents.db"

  @Option(help: "At most this many runs of the file.")
  var limit: Int?

  @Option(help: "How many runs are replayed at once.")
  var atOnce = 16

  @Flag(help: "Read everything again afterwards, and compare it with the file.")
  var verify = false

  @Option(help: .hidden)
  var dieAfter: Int?

  func validate() throws {
    guard atOnce >= 1, limit ?? 1 >= 1 else {
      throw ValidationError("--at-once and --limit are at least 1.")
    }
  }

  func run() async throws {
    do {
      var options = StoreOptions()
      // A write is logged at info, which is a line a message here.
      options.logger.logLevel = .warning
      let store = try await Store.open(StoreLocation(store), options: options)
      let outcome = await replay(into: store)
      await store.close()
      try outcome.get()
    } catch let error as StoreError {
      Console.say("replay-agent-runs: \(error.message) \(error.hint)")
      throw ExitCode(1)
    }
  }

  private func replay(into store: Store) async -> Result<Void, any Error> {
    do {
      let recording = try Recording(path: file, limit: limit)
      let progress = Progress(bytesTotal: recording.bytesTotal, dieAfter: dieAfter)
      let replay = Replay(store: store, progress: progress)
      try await recording.forEach(atOnce: atOnce) { try await replay.run($0) }
      Console.print(await progress.finish())
      guard verify else { return .success(()) }
      let comparison = Comparison(store: store)
      try await recording.forEach(atOnce: atOnce) { try await comparison.check($0) }
      Console.print(try await comparison.finish())
      return .success(())
    } catch {
      return .failure(error)
    }
  }
}
