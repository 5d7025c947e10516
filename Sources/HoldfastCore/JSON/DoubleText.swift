/// The text of a double: the shortest digits that read back as the same double, laid out as
/// ECMAScript's `Number::toString` lays them out, and always with a point or an exponent.
///
/// | Double | Here | ECMAScript |
/// |---|---|---|
/// | 1 | `1.0` | `1` |
/// | 1e20 | `100000000000000000000.0` | `100000000000000000000` |
/// | 1e21 | `1e+21` | the same |
/// | 1e-6 | `0.000001` | the same |
/// | 1e-7 | `1e-7` | the same |
enum DoubleText {
  /// Writes a finite double other than `-0.0` at the end of a text.
  static func append(_ number: Double, to text: inout [UInt8]) {
    // Whole numbers of up to 53 bits are their own shortest digits.
    if let whole = Int64(exactly: number), whole.magnitude <= 1 << 53 {
      IntegerText.append(whole, to: &text)
      text.append(contentsOf: ".0".utf8)
      return
    }
    if number < 0 { text.append(UInt8(ascii: "-")) }
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 32) { buffer in
      buffer.initialize(repeating: 0)
      let (digits, point) = shortest(number.magnitude, in: buffer)
      layOut(UnsafeBufferPointer(rebasing: digits), point: point, to: &text)
    }
  }

  /// The digits of a positive double, and how many of them stand before the point.
  ///
  /// They are those of its description, which Swift promises to be the fewest that read back as the
  /// same double, and among those the closest; seventeen at most, and zeros around them.
  private static func shortest(
    _ number: Double, in buffer: UnsafeMutableBufferPointer<UInt8>
  ) -> (digits: Slice<UnsafeMutableBufferPointer<UInt8>>, point: Int) {
    var count = 0
    var point: Int?
    var exponent = 0
    var description = number.description
    description.withUTF8 { text in
      let mark = text.firstIndex(of: UInt8(ascii: "e")) ?? text.endIndex
      for byte in text[..<mark] {
        if byte == UInt8(ascii: ".") {
          point = count
        } else if count > 0 || byte != UInt8(ascii: "0") {
          buffer[count] = byte
          count += 1
        } else if point != nil {
          exponent -= 1
        }
      }
      let digits = text[mark...].drop { $0 < UInt8(ascii: "0") || $0 > UInt8(ascii: "9") }
      let magnitude = digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
      exponent += text[mark...].contains(UInt8(ascii: "-")) ? -magnitude : magnitude
    }
    exponent += point ?? count
    while count > 0, buffer[count - 1] == UInt8(ascii: "0") { count -= 1 }
    return (buffer[..<count], exponent)
  }

  /// Lays out digits of which neither the first nor the last is a zero; `point` says how many of
  /// them stand before the point (ECMAScript calls it n).
  private static func layOut(
    _ digits: UnsafeBufferPointer<UInt8>, point: Int, to text: inout [UInt8]
  ) {
    switch point {
    case digits.count...21:
      text.append(contentsOf: digits)
      for _ in digits.count..<point { text.append(UInt8(ascii: "0")) }
      text.append(contentsOf: ".0".utf8)
    case 1...21:
      text.append(contentsOf: digits[..<point])
      text.append(UInt8(ascii: "."))
      text.append(contentsOf: digits[point...])
    case -5...0:
      text.append(contentsOf: "0.".utf8)
      for _ in 0..<(-point) { text.append(UInt8(ascii: "0")) }
      text.append(contentsOf: digits)
    default:
      text.append(digits[0])
      if digits.count > 1 {
        text.append(UInt8(ascii: "."))
        text.append(contentsOf: digits[1...])
      }
      text.append(UInt8(ascii: "e"))
      text.append(UInt8(ascii: point > 0 ? "+" : "-"))
      IntegerText.append(Int64(abs(point - 1)), to: &text)
    }
  }
}

/// The decimal text of an integer.
enum IntegerText {
  /// Writes an integer at the end of a text.
  static func append(_ number: Int64, to text: inout [UInt8]) {
    var magnitude = number.magnitude
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
      var first = digits.count
      repeat {
        let (quotient, digit) = magnitude.quotientAndRemainder(dividingBy: 10)
        first -= 1
        digits.initializeElement(at: first, to: UInt8(ascii: "0") + UInt8(digit))
        magnitude = quotient
      } while magnitude > 0
      if number < 0 { text.append(UInt8(ascii: "-")) }
      text.append(contentsOf: UnsafeMutableBufferPointer(rebasing: digits[first...]))
    }
  }
}
