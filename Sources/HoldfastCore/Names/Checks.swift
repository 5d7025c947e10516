/// The checks of what callers give beside values and keys; each refuses with `invalid` and says in
/// the details why (`reason`), never what was given.
package enum Checks {
  /// Why something was refused; the raw value is the `reason` in the error's details.
  package enum Reason: String, CaseIterable, Sendable {
    case empty
    case tooLong = "too_long"
    case nul
    case reserved
    case dots
    case slash
    case place
    case outOfRange = "out_of_range"
    case syntax
  }

  /// Checks a word that a caller chose to name something: a slug, a tag, a queue.
  ///
  /// `.` and `..` are refused because libraries for URLs drop them from a path, encoded or not.
  ///
  /// - Parameters:
  ///   - id: The identifier.
  ///   - what: What it is, for the message: `run id`.
  ///   - limits: The store's limits.
  /// - Throws: ``StoreError`` with `invalid`.
  package static func id(
    _ id: String, _ what: StaticString, _ limits: Limits
  ) throws(StoreError) {
    try name(id, what, bytesMax: limits.idBytesMax)
    guard id != ".", id != ".." else {
      throw failure(
        .dots, "\(some(what)) cannot be . or .., which URLs do not carry.",
        hint: "Choose another one.")
    }
  }

  /// Checks a run's identifier, which must leave room for `run:` in a namespace.
  ///
  /// - Parameters:
  ///   - id: The identifier.
  ///   - limits: The store's limits.
  /// - Throws: ``StoreError`` with `invalid`.
  package static func runID(_ id: String, _ limits: Limits) throws(StoreError) {
    try self.id(id, "run id", limits)
    try Namespace.run(id).check(limits)
  }

  /// Checks a bot's identifier, which must leave room for `bot:` in a namespace.
  ///
  /// - Parameters:
  ///   - id: The identifier.
  ///   - limits: The store's limits.
  /// - Throws: ``StoreError`` with `invalid`.
  package static func botID(_ id: String, _ limits: Limits) throws(StoreError) {
    try self.id(id, "bot id", limits)
    try Namespace.bot(id).check(limits)
  }

  /// Checks an idempotency key.
  ///
  /// - Parameters:
  ///   - key: The key: 1 to 256 bytes, no NUL.
  ///   - limits: The store's limits.
  /// - Throws: ``StoreError`` with `invalid`.
  package static func idempotencyKey(_ key: String, _ limits: Limits) throws(StoreError) {
    try name(key, "idempotency key", bytesMax: limits.idBytesMax)
  }

  /// Checks a description, which may be empty.
  ///
  /// - Parameters:
  ///   - description: The text.
  ///   - limits: The store's limits.
  /// - Throws: ``StoreError``: `too_large` past the limit, `invalid` for NUL.
  package static func description(_ description: String, _ limits: Limits) throws(StoreError) {
    try text(description, "description", bytesMax: limits.descriptionBytesMax)
  }

  /// Checks a text that may be empty, such as a reason or an error's message.
  ///
  /// - Parameters:
  ///   - text: The text.
  ///   - what: What it is, for the message; with `_` for a blank it is the field's name.
  ///   - bytesMax: How long it may be, in bytes.
  /// - Throws: ``StoreError``: `too_large` past the limit, `invalid` for NUL.
  package static func text(
    _ text: String, _ what: StaticString, bytesMax: Int
  ) throws(StoreError) {
    guard text.utf8.count <= bytesMax else {
      throw Excess.refusal(
        "\(some(what)) is at most \(bytesMax) bytes long.",
        details: ["field": field(what), "reason": "too_long", "limit": .integer(Int64(bytesMax))])
    }
    do throws(StoreError) {
      try noNUL(text, what)
    } catch {
      throw error.adding("field", field(what))
    }
  }

  /// The beginning of a text that is kept where the whole is too long; a character stays whole.
  ///
  /// - Parameters:
  ///   - text: The text.
  ///   - bytesMax: How long it may be, in bytes.
  /// - Returns: The text, or as many of its first characters as fit.
  package static func cut(_ text: String, bytesMax: Int) -> String {
    guard text.utf8.count > bytesMax else { return text }
    var end = text.startIndex
    var bytes = 0
    for (place, character) in zip(text.indices, text) {
      bytes += character.utf8.count
      guard bytes <= bytesMax else { break }
      end = text.index(after: place)
    }
    return String(text[..<end])
  }

  /// Checks a time to live.
  ///
  /// - Parameters:
  ///   - lifetime: How long something shall live.
  ///   - limits: The store's limits.
  /// - Throws: ``StoreError`` with `invalid`.
  package static func lifetime(_ lifetime: Duration, _ limits: Limits) throws(StoreError) {
    guard lifetime >= limits.lifetimeMin, lifetime <= limits.lifetimeMax else {
      let least = DurationText.format(limits.lifetimeMin)
      let most = DurationText.format(limits.lifetimeMax)
      throw failure(
        .outOfRange, "A time to live is from \(least) to \(most).",
        hint: "Give a time to live in that range, or none.")
    }
  }

  /// Checks how many items a page shall hold.
  ///
  /// - Parameters:
  ///   - limit: The number.
  ///   - limits: The store's limits.
  /// - Throws: ``StoreError`` with `invalid`.
  package static func pageLimit(_ limit: Int, _ limits: Limits) throws(StoreError) {
    guard limit >= 1, limit <= limits.pageItemsMax else {
      throw failure(
        .outOfRange, "A page holds from 1 to \(limits.pageItemsMax) items.",
        hint: "Ask for so many, and go on from the page's end."
      ).adding("field", "limit")
    }
  }
}

extension Checks {
  /// Checks a name: not empty, not too long, no NUL.
  static func name(_ name: String, _ what: StaticString, bytesMax: Int) throws(StoreError) {
    guard !name.isEmpty else {
      throw failure(.empty, "\(some(what)) cannot be empty.", hint: "Give at least one character.")
    }
    guard name.utf8.count <= bytesMax else {
      throw failure(
        .tooLong, "\(some(what)) is at most \(bytesMax) bytes long.", hint: "Choose a shorter one."
      ).adding("limit", .integer(Int64(bytesMax)))
    }
    try noNUL(name, what)
  }

  /// The word with its article; the words in use that begin with a `u` are spoken like "you".
  private static func some(_ what: StaticString) -> String {
    let word = "\(what)"
    return (word.first.map("aeio".contains) ?? false ? "An " : "A ") + word
  }

  /// The name of the field that a text stands in.
  private static func field(_ what: StaticString) -> Value {
    .string("\(what)".replacing(" ", with: "_"))
  }

  private static func noNUL(_ text: String, _ what: StaticString) throws(StoreError) {
    guard !text.utf8.contains(0) else {
      throw failure(
        .nul, "\(some(what)) cannot hold the character NUL.", hint: "Leave the character NUL out.")
    }
  }

  static func failure(_ reason: Reason, _ message: String, hint: String) -> StoreError {
    StoreError(.invalid, message, hint: hint, details: ["reason": .string(reason.rawValue)])
  }
}
