import Foundation

/// A folder of a test's own, removed when nobody holds it any more.
final class Scratch: Sendable {
  let folder: String

  init() throws {
    let url = FileManager.default.temporaryDirectory
      .appending(path: "holdfast-crash-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    folder = url.path()
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  /// The store of the test.
  var store: String { folder + "/agents.db" }

  /// The size of the store's log in bytes.
  var logBytes: Int {
    let attributes = try? FileManager.default.attributesOfItem(atPath: store + "-wal")
    return (attributes?[.size] as? NSNumber)?.intValue ?? 0
  }
}

/// What a run of the tests is told from outside.
enum Surroundings {
  /// How long the long tests go on; a few seconds unless `HOLDFAST_SOAK_SECONDS` says otherwise.
  static let soakSeconds = variable("HOLDFAST_SOAK_SECONDS").flatMap { Int($0) }

  /// Where chance begins: `HOLDFAST_SEED`, or another place each time.
  ///
  /// A test prints what it took.
  static let seed =
    variable("HOLDFAST_SEED").flatMap { UInt64($0) } ?? .random(in: 1...999_999)

  /// Prints a line of figures, for a person and for `Scripts/soak`.
  static func figures(_ text: String) { print("figures: \(text)") }

  private static func variable(_ name: String) -> String? {
    ProcessInfo.processInfo.environment[name]
  }
}
