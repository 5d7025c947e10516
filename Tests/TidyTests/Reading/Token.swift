/// One piece of Swift source: enough of the grammar to tell code from text and from comments.
struct Token: Equatable, Sendable {
  enum Kind: Sendable {
    /// A keyword or name; `#if` and its kin too.
    case word
    /// A name in backticks, which is never a keyword; its text comes without them.
    case quotedWord
    case number
    /// A string or regular expression; its text is what stands between the delimiters. The tokens
    /// of an interpolation follow it, in parentheses.
    case literal
    /// A comment with its slashes and stars.
    case comment
    /// One character of punctuation or of an operator.
    case mark
  }

  let kind: Kind
  let text: String
  /// The line of its first character, from 1.
  let line: Int
  /// The line of its last character.
  var lastLine: Int
  /// Its first byte in the file.
  let offset: Int
  /// Whether only white space stands before it on its line.
  let isFirstOnLine: Bool

  /// Whether it is this keyword, name or mark of code.
  func isCode(_ text: String) -> Bool {
    (kind == .word || kind == .mark) && self.text == text
  }

  /// Whether it is a word of code that the set has.
  func isWord(in words: Set<String>) -> Bool { kind == .word && words.contains(text) }

  /// Whether it is a comment that documentation is made of.
  var isDocumentation: Bool {
    kind == .comment && (text.hasPrefix("///") || text.hasPrefix("/**"))
  }
}
