import ArgumentParser
import HTTPTypes
import HoldfastCore

/// What a verb takes that changes a file: which content it expects, and what makes it repeatable.
struct FileChangeArguments: VerbArguments {
  @OptionGroup var condition: DigestArguments
  @OptionGroup var write: WriteArguments

  var target: StoreArguments { write.target }

  func headers() throws(StoreError) -> HTTPFields {
    var headers = try write.headers()
    headers.append(contentsOf: condition.headers)
    return headers
  }
}

/// Brings an old version back.
struct FileRestore: Verb {
  static let configuration = CommandConfiguration.verb(
    "restore", "Make a new version with the content of an old one.",
    examples: ["holdfast file restore run:42 notes.md 3"])

  @OptionGroup var file: FileArguments

  @Argument(help: "The number of the version whose content comes back.")
  var number: Int64

  @OptionGroup var arguments: FileChangeArguments

  func request() throws -> Request {
    .post(file.route("restore"), ["number": number])
  }
}

/// Gives a file another name.
struct FileRename: Verb {
  static let configuration = CommandConfiguration.verb(
    "rename", "Give a file another name; a name that is taken exits 75.",
    examples: ["holdfast file rename run:42 draft.md notes.md"])

  @OptionGroup var file: FileArguments

  @Argument(help: "The name that it gets.")
  var newName: String

  @OptionGroup var arguments: FileChangeArguments

  func request() throws -> Request {
    .post(file.route("rename"), ["to": newName])
  }
}

/// Notes whether a file is in an index.
struct FileSetIndexed: Verb {
  static let configuration = CommandConfiguration.verb(
    "set-indexed", "Note that an index holds a file's content; a new version takes the note away.",
    examples: [
      "holdfast file set-indexed run:42 notes.md",
      "holdfast file set-indexed run:42 notes.md --off",
    ])

  @OptionGroup var file: FileArguments

  @Flag(help: "Take the note away.")
  var off = false

  @OptionGroup var arguments: FileChangeArguments

  func request() throws -> Request {
    .patch(file.route(), ["indexed": !off])
  }
}

/// Lets old versions go.
struct FileTrim: Verb {
  static let configuration = CommandConfiguration.verb(
    "trim", "Keep a file's newest versions and let the older ones go.",
    about: "It asks before, unless --yes.",
    examples: ["holdfast file trim run:42 notes.md --keep 10 --yes"])

  @OptionGroup var file: FileArguments

  @Option(help: ArgumentHelp("How many versions to keep, at least 1.", valueName: "count"))
  var keep: Int64

  @OptionGroup var arguments: Confirmed<WriteArguments>

  func request() throws -> Request {
    try arguments.confirm("Keep only the last \(keep) versions of \(file.name)?")
    return .post(file.route("keep-versions"), ["versions": keep])
  }
}

/// Deletes a file.
struct FileDelete: Verb {
  static let configuration = CommandConfiguration.verb(
    "delete", "Delete a file with all its versions; a missing one exits 66.",
    about: "It asks before, unless --yes.",
    examples: ["holdfast file delete run:42 notes.md --yes"])

  @OptionGroup var file: FileArguments
  @OptionGroup var arguments: Confirmed<FileChangeArguments>

  func request() throws -> Request {
    try arguments.confirm("Delete the file \(file.name) with all its versions?")
    return .delete(file.route())
  }
}
