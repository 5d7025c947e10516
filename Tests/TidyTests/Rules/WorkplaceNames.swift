extension Rule {
  /// The repository speaks to whoever has cloned it: a path or a paper of the place where it was
  /// written leads such a reader nowhere.
  static let workplaceNames = Rule("Nothing names the place where it was written") { file in
    let text = String(decoding: file.bytes, as: UTF8.self)
    guard names.contains(where: text.contains) else { return [] }
    return file.lineStarts.indices.compactMap { index in
      let line = file.line(index + 1)
      guard let name = names.first(where: { line.contains($0) }) else { return nil }
      return Violation(
        path: file.path, line: index + 1, problem: "`\(name)`",
        remedy: "words that hold in every clone")
    }
  }

  // Put together here, so that this file does not break its own rule.
  private static let names = [
    "/wo" + "rk/", "/tm" + "p/hf", "../sha" + "red/", "SEMAN" + "TICS", "FIND" + "INGS.md",
    "DESI" + "GN.md", "DESI" + "GN §", "STY" + "LE.md", "PERFORM" + "ANCE §", "issues" + " show",
  ]
}
