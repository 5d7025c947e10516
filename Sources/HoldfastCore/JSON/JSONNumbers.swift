extension JSONParser {
  /// Reads a number.
  ///
  /// - Without point and exponent it is an integer, and `-0` is the integer 0. One that 64 bits do
  ///   not hold becomes a double where a double has exactly that value, and is refused otherwise.
  /// - With a point or an exponent it is the nearest double; one past the largest is refused.
  mutating func number() throws(JSONFailure) -> Value {
    let start = place
    let isNegative = take("-")
    let first = place
    var digits = Digits()
    if try next() == UInt8(ascii: "0") {
      place += 1
      if place < text.count, isDigit(text[place]) { throw failure(.number, at: start) }
    } else {
      try takeDigits(into: &digits, start: start)
    }
    let last = place
    var scale = 0
    var isInteger = true
    if take(".") {
      isInteger = false
      let point = place
      try takeDigits(into: &digits, start: start)
      scale = point - place
    }
    if place < text.count, text[place] | 0x20 == UInt8(ascii: "e") {
      isInteger = false
      scale += try exponent(start: start)
    }
    guard isInteger else {
      return .double(try double(digits, scale: scale, isNegative: isNegative, start: start))
    }
    if let integer = digits.integer(isNegative: isNegative) { return .integer(integer) }
    guard let exact = ExactInteger(digits: text[first..<last])?.double else {
      throw failure(.numberRange, at: start)
    }
    return .double(isNegative ? -exact : exact)
  }

  private func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }

  private mutating func takeDigits(
    into digits: inout Digits, start: Int
  ) throws(JSONFailure) {
    guard isDigit(try next()) else { throw failure(.number, at: start) }
    while place < text.count, isDigit(text[place]) {
      digits.append(text[place] - UInt8(ascii: "0"))
      place += 1
    }
  }

  /// Reads `e`, a sign and digits; far past what a double can hold the exact number is of no
  /// interest.
  private mutating func exponent(start: Int) throws(JSONFailure) -> Int {
    place += 1
    let isNegative = take("-")
    if !isNegative { _ = take("+") }
    guard isDigit(try next()) else { throw failure(.number, at: start) }
    var exponent = 0
    while place < text.count, isDigit(text[place]) {
      if exponent < 1_000_000 { exponent = exponent * 10 + Int(text[place] - UInt8(ascii: "0")) }
      place += 1
    }
    return isNegative ? -exponent : exponent
  }

  /// The double nearest to the number from `start` to the place.
  ///
  /// Where 53 bits hold the digits and a double holds the power of ten exactly, one multiplication
  /// or division rounds once and is therefore right (Clinger 1990); all else goes to the library.
  private func double(
    _ digits: Digits, scale: Int, isNegative: Bool, start: Int
  ) throws(JSONFailure) -> Double {
    if let magnitude = digits.magnitude, magnitude <= 1 << 53, abs(scale) <= 22 {
      let power = powersOfTen[abs(scale)]
      let number = scale < 0 ? Double(magnitude) / power : Double(magnitude) * power
      return isNegative ? -number : number
    }
    let number = Double(String(decoding: text[start..<place], as: UTF8.self))
    guard let number, number.isFinite else { throw failure(.numberRange, at: start) }
    return number
  }
}

/// The powers of ten that a double holds exactly.
private let powersOfTen: [Double] = [
  1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
  1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
]

/// The digits of a number as one integer, as long as there are not more than 64 bits of them.
private struct Digits {
  private var sum: UInt64 = 0
  private var isWhole = true

  /// The integer, unless it was too large.
  var magnitude: UInt64? { isWhole ? sum : nil }

  mutating func append(_ digit: UInt8) {
    let (product, overflow) = sum.multipliedReportingOverflow(by: 10)
    let (next, carry) = product.addingReportingOverflow(UInt64(digit))
    if overflow || carry { isWhole = false }
    sum = next
  }

  /// The signed integer, if 64 bits hold it.
  func integer(isNegative: Bool) -> Int64? {
    guard let magnitude else { return nil }
    guard isNegative else { return Int64(exactly: magnitude) }
    guard magnitude <= Int64.min.magnitude else { return nil }
    return Int64(truncatingIfNeeded: 0 &- magnitude)
  }
}
