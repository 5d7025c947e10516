import Holdfast
import HoldfastEngine
import Logging

/// What the program was asked to do: `CrashWriter MODE LOCATION key=value …`.
struct Settings: Sendable {
  let mode: String
  let location: String
  private let values: [String: String]

  init?(_ words: [String]) {
    guard words.count >= 3 else { return nil }
    mode = words[1]
    location = words[2]
    var values: [String: String] = [:]
    for word in words.dropFirst(3) {
      guard let split = word.firstIndex(of: "=") else { return nil }
      values[String(word[..<split])] = String(word[word.index(after: split)...])
    }
    self.values = values
  }

  func text(_ name: String) -> String? { values[name] }

  func number(_ name: String, _ otherwise: Int) -> Int {
    values[name].flatMap { Int($0) } ?? otherwise
  }

  func milliseconds(_ name: String, _ otherwise: Int) -> Duration {
    .milliseconds(number(name, otherwise))
  }
}

extension Settings {
  /// Opens the store as the settings say.
  func open() async throws(StoreError) -> Store {
    var options = StoreOptions()
    options.runsUpkeep = number("upkeep", 0) == 1
    options.busyWaitMax = milliseconds("wait", 5_000)
    options.bodyTimeMax = milliseconds("body", 2_000)
    options.probe = Probe(self)?.step
    options.logger.logLevel = .critical
    guard text("checkpoint") != nil else {
      return try await Store.open(StoreLocation(location), options: options)
    }
    // How far the log may grow is no option of the store's.
    var engineOptions = options.engine
    engineOptions.checkpointBytes = number("checkpoint", 16 << 20)
    let engine = try await SQLiteEngine.open(
      path: location, options: engineOptions, migrations: Migrations.all)
    return Store(engine: engine, location: location, options: options)
  }
}
