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
    let store = try await LocalStore.open(text, for: .read)
    let found = await verify(store)
    await store.close()
    let verification = try found.get()
    show(verification)
    guard verification.isValid else { throw ExitCode(StoreError.Code.corrupt.exitCode) }
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

  private func show(_ verification: Verification) {
    guard !arguments.json else {
      let answer: Value = [
        "valid": .bool(verification.isValid),
        "problems": .array(verification.problems.map(Value.string)),
      ]
      return Stream.data(answer.json + "\n")
    }
    let terminal = Terminal.output
    guard !verification.isValid else { return Stream.data(terminal.styled("valid", .green) + "\n") }
    Stream.data(terminal.styled("invalid", .red) + "\n")
    for problem in verification.problems { Stream.data(Printable.escaped(problem) + "\n") }
    Stream.say("Restore a backup, and keep the damaged store for a look at it.")
  }
}
