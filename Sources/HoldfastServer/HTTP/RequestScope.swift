import Hummingbird
import Logging
import NIOCore

/// What comes with a request besides its head and body: where it came from, and who sent it where
/// that is known already.
struct RequestScope: InitializableFromSource {
  /// The connection; `nil` inside this process.
  let channel: (any Channel)?
  /// The log, with the request's number.
  let logger: Logger
  /// Who asks, where no token is needed: the command line with the store in its own hands.
  let access: Access?

  init(source: ApplicationRequestContextSource) {
    channel = source.channel
    logger = source.logger
    access = nil
  }

  init(access: Access, logger: Logger) {
    self.channel = nil
    self.logger = logger
    self.access = access
  }
}
