/// A place among the tokens of code, comments left out, for rules that look for calls.
struct CodeCursor {
  private let code: [Token]
  private let index: Int

  /// The token here.
  var token: Token { code[index] }

  /// The token so many places on, or back for a negative number.
  subscript(_ distance: Int) -> Token? {
    let place = index + distance
    return code.indices.contains(place) ? code[place] : nil
  }

  /// Whether these tokens follow one another from here on.
  func reads(_ texts: String...) -> Bool {
    guard index + texts.count <= code.count else { return false }
    for (offset, text) in texts.enumerated() where !code[index + offset].isCode(text) {
      return false
    }
    return true
  }

  /// Whether a function of this name is called here, and neither declared nor found in a value.
  func calls(_ name: String) -> Bool {
    guard reads(name, "("), let last = self[-1] else { return reads(name, "(") }
    return !last.isCode(".") && !last.isCode("func")
  }

  /// Every place in a file.
  static func all(in file: SourceFile) -> some Sequence<CodeCursor> {
    file.code.indices.lazy.map { CodeCursor(code: file.code, index: $0) }
  }
}

extension Rule {
  /// Makes a rule that looks at each token of the code of some files.
  ///
  /// - Parameters:
  ///   - sentence: The rule as a sentence.
  ///   - applies: Which files it is for.
  ///   - check: The problem and its remedy at a place; `nil` where all is well.
  init(
    _ sentence: String, in applies: @escaping @Sendable (SourceFile) -> Bool,
    code check: @escaping @Sendable (CodeCursor) -> (problem: String, remedy: String)?
  ) {
    self.init(sentence) { file in
      guard file.isSwift, applies(file) else { return [] }
      return CodeCursor.all(in: file).compactMap { cursor in
        guard let found = check(cursor) else { return nil }
        return Violation(
          path: file.path, line: cursor.token.line, problem: found.problem, remedy: found.remedy)
      }
    }
  }
}
