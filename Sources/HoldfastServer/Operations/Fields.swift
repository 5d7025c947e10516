import HoldfastCore

/// The fields of a body or of an operation, each taken once; what is left over is refused.
struct Fields {
  private(set) var object: Object

  init(_ object: Object) { self.object = object }

  /// Refuses fields that nobody took.
  ///
  /// - Throws: `invalid` with the name of the first.
  func finish() throws(StoreError) {
    guard let first = object.first else { return }
    throw Self.failure(
      String(first.name.prefix(64)), "unknown", "There is no such field here.",
      hint: "Leave it out, or look up how it is called.")
  }

  /// Takes any value, null included.
  ///
  /// - Parameter name: The field's name.
  /// - Returns: The value.
  /// - Throws: `invalid` where it is left out.
  mutating func value(_ name: String) throws(StoreError) -> Value {
    guard let value = object[name] else { throw Self.missing(name) }
    object[name] = nil
    return value
  }

  /// Takes a value; null stands for a field that is left out.
  ///
  /// - Parameter name: The field's name.
  /// - Returns: The value; `nil` where it is left out.
  mutating func optional(_ name: String) -> Value? {
    guard let value = object[name] else { return nil }
    object[name] = nil
    return value.isNull ? Value?.none : value
  }

  /// Takes a text.
  ///
  /// - Parameter name: The field's name.
  /// - Returns: The text.
  /// - Throws: `invalid` for anything else.
  mutating func text(_ name: String) throws(StoreError) -> String {
    guard let text = try optionalText(name) else { throw Self.missing(name) }
    return text
  }

  /// Takes a text that may be left out.
  ///
  /// - Parameter name: The field's name.
  /// - Returns: The text; `nil` where it is left out.
  /// - Throws: `invalid` for anything else.
  mutating func optionalText(_ name: String) throws(StoreError) -> String? {
    guard let value = optional(name) else { return nil }
    guard let text = value.stringValue else { throw Self.type(name, "a string") }
    return text
  }

  /// Takes one of several words.
  ///
  /// - Parameter name: The field's name.
  /// - Returns: What the word stands for.
  /// - Throws: `invalid` where it is left out, and for any other word.
  mutating func word<Word: RawRepresentable & CaseIterable>(
    _ name: String
  ) throws(StoreError) -> Word where Word.RawValue == String {
    let text = try text(name)
    guard let word = Word(rawValue: text) else {
      let words = Word.allCases.map(\.rawValue).joined(separator: ", ")
      throw Self.failure(
        name, "type", "The field \(name) is one of a few words.", hint: "Send one of: \(words).")
    }
    return word
  }

  /// Takes one of several words that may be left out.
  ///
  /// - Parameter name: The field's name.
  /// - Returns: What the word stands for; `nil` where it is left out.
  /// - Throws: `invalid` for any other word.
  mutating func optionalWord<Word: RawRepresentable & CaseIterable>(
    _ name: String
  ) throws(StoreError) -> Word? where Word.RawValue == String {
    guard let value = object[name], !value.isNull else {
      _ = optional(name)
      return nil
    }
    return try word(name)
  }

  /// Takes a whole number that may be left out.
  ///
  /// - Parameter name: The field's name.
  /// - Returns: The number; `nil` where it is left out.
  /// - Throws: `invalid` for anything else.
  mutating func optionalInteger(_ name: String) throws(StoreError) -> Int64? {
    guard let value = optional(name) else { return nil }
    guard let number = value.integerValue else { throw Self.type(name, "a whole number") }
    return number
  }

  /// Takes a truth value that may be left out.
  ///
  /// - Parameter name: The field's name.
  /// - Returns: The truth value; `nil` where it is left out.
  /// - Throws: `invalid` for anything else.
  mutating func optionalFlag(_ name: String) throws(StoreError) -> Bool? {
    guard let value = optional(name) else { return nil }
    guard let flag = value.boolValue else { throw Self.type(name, "true or false") }
    return flag
  }

  /// Takes a duration that may be left out.
  ///
  /// - Parameter name: The field's name.
  /// - Returns: The duration; `nil` where it is left out.
  /// - Throws: `invalid` for anything else.
  mutating func optionalDuration(_ name: String) throws(StoreError) -> Duration? {
    guard let text = try optionalText(name) else { return nil }
    return try Self.naming(name) { () throws(StoreError) in try DurationText.parse(text) }
  }

  /// Takes a time that may be left out.
  ///
  /// - Parameter name: The field's name.
  /// - Returns: The time; `nil` where it is left out.
  /// - Throws: `invalid` for anything else.
  mutating func optionalTime(_ name: String) throws(StoreError) -> Instant? {
    guard let text = try optionalText(name) else { return nil }
    return try Self.naming(name) { () throws(StoreError) in try Instant(rfc3339: text) }
  }

  /// Whether a field is there, null included.
  ///
  /// - Parameter name: The field's name.
  /// - Returns: Whether it is.
  func has(_ name: String) -> Bool { object[name] != nil }

  /// Takes a namespace.
  ///
  /// - Parameter name: The field's name.
  /// - Returns: The namespace.
  /// - Throws: `invalid` for anything else.
  mutating func namespace(_ name: String = "namespace") throws(StoreError) -> Namespace {
    let text = try text(name)
    return try Self.naming(name) { () throws(StoreError) in try Namespace(text) }
  }

  /// Takes a namespace that may be left out.
  ///
  /// - Parameter name: The field's name.
  /// - Returns: The namespace; `nil` where it is left out.
  /// - Throws: `invalid` for anything else.
  mutating func optionalNamespace(
    _ name: String = "namespace"
  ) throws(StoreError) -> Namespace? {
    guard let text = try optionalText(name) else { return nil }
    return try Self.naming(name) { () throws(StoreError) in try Namespace(text) }
  }

  /// Takes an object that may be left out.
  ///
  /// - Parameter name: The field's name.
  /// - Returns: The object as a value; `nil` where it is left out.
  /// - Throws: `invalid` for anything else.
  mutating func optionalObject(_ name: String) throws(StoreError) -> Value? {
    guard let value = optional(name) else { return nil }
    guard value.objectValue != nil else { throw Self.type(name, "an object") }
    return value
  }

  /// Takes a list.
  ///
  /// - Parameter name: The field's name.
  /// - Returns: The items.
  /// - Throws: `invalid` for anything else.
  mutating func items(_ name: String) throws(StoreError) -> [Value] {
    guard let value = optional(name) else { throw Self.missing(name) }
    guard let items = value.arrayValue else { throw Self.type(name, "a list") }
    return items
  }

  /// Takes a list of texts that may be left out.
  ///
  /// - Parameter name: The field's name.
  /// - Returns: The texts; `nil` where it is left out.
  /// - Throws: `invalid` for anything else.
  mutating func optionalTexts(_ name: String) throws(StoreError) -> [String]? {
    guard let value = optional(name) else { return nil }
    guard let items = value.arrayValue else { throw Self.type(name, "a list of strings") }
    var texts: [String] = []
    texts.reserveCapacity(items.count)
    for item in items {
      guard let text = item.stringValue else { throw Self.type(name, "a list of strings") }
      texts.append(text)
    }
    return texts
  }

  /// Takes a list of texts.
  ///
  /// - Parameter name: The field's name.
  /// - Returns: The texts.
  /// - Throws: `invalid` for anything else.
  mutating func texts(_ name: String) throws(StoreError) -> [String] {
    guard let texts = try optionalTexts(name) else { throw Self.missing(name) }
    return texts
  }
}

extension Fields {
  /// The fields of an item in a list.
  ///
  /// - Parameters:
  ///   - value: The item.
  ///   - name: The name of the list.
  /// - Returns: Its fields.
  /// - Throws: `invalid` where it is no object.
  static func of(_ value: Value, in name: String) throws(StoreError) -> Fields {
    guard let object = value.objectValue else { throw type(name, "a list of objects") }
    return Fields(object)
  }

  /// Runs what reads a field: an error from there gets the field's name.
  static func naming<Result>(
    _ name: String, _ body: () throws(StoreError) -> Result
  ) throws(StoreError) -> Result {
    do throws(StoreError) {
      return try body()
    } catch {
      throw error.adding("field", .string(name))
    }
  }

  /// The error for a field that is needed and not there.
  static func missing(_ name: String) -> StoreError {
    failure(name, "missing", "The field \(name) is missing.", hint: "Send the field \(name).")
  }

  /// The error for a field of another type.
  static func type(_ name: String, _ what: String) -> StoreError {
    failure(name, "type", "The field \(name) is \(what).", hint: "Send \(what) as \(name).")
  }

  /// An error that names a field.
  static func failure(
    _ name: String, _ reason: String, _ message: String, hint: String
  ) -> StoreError {
    StoreError(
      .invalid, message, hint: hint,
      details: ["field": .string(name), "reason": .string(reason)])
  }
}
