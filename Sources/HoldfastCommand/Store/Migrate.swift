import ArgumentParser
import Holdfast
import HoldfastCore

/// Brings a store's tables to this version.
struct Migrate: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Bring a store's tables to this version; every other verb does so too.",
    discussion: """
      A line a migration: its number and name. A SQLite file is copied before. No process of an \
      older version can write any more afterwards.

      EXAMPLE
        holdfast migrate --store agents.db --dry-run
      """)

  @Flag(help: "Print what would be done, and change nothing.")
  var dryRun = false

  @OptionGroup var arguments: StoreArguments

  func run() async throws {
    let text = try arguments.pathOfOwn()
    let planned = try await Store.plannedMigrations(StoreLocation(text))
    if !dryRun {
      let store = try await LocalStore.open(text, for: .write)
      await store.close()
    }
    if arguments.json {
      let items = planned.map { migration -> Value in
        ["number": .integer(Int64(migration.number)), "name": .string(migration.name)]
      }
      let answer: Value = [dryRun ? "pending" : "applied": .array(items)]
      return Stream.data(answer.json + "\n")
    }
    var table = Table(["number", "name"])
    for migration in planned {
      table.add([Table.Cell(String(migration.number)), Table.Cell(migration.name)])
    }
    Stream.data(table.text(for: Terminal.output))
    guard planned.isEmpty else { return }
    Stream.say("The store is up to date.")
  }
}

extension StoreArguments {
  /// The path or URL of a store that this process opens itself.
  ///
  /// - Returns: The path or URL.
  /// - Throws: `invalid` for the address of a server.
  func pathOfOwn() throws(StoreError) -> String {
    switch try StoreURL.named(store) {
    case .local(let text): return text
    case .server:
      throw StoreError(
        .invalid, "This is done where the store is, not over a network.",
        hint: "Give a file or a postgres:// URL as --store.")
    }
  }
}
