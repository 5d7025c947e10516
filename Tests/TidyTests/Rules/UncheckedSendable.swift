extension Rule {
  /// Where the compiler is told to look away, a person must say what keeps threads apart: the
  /// comment right above, or on the line, names the lock.
  static let uncheckedSendable = Rule("What is not checked names its lock") { file in
    var found: [Violation] = []
    for place in CodeCursor.all(in: file) where place.token.isCode("@") {
      guard place.reads("@", "unchecked", "Sendable") else { continue }
      let owner = file.declarations.last {
        $0.offset < place.token.offset && Keywords.types.contains($0.keyword)
      }
      guard !file.namesLock(owner, line: place.token.line) else { continue }
      found.append(unexplained("@unchecked Sendable", in: file, line: place.token.line))
    }
    for declaration in file.declarations
    where declaration.modifiers.contains("nonisolated(unsafe)") {
      guard !file.namesLock(declaration, line: declaration.line) else { continue }
      found.append(unexplained("nonisolated(unsafe)", in: file, line: declaration.line))
    }
    return found
  }

  private static func unexplained(
    _ words: String, in file: SourceFile, line: Int
  ) -> Violation {
    Violation(
      path: file.path, line: line, problem: "`\(words)` without a reason",
      remedy: "a comment right above that names the lock that protects it")
  }
}

extension SourceFile {
  /// Whether a comment before the declaration, or on its line or on another, names a lock.
  fileprivate func namesLock(_ declaration: Declaration?, line: Int) -> Bool {
    let lines: Set<Int> = [line, declaration?.line ?? line]
    let beside = tokens.filter { $0.kind == .comment && lines.contains($0.line) }
    return ((declaration?.comments ?? []) + beside).contains { comment in
      comment.text.split { !$0.isLetter }.contains { word in
        let lower = word.lowercased()
        return lower.contains("lock") && !lower.contains("clock") && !lower.contains("block")
      }
    }
  }
}
