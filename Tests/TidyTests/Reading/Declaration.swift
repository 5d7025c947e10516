/// A declaration in a Swift file, with what stands before it and where its body ends.
struct Declaration: Sendable {
  enum Place: Equatable, Sendable {
    /// At the top of the file.
    case file
    /// Directly in the body of a type, a protocol or an extension: the number of that declaration.
    case member(of: Int)
    /// In a function, a closure or an accessor.
    case local
  }

  /// `func`, `struct`, `case` and so on.
  let keyword: String
  /// The first name; of an extension the extended type, with dots.
  let name: String
  /// Access, `static`, `nonisolated(unsafe)` and the like.
  let modifiers: Set<String>
  /// The comments right before it, before its attributes and between them.
  let comments: [Token]
  /// The line of the keyword.
  let line: Int
  /// Its keyword's first byte.
  let offset: Int
  let place: Place
  /// Whether a list of conformances or a superclass follows the name.
  var inherits = false
  /// The line of the brace that ends its body; `nil` without one.
  var lastLine: Int?

  var isDocumented: Bool { comments.contains(where: \.isDocumentation) }
}

/// The words that declarations are made of.
enum Keywords {
  static let types: Set<String> = ["struct", "enum", "class", "actor", "protocol", "extension"]
  static let functions: Set<String> = ["func", "init", "deinit", "subscript"]
  static let others: Set<String> = ["var", "let", "typealias", "associatedtype", "case"]
  static let all = types.union(functions).union(others)

  static let access: Set<String> = [
    "public", "open", "package", "internal", "fileprivate", "private",
  ]
  static let modifiers: Set<String> = access.union([
    "static", "class", "final", "lazy", "override", "mutating", "nonmutating", "nonisolated",
    "convenience", "required", "indirect", "weak", "unowned", "dynamic", "optional", "prefix",
    "postfix", "infix", "borrowing", "consuming", "distributed",
  ])
}
