/// Cuts Swift source into tokens.
///
/// It knows strings of every form (multi-line, raw, interpolated), nested comments and regular
/// expressions, so that a brace in one of them is not taken for code. It never fails: what is not
/// Swift becomes marks.
struct Lexer {
  private let bytes: [UInt8]
  private var index = 0
  private var line = 1
  private var lineIsBlank = true
  private var tokens: [Token] = []

  /// Cuts a whole file.
  ///
  /// - Parameter bytes: The file in UTF-8.
  /// - Returns: Its tokens in order.
  static func tokens(of bytes: [UInt8]) -> [Token] {
    var lexer = Lexer(bytes: bytes)
    if bytes.starts(with: Array("#!".utf8)) { lexer.skipLine() }
    lexer.lexCode(untilParenthesis: false)
    return lexer.tokens
  }

  private init(bytes: [UInt8]) { self.bytes = bytes }

  /// Reads code to the end of the file, or to the parenthesis that ends an interpolation.
  private mutating func lexCode(untilParenthesis: Bool) {
    var depth = 0
    while index < bytes.count {
      let byte = bytes[index]
      switch byte {
      case Byte.newline: newline()
      case Byte.space, Byte.tab, Byte.return: index += 1
      case Byte.slash where peek(1) == Byte.slash: lexLineComment()
      case Byte.slash where peek(1) == Byte.star: lexBlockComment()
      case Byte.slash where beginsRegularExpression: lexRegularExpression(hashes: 0)
      case Byte.quote: lexString(hashes: 0)
      case Byte.hash: lexHash()
      case Byte.backtick: lexQuotedWord()
      case _ where byte.beginsWord: append(.word, length: run { $0.continuesWord })
      case _ where byte.isDigit: lexNumber()
      default:
        append(.mark, length: 1)
        guard untilParenthesis else { continue }
        if byte == Byte.open { depth += 1 }
        if byte == Byte.close { depth -= 1 }
        if depth == 0 { return }
      }
    }
  }
}

// MARK: - The parts

extension Lexer {
  private mutating func lexLineComment() {
    append(.comment, length: run { $0 != Byte.newline })
  }

  private mutating func lexBlockComment() {
    let begin = index
    let place = begins()
    var depth = 0
    repeat {
      if bytes[index] == Byte.slash, peek(1) == Byte.star {
        depth += 1
        index += 2
      } else if bytes[index] == Byte.star, peek(1) == Byte.slash {
        depth -= 1
        index += 2
      } else if bytes[index] == Byte.newline {
        newline()
      } else {
        index += 1
      }
    } while depth > 0 && index < bytes.count
    append(.comment, from: begin, to: index, at: place)
    lineIsBlank = false
  }

  /// A raw string, an extended regular expression, or a directive such as `#if`.
  private mutating func lexHash() {
    let hashes = run { $0 == Byte.hash }
    switch peek(hashes) {
    case Byte.quote: lexString(hashes: hashes)
    case Byte.slash: lexRegularExpression(hashes: hashes)
    case let next where hashes == 1 && next.beginsWord:
      append(.word, length: 1 + run(from: index + 1) { $0.continuesWord })
    default: append(.mark, length: 1)
    }
  }

  private mutating func lexQuotedWord() {
    let length = run(from: index + 1) { $0 != Byte.backtick && $0 != Byte.newline }
    append(.quotedWord, from: index + 1, to: index + 1 + length, at: begins())
    index += length + 2
  }

  private mutating func lexNumber() {
    var end = index
    while end < bytes.count, bytes[end].continuesWord || isDecimalPoint(at: end) { end += 1 }
    append(.number, length: end - index)
  }

  private func isDecimalPoint(at place: Int) -> Bool {
    bytes[place] == Byte.point && place + 1 < bytes.count && bytes[place + 1].isDigit
  }

  /// A string with so many `#` around it; the reader stands on the first of them or on the quote.
  private mutating func lexString(hashes: Int) {
    let place = begins()
    index += hashes
    let isMultiline = peek(1) == Byte.quote && peek(2) == Byte.quote
    let quotes = isMultiline ? 3 : 1
    index += quotes
    let number = tokens.count
    let begin = index
    append(.literal, from: begin, to: begin, at: place)
    while index < bytes.count {
      let byte = bytes[index]
      if byte == Byte.quote, closes(quotes: quotes, hashes: hashes) {
        break
      } else if byte == Byte.backslash, hasHashes(hashes, from: index + 1) {
        index += 1 + hashes
        if peek(0) == Byte.open { lexCode(untilParenthesis: true) } else { step() }
      } else if byte == Byte.newline, !isMultiline {
        break
      } else {
        step()
      }
    }
    finish(token: number, from: begin, to: index)
    index += quotes + hashes
  }

  private mutating func lexRegularExpression(hashes: Int) {
    let place = begins()
    index += hashes + 1
    let number = tokens.count
    let begin = index
    append(.literal, from: begin, to: begin, at: place)
    while index < bytes.count {
      if bytes[index] == Byte.slash, hasHashes(hashes, from: index + 1) { break }
      if bytes[index] == Byte.newline, hashes == 0 { break }
      if bytes[index] == Byte.backslash { index += 1 }
      step()
    }
    finish(token: number, from: begin, to: index)
    index += 1 + hashes
  }

  /// Whether the slash here begins a regular expression rather than dividing.
  private var beginsRegularExpression: Bool {
    guard peek(1) != Byte.space, peek(1) != Byte.newline, peek(1) != Byte.close else {
      return false
    }
    if let last = tokens.last {
      let opening: Set<String> = ["(", ",", "=", ":", "[", "{", "return", "in", "case"]
      guard last.kind == .mark || last.kind == .word, opening.contains(last.text) else {
        return false
      }
    }
    let rest = run(from: index + 1) { $0 != Byte.slash && $0 != Byte.newline }
    return peek(1 + rest) == Byte.slash
  }

  private func closes(quotes: Int, hashes: Int) -> Bool {
    if quotes == 3, !(peek(1) == Byte.quote && peek(2) == Byte.quote) { return false }
    return hasHashes(hashes, from: index + quotes)
  }

  private func hasHashes(_ count: Int, from place: Int) -> Bool {
    for offset in 0..<count
    where place + offset >= bytes.count || bytes[place + offset] != Byte.hash {
      return false
    }
    return true
  }
}

// MARK: - Moving on

extension Lexer {
  private struct Place {
    let line: Int
    let offset: Int
    let isFirst: Bool
  }

  /// The byte so far ahead, or 0 past the end.
  private func peek(_ distance: Int) -> UInt8 {
    index + distance < bytes.count ? bytes[index + distance] : 0
  }

  /// How many bytes in a row, from a place or from here, fulfil a condition.
  private func run(from place: Int? = nil, while condition: (UInt8) -> Bool) -> Int {
    let begin = place ?? index
    var end = begin
    while end < bytes.count, condition(bytes[end]) { end += 1 }
    return end - begin
  }

  private mutating func newline() {
    index += 1
    line += 1
    lineIsBlank = true
  }

  private mutating func step() {
    guard index < bytes.count else { return }
    if bytes[index] == Byte.newline { newline() } else { index += 1 }
  }

  private mutating func skipLine() { index += run { $0 != Byte.newline } }

  private mutating func begins() -> Place {
    defer { lineIsBlank = false }
    return Place(line: line, offset: index, isFirst: lineIsBlank)
  }

  private mutating func append(_ kind: Token.Kind, length: Int) {
    append(kind, from: index, to: index + length, at: begins())
    index += length
  }

  private mutating func append(_ kind: Token.Kind, from: Int, to: Int, at place: Place) {
    tokens.append(
      Token(
        kind: kind, text: String(decoding: bytes[from..<to], as: UTF8.self), line: place.line,
        lastLine: line, offset: place.offset, isFirstOnLine: place.isFirst))
  }

  /// Gives a literal its text and its end, which were not known when it began.
  private mutating func finish(token number: Int, from begin: Int, to end: Int) {
    let begun = tokens[number]
    tokens[number] = Token(
      kind: begun.kind, text: String(decoding: bytes[begin..<end], as: UTF8.self),
      line: begun.line, lastLine: line, offset: begun.offset, isFirstOnLine: begun.isFirstOnLine)
    lineIsBlank = false
  }
}

/// The characters that the lexer decides by.
enum Byte {
  static let newline = UInt8(ascii: "\n")
  static let `return` = UInt8(ascii: "\r")
  static let space = UInt8(ascii: " ")
  static let tab = UInt8(ascii: "\t")
  static let slash = UInt8(ascii: "/")
  static let backslash = UInt8(ascii: "\\")
  static let star = UInt8(ascii: "*")
  static let quote = UInt8(ascii: "\"")
  static let backtick = UInt8(ascii: "`")
  static let hash = UInt8(ascii: "#")
  static let open = UInt8(ascii: "(")
  static let close = UInt8(ascii: ")")
  static let point = UInt8(ascii: ".")
}

extension UInt8 {
  var isDigit: Bool { self >= 0x30 && self <= 0x39 }

  /// ASCII letters, `_`, `$`, and every byte of a character outside ASCII.
  var beginsWord: Bool {
    (self >= 0x61 && self <= 0x7A) || (self >= 0x41 && self <= 0x5A) || self == 0x5F
      || self == 0x24 || self >= 0x80
  }

  var continuesWord: Bool { beginsWord || isDigit }
}
