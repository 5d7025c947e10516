extension Rule {
  /// The picture of the package, as a test: dependencies point downwards only, and full
  /// `Foundation`, which doubles the static program, comes in nowhere.
  static let imports = Rule("A module imports what its layer may") { file in
    guard let module = file.module, file.isSwift else { return [] }
    return file.imports.compactMap { imported in
      if imported.name == "Foundation" {
        return Violation(
          path: file.path, line: imported.line, problem: "`import Foundation`",
          remedy: "the standard library, or FoundationEssentials where it must be")
      }
      guard let layer = layers[module] else {
        return Violation(
          path: file.path, line: imported.line,
          problem: "the module \(module) has no row in the table of imports",
          remedy: "a row in Rules/Imports.swift")
      }
      guard !everywhere.contains(imported.name), !layer.contains(imported.name) else { return nil }
      return Violation(
        path: file.path, line: imported.line,
        problem: "\(module) imports \(imported.name)",
        remedy: "what its layer may import: " + layer.sorted().joined(separator: ", "))
    }
  }

  /// The one kind of lock, the C library, and what is part of the standard library.
  private static let everywhere: Set<String> = [
    "NIOConcurrencyHelpers", "Glibc", "Musl", "Darwin", "Swift", "Synchronization", "_Concurrency",
  ]

  private static let observability: Set<String> = ["Logging", "Metrics", "Tracing"]

  private static let layers: [String: Set<String>] = [
    "HoldfastCore": ["FoundationEssentials", "Crypto"],
    "HoldfastEngine": observability.union(["HoldfastCore", "CSQLite", "CPostgres"]),
    "Holdfast": observability.union([
      "HoldfastCore", "HoldfastEngine", "CSchema", "ServiceLifecycle", "Crypto", "Algorithms",
      "Collections",
    ]),
    "HoldfastConfiguration": ["HoldfastCore", "Holdfast", "Configuration", "TOMLKit", "CYAML"],
    "HoldfastServer": observability.union([
      "HoldfastCore", "Holdfast", "HoldfastConfiguration", "Hummingbird", "HummingbirdCore",
      "HummingbirdTLS", "NIOCore", "NIOPosix", "NIOHTTPTypes", "NIOSSL", "HTTPTypes",
      "AsyncHTTPClient", "CConsole",
      "ServiceLifecycle", "Crypto",
    ]),
    // AsyncHTTPClient speaks in the types of NIOHTTP1, and wants a group of NIOPosix's.
    "HoldfastCommand": [
      "HoldfastCore", "Holdfast", "HoldfastServer", "ArgumentParser", "AsyncHTTPClient",
      "HTTPTypes", "NIOCore", "NIOHTTP1", "NIOPosix", "Hummingbird", "Logging", "ServiceLifecycle",
    ],
    "HoldfastTesting": [
      "HoldfastCore", "HoldfastEngine", "Holdfast", "HoldfastServer", "Testing", "Logging",
    ],
  ]
}

extension SourceFile {
  /// The modules that the file imports, whatever stands before or between the words.
  var imports: [(name: String, line: Int)] {
    let kinds: Set<String> = [
      "struct", "class", "enum", "protocol", "actor", "func", "var", "let", "typealias",
    ]
    var depth = 0
    return CodeCursor.all(in: self).compactMap { place -> (name: String, line: Int)? in
      if place.token.isCode("{") { depth += 1 }
      if place.token.isCode("}") { depth -= 1 }
      guard depth == 0, place.token.isCode("import"), place[-1]?.isCode(".") != true,
        let next = place[1], next.kind == .word, next.line == place.token.line
      else { return nil }
      let name = kinds.contains(next.text) ? place[2]?.text ?? next.text : next.text
      return (name, place.token.line)
    }
  }
}
