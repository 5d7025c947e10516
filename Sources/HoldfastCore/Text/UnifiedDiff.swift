/// The difference of two texts in the unified format, as `diff -u` writes it and `patch` reads it.
package struct UnifiedDiff {
  /// How many equal lines stand around a change.
  private static let context = 3

  private let old: [ArraySlice<UInt8>]
  private let new: [ArraySlice<UInt8>]
  private let difference: LineDifference

  /// Compares two texts line by line; a last line without an end differs from one with it.
  ///
  /// - Parameters:
  ///   - old: The one text.
  ///   - new: The other.
  package init(from old: [UInt8], to new: [UInt8]) {
    self.old = Self.lines(old)
    self.new = Self.lines(new)
    var numbers: [ArraySlice<UInt8>: Int] = [:]
    func number(_ line: ArraySlice<UInt8>) -> Int {
      if let number = numbers[line] { return number }
      numbers[line] = numbers.count
      return numbers.count - 1
    }
    difference = LineDifference(from: self.old.map(number), to: self.new.map(number))
  }

  /// Whether bytes are a text: UTF-8 without NUL.
  ///
  /// - Parameter bytes: The bytes.
  /// - Returns: Whether they are.
  package static func isText(_ bytes: [UInt8]) -> Bool {
    !bytes.contains(0) && String(validating: bytes, as: UTF8.self) != nil
  }

  /// The lines, each with its end.
  private static func lines(_ text: [UInt8]) -> [ArraySlice<UInt8>] {
    var lines: [ArraySlice<UInt8>] = []
    var rest = text[...]
    while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
      lines.append(rest[...end])
      rest = rest[(end + 1)...]
    }
    if !rest.isEmpty { lines.append(rest) }
    return lines
  }

  /// Writes the difference.
  ///
  /// - Parameters:
  ///   - oldName: What stands in the head for the one text.
  ///   - newName: What stands in the head for the other.
  /// - Returns: The text; empty where the two are the same.
  package func text(_ oldName: String, _ newName: String) -> String {
    let hunks = hunks()
    guard !hunks.isEmpty else { return "" }
    var text = Array("--- \(oldName)\n+++ \(newName)\n".utf8)
    for hunk in hunks { write(hunk, to: &text) }
    return String(decoding: text, as: UTF8.self)
  }
}

extension UnifiedDiff {
  /// Lines that are shown together.
  private struct Hunk {
    var old: Range<Int>
    var new: Range<Int>
  }

  /// The changes with the lines around them; those that would touch are one.
  private func hunks() -> [Hunk] {
    var hunks: [Hunk] = []
    var (row, column) = (0, 0)
    while row < old.count || column < new.count {
      let start = (row, column)
      while row < old.count, difference.removed[row] { row += 1 }
      while column < new.count, difference.added[column] { column += 1 }
      guard (row, column) != start else {
        row += 1
        column += 1
        continue
      }
      let before = min(Self.context, start.0, start.1)
      let after = min(Self.context, old.count - row, new.count - column)
      if let last = hunks.last, start.0 - before <= last.old.upperBound {
        hunks[hunks.count - 1].old = last.old.lowerBound..<row + after
        hunks[hunks.count - 1].new = last.new.lowerBound..<column + after
      } else {
        hunks.append(
          Hunk(old: start.0 - before..<row + after, new: start.1 - before..<column + after))
      }
    }
    return hunks
  }

  private func write(_ hunk: Hunk, to text: inout [UInt8]) {
    text += "@@ -\(Self.span(hunk.old)) +\(Self.span(hunk.new)) @@\n".utf8
    var (row, column) = (hunk.old.lowerBound, hunk.new.lowerBound)
    while row < hunk.old.upperBound || column < hunk.new.upperBound {
      if row < hunk.old.upperBound, difference.removed[row] {
        write("-", old[row], to: &text)
        row += 1
      } else if column < hunk.new.upperBound, difference.added[column] {
        write("+", new[column], to: &text)
        column += 1
      } else {
        write(" ", old[row], to: &text)
        row += 1
        column += 1
      }
    }
  }

  private func write(_ mark: String, _ line: ArraySlice<UInt8>, to text: inout [UInt8]) {
    text += mark.utf8
    text += line
    if line.last != UInt8(ascii: "\n") { text += "\n\\ No newline at end of file\n".utf8 }
  }

  /// The first line, from 1, and how many; an empty span names the line before it.
  private static func span(_ lines: Range<Int>) -> String {
    switch lines.count {
    case 0: "\(lines.lowerBound),0"
    case 1: "\(lines.lowerBound + 1)"
    default: "\(lines.lowerBound + 1),\(lines.count)"
    }
  }
}
