extension Rule {
  /// A promise that nobody can read is none: whatever users see is documented, what a public
  /// protocol or enumeration brings without the word `public` included.
  static let documentation = Rule("Every public declaration is documented") { file in
    guard file.area == "Sources" else { return [] }
    return file.declarations.compactMap { declaration in
      guard file.isVisible(declaration), !declaration.isDocumented else { return nil }
      return Violation(
        path: file.path, line: declaration.line,
        problem: "`\(declaration.keyword) \(declaration.name)` is public and not documented",
        remedy: "a `///` comment that begins with a summary line")
    }
  }
}

extension SourceFile {
  /// Whether users of the package see the declaration.
  fileprivate func isVisible(_ declaration: Declaration) -> Bool {
    guard declaration.place != .local, declaration.keyword != "extension",
      declaration.keyword != "deinit"
    else { return false }
    if !declaration.modifiers.isDisjoint(with: ["public", "open"]) { return true }
    guard case .member(of: let number) = declaration.place else { return false }
    let parent = declarations[number]
    guard parent.modifiers.contains("public") else { return false }
    switch parent.keyword {
    case "protocol": return true
    case "enum": return declaration.keyword == "case"
    // The word before an extension is the default of its members.
    case "extension": return declaration.modifiers.isDisjoint(with: Keywords.access)
    default: return false
    }
  }
}
