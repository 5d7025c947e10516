extension Rule {
  private static let columnsMax = 100

  /// Two files side by side fit on a screen.
  ///
  /// An address in a comment cannot be broken and may stay.
  static let lineWidth = Rule("A line of Swift has at most 100 columns") { file in
    guard file.isSwift else { return [] }
    return file.lineStarts.indices.compactMap { index in
      let number = index + 1
      // Counting characters is slow and hardly ever needed: no line is wider than its bytes.
      guard file.lineBytes(number).count > columnsMax else { return nil }
      let line = file.line(number)
      let text = line.drop { $0 == " " }
      guard line.count > columnsMax, !(text.hasPrefix("//") && text.contains("://")) else {
        return nil
      }
      return Violation(
        path: file.path, line: number, problem: "a line of \(line.count) columns",
        remedy: "at most \(columnsMax)")
    }
  }
}
