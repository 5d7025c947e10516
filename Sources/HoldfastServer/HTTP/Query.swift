import HoldfastCore

/// The parameters of a request's query; each stands once, and what nobody asked for is refused.
struct Query {
  private var values: [(name: String, value: String)] = []

  /// More parameters than any route has: each is compared with those before it.
  private static let countMax = 64

  /// Reads a query.
  ///
  /// - Parameter text: What stands after the question mark.
  /// - Throws: 400 for a parameter that stands twice, for more of them than any route has, and for
  ///   what cannot be decoded.
  init(_ text: Substring) throws(Refusal) {
    for part in text.split(separator: "&") {
      guard values.count < Self.countMax else {
        throw Refusal.malformed(
          "The query has more than \(Self.countMax) parameters.", hint: "Send fewer.")
      }
      let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let name = try PercentText.decode(pair[0], plusIsSpace: true)
      let value = try PercentText.decode(pair.count > 1 ? pair[1] : "", plusIsSpace: true)
      guard !values.contains(where: { $0.name == name }) else {
        throw Refusal.parameter(
          name, "A query parameter stands twice.", hint: "Send each parameter once.")
      }
      values.append((name, value))
    }
  }

  /// Refuses parameters that the route does not have; called when all others were taken.
  ///
  /// - Throws: 400 with the name of the first.
  func finish() throws(Refusal) {
    guard let first = values.first else { return }
    throw Refusal.parameter(
      String(first.name.prefix(64)), "This route has no such query parameter.",
      hint: "Leave it out, or look up how it is called.")
  }

  /// Takes a text.
  ///
  /// - Parameter name: The parameter's name.
  /// - Returns: Its value; `nil` where it is left out.
  mutating func text(_ name: String) -> String? {
    guard let place = values.firstIndex(where: { $0.name == name }) else { return nil }
    return values.remove(at: place).value
  }

  /// Takes a truth value: `true` or `false`, and the name alone for true.
  ///
  /// - Parameter name: The parameter's name.
  /// - Returns: Its value; false where it is left out.
  /// - Throws: 400 for anything else.
  mutating func flag(_ name: String) throws(Refusal) -> Bool {
    switch text(name) {
    case nil, "false", "0": return false
    case "true", "1", "": return true
    default:
      throw Refusal.parameter(
        name, "The query parameter \(name) is true or false.", hint: "Send \(name)=true.")
    }
  }

  /// Takes a whole number.
  ///
  /// - Parameter name: The parameter's name.
  /// - Returns: Its value; `nil` where it is left out.
  /// - Throws: 400 for anything else.
  mutating func number(_ name: String) throws(Refusal) -> Int? {
    guard let text = text(name) else { return nil }
    guard let number = Int(text), !text.hasPrefix("+") else {
      throw Refusal.parameter(
        name, "The query parameter \(name) is a whole number.", hint: "Send it in digits.")
    }
    return number
  }

  /// Takes one of several words.
  ///
  /// - Parameter name: The parameter's name.
  /// - Returns: What the word stands for; `nil` where it is left out.
  /// - Throws: 400 for any other word.
  mutating func word<Word: RawRepresentable & CaseIterable>(
    _ name: String
  ) throws(Refusal) -> Word? where Word.RawValue == String {
    guard let text = text(name) else { return nil }
    guard let word = Word(rawValue: text) else {
      let words = Word.allCases.map(\.rawValue).joined(separator: ", ")
      throw Refusal.parameter(
        name, "The query parameter \(name) is one of a few words.", hint: "Send one of: \(words).")
    }
    return word
  }

  /// Takes a time.
  ///
  /// - Parameter name: The parameter's name.
  /// - Returns: Its value; `nil` where it is left out.
  /// - Throws: 400 for what is no time.
  mutating func instant(_ name: String) throws(Refusal) -> Instant? {
    guard let text = text(name) else { return nil }
    return try Refusal.asMalformed { () throws(StoreError) in try Instant(rfc3339: text) }
  }

  /// Takes how long to wait, which may be zero.
  ///
  /// - Parameter name: The parameter's name.
  /// - Returns: Its value; `nil` where it is left out.
  /// - Throws: 400 for what is no duration.
  mutating func wait(_ name: String) throws(Refusal) -> Duration? {
    guard let text = text(name) else { return nil }
    return try Refusal.asMalformed { () throws(StoreError) in
      try DurationText.parse(text, allowingZero: true)
    }
  }

  /// Takes a namespace.
  ///
  /// - Parameter name: The parameter's name.
  /// - Returns: Its value; `nil` where it is left out.
  /// - Throws: 400 for what is no namespace.
  mutating func namespace(_ name: String) throws(Refusal) -> Namespace? {
    guard let text = text(name) else { return nil }
    return try Refusal.asMalformed { () throws(StoreError) in try Namespace(text) }
  }
}
