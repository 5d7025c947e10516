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
    let digits = Shortest(number)
    if number < 0 { text.append(UInt8(ascii: "-")) }
    digits.withBytes { layOut($0, point: $1, to: &text) }
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

/// The shortest digits of a double, taken from its description, which Swift promises to be the
/// shortest and among those the closest.
private struct Shortest {
  private var digits: [UInt8] = []
  private var point = 0

  init(_ number: Double) {
    var description = number.magnitude.description
    description.withUTF8 { text in
      var place = 0
      var pointSeen = false
      while place < text.count, text[place] != UInt8(ascii: "e") {
        if text[place] == UInt8(ascii: ".") {
          pointSeen = true
        } else {
          if !pointSeen { point += 1 }
          digits.append(text[place])
        }
        place += 1
      }
      if place < text.count {
        let exponent = text[(place + 1)...]
        let magnitude = exponent.reduce(0) { sum, byte in
          byte < UInt8(ascii: "0") ? sum : sum * 10 + Int(byte - UInt8(ascii: "0"))
        }
        point += exponent.first == UInt8(ascii: "-") ? -magnitude : magnitude
      }
    }
    while digits.last == UInt8(ascii: "0") { digits.removeLast() }
    let zeros = digits.prefix { $0 == UInt8(ascii: "0") }.count
    digits.removeFirst(zeros)
    point -= zeros
  }

  func withBytes(_ body: (UnsafeBufferPointer<UInt8>, Int) -> Void) {
    digits.withUnsafeBufferPointer { body($0, point) }
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
