import CBaseline
import Foundation

/// The results as a Markdown text; nothing in it is typed by hand.
struct Report {
  let machine: Machine
  let settings: Settings
  private var rows: [Row] = []

  init(machine: Machine, settings: Settings) {
    self.machine = machine
    self.settings = settings
  }

  mutating func add(_ rows: [Row]) {
    self.rows += rows
    for row in rows {
      print(row.line)
      for note in row.notes { print("  - \(note)") }
    }
  }

  var text: String {
    var lines = [
      "# Results", "",
      "Written by `make bench`. A ratio is ours by theirs, the median of \(settings.rounds) rounds",
      "in which both sides run one right after the other, in changing order; beside it stand the",
      "least and the largest. Machines are shared: the rates are of this run, the ratios count.",
      "",
      Row.head,
    ]
    lines += rows.map(\.line)
    let notes = rows.flatMap { row in row.notes.map { "- \(row.number): \($0)" } }
    if !notes.isEmpty { lines += ["", "Beside the rows:", ""] + notes }
    lines += ["", "## Where and how", ""]
    lines += machine.lines.map { "- \($0)" }
    lines += ["- Command: `\(settings.command)`"]
    return lines.joined(separator: "\n") + "\n"
  }

  func write() throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: settings.output), options: .atomic)
  }
}

/// What the numbers were measured on.
struct Machine {
  let lines: [String]

  init(folder: String) {
    let formatter = ISO8601DateFormatter()
    let cpu = Self.field("model name", of: "/proc/cpuinfo") ?? "unknown"
    let memory = Self.field("MemTotal", of: "/proc/meminfo") ?? "unknown"
    let system = Self.field("PRETTY_NAME", of: "/etc/os-release", separator: "=") ?? "unknown"
    let processors = ProcessInfo.processInfo.activeProcessorCount
    let commit = Self.first("git", "-C", folderOfPackage, "describe", "--always", "--dirty")
    let fileSystem = Self.first("stat", "-f", "-c", "%T", folder)
    let free = Self.first("sh", "-c", "cut -d' ' -f1-3 /proc/loadavg")
    lines = [
      "Date: \(formatter.string(from: Date()))",
      "Holdfast: \(commit), release build",
      "Machine: \(processors) cores, \(cpu), \(memory) of memory",
      "System: \(system.filter { $0 != "\"" }), Linux \(Self.first("uname", "-r"))",
      "File system: \(fileSystem), load at the start \(free)",
      "Versions: \(Self.first("swift", "--version")); "
        + "SQLite \(String(cString: baseline_version())); "
        + Self.first("pgbench", "--version")
        + "; "
        + Self.first("sh", "-c", "wrk -v 2>&1 | head -1 | cut -d' ' -f1-2"),
    ]
  }

  private static func field(
    _ name: String, of path: String, separator: Character = ":"
  ) -> String? {
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return nil }
    let line = text.split(separator: "\n").first { $0.hasPrefix(name) }
    return line?.split(separator: separator, maxSplits: 1).last?
      .trimmingCharacters(in: .whitespaces)
  }

  private static func first(_ words: String...) -> String {
    let output = (try? Program.run(words)) ?? ""
    return output.split(separator: "\n").first.map(String.init) ?? "unknown \(words[0])"
  }
}
