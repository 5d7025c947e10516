import HoldfastCore

/// Rows under headings: aligned on a terminal, one line a row with tabs between the cells in a
/// pipe.
struct Table {
  /// A cell: text that is safe to print, and how it looks.
  struct Cell: Sendable, ExpressibleByStringLiteral {
    let text: String
    let style: Terminal.Style
    /// Whether a part of it is worth nothing, so that others are cut first.
    let isWhole: Bool
    /// Whether other verbs ask for it, so that it is cut last.
    let isName: Bool

    /// Makes a cell of any text.
    ///
    /// - Parameters:
    ///   - text: The text; what a terminal would act on is escaped.
    ///   - style: How it looks.
    ///   - isWhole: Whether a part of it is worth nothing.
    ///   - isName: Whether other verbs ask for it.
    init(
      _ text: String, _ style: Terminal.Style = .plain, isWhole: Bool = false,
      isName: Bool = false
    ) {
      self.text = Printable.escaped(text)
      self.style = style
      self.isWhole = isWhole
      self.isName = isName
    }

    init(stringLiteral value: String) { self.init(value) }

    /// Makes a cell of a JSON text, which has escapes of its own.
    ///
    /// - Parameter value: The value.
    init(json value: Value) {
      text = Printable.json(value.json)
      style = .plain
      isWhole = false
      isName = false
    }
  }

  private let headings: [String]
  private var rows: [[Cell]] = []

  /// Between two columns.
  private static let gap = 2
  /// No column is cut below this, but on a terminal too narrow for its columns.
  private static let columnMin = 8
  /// Up to this width a name is cut last; a UUID takes 36.
  private static let nameMax = 40

  /// Makes a table without rows.
  ///
  /// - Parameter headings: What stands over the columns.
  init(_ headings: [String]) { self.headings = headings }

  /// Adds a row.
  ///
  /// - Parameter cells: One cell a column.
  mutating func add(_ cells: [Cell]) { rows.append(cells) }

  /// The table as text.
  ///
  /// - Parameter terminal: Where it will be shown.
  /// - Returns: Lines, each with its end; none for an empty table in a pipe.
  func text(for terminal: Terminal) -> String {
    guard let columns = terminal.columns else {
      return rows.map { $0.map(\.text).joined(separator: "\t") + "\n" }.joined()
    }
    guard !rows.isEmpty else { return "" }
    let widths = fitted(to: columns)
    let heading = line(headings.map { Cell($0.uppercased(), .dim) }, widths, terminal)
    return heading + rows.map { line($0, widths, terminal) }.joined()
  }

  private func line(_ cells: [Cell], _ widths: [Int], _ terminal: Terminal) -> String {
    var line = ""
    for (place, cell) in cells.enumerated() {
      let text = Printable.cut(cell.text, to: widths[place])
      line += terminal.styled(text, cell.style)
      guard place < cells.count - 1 else { break }
      line += String(repeating: " ", count: widths[place] - Printable.width(text) + Self.gap)
    }
    return line + "\n"
  }

  /// Takes from the widest columns, one after the other, until a line fits.
  ///
  /// Columns that are worth nothing in part come last, unless they take more than half of the line;
  /// and last of all names.
  private func fitted(to columns: Int) -> [Int] {
    let all = Array(headings.indices)
    var widths = all.map { place in
      rows.reduce(Printable.width(headings[place])) { max($0, Printable.width($1[place].text)) }
    }
    let room = columns - Self.gap * (widths.count - 1)
    let least = max(2, min(Self.columnMin, room / max(widths.count, 1)))
    let whole = all.filter { place in rows.contains { $0[place].isWhole } }
    let isSparing = whole.reduce(0) { $0 + widths[$1] } <= room / 2
    let names = all.filter { place in
      widths[place] <= Self.nameMax && rows.contains { $0[place].isName }
    }
    let others = all.filter { !names.contains($0) }
    let first = isSparing ? others.filter { !whole.contains($0) } : others
    for places in [first, others, all] {
      while widths.reduce(0, +) > room {
        guard let place = places.reversed().max(by: { widths[$0] < widths[$1] }),
          widths[place] > least
        else { break }
        // At once down to the next widest, or as far as is needed.
        let next = places.map { widths[$0] }.filter { $0 < widths[place] }.max() ?? 0
        widths[place] = max(next, least, widths[place] - (widths.reduce(0, +) - room))
      }
    }
    return widths
  }
}
