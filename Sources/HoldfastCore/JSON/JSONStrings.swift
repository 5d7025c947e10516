extension JSONParser {
  /// Reads a string of at most `bytesMax` bytes; the place is at its opening quotation mark.
  mutating func string(bytesMax: Int) throws(JSONFailure) -> String {
    place += 1
    let start = place
    var isASCII = skipPlain()
    guard try next() != UInt8(ascii: "\"") else {
      let plain = UnsafeBufferPointer(rebasing: text[start..<place])
      place += 1
      return try makeString(plain, isASCII: isASCII, start: start, bytesMax: bytesMax)
    }
    unescaped.removeAll(keepingCapacity: true)
    unescaped.append(contentsOf: text[start..<place])
    while !take("\"") {
      if try next() == UInt8(ascii: "\\") {
        try unescape()
        isASCII = false
      } else if text[place] < 0x20 {
        throw failure(.control)
      } else {
        let run = place
        isASCII = skipPlain() && isASCII
        unescaped.append(contentsOf: text[run..<place])
      }
      // Looked at while the string grows, so that a long one is refused before it takes memory.
      guard unescaped.count <= bytesMax else { throw failure(.stringTooLarge, at: start) }
    }
    let result: Result<String, JSONFailure> = unescaped.withUnsafeBufferPointer { bytes in
      Result { () throws(JSONFailure) in
        try makeString(bytes, isASCII: isASCII, start: start, bytesMax: bytesMax)
      }
    }
    return try result.get()
  }

  /// A text that is nothing but one string of ASCII without escapes, which is what is stored most.
  ///
  /// - Parameters:
  ///   - text: The bytes of the text.
  ///   - limits: How large the string may be.
  /// - Returns: The string; `nil` for any other text, which may be a good one all the same.
  static func plainString(_ text: UnsafeBufferPointer<UInt8>, _ limits: Limits) -> String? {
    let last = text.count - 1
    guard last >= 1, last - 1 <= limits.stringBytesMax, text[0] == UInt8(ascii: "\""),
      text[last] == UInt8(ascii: "\"")
    else { return nil }
    let run = PlainRun(in: text, from: 1)
    guard run.isASCII, run.end == last else { return nil }
    return String(decoding: UnsafeBufferPointer(rebasing: text[1..<last]), as: UTF8.self)
  }

  /// ASCII needs no check, and Swift's checked way to make a string costs three times as much.
  private func makeString(
    _ bytes: UnsafeBufferPointer<UInt8>, isASCII: Bool, start: Int, bytesMax: Int
  ) throws(JSONFailure) -> String {
    guard bytes.count <= bytesMax else { throw failure(.stringTooLarge, at: start) }
    if isASCII { return String(decoding: bytes, as: UTF8.self) }
    guard let string = String(validating: bytes, as: UTF8.self) else {
      throw failure(.encoding, at: start)
    }
    return string
  }

  /// Moves past what stands for itself; returns whether that is ASCII alone.
  private mutating func skipPlain() -> Bool {
    let run = PlainRun(in: text, from: place)
    place = run.end
    return run.isASCII
  }

  /// Reads one escape and appends what it means.
  private mutating func unescape() throws(JSONFailure) {
    let start = place
    place += 1
    let letter = try next()
    place += 1
    switch letter {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): unescaped.append(letter)
    case UInt8(ascii: "b"): unescaped.append(0x08)
    case UInt8(ascii: "f"): unescaped.append(0x0C)
    case UInt8(ascii: "n"): unescaped.append(0x0A)
    case UInt8(ascii: "r"): unescaped.append(0x0D)
    case UInt8(ascii: "t"): unescaped.append(0x09)
    case UInt8(ascii: "u"):
      let scalar = try scalar(start: start)
      unescaped.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
    default: throw failure(.escape, at: start)
    }
  }

  /// Reads the digits after `\u`, and the second half where they are the first of a pair.
  private mutating func scalar(start: Int) throws(JSONFailure) -> Unicode.Scalar {
    let unit = try hexadecimal(start: start)
    if let scalar = Unicode.Scalar(unit) { return scalar }
    guard UTF16.isLeadSurrogate(unit), try next() == UInt8(ascii: "\\") else {
      throw failure(.surrogate, at: start)
    }
    place += 1
    guard try next() == UInt8(ascii: "u") else { throw failure(.surrogate, at: start) }
    place += 1
    let trail = try hexadecimal(start: start)
    let high = UInt32(unit & 0x3FF) << 10
    guard UTF16.isTrailSurrogate(trail),
      let scalar = Unicode.Scalar(0x1_0000 + high + UInt32(trail & 0x3FF))
    else { throw failure(.surrogate, at: start) }
    return scalar
  }

  private mutating func hexadecimal(start: Int) throws(JSONFailure) -> UInt16 {
    var unit: UInt16 = 0
    for _ in 0..<4 {
      let byte = try next()
      let digit: UInt8
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
      case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
      case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
      default: throw failure(.escape, at: start)
      }
      unit = unit << 4 | UInt16(digit)
      place += 1
    }
    return unit
  }
}
