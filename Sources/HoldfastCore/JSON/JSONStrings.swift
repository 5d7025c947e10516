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

  /// Moves to the next quotation mark, backslash or control character, or to the end.
  ///
  /// Looks at eight bytes at once. In each lane of a word the high bit tells what was sought; a
  /// borrow may set it falsely, but only in lanes above a true one, so the lowest is always right.
  ///
  /// - Returns: Whether all that was passed is ASCII.
  private mutating func skipPlain() -> Bool {
    let bytes = UnsafeRawBufferPointer(text)
    let ones: UInt64 = 0x0101_0101_0101_0101
    let highs: UInt64 = 0x8080_8080_8080_8080
    var seen: UInt64 = 0
    while place + 8 <= text.count {
      let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self))
      let quote = word ^ (ones &* 0x22)
      let backslash = word ^ (ones &* 0x5C)
      let found =
        ((quote &- ones) & ~quote | (backslash &- ones) & ~backslash
          | (word &- (ones &* 0x20)) & ~word) & highs
      if found != 0 {
        let passed = found.trailingZeroBitCount & ~7
        place += passed / 8
        return (seen | word & ~(UInt64.max << UInt64(passed))) & highs == 0
      }
      seen |= word
      place += 8
    }
    while place < text.count {
      let byte = text[place]
      if byte == 0x22 || byte == 0x5C || byte < 0x20 { break }
      seen |= UInt64(byte)
      place += 1
    }
    return seen & highs == 0
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
