extension Value {
  /// Reads a JSON text (RFC 8259), strictly.
  ///
  /// Integers that 64 bits hold are ``integer(_:)`` (`-0` is 0), numbers with a point or an
  /// exponent are the nearest ``double(_:)``; an integer past 64 bits is kept as a double only if a
  /// double has exactly that value. `{"$bytes":"base64"}` and `{"$f64":"NaN"}` (`+Inf`, `-Inf`,
  /// `-0.0`) carry what JSON has no word for.
  ///
  /// ```swift
  /// let value = try Value(json: #"{"step": 1, "weight": 1.0}"#)
  /// ```
  ///
  /// - Parameters:
  ///   - json: The text.
  ///   - limits: How large and how deep it may be.
  /// - Throws: ``StoreError`` with ``StoreError/Code/invalid`` for a text that is not well
  ///   formed, or ``StoreError/Code/tooLarge``; the details name the `offset` in bytes and
  ///   the `reason`, and nothing of the text.
  public init(json: String, limits: Limits = Limits()) throws(StoreError) {
    var json = json
    let result = json.withUTF8 { Value.parse($0, limits) }
    self = try result.get()
  }

  /// Reads a JSON text from its bytes; see ``init(json:limits:)-(String,_)``.
  ///
  /// - Parameters:
  ///   - json: The bytes of the text, in UTF-8.
  ///   - limits: How large and how deep it may be.
  /// - Throws: ``StoreError`` as above; bytes that are not UTF-8 are `invalid`.
  public init(json: some Collection<UInt8>, limits: Limits = Limits()) throws(StoreError) {
    let result =
      json.withContiguousStorageIfAvailable { Value.parse($0, limits) }
      ?? Array(json).withUnsafeBufferPointer { Value.parse($0, limits) }
    self = try result.get()
  }

  private static func parse(
    _ text: UnsafeBufferPointer<UInt8>, _ limits: Limits
  ) -> Result<Value, StoreError> {
    do throws(JSONFailure) {
      return .success(try JSONParser.parse(text, limits: limits))
    } catch {
      return .failure(StoreError(error))
    }
  }
}

extension Value {
  /// The compact JSON text, from which the same value can be read.
  public var json: String { String(decoding: text(.compact), as: UTF8.self) }

  /// The JSON text over several lines, for people.
  public var jsonPretty: String { String(decoding: text(.pretty), as: UTF8.self) }

  /// The bytes of the compact JSON text.
  public var jsonBytes: [UInt8] { text(.compact) }

  /// The canonical form (RFC 8785), the same for equal values; digests are made of it.
  ///
  /// One addition: integers are written in full, and doubles always with a point or an exponent (as
  /// ECMAScript writes them, and `.0` where that gives neither), so that 1 and 1.0 differ and
  /// integers past 2^53 stay exact. Bytes and the doubles that JSON has no word for have their `$`
  /// forms.
  public var canonical: [UInt8] { text(.canonical) }

  private func text(_ form: JSONWriter.Form) -> [UInt8] {
    var writer = JSONWriter(form)
    writer.write(self)
    return writer.text
  }
}

extension Value {
  /// The compact JSON text of a value that keeps the limits, ready to be stored.
  ///
  /// - Parameter limits: How large and how deep the value may be.
  /// - Returns: The text.
  /// - Throws: ``StoreError``: `too_large` for a string, bytes or a text past its limit, `invalid`
  ///   for a value that nests too deeply; the details name the `reason` and the `limit`.
  package func json(within limits: Limits) throws(StoreError) -> String {
    var size = 0
    try check(limits, depth: 0, size: &size)
    let text = text(.compact)
    guard text.count <= limits.valueBytesMax else {
      throw Self.tooLarge("The value", .textTooLarge, limits.valueBytesMax)
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// Walks over the value before anything is written, adding up what the text takes at least.
  private func check(_ limits: Limits, depth: Int, size: inout Int) throws(StoreError) {
    switch self {
    case .null, .bool, .integer, .double: size += 1
    case .string(let string): try Self.add(string.utf8.count, limits, to: &size)
    case .bytes(let bytes): try Self.add(bytes.count, limits, to: &size)
    case .array(let items):
      try Self.check(depth: depth + 1, limits)
      for item in items { try item.check(limits, depth: depth + 1, size: &size) }
    case .object(let object):
      try Self.check(depth: depth + 1, limits)
      for member in object {
        try Self.add(member.name.utf8.count, limits, to: &size)
        try member.value.check(limits, depth: depth + 1, size: &size)
      }
    }
  }

  private static func add(
    _ count: Int, _ limits: Limits, to size: inout Int
  ) throws(StoreError) {
    guard count <= limits.stringBytesMax else {
      throw tooLarge("A string", .stringTooLarge, limits.stringBytesMax)
    }
    size += count
    guard size <= limits.valueBytesMax else {
      throw tooLarge("The value", .textTooLarge, limits.valueBytesMax)
    }
  }

  private static func check(depth: Int, _ limits: Limits) throws(StoreError) {
    guard depth > limits.nesting else { return }
    throw StoreError(
      .invalid, "The value nests arrays and objects more than \(limits.nesting) deep.",
      hint: JSONFailure.Reason.tooDeep.hint,
      details: [
        "reason": .string(JSONFailure.Reason.tooDeep.rawValue),
        "limit": .integer(Int64(limits.nesting)),
      ])
  }

  private static func tooLarge(
    _ what: String, _ reason: JSONFailure.Reason, _ limit: Int
  ) -> StoreError {
    Excess.refusal(
      "\(what) is larger than \(limit) bytes.", hint: reason.hint,
      details: ["reason": .string(reason.rawValue), "limit": .integer(Int64(limit))])
  }
}
