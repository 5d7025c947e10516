extension Rule {
  private static let fileLinesMax = 500
  private static let readmeLinesMax = 120

  /// One idea a file: a reader holds five hundred lines in mind and hardly more.
  static let fileLength = Rule("A source file has at most 500 lines") { file in
    let count = file.lineStarts.count
    guard file.isWrittenSource, count > fileLinesMax else { return [] }
    return [
      Violation(
        path: file.path, line: fileLinesMax + 1, problem: "a file of \(count) lines",
        remedy: "several files of one idea each")
    ]
  }

  /// The first page says what a newcomer needs and sends on whoever wants more.
  static let readmeLength = Rule("The README has at most 120 lines") { file in
    let count = file.lineStarts.count
    guard file.path == "README.md", count > readmeLinesMax else { return [] }
    return [
      Violation(
        path: file.path, line: readmeLinesMax + 1, problem: "a README of \(count) lines",
        remedy: "a link to a page of its own")
    ]
  }
}

extension SourceFile {
  /// Whether it is source of some kind: neither a document nor a legal text.
  var isWrittenSource: Bool {
    let documents: Set<String> = ["LICENSE", "NOTICE"]
    return !name.hasSuffix(".md") && !documents.contains(name)
  }
}
