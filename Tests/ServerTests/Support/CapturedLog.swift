import Logging
import NIOConcurrencyHelpers

/// Keeps every line that is logged, the least included.
final class CapturedLog: Sendable {
  private let kept = NIOLockedValueBox<[String]>([])

  /// The lines so far, with their metadata.
  var lines: [String] { kept.withLockedValue { $0 } }

  var logger: Logger {
    var logger = Logger(label: "captured") { _ in Handler(log: self) }
    logger.logLevel = .trace
    return logger
  }

  private struct Handler: LogHandler {
    let log: CapturedLog
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.trace
    var metadataProvider: Logger.MetadataProvider?

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
      let all = metadata.merging(event.metadata ?? [:]) { $1 }
      log.kept.withLockedValue { $0.append("\(event.message) \(all)") }
    }
  }
}
