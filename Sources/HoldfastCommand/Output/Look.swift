import HoldfastCore

/// How an answer looks to a person.
struct Look: Sendable {
  /// Turns the value that HTTP gave into what is printed.
  let bytes: @Sendable (Value, Terminal) -> [UInt8]

  /// Makes a look.
  ///
  /// - Parameter text: What is printed of a value.
  init(_ text: @escaping @Sendable (Value, Terminal) -> String) {
    self.init(bytes: { value, terminal in Array(text(value, terminal).utf8) })
  }

  /// Makes a look that need not be text.
  ///
  /// - Parameter bytes: What is printed of a value.
  init(bytes: @escaping @Sendable (Value, Terminal) -> [UInt8]) { self.bytes = bytes }

  /// One thing: a line a field.
  static let details = Look { value, terminal in Record.details(value, for: terminal) }

  /// Nothing at all.
  static let nothing = Look { _, _ in "" }

  /// One thing as a row; nothing where there is nothing to show of it.
  ///
  /// - Parameter fields: Its fields that are shown, in order.
  /// - Returns: The look.
  static func row(_ fields: [String]) -> Look {
    Look { value, terminal in
      let isEmpty = fields.allSatisfy { (value[$0] ?? .null).isNull }
      return isEmpty ? "" : Record.list([value], fields: fields, for: terminal)
    }
  }

  /// The items of a page: a row each.
  ///
  /// - Parameter fields: The fields of an item that are shown, in order.
  /// - Returns: The look.
  static func rows(_ fields: [String]) -> Look {
    Look { page, terminal in
      Record.list(page["items"]?.arrayValue ?? [], fields: fields, for: terminal)
    }
  }

  /// A field that is a whole number, by itself on a line.
  ///
  /// - Parameter field: The field.
  /// - Returns: The look.
  static func number(_ field: String) -> Look {
    Look { value, _ in "\(value[field]?.integerValue ?? 0)\n" }
  }

  /// A field that is a text, by itself on a line.
  ///
  /// - Parameter field: The field.
  /// - Returns: The look.
  static func line(_ field: String) -> Look {
    Look { value, _ in (value[field]?.stringValue ?? "") + "\n" }
  }

  /// The value of an entry as JSON; on several lines for a person.
  static let value = Look { entry, terminal in
    let value = entry["value"] ?? .null
    return (terminal.isTerminal ? Printable.json(value.jsonPretty) : value.json) + "\n"
  }

  /// The value of an entry as it is where it is a text or bytes, else as JSON.
  static let rawValue = Look(bytes: { entry, _ in
    switch entry["value"] ?? .null {
    case .string(let text): Array(text.utf8)
    case .bytes(let bytes): Array(bytes)
    case let value: value.jsonBytes
    }
  })
}
