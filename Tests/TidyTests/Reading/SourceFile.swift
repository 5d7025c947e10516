/// A file of the repository, as the rules see it.
struct SourceFile: Sendable {
  /// Where it is, from the root of the repository, with slashes.
  let path: String
  let bytes: [UInt8]
  /// The first byte of each line.
  let lineStarts: [Int]
  /// The tokens of a Swift file; none for any other.
  let tokens: [Token]
  /// The tokens without comments.
  let code: [Token]
  /// The declarations of a Swift file, local ones too.
  let declarations: [Declaration]

  init(path: String, text: String) { self.init(path: path, bytes: Array(text.utf8)) }

  init(path: String, bytes: [UInt8]) {
    self.path = path
    self.bytes = bytes
    var starts = bytes.isEmpty ? [] : [0]
    for (index, byte) in bytes.enumerated()
    where byte == Byte.newline && index + 1 < bytes.count {
      starts.append(index + 1)
    }
    lineStarts = starts
    tokens = path.hasSuffix(".swift") ? Lexer.tokens(of: bytes) : []
    code = tokens.filter { $0.kind != .comment }
    declarations = DeclarationScanner.declarations(in: tokens)
  }

  var isSwift: Bool { path.hasSuffix(".swift") }

  /// The file's name without its folders.
  var name: String { path.split(separator: "/").last.map(String.init) ?? path }

  /// The module that the file is part of, where it is one of `Sources`.
  var module: String? {
    let parts = path.split(separator: "/")
    return parts.count > 2 && parts[0] == "Sources" ? String(parts[1]) : nil
  }

  /// The folder at the root, such as `Tests`; empty for a file at the root itself.
  var area: String {
    let parts = path.split(separator: "/")
    return parts.count > 1 ? String(parts[0]) : ""
  }

  /// The bytes of a line without its end.
  ///
  /// - Parameter number: The line, from 1.
  /// - Returns: A slice of ``bytes``.
  func lineBytes(_ number: Int) -> ArraySlice<UInt8> {
    let begin = lineStarts[number - 1]
    var end = number < lineStarts.count ? lineStarts[number] : bytes.count
    while end > begin, bytes[end - 1] == Byte.newline || bytes[end - 1] == Byte.return { end -= 1 }
    return bytes[begin..<end]
  }

  /// The text of a line without its end.
  ///
  /// - Parameter number: The line, from 1.
  /// - Returns: What stands there, with the white space.
  func line(_ number: Int) -> String { String(decoding: lineBytes(number), as: UTF8.self) }
}
