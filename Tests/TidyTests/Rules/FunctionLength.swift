extension Rule {
  private static let functionLinesMax = 70

  /// One screen a function.
  ///
  /// Closures and nested functions count as part of the function around them.
  static let functionLength = Rule("A function has at most 70 lines") { file in
    file.declarations.compactMap { declaration in
      let isFunction =
        Keywords.functions.contains(declaration.keyword) || declaration.keyword == "var"
      guard isFunction, let last = declaration.lastLine else { return nil }
      let count = last - declaration.line + 1
      guard count > functionLinesMax else { return nil }
      return Violation(
        path: file.path, line: declaration.line,
        problem: "`\(declaration.name)` has \(count) lines",
        remedy: "smaller functions that each do one thing")
    }
  }
}
