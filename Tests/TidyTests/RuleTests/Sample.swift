extension Rule {
  /// What the rule finds in one file, as a person would read it.
  func finds(in text: String, at path: String = "Sources/Holdfast/Sample.swift") -> [String] {
    finds(in: [path: text])
  }

  /// What the rule finds in several files.
  func finds(in files: [String: String]) -> [String] {
    violations(
      in: files.sorted { $0.key < $1.key }.map { SourceFile(path: $0.key, text: $0.value) }
    )
    .map(\.description)
  }
}

/// So many lines of the same text.
func lines(_ count: Int, of text: String = "let one = 1") -> String {
  String(repeating: text + "\n", count: count)
}
