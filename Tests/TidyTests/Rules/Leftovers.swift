extension Rule {
  /// What is not done is an entry in the tracker or is done now; in the source nobody finds it
  /// again.
  static let leftovers = Rule("No source has a note of work left over") { file in
    guard file.isWrittenSource else { return [] }
    if file.isSwift {
      return file.tokens.filter { $0.kind == .comment }.flatMap { comment in
        comment.text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
          .compactMap { violation(in: $1, of: file, line: comment.line + $0) }
      }
    }
    return file.lineStarts.indices.compactMap {
      violation(in: Substring(file.line($0 + 1)), of: file, line: $0 + 1)
    }
  }

  private static func violation(
    in text: Substring, of file: SourceFile, line: Int
  ) -> Violation? {
    // Put together here, so that this file does not break its own rule.
    let notes: Set<Substring> = ["TO" + "DO", "FIX" + "ME", "X" + "XX"]
    let words = text.split { !$0.isLetter && !$0.isNumber && $0 != "_" }
    guard let note = words.first(where: notes.contains) else { return nil }
    return Violation(
      path: file.path, line: line, problem: "`\(note)`", remedy: "the finished code, or nothing")
  }
}
