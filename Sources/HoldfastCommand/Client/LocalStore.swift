import Holdfast
import HoldfastCore
import Logging

/// Opens stores for one verb: without upkeep, and without a word in the log unless asked.
enum LocalStore {
  /// Opens a store.
  ///
  /// - Parameters:
  ///   - text: A path or a `postgres://` URL.
  ///   - purpose: What is going to be done; reading makes no missing file.
  /// - Returns: The store; whoever opens it closes it.
  /// - Throws: ``StoreError``: what the store says.
  static func open(
    _ text: String, for purpose: Connection.Purpose
  ) async throws(StoreError) -> Store {
    var options = StoreOptions()
    options.runsUpkeep = false
    options.createsMissing = purpose == .write
    options.logger = Log.quiet
    options.masterKey = try Environment.masterKey()
    options.actor = Environment.actor
    let location = StoreLocation(text)
    if purpose == .write { try makeFolderDefault(of: text) }
    do throws(StoreError) {
      return try await Store.open(location, options: options)
    } catch {
      guard error.code == .notFound, purpose == .read, location.isFile else { throw error }
      throw StoreError(
        .notFound, "There is no store at \(text).",
        hint: """
          Put something into it first, or run holdfast migrate; --store or HOLDFAST_STORE names \
          another one.
          """)
    }
  }

  /// Makes the folder of the default store; a folder that somebody named must be there.
  ///
  /// - Parameter text: A path or a URL.
  /// - Throws: ``StoreError``: what the system says.
  static func makeFolderDefault(of text: String) throws(StoreError) {
    guard text.hasPrefix(StoreURL.folderDefault + "/") else { return }
    try Files.makeFolder(StoreURL.folderDefault)
  }
}

/// Where the program logs: to standard error, and only when asked.
enum Log {
  /// The log of a verb that runs once: silent, unless `HOLDFAST_LOG` names a level.
  static var quiet: Logger {
    let level = Environment.variable("HOLDFAST_LOG").flatMap(Logger.Level.init(rawValue:))
    guard let level else { return Logger(label: "holdfast") { _ in SwiftLogNoOpLogHandler() } }
    return logger("holdfast", level)
  }

  /// A log on standard error.
  ///
  /// - Parameters:
  ///   - label: Whose it is.
  ///   - level: From which level on.
  /// - Returns: The log.
  static func logger(_ label: String, _ level: Logger.Level) -> Logger {
    var logger = Logger(label: label) { StreamLogHandler.standardError(label: $0) }
    logger.logLevel = level
    return logger
  }
}
