import ArgumentParser
import HTTPTypes
import HoldfastCore

/// Brings an old version back.
struct FileRestore: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "restore",
    abstract: "Make a new version with the content of an old one.",
    discussion: """
      EXAMPLE
        holdfast file restore run:42 notes.md 3
      """)

  @OptionGroup var file: FileArguments

  @Argument(help: "The number of the version whose content comes back.")
  var number: Int64

  @OptionGroup var condition: DigestArguments
  @OptionGroup var write: WriteArguments
  @OptionGroup var arguments: StoreArguments

  func run() async throws {
    var headers = try write.headers()
    headers.append(contentsOf: condition.headers)
    let body: Object = ["number": .integer(number)]
    try await arguments.run(for: .read) { [headers] connection throws(StoreError) in
      try await connection.send(.post, file.route("restore"), body, headers: headers)
    } show: { file, terminal in
      Record.details(file, for: terminal)
    }
  }
}

/// Gives a file another name.
struct FileRename: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rename",
    abstract: "Give a file another name; a name that is taken exits 75.",
    discussion: """
      EXAMPLE
        holdfast file rename run:42 draft.md notes.md
      """)

  @OptionGroup var file: FileArguments

  @Argument(help: "The name that it gets.")
  var newName: String

  @OptionGroup var condition: DigestArguments
  @OptionGroup var write: WriteArguments
  @OptionGroup var arguments: StoreArguments

  func run() async throws {
    var headers = try write.headers()
    headers.append(contentsOf: condition.headers)
    let body: Object = ["to": .string(newName)]
    try await arguments.run(for: .read) { [headers] connection throws(StoreError) in
      try await connection.send(.post, file.route("rename"), body, headers: headers)
    } show: { file, terminal in
      Record.details(file, for: terminal)
    }
  }
}

/// Lets old versions go.
struct FileTrim: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "trim",
    abstract: "Keep a file's newest versions and let the older ones go.",
    discussion: """
      It asks before, unless --yes.

      EXAMPLE
        holdfast file trim run:42 notes.md --keep 10 --yes
      """)

  @OptionGroup var file: FileArguments

  @Option(help: ArgumentHelp("How many versions to keep, at least 1.", valueName: "count"))
  var keep: Int64

  @OptionGroup var confirmation: ConfirmationArguments
  @OptionGroup var write: WriteArguments
  @OptionGroup var arguments: StoreArguments

  func run() async throws {
    try confirmation.confirm("Keep only the last \(keep) versions of \(file.name)?")
    let headers = try write.headers()
    let body: Object = ["versions": .integer(keep)]
    try await arguments.run(for: .read) { connection throws(StoreError) in
      try await connection.send(.post, file.route("keep-versions"), body, headers: headers)
    } show: { answer, terminal in
      Record.details(answer, for: terminal)
    }
  }
}

/// Deletes a file.
struct FileDelete: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "delete",
    abstract: "Delete a file with all its versions; a missing one exits 66.",
    discussion: """
      It asks before, unless --yes.

      EXAMPLE
        holdfast file delete run:42 notes.md --yes
      """)

  @OptionGroup var file: FileArguments
  @OptionGroup var confirmation: ConfirmationArguments
  @OptionGroup var condition: DigestArguments
  @OptionGroup var write: WriteArguments
  @OptionGroup var arguments: StoreArguments

  func run() async throws {
    try confirmation.confirm("Delete the file \(file.name) with all its versions?")
    var headers = try write.headers()
    headers.append(contentsOf: condition.headers)
    try await arguments.run(for: .read) { [headers] connection throws(StoreError) in
      try await connection.send(.delete, file.route(), headers: headers)
    } show: { _, _ in
      ""
    }
  }
}
