extension Rule {
  private static let source = "Sources/HoldfastCore/Errors/StoreErrorCode.swift"
  private static let folder = "Documentation/errors/"

  /// An error that a user meets names its code; the code's page says what to do, and says the same
  /// title, status and exit code as the program.
  static let errorPages = Rule("Every error code has its page") { files in
    let byPath = Dictionary(files.map { ($0.path, $0) }, uniquingKeysWith: { first, _ in first })
    guard let file = byPath[source] else { return [] }
    let codes = file.errorCodes
    let index = byPath[folder + "README.md"].map { String(decoding: $0.bytes, as: UTF8.self) }
    var found: [Violation] = []
    for code in codes {
      let path = folder + code.name + ".md"
      guard let page = byPath[path] else {
        found.append(
          Violation(
            path: source, line: code.line, problem: "the code \(code.name) has no page",
            remedy: path))
        continue
      }
      let text = String(decoding: page.bytes, as: UTF8.self)
      for line in code.linesOfPage where !text.contains(line) {
        found.append(
          Violation(
            path: path, line: 1, problem: "the page does not say what the program does",
            remedy: "the line `\(line)`"))
      }
      if index?.contains("(\(code.name).md)") != true {
        found.append(
          Violation(
            path: folder + "README.md", line: 1, problem: "the page \(code.name).md is not listed",
            remedy: "a link to it"))
      }
    }
    let known = Set(codes.map { folder + $0.name + ".md" } + [folder + "README.md"])
    for page in files where page.path.hasPrefix(folder) && !known.contains(page.path) {
      found.append(
        Violation(
          path: page.path, line: 1, problem: "a page of no error code", remedy: "a code's name"))
    }
    return found
  }
}

/// An error code as its source has it.
private struct ErrorCode {
  let name: String
  let line: Int
  let title: String
  let status: String
  let exitCode: String

  /// What its page must say word for word.
  var linesOfPage: [String] {
    ["# \(name): \(title)", "**HTTP status:** \(status)", "**Exit code:** \(exitCode)"]
  }
}

extension SourceFile {
  /// The cases of `enum Kind` with what the switches of `status`, `exitCode` and `title` give them.
  fileprivate var errorCodes: [ErrorCode] {
    let titles = answers(of: "title")
    let statuses = answers(of: "status")
    let exitCodes = answers(of: "exitCode")
    let cases = declarations.filter {
      guard $0.keyword == "case", case .member(of: let number) = $0.place else { return false }
      return declarations[number].name == "Kind"
    }
    return cases.map { declaration in
      let raw = CodeCursor.all(in: self).first { $0.token.offset == declaration.offset }
      let name = raw?[2]?.isCode("=") == true ? raw?[3]?.text : declaration.name
      return ErrorCode(
        name: name ?? declaration.name, line: declaration.line,
        title: titles[declaration.name] ?? "?", status: statuses[declaration.name] ?? "?",
        exitCode: exitCodes[declaration.name] ?? "?")
    }
  }

  /// The switch of a computed property: `case .a, .b: 404` gives 404 for `a` and for `b`.
  private func answers(of property: String) -> [String: String] {
    guard
      let owner = declarations.first(where: { $0.keyword == "var" && $0.name == property }),
      let last = owner.lastLine
    else { return [:] }
    var found: [String: String] = [:]
    var names: [String] = []
    for place in CodeCursor.all(in: self)
    where place.token.offset > owner.offset && place.token.line <= last {
      if place.token.isCode("case") { names = [] }
      if place[-1]?.isCode(".") == true { names.append(place.token.text) }
      guard place[-1]?.isCode(":") == true, !names.isEmpty else { continue }
      for name in names { found[name] = place.token.text }
      names = []
    }
    return found
  }
}
