import HoldfastCore

/// How the things that HTTP gives look to a person.
enum Record {
  /// One thing: a line a field.
  ///
  /// - Parameters:
  ///   - value: The object that HTTP gave.
  ///   - terminal: Where it will be shown.
  /// - Returns: The lines.
  static func details(_ value: Value, for terminal: Terminal) -> String {
    let fields = value.objectValue ?? [:]
    let width = fields.names.map(Printable.width).max() ?? 0
    return fields.map { name, value in
      let cell = cell(value, name: name, for: terminal)
      guard terminal.isTerminal else { return "\(name)\t\(cell.text)\n" }
      let space = String(repeating: " ", count: width - Printable.width(name) + 2)
      return terminal.styled(Printable.escaped(name), .dim) + space
        + terminal.styled(cell.text, cell.style) + "\n"
    }.joined()
  }

  /// Several things: a row each.
  ///
  /// A person is not shown columns in which nothing stands; a program finds every field in its
  /// place.
  ///
  /// - Parameters:
  ///   - items: The objects that HTTP gave.
  ///   - fields: Which of their fields to show, in order.
  ///   - terminal: Where it will be shown.
  /// - Returns: The lines.
  static func list(_ items: [Value], fields: [String], for terminal: Terminal) -> String {
    let shown = fields.filter { field in
      !terminal.isTerminal || items.contains { !($0[field] ?? .null).isNull }
    }
    // A task's run_at is no run.
    var table = Table(shown.map { $0 == "run_at" ? "due" : $0.replacing("_at", with: "") })
    for item in items {
      table.add(shown.map { cell(item[$0] ?? .null, name: $0, for: terminal) })
    }
    return table.text(for: terminal)
  }

  private static func cell(_ value: Value, name: String, for terminal: Terminal) -> Table.Cell {
    if name == "value" || name == "metadata" { return Table.Cell(json: value) }
    switch value {
    case .null: return Table.Cell(terminal.isTerminal ? "–" : "", .dim)
    case .string(let text) where isTime(name) && terminal.isTerminal:
      // 2026-01-02T03:04:05.678901Z, to the second, for people.
      return Table.Cell(text.prefix(19).replacing("T", with: " ") + "Z", .dim, isWhole: true)
    case .string(let text):
      return Table.Cell(
        text, name == "status" ? style(ofStatus: text) : .plain, isName: name == "id")
    case .array(let items) where items.allSatisfy({ $0.stringValue != nil }):
      return Table.Cell(items.compactMap(\.stringValue).joined(separator: ","))
    default: return Table.Cell(json: value)
    }
  }

  /// Whether a field of this name holds a time.
  private static func isTime(_ name: String) -> Bool {
    name == "time" || ["_at", "_until", "_since"].contains(where: name.hasSuffix)
  }

  private static func style(ofStatus status: String) -> Terminal.Style {
    switch RunStatus(rawValue: status) {
    case .active: .cyan
    case .paused: .yellow
    case .completed: .green
    case .failed: .red
    case .cancelled, .archived: .dim
    case nil: .plain
    }
  }
}
