import Foundation

/// Measures Holdfast against what the machine can do at best, row by row, and writes the results.
///
/// Usage: `Benchmarks [ROW…] [--rounds N] [--scale] [--scale-keys N] [--profile] [--folder DIR]
/// [--output FILE]` with rows 1 to 10; all of them if none is named. `--scale` adds the rows at ten
/// million keys or as many as are said, `--profile` runs our side alone, for a profiler to look at.
@main
enum Main {
  static func main() async {
    do {
      let arguments = Array(CommandLine.arguments.dropFirst())
      if arguments.first == "footprint", arguments.count == 3, let keys = Int(arguments[2]) {
        return try await Footprint.measure(path: arguments[1], keys: keys)
      }
      try await run(try Settings(arguments))
    } catch {
      FileHandle.standardError.write(Data("benchmarks: \(error)\n".utf8))
      exit(1)
    }
  }

  private static func run(_ settings: Settings) async throws {
    let bench = try Bench(settings)
    defer { bench.removeFiles() }
    var report = Report(machine: Machine(folder: bench.folder), settings: settings)
    for group in groups where settings.wants(group.rows) {
      report.add(try await group.measure(bench))
      if !settings.isProfile { try report.write() }
    }
    if settings.isProfile { return }
    print(report.text)
  }

  /// Rows that share their preparation are measured together.
  private static let groups: [(rows: [String], measure: @Sendable (Bench) async throws -> [Row])] =
    [
      (["1"], ReadRows.measure),
      (["2", "3"], WriteRows.measure),
      (["4"], ListRow.measure),
      (["5"], TransactionRow.measure),
      (["6"], PostgresRow.measure),
      (["7", "8"], HTTPRows.measure),
      (["9"], TaskRow.measure),
      (["10"], FileRows.measure),
      (["scale"], ScaleRows.measure),
      (["scale"], RecordScaleRows.measure),
    ]
}

/// What was asked for on the command line.
struct Settings: Sendable {
  var rows: Set<String> = []
  var rounds = 7
  var isProfile = false
  /// How many keys the large store of the rows of growth holds.
  var scaleKeys = 10_000_000
  var folder = FileManager.default.temporaryDirectory.path
  var output = "RESULTS.md"
  let command: String

  init(_ arguments: [String]) throws {
    command = (["Benchmarks/run"] + arguments.filter { !$0.hasPrefix("/") })
      .filter { $0 != "--output" && $0 != "--folder" }.joined(separator: " ")
    var left = arguments[...]
    while let argument = left.popFirst() {
      switch argument {
      case "--rounds": rounds = max(1, Int(left.popFirst() ?? "") ?? rounds)
      case "--scale": rows.insert("scale")
      case "--scale-keys": scaleKeys = max(20_000, Int(left.popFirst() ?? "") ?? scaleKeys)
      case "--profile": isProfile = true
      case "--folder": folder = left.popFirst() ?? folder
      case "--output": output = left.popFirst() ?? output
      case "1", "2", "3", "4", "5", "6", "7", "8", "9", "10": rows.insert(argument)
      default: throw Failure("no such row or option: \(argument)")
      }
    }
    if rows.isSubset(of: ["scale"]) { rows.formUnion((1...10).map(String.init)) }
  }

  func wants(_ rows: [String]) -> Bool { !self.rows.isDisjoint(with: rows) }
}

/// Something that keeps a row from being measured.
struct Failure: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}
