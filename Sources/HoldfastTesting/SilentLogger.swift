import Holdfast
import Logging

extension StoreOptions {
  /// Keeps the output of a test run to what the tests have to say.
  static let silentLogger = Logger(label: "holdfast.testing") { _ in SwiftLogNoOpLogHandler() }
}
