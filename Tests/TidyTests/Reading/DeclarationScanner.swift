/// Finds the declarations of a Swift file in its tokens.
///
/// It follows braces and parentheses only, so it needs no grammar of expressions: a brace outside
/// the parentheses of a signature, before anything else was declared, begins the body.
struct DeclarationScanner {
  private enum Scope {
    /// The body of the declaration with this number.
    case body(Int)
    /// A closure, a statement or an accessor.
    case other
  }

  private let tokens: [Token]
  private var found: [Declaration] = []
  private var scopes: [Scope] = []
  private var parentheses = 0
  /// The declaration whose body may still come, and how deep in parentheses it began.
  private var pending: (number: Int, depth: Int)?

  /// Finds all declarations, local ones too.
  ///
  /// - Parameter tokens: The tokens of a file, comments included.
  /// - Returns: The declarations in the order of their keywords.
  static func declarations(in tokens: [Token]) -> [Declaration] {
    var scanner = DeclarationScanner(tokens: tokens)
    for index in tokens.indices { scanner.read(index) }
    return scanner.found
  }

  private init(tokens: [Token]) { self.tokens = tokens }

  private mutating func read(_ index: Int) {
    let token = tokens[index]
    switch token.kind {
    case .mark: readMark(token)
    case .word where beginsDeclaration(index): declare(index)
    case .word, .quotedWord, .number, .literal:
      // `var name: Type` on its own line has no body, whatever the next statement brings.
      if token.isFirstOnLine || token.isCode("in") { dropPendingVariable() }
    case .comment: break
    }
  }

  private mutating func readMark(_ token: Token) {
    switch token.text {
    case "(", "[": parentheses += 1
    case ")", "]": parentheses -= 1
    case "{":
      if let begun = pending, begun.depth == parentheses {
        scopes.append(.body(begun.number))
        pending = nil
      } else {
        scopes.append(.other)
      }
    case "}":
      if case .body(let number)? = scopes.popLast() { found[number].lastLine = token.line }
      // A closure in the signature ends deeper, and the body is still to come.
      if let begun = pending, begun.depth == parentheses { pending = nil }
    case "=": dropPendingVariable()
    case ":":
      if let begun = pending, begun.depth == parentheses { found[begun.number].inherits = true }
    default: break
    }
  }

  private mutating func dropPendingVariable() {
    guard let begun = pending, begun.depth == parentheses,
      found[begun.number].keyword == "var"
    else { return }
    pending = nil
  }

  private func beginsDeclaration(_ index: Int) -> Bool {
    let token = tokens[index]
    guard token.isWord(in: Keywords.all), let next = code(after: index) else { return false }
    if let last = code(before: index), last.isCode(".") || last.isCode("import") { return false }
    if next.isCode(":") || next.isCode(",") || next.isCode(")") || next.isCode("=") {
      // A label or an argument, unless an operator is declared.
      return token.text == "func"
    }
    switch token.text {
    case "case":
      guard case .body(let number)? = scopes.last else { return false }
      return found[number].keyword == "enum"
    case "class":
      return !next.isWord(in: Keywords.functions.union(Keywords.modifiers).union(["var", "let"]))
    case "actor", "struct", "enum", "protocol", "extension", "typealias", "associatedtype":
      return next.kind == .word || next.kind == .quotedWord
    default:
      return true
    }
  }

  private mutating func declare(_ index: Int) {
    let token = tokens[index]
    let head = DeclarationHead(before: index, in: tokens)
    found.append(
      Declaration(
        keyword: token.text, name: name(after: index, of: token.text), modifiers: head.modifiers,
        comments: head.comments, line: token.line, offset: token.offset, place: place))
    let mayHaveBody =
      Keywords.types.contains(token.text) || Keywords.functions.contains(token.text)
      || (token.text == "var" && isAnnotated(index))
    pending = mayHaveBody ? (found.count - 1, parentheses) : nil
  }

  private var place: Declaration.Place {
    switch scopes.last {
    case nil: .file
    case .body(let number)? where Keywords.types.contains(found[number].keyword):
      .member(of: number)
    default: .local
    }
  }

  /// Whether a type is written after the variable's name: only then can a body follow.
  private func isAnnotated(_ index: Int) -> Bool {
    index + 2 < tokens.count && tokens[index + 2].isCode(":")
  }

  private func name(after index: Int, of keyword: String) -> String {
    guard !["init", "deinit", "subscript"].contains(keyword) else { return keyword }
    var text = ""
    for token in tokens[(index + 1)...] {
      switch token.kind {
      case .word, .quotedWord:
        guard text.isEmpty || text.hasSuffix(".") else { return text }
        text += token.text
      case .mark where token.text == "." && keyword == "extension": text += "."
      case .mark where keyword == "func" && token.text != "(" && !(text.first?.isLetter ?? false):
        text += token.text
      default: return text
      }
    }
    return text
  }

  private func code(after index: Int) -> Token? {
    tokens[(index + 1)...].first { $0.kind != .comment }
  }

  private func code(before index: Int) -> Token? {
    tokens[..<index].last { $0.kind != .comment }
  }
}

/// What stands before a declaration's keyword and belongs to it.
private struct DeclarationHead {
  private(set) var modifiers: Set<String> = []
  private(set) var comments: [Token] = []

  /// Walks back over modifiers, attributes and comments.
  init(before keyword: Int, in tokens: [Token]) {
    var index = keyword - 1
    while index >= 0 {
      let token = tokens[index]
      if token.kind == .comment,
        token.isFirstOnLine || Self.endsAttribute(before: index, in: tokens)
      {
        comments.insert(token, at: 0)
        index -= 1
      } else if let start = Self.attribute(endingAt: index, in: tokens) {
        index = start - 1
      } else if token.isWord(in: Keywords.modifiers) {
        modifiers.insert(token.text)
        index -= 1
      } else if index >= 3, token.isCode(")"), tokens[index - 2].isCode("("),
        tokens[index - 3].isWord(in: Keywords.modifiers)
      {
        modifiers.insert(tokens[index - 3].text + "(" + tokens[index - 1].text + ")")
        index -= 4
      } else {
        return
      }
    }
  }

  /// Whether the comment here stands behind an attribute, on its line, and so belongs to it.
  private static func endsAttribute(before comment: Int, in tokens: [Token]) -> Bool {
    comment > 0 && attribute(endingAt: comment - 1, in: tokens) != nil
  }

  /// The number of the `@` of an attribute, with or without arguments, that ends here.
  private static func attribute(endingAt end: Int, in tokens: [Token]) -> Int? {
    var index = end
    if tokens[index].isCode(")") {
      var depth = 0
      repeat {
        if tokens[index].isCode(")") { depth += 1 }
        if tokens[index].isCode("(") { depth -= 1 }
        index -= 1
      } while depth > 0 && index >= 0
    }
    while index >= 2, tokens[index].kind == .word, tokens[index - 1].isCode(".") { index -= 2 }
    guard index >= 1, tokens[index].kind == .word, tokens[index - 1].isCode("@") else { return nil }
    return index - 1
  }
}
