/// Reads one JSON text (RFC 8259) into a value, strictly and in one pass over its bytes.
///
/// Invariants: `place` never passes the end of the text; nothing is kept of a text that is refused;
/// the depth of the recursion is bounded by ``Limits/nestingMax``.
///
/// What is refused beyond bad syntax: broken UTF-8, half a surrogate pair, two members of one name,
/// and numbers that neither 64 bits nor a double can hold exactly (see `number()`).
package struct JSONParser {
  let text: UnsafeBufferPointer<UInt8>
  let stringBytesMax: Int
  let nestingMax: Int
  var place = 0
  /// Where a string with escapes is put together; kept to be used again.
  var unescaped: [UInt8] = []

  private init(_ text: UnsafeBufferPointer<UInt8>, _ limits: Limits) {
    self.text = text
    stringBytesMax = limits.stringBytesMax
    nestingMax = limits.nesting
  }

  /// Reads a text.
  ///
  /// - Parameters:
  ///   - text: The bytes of the text, which must stay as they are meanwhile.
  ///   - limits: How large and how deep it may be.
  /// - Returns: The value.
  /// - Throws: `JSONFailure` with the reason and the place.
  package static func parse(
    _ text: UnsafeBufferPointer<UInt8>, limits: Limits
  ) throws(JSONFailure) -> Value {
    guard text.count <= limits.valueBytesMax else {
      throw JSONFailure(reason: .textTooLarge, offset: limits.valueBytesMax)
    }
    if let string = plainString(text, limits) { return .string(string) }
    var parser = JSONParser(text, limits)
    parser.skipSpace()
    let value = try parser.value(depth: 0)
    parser.skipSpace()
    guard parser.place == text.count else { throw parser.failure(.trailing) }
    return value
  }

  func failure(_ reason: JSONFailure.Reason, at offset: Int? = nil) -> JSONFailure {
    JSONFailure(reason: reason, offset: offset ?? place)
  }
}

extension JSONParser {
  /// Reads a value that stands inside `depth` arrays and objects.
  private mutating func value(depth: Int) throws(JSONFailure) -> Value {
    switch try next() {
    case UInt8(ascii: "{"): return try object(depth: depth + 1)
    case UInt8(ascii: "["): return try array(depth: depth + 1)
    case UInt8(ascii: "\""): return .string(try string(bytesMax: stringBytesMax))
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    default: throw failure(.unexpected)
    }
  }

  private mutating func word(
    _ word: StaticString, _ value: Value
  ) throws(JSONFailure) -> Value {
    for offset in 0..<word.utf8CodeUnitCount {
      guard try next() == word.utf8Start[offset] else { throw failure(.unexpected) }
      place += 1
    }
    return value
  }

  private mutating func array(depth: Int) throws(JSONFailure) -> Value {
    guard depth <= nestingMax else { throw failure(.tooDeep) }
    place += 1
    skipSpace()
    var items: [Value] = []
    if take("]") { return .array(items) }
    while true {
      items.append(try value(depth: depth))
      skipSpace()
      if take("]") { return .array(items) }
      try expect(",")
      skipSpace()
    }
  }

  /// Reads an object, which `$bytes` and `$f64` may turn out to be a scalar.
  ///
  /// Such a scalar may stand one level deeper than an object, since it adds no depth to the value.
  private mutating func object(depth: Int) throws(JSONFailure) -> Value {
    let start = place
    place += 1
    skipSpace()
    var members = Object()
    if take("}") {
      guard depth <= nestingMax else { throw failure(.tooDeep, at: start) }
      return .object(members)
    }
    let (name, first) = try firstMember(depth: depth, start: start)
    _ = members.insert(name, first)
    skipSpace()
    if take("}") {
      guard let value = DollarForm.read(name, first) else { throw failure(.dollarForm, at: start) }
      if case .bytes(let bytes) = value, bytes.count > stringBytesMax {
        throw failure(.stringTooLarge, at: start)
      }
      return value
    }
    guard depth <= nestingMax else { throw failure(.tooDeep, at: start) }
    // Only as the text of bytes might the first string be longer than a string may be.
    if case .string(let text) = first, text.utf8.count > stringBytesMax {
      throw failure(.stringTooLarge, at: start)
    }
    try remainingMembers(into: &members, depth: depth)
    return .object(members)
  }

  private mutating func firstMember(
    depth: Int, start: Int
  ) throws(JSONFailure) -> (String, Value) {
    let name = try memberName()
    guard DollarForm.isScalar(name) else {
      guard depth <= nestingMax else { throw failure(.tooDeep, at: start) }
      return (name, try value(depth: depth))
    }
    guard try next() == UInt8(ascii: "\"") else {
      guard depth <= nestingMax else { throw failure(.dollarForm, at: start) }
      return (name, try value(depth: depth))
    }
    return (name, .string(try string(bytesMax: Base64.textLength(of: stringBytesMax))))
  }

  private mutating func remainingMembers(
    into members: inout Object, depth: Int
  ) throws(JSONFailure) {
    repeat {
      try expect(",")
      skipSpace()
      let start = place
      let name = try memberName()
      let value = try value(depth: depth)
      guard members.insert(name, value) else { throw failure(.duplicate, at: start) }
      skipSpace()
    } while !take("}")
  }

  /// Reads a name and the colon after it, up to the beginning of the value.
  private mutating func memberName() throws(JSONFailure) -> String {
    guard try next() == UInt8(ascii: "\"") else { throw failure(.unexpected) }
    let name = try string(bytesMax: stringBytesMax)
    skipSpace()
    try expect(":")
    skipSpace()
    return name
  }
}

extension JSONParser {
  mutating func skipSpace() {
    while place < text.count {
      switch text[place] {
      case 0x20, 0x0A, 0x0D, 0x09: place += 1
      default: return
      }
    }
  }

  /// The byte at the place, which must not be the end.
  func next() throws(JSONFailure) -> UInt8 {
    guard place < text.count else { throw failure(.truncated) }
    return text[place]
  }

  mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard place < text.count, text[place] == UInt8(ascii: character) else { return false }
    place += 1
    return true
  }

  private mutating func expect(_ character: Unicode.Scalar) throws(JSONFailure) {
    guard try next() == UInt8(ascii: character) else { throw failure(.unexpected) }
    place += 1
  }
}
