/// Writes values as JSON into a buffer.
///
/// The compact form and the canonical form (RFC 8785) differ in the order of members alone:
/// numbers, strings and the `$` forms are written in one way only. Digests, chains and idempotency
/// keys stand on the canonical form, so no text it gives may ever change.
struct JSONWriter {
  /// How members are ordered and set out.
  enum Form {
    /// In their own order, without white space.
    case compact
    /// In their own order, a line each.
    case pretty
    /// By name in the order of UTF-16 code units, without white space.
    case canonical
  }

  private let form: Form
  private(set) var text: [UInt8] = []
  private var depth = 0

  init(_ form: Form) { self.form = form }

  mutating func write(_ value: Value) {
    switch value {
    case .null: text.append(contentsOf: "null".utf8)
    case .bool(let flag): text.append(contentsOf: (flag ? "true" : "false").utf8)
    case .integer(let number): IntegerText.append(number, to: &text)
    case .double(let number): write(number)
    case .string(let string): write(string)
    case .bytes(let bytes): write(bytes)
    case .array(let items): write(items)
    case .object(let object): write(object)
    }
  }

  private mutating func write(_ number: Double) {
    guard let word = DollarForm.word(for: number) else {
      return DoubleText.append(number, to: &text)
    }
    text.append(contentsOf: #"{"$f64":""#.utf8)
    text.append(
      contentsOf: UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount))
    text.append(contentsOf: #""}"#.utf8)
  }

  private mutating func write(_ bytes: [UInt8]) {
    text.append(contentsOf: #"{"$bytes":""#.utf8)
    Base64.append(bytes, to: &text)
    text.append(contentsOf: #""}"#.utf8)
  }

  private mutating func write(_ items: [Value]) {
    text.append(UInt8(ascii: "["))
    depth += 1
    for (place, item) in items.enumerated() {
      separate(place)
      write(item)
    }
    depth -= 1
    if !items.isEmpty { breakLine() }
    text.append(UInt8(ascii: "]"))
  }

  private mutating func write(_ object: Object) {
    text.append(UInt8(ascii: "{"))
    depth += 1
    if object.count == 1, DollarForm.needsEscape(object[0].name) {
      separate(0)
      write("$" + object[0].name, object[0].value)
    } else if form == .canonical {
      writeMembers(object.sorted { UTF16Order.precedes($0.name, $1.name) })
    } else {
      writeMembers(object)
    }
    depth -= 1
    if !object.isEmpty { breakLine() }
    text.append(UInt8(ascii: "}"))
  }

  private mutating func writeMembers(_ members: some Collection<Object.Element>) {
    for (place, member) in members.enumerated() {
      separate(place)
      write(member.name, member.value)
    }
  }

  private mutating func write(_ name: String, _ value: Value) {
    write(name)
    text.append(UInt8(ascii: ":"))
    if form == .pretty { text.append(0x20) }
    write(value)
  }

  private mutating func separate(_ place: Int) {
    if place > 0 { text.append(UInt8(ascii: ",")) }
    breakLine()
  }

  private mutating func breakLine() {
    guard form == .pretty else { return }
    text.append(0x0A)
    for _ in 0..<depth { text.append(contentsOf: "  ".utf8) }
  }
}

extension JSONWriter {
  /// Writes a string with the escapes that JSON requires and no others.
  private mutating func write(_ string: String) {
    var string = string
    text.append(UInt8(ascii: "\""))
    string.withUTF8 { bytes in
      var place = 0
      while place < bytes.count {
        let end = PlainRun(in: bytes, from: place).end
        text.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[place..<end]))
        if end < bytes.count { escape(bytes[end]) }
        place = end + 1
      }
    }
    text.append(UInt8(ascii: "\""))
  }

  private mutating func escape(_ byte: UInt8) {
    text.append(UInt8(ascii: "\\"))
    switch byte {
    case 0x08: text.append(UInt8(ascii: "b"))
    case 0x09: text.append(UInt8(ascii: "t"))
    case 0x0A: text.append(UInt8(ascii: "n"))
    case 0x0C: text.append(UInt8(ascii: "f"))
    case 0x0D: text.append(UInt8(ascii: "r"))
    case 0x00..<0x20:
      text.append(contentsOf: byte < 0x10 ? "u000".utf8 : "u001".utf8)
      text.append(Self.digits[Int(byte & 0xF)])
    default: text.append(byte)
    }
  }

  private static let digits = Array("0123456789abcdef".utf8)
}

/// The order of texts by their UTF-16 code units, which RFC 8785 asks for.
enum UTF16Order {
  /// Whether the first text comes before the second.
  ///
  /// The order of UTF-8 is the same but for one thing: characters past U+FFFF (which begin with
  /// 0xF0 to 0xF4) are surrogate pairs in UTF-16 and come before U+E000 to U+FFFF (0xEE and 0xEF).
  static func precedes(_ left: String, _ right: String) -> Bool {
    left.utf8.lexicographicallyPrecedes(right.utf8) { rank($0) < rank($1) }
  }

  private static func rank(_ byte: UInt8) -> UInt16 {
    byte == 0xEE || byte == 0xEF ? UInt16(byte) + 0x100 : UInt16(byte)
  }
}
