import ArgumentParser
import Holdfast
import HoldfastCore

/// Looks a store through.
struct Verify: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Look the whole store through; faults exit 74.",
    discussion: """
      The database's own structures are checked, and that all rows fit each other. It changes \
      nothing, and works beside a running server.

      EXAMPLE
        holdfast verify --store agents.db
      """)

  @OptionGroup var arguments: StoreArguments

  func run() async throws {
    let text = try arguments.pathOfOwn()
    let problems = try await problems(of: text)
    show(problems)
    guard problems.isEmpty else { throw ExitCode(StoreError.Code.corrupt.exitCode) }
  }

  /// What is wrong with a store; one that is too damaged to be opened, or to be looked through to
  /// the end, has that for its problem.
  private func problems(of text: String) async throws(StoreError) -> [String] {
    do throws(StoreError) {
      let store = try await LocalStore.open(text, for: .read)
      let found = await verify(store)
      await store.close()
      return try found.get().problems
    } catch {
      guard error.code == .corrupt else { throw error }
      return [error.message]
    }
  }

  private func verify(_ store: Store) async -> Result<Verification, StoreError> {
    let isQuiet = arguments.json
    let bar = ProgressBar()
    if !isQuiet { Stream.say("Looking through \(Printable.sentence(store.location)) for:") }
    defer { if !isQuiet { bar.finish() } }
    do throws(StoreError) {
      return .success(
        try await store.verify { step in
          if !isQuiet { bar.begin(step.number, of: step.count, step.title) }
        })
    } catch {
      return .failure(error)
    }
  }

  private func show(_ problems: [String]) {
    guard !arguments.json else {
      let answer: Value = [
        "valid": .bool(problems.isEmpty), "problems": .array(problems.map(Value.string)),
      ]
      return Stream.data(answer.json + "\n")
    }
    let terminal = Terminal.output
    guard !problems.isEmpty else { return Stream.data(terminal.styled("valid", .green) + "\n") }
    Stream.data(terminal.styled("invalid", .red) + "\n")
    for problem in problems { Stream.data(Printable.escaped(problem) + "\n") }
    Stream.say("Restore a backup, and keep the damaged store for a look at it.")
  }
}
