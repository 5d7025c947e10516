extension Instant {
  /// The beginning of the year 1, the first instant that RFC 3339 can write.
  package static let textMin = Instant(microseconds: -62_135_596_800_000_000)
  /// The last microsecond of the year 9999, the last instant that RFC 3339 can write.
  package static let textMax = Instant(microseconds: 253_402_300_799_999_999)

  /// The instant in RFC 3339 with six digits and `Z`: `2026-03-01T12:00:00.000250Z`.
  ///
  /// An instant outside the years 1 to 9999 has no such text and gives the nearest that has.
  public var rfc3339: String {
    let microseconds = min(max(self, .textMin), .textMax).microseconds
    let (days, time) = microseconds.dividedByFloor(86_400_000_000)
    let date = CivilDate(daysSince1970: days)
    let seconds = time / 1_000_000
    return String(unsafeUninitializedCapacity: 27) { buffer in
      var writer = DigitWriter(buffer: buffer)
      writer.write(date.year, digits: 4, then: "-")
      writer.write(date.month, digits: 2, then: "-")
      writer.write(date.day, digits: 2, then: "T")
      writer.write(seconds / 3_600, digits: 2, then: ":")
      writer.write(seconds / 60 % 60, digits: 2, then: ":")
      writer.write(seconds % 60, digits: 2, then: ".")
      writer.write(time % 1_000_000, digits: 6, then: "Z")
      return writer.place
    }
  }

  /// Reads a time in RFC 3339, such as `2026-03-01T13:00:00.00025+01:00`.
  ///
  /// Any offset is taken, and up to nine digits of a second, of which six count. A leap second
  /// (`23:59:60` in UTC) is the first moment after it, as the POSIX clock has it.
  ///
  /// - Parameter text: The time, in the years 1 to 9999.
  /// - Throws: ``StoreError`` with ``StoreError/Code/invalid``.
  public init(rfc3339 text: String) throws(StoreError) {
    var text = text
    let microseconds = text.withUTF8 { bytes in
      var reader = TimeReader(text: bytes)
      return reader.microseconds()
    }
    guard let microseconds else {
      throw StoreError(
        .invalid, "A time is not written as RFC 3339 asks.",
        hint: "Write times like 2026-03-01T12:00:00.000000Z.", details: ["reason": "time"])
    }
    self.init(microseconds: microseconds)
  }
}

extension Instant: Codable, CustomStringConvertible {
  /// Reads the text of RFC 3339.
  ///
  /// - Parameter decoder: Holds a string.
  /// - Throws: `DecodingError` if it is not such a text.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    do throws(StoreError) {
      try self.init(rfc3339: text)
    } catch {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: error.message)
    }
  }

  /// Writes the text of RFC 3339.
  ///
  /// - Parameter encoder: Takes a string.
  /// - Throws: What the encoder throws.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(rfc3339)
  }

  /// The text of RFC 3339.
  public var description: String { rfc3339 }
}

extension Int64 {
  /// The quotient rounded down and the remainder, which is never negative.
  fileprivate func dividedByFloor(_ divisor: Int64) -> (quotient: Int64, remainder: Int64) {
    let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
  }
}

/// Writes numbers of a fixed width into a buffer that is large enough.
private struct DigitWriter {
  let buffer: UnsafeMutableBufferPointer<UInt8>
  private(set) var place = 0

  init(buffer: UnsafeMutableBufferPointer<UInt8>) { self.buffer = buffer }

  mutating func write(_ number: Int64, digits: Int, then mark: Unicode.Scalar) {
    var rest = number
    for offset in (0..<digits).reversed() {
      buffer[place + offset] = UInt8(ascii: "0") + UInt8(rest % 10)
      rest /= 10
    }
    buffer[place + digits] = UInt8(ascii: mark)
    place += digits + 1
  }
}

/// Reads the parts of a time from left to right; each gives `nil` where the text has something
/// else.
private struct TimeReader {
  let text: UnsafeBufferPointer<UInt8>
  private var place = 0

  init(text: UnsafeBufferPointer<UInt8>) { self.text = text }

  mutating func microseconds() -> Int64? {
    guard
      let year = number(4), take("-"), let month = number(2), take("-"), let day = number(2),
      take("T") || take("t"),
      let hour = number(2), take(":"), let minute = number(2), take(":"), let second = number(2),
      let fraction = fraction(), let offset = offset(), place == text.count
    else { return nil }
    let date = CivilDate(year: year, month: month, day: day)
    guard date.exists, hour < 24, minute < 60, second <= 60 else { return nil }
    let minutes = date.daysSince1970 * 1_440 + hour * 60 + minute - offset
    // Only the last minute of a day in UTC can have a leap second, and a leap second no fraction
    // that would make it later than the next second's beginning.
    guard second < 60 || minutes.dividedByFloor(1_440).remainder == 1_439 else { return nil }
    let microseconds = (minutes * 60 + second) * 1_000_000 + (second < 60 ? fraction : 0)
    let instant = Instant(microseconds: microseconds)
    return instant >= .textMin && instant <= .textMax ? microseconds : nil
  }

  private mutating func number(_ digits: Int) -> Int64? {
    guard place + digits <= text.count else { return nil }
    var number: Int64 = 0
    for _ in 0..<digits {
      let digit = text[place] &- UInt8(ascii: "0")
      guard digit < 10 else { return nil }
      number = number * 10 + Int64(digit)
      place += 1
    }
    return number
  }

  private mutating func take(_ mark: Unicode.Scalar) -> Bool {
    guard place < text.count, text[place] == UInt8(ascii: mark) else { return false }
    place += 1
    return true
  }

  /// The microseconds after the point; 0 without a point.
  private mutating func fraction() -> Int64? {
    guard take(".") else { return 0 }
    var microseconds: Int64 = 0
    var unit: Int64 = 100_000
    let start = place
    while let digit = number(1) {
      microseconds += digit * unit
      unit /= 10
    }
    return (1...9).contains(place - start) ? microseconds : nil
  }

  /// The minutes that the local time is ahead of UTC.
  private mutating func offset() -> Int64? {
    if take("Z") || take("z") { return 0 }
    let isBehind = take("-")
    guard isBehind || take("+"), let hours = number(2), take(":"), let minutes = number(2),
      hours < 24, minutes < 60
    else { return nil }
    return isBehind ? -(hours * 60 + minutes) : hours * 60 + minutes
  }
}
