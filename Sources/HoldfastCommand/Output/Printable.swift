/// Text that can be shown to a person: nothing in it moves a cursor, colours a screen or turns
/// the direction of writing.
enum Printable {
  /// Escapes what a terminal would act on, in a way that can be undone: `\n`, `\t`, `\\`, `\u{1B}`.
  ///
  /// - Parameter text: Any text, such as a key.
  /// - Returns: One line of it.
  static func escaped(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: { $0 == "\\" || isUnsafe($0) }) else { return text }
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      case "\\": result += "\\\\"
      default:
        guard isUnsafe(scalar) else {
          result.unicodeScalars.append(scalar)
          continue
        }
        result += "\\u{\(String(scalar.value, radix: 16, uppercase: true))}"
      }
    }
    return result
  }

  /// Escapes the same in a sentence, where a backslash is nothing special.
  ///
  /// - Parameter text: A sentence, such as an error's message.
  /// - Returns: One line of it.
  static func sentence(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: isUnsafe) else { return text }
    return text.unicodeScalars.map { isUnsafe($0) ? escaped(String($0)) : String($0) }.joined()
  }

  /// A text as a word of a shell's.
  ///
  /// - Parameter text: Any text, such as a cursor or a path.
  /// - Returns: The text in quotes.
  static func word(_ text: String) -> String {
    "'" + sentence(text).replacing("'", with: #"'\''"#) + "'"
  }

  /// Escapes the same inside JSON: JSON leaves only the first 32 characters out by itself.
  ///
  /// Outside of strings a JSON text holds nothing that would be escaped but line ends, which stay.
  ///
  /// - Parameter json: A JSON text.
  /// - Returns: A text of the same value.
  static func json(_ json: String) -> String {
    guard json.unicodeScalars.contains(where: { $0 != "\n" && isUnsafe($0) }) else { return json }
    var result = ""
    for scalar in json.unicodeScalars {
      guard scalar != "\n", isUnsafe(scalar) else {
        result.unicodeScalars.append(scalar)
        continue
      }
      for unit in String(scalar).utf16 {
        let digits = String(unit, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      }
    }
    return result
  }

  private static func isUnsafe(_ scalar: Unicode.Scalar) -> Bool {
    if scalar.isASCII { return scalar.value < 0x20 || scalar.value == 0x7F }
    switch scalar.properties.generalCategory {
    case .control, .lineSeparator, .paragraphSeparator: return true
    // The zero-width joiner holds emoji together; the other format characters turn the direction
    // of writing or hide.
    case .format: return scalar.value != 0x200D
    default: return false
    }
  }

  /// How many columns of a terminal a text takes.
  ///
  /// - Parameter text: One line of printable text.
  /// - Returns: The number of columns.
  static func width(_ text: String) -> Int { text.reduce(0) { $0 + width($1) } }

  /// Cuts a text so that it fits into some columns; an ellipsis marks the cut.
  ///
  /// - Parameters:
  ///   - text: One line of printable text.
  ///   - columns: How many columns there are, at least one.
  /// - Returns: The text, or its beginning.
  static func cut(_ text: String, to columns: Int) -> String {
    guard width(text) > columns else { return text }
    var result = ""
    var taken = 1
    for character in text {
      taken += width(character)
      guard taken <= columns else { break }
      result.append(character)
    }
    return result + "…"
  }

  private static func width(_ character: Character) -> Int {
    guard let scalar = character.unicodeScalars.first, !scalar.isASCII else { return 1 }
    if scalar.properties.isEmojiPresentation { return 2 }
    switch scalar.value {
    case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF,
      0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x20000...0x3FFFD:
      return 2
    default: return 1
    }
  }
}
