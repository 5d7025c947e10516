import HoldfastCore

/// Values on their way into the database.
enum ValueText {
  /// The JSON text of a value that keeps the limits.
  ///
  /// - Throws: `too_large` for a text, a string or bytes over the limit, `invalid` for a value that
  ///   is nested too deeply.
  static func encode(_ value: Value, _ limits: Limits) throws(StoreError) -> String {
    try check(value, limits, depth: 0)
    let text = value.json
    guard text.utf8.count <= limits.valueBytesMax else {
      throw tooLarge("A value", limits.valueBytesMax)
    }
    return text
  }

  /// The value of a stored text.
  ///
  /// - Throws: `corrupt` for a text that Holdfast did not write.
  static func decode(_ text: String) throws(StoreError) -> Value {
    do {
      return try Value(json: text, limits: stored)
    } catch {
      throw corrupt(error)
    }
  }

  /// The value of a stored text, from its bytes.
  ///
  /// - Throws: `corrupt` for a text that Holdfast did not write.
  static func decode(_ bytes: UnsafeBufferPointer<UInt8>) throws(StoreError) -> Value {
    do {
      return try Value(json: bytes, limits: stored)
    } catch {
      throw corrupt(error)
    }
  }

  private static func corrupt(_ cause: StoreError) -> StoreError {
    StoreError(
      .corrupt, "A stored value is not the JSON that Holdfast writes.",
      hint: "Mend the row, or restore a backup.", cause: cause)
  }

  /// What is stored kept the limits of its time, which may have been wider than today's.
  private static let stored: Limits = {
    var limits = Limits()
    limits.stringBytesMax = .max
    limits.valueBytesMax = .max
    limits.nestingMax = 1_024
    return limits
  }()

  private static func check(_ value: Value, _ limits: Limits, depth: Int) throws(StoreError) {
    switch value {
    case .null, .bool, .integer, .double: return
    case .string(let text): try checkString(text.utf8.count, limits)
    case .bytes(let bytes): try checkString(bytes.count, limits)
    case .array(let items):
      try checkDepth(depth + 1, limits)
      for item in items { try check(item, limits, depth: depth + 1) }
    case .object(let object):
      try checkDepth(depth + 1, limits)
      for member in object {
        try checkString(member.name.utf8.count, limits)
        try check(member.value, limits, depth: depth + 1)
      }
    }
  }

  private static func checkString(_ count: Int, _ limits: Limits) throws(StoreError) {
    guard count <= limits.stringBytesMax else {
      throw tooLarge("A string", limits.stringBytesMax)
    }
  }

  private static func checkDepth(_ depth: Int, _ limits: Limits) throws(StoreError) {
    guard depth <= limits.nestingMax else {
      throw StoreError(
        .invalid, "The value is nested more than \(limits.nestingMax) deep.",
        hint: "Send a flatter value.",
        details: [
          "reason": "too_deep", "nesting_max": .integer(Int64(limits.nestingMax)),
        ])
    }
  }

  private static func tooLarge(_ what: String, _ bytesMax: Int) -> StoreError {
    StoreError(
      .tooLarge, "\(what) is longer than \(bytesMax) bytes.",
      hint: "Split it, or keep it as a file.",
      details: ["bytes_max": .integer(Int64(bytesMax))])
  }
}
