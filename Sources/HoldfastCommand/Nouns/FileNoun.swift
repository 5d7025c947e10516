import ArgumentParser
import HTTPTypes
import HoldfastCore
import HoldfastServer

/// Files of runs and bots, and those of nobody.
struct FileNoun: AsyncParsableCommand {
  static let configuration = CommandConfiguration.noun(
    "file", "Files with their versions.",
    about: "A namespace is global, run:ID or bot:ID.",
    examples: [
      "holdfast file put run:42 report.pdf ./report.pdf",
      "holdfast file get run:42 report.pdf > report.pdf",
    ],
    verbs: [
      FilePut.self, FileGet.self, FileMetadata.self, FileList.self, FileVersions.self,
      FileRestore.self, FileRename.self, FileSetIndexed.self, FileDiff.self, FileTrim.self,
      FileDelete.self,
    ])
}

/// Which file a verb is about.
struct FileArguments: ParsableArguments {
  @Argument(help: "Where it lies: global, run:ID or bot:ID.")
  var namespace: String

  @Argument(help: "The file's name.")
  var name: String

  /// The route of the file, or of something about it.
  func route() -> Route { Route("files", namespace, name) }

  /// The route of something about the file.
  func route(_ word: String) -> Route { Route("files", namespace, name, word) }
}

/// Which content a verb expects.
struct DigestArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp("Only if this is the digest now; else exit 75.", valueName: "digest"))
  var ifDigest: String?

  /// The header fields that say so.
  var headers: HTTPFields {
    guard let ifDigest else { return [:] }
    return [.ifMatch: "\"\(ifDigest)\""]
  }
}

/// Saves a file.
struct FilePut: AsyncParsableCommand {
  static let configuration = CommandConfiguration.verb(
    "put", "Save a file, or a new version of it.",
    examples: [
      "holdfast file put run:42 notes.md ./notes.md --media-type text/markdown",
      "tar cz src | holdfast file put bot:7 src.tar.gz",
    ])

  @OptionGroup var file: FileArguments

  @Argument(help: "The file to read; standard input if it is left out, or -.")
  var path: String?

  @Option(help: ArgumentHelp("What kind of content it is.", valueName: "type"))
  var mediaType: String?

  @Flag(help: "Only if there is a file of this name; else exit 66.")
  var mustExist = false

  @OptionGroup var arguments: FileChangeArguments

  func validate() throws {
    guard mediaType?.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) ?? true else {
      throw ValidationError("A media type is written in printable ASCII characters.")
    }
  }

  func run() async throws {
    let pieces = try Files.pieces(path == "-" ? nil : path)
    let upload = APIRequest.Upload(APIBody(pieces) { $0 }, length: pieces.length)
    var headers = try arguments.headers()
    headers[.contentType] = mediaType
    let route = file.route().with("must_exist", mustExist)
    let target = arguments.target
    try await Connection.use(StoreURL.named(target.store), for: .write) { [headers] connection in
      try target.print(try await connection.put(route, upload, headers: headers), .details)
    }
  }
}

/// Shows what is known of a file.
struct FileMetadata: Verb {
  static let configuration = CommandConfiguration.verb(
    "metadata", "Show what is known of a file, without its content.",
    examples: ["holdfast file metadata run:42 report.pdf"])

  @OptionGroup var file: FileArguments
  @OptionGroup var arguments: StoreArguments

  func request() throws -> Request {
    .get(file.route("metadata"))
  }
}

/// Lists files.
struct FileList: Verb {
  static let configuration = CommandConfiguration.verb(
    "list", "List the files of a namespace by name.",
    examples: ["holdfast file list run:42"])

  @Argument(help: "Where they lie: global, run:ID or bot:ID.")
  var namespace: String

  @OptionGroup var arguments: ListArguments

  func request() throws -> Request {
    .list(
      Route("files", namespace),
      ["name", "size", "number", "media_type", "indexed", "updated_at"])
  }
}

/// Lists a file's versions.
struct FileVersions: Verb {
  static let configuration = CommandConfiguration.verb(
    "versions", "List a file's versions, the newest first.",
    examples: ["holdfast file versions run:42 notes.md"])

  @OptionGroup var file: FileArguments
  @OptionGroup var arguments: ListArguments

  func request() throws -> Request {
    .list(file.route("versions"), ["number", "size", "created_at", "media_type", "digest"])
  }
}
