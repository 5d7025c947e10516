extension Rule {
  /// A link inside the repository leads somewhere.
  static let documentLinks = Rule("Every link between documents leads somewhere") { files in
    var places: Set<String> = []
    for file in files {
      // A link may name a folder as well.
      var parts = file.path.split(separator: "/")
      while !parts.isEmpty {
        places.insert(parts.joined(separator: "/"))
        parts.removeLast()
      }
    }
    return files.filter { $0.name.hasSuffix(".md") }.flatMap { file in
      file.links.compactMap { link in
        let target = resolve(link.target, from: file.path)
        guard let target, !target.isEmpty, !places.contains(target) else { return nil }
        return Violation(
          path: file.path, line: link.line, problem: "a link to \(target), which is not there",
          remedy: "the path of a file")
      }
    }
  }

  /// The path from the root of what a relative link means; `nil` for an address or a picture.
  private static func resolve(_ link: Substring, from path: String) -> String? {
    let target = link.prefix { $0 != "#" }
    let pictures = [".png", ".svg", ".jpg", ".gif", ".webp"]
    guard !target.contains(":"), !pictures.contains(where: target.hasSuffix) else { return nil }
    var parts = path.split(separator: "/").dropLast()
    for part in target.split(separator: "/") where part != "." {
      if part == ".." { parts = parts.dropLast() } else { parts.append(part) }
    }
    return target.isEmpty ? nil : parts.joined(separator: "/")
  }
}

extension SourceFile {
  /// The targets of the links of a document, `[text](target)`, outside fenced code.
  fileprivate var links: [(target: Substring, line: Int)] {
    var isFenced = false
    var found: [(target: Substring, line: Int)] = []
    for number in 1..<(lineStarts.count + 1) {
      let line = line(number)
      if line.hasPrefix("```") { isFenced.toggle() }
      guard !isFenced else { continue }
      for piece in line.split(separator: "](", omittingEmptySubsequences: false).dropFirst() {
        found.append((piece.prefix { $0 != ")" && $0 != " " }, number))
      }
    }
    return found
  }
}
