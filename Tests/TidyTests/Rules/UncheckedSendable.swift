extension Rule {
  /// Where the compiler is told to look away, a person must say what keeps threads apart.
  ///
  /// The comment right above, on the line, or first in the body names the lock, or the one thread.
  static let uncheckedSendable = Rule("What is not checked names its lock or thread") { file in
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
      remedy: "a comment there that names the lock, or the one thread, that protects it")
  }
}

extension SourceFile {
  /// Whether a comment before the declaration, on its line or first in its body names a lock.
  fileprivate func namesLock(_ declaration: Declaration?, line: Int) -> Bool {
    let lines: Set<Int> = [line, declaration?.line ?? line]
    let beside = tokens.filter { $0.kind == .comment && lines.contains($0.line) }
    let isType = Keywords.types.contains(declaration?.keyword ?? "")
    let body = tokens.drop { $0.line < line }.drop { !$0.isCode("{") }.dropFirst()
    let within = isType ? body.prefix { $0.kind == .comment } : []
    return ((declaration?.comments ?? []) + beside + within).contains { comment in
      comment.text.split { !$0.isLetter }.contains { word in
        let lower = word.lowercased()
        let isLock = lower.contains("lock") && !lower.contains("clock") && !lower.contains("block")
        return isLock || lower == "thread"
      }
    }
  }
}
