extension Rule {
  /// A file that nothing refers to is read, built and kept in order for nobody.
  ///
  /// What a file declares at its top, or adds in an extension, must be named in some other file.
  /// Public declarations are named by users, conformances by the compiler, and a program's entry by
  /// no one.
  static let unusedSources = Rule("Every source is referred to") { files in
    let swift = files.filter(\.isSwift)
    // Each word with the one file that has it; `nil` once a second one has.
    var owners: [String: Int?] = [:]
    for (number, file) in swift.enumerated() {
      for token in file.code where token.kind == .word || token.kind == .quotedWord {
        if let owner = owners[token.text] {
          if owner != number { owners[token.text] = .some(nil) }
        } else {
          owners[token.text] = number
        }
      }
    }
    return swift.filter { file in
      guard file.area == "Sources" || file.area == "Examples", !file.isExcused else { return false }
      return file.offeredNames.allSatisfy { owners[$0] != .some(nil) }
    }.map {
      Violation(
        path: $0.path, line: 1, problem: "nothing refers to what this file declares",
        remedy: "it, or remove it")
    }
  }
}

extension SourceFile {
  /// Whether the file has its use without being named.
  fileprivate var isExcused: Bool {
    if name == "main.swift" { return true }
    let hasEntry = CodeCursor.all(in: self).contains {
      $0.reads("@", "main") || $0.reads("@", "_exported")
    }
    return hasEntry
      || declarations.contains {
        !$0.modifiers.isDisjoint(with: ["public", "open"])
          || ($0.keyword == "extension" && $0.inherits)
      }
  }

  /// The names that other files may know: those at the top and those that extensions add.
  fileprivate var offeredNames: [String] {
    declarations.filter { declaration in
      guard declaration.keyword != "extension" else { return false }
      switch declaration.place {
      case .file: return true
      case .member(of: let number): return declarations[number].keyword == "extension"
      case .local: return false
      }
    }.map(\.name)
  }
}
