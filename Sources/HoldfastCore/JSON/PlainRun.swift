/// A run of bytes that stand for themselves in a JSON string.
struct PlainRun {
  /// The place of the next quotation mark, backslash or control character, or the end of the bytes.
  let end: Int
  /// Whether the run is ASCII alone.
  let isASCII: Bool

  /// Finds the run that begins at a place.
  ///
  /// Looks at eight bytes at once. In each lane of a word the high bit tells what was sought; a
  /// borrow may set it falsely, but only in lanes above a true one, so the lowest is always right.
  init(in text: UnsafeBufferPointer<UInt8>, from start: Int) {
    let bytes = UnsafeRawBufferPointer(text)
    let ones: UInt64 = 0x0101_0101_0101_0101
    let highs: UInt64 = 0x8080_8080_8080_8080
    var place = start
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
        end = place + passed / 8
        isASCII = (seen | word & ~(UInt64.max << UInt64(passed))) & highs == 0
        return
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
    end = place
    isASCII = seen & highs == 0
  }
}
