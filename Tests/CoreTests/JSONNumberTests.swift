import HoldfastCore
import Testing

@Suite struct JSONNumberTests {
  /// Goal: integers of 64 bits are exact to the last digit.
  ///
  /// Method: the bounds, and what lies around the last integer that a double holds.
  @Test(
    arguments: [
      ("0", 0), ("-0", 0), ("7", 7), ("9007199254740993", 9_007_199_254_740_993),
      ("-9007199254740993", -9_007_199_254_740_993),
      ("9223372036854775807", .max), ("-9223372036854775808", .min),
      ("-9223372036854775807", .min + 1),
    ] as [(String, Int64)])
  func `integers are exact`(text: String, integer: Int64) throws {
    let value = try Value(json: text)
    #expect(value == .integer(integer))
    #expect(value.json == String(integer))
  }

  /// Goal: an integer past 64 bits is kept as a double if that is exactly it.
  ///
  /// Method: powers of two and their neighbours, to the largest double and past it.
  @Test func `integers past 64 bits are exact doubles or refused`() throws {
    let exact: [(String, Double)] = [
      ("9223372036854775808", 0x1p63), ("-9223372036854777856", -0x1.0000000000001p63),
      ("18446744073709551616", 0x1p64), ("-18446744073709551616", -0x1p64),
      ("100000000000000000000", 1e20), ("1180591620717411303424", 0x1p70),
      (largestDouble, .greatestFiniteMagnitude),
    ]
    for (text, double) in exact { #expect(try Value(json: text) == .double(double)) }
    for text in [
      "9223372036854775809", "-9223372036854775809", "18446744073709551615", "18446744073709551617",
      "99999999999999999999", "100000000000000000001", "1180591620717411303425",
      "1" + String(repeating: "0", count: 23), "1" + String(repeating: "0", count: 308),
      "1" + String(repeating: "0", count: 309), "1" + String(repeating: "0", count: 5_000),
      String(largestDouble.dropLast()) + "9",
    ] {
      let error = refusal { try Value(json: text) }
      #expect(error?.code == .invalid)
      #expect(error?.details["reason"] == "number_range")
      #expect(error?.description.contains(text) == false)
    }
  }

  /// Goal: a number with a point or an exponent is the nearest double, however it is written.
  ///
  /// Method: numbers from the papers about reading them (halfway cases, the smallest and the
  /// largest), beside what the compiler makes of the same digits.
  @Test(arguments: [
    ("1.0", 1.0), ("1e0", 1.0), ("1E5", 100_000.0), ("1e+5", 100_000.0), ("-1.5e-3", -0.0015),
    ("0.1", 0.1), ("0.0", 0.0), ("0e0", 0.0), ("1e22", 1e22), ("1e23", 1e23), ("123e-22", 123e-22),
    ("9007199254740992.0", 9_007_199_254_740_992), ("9007199254740993.0", 9_007_199_254_740_992),
    ("9007199254740993.0000000000000000000001", 9_007_199_254_740_994),
    ("2.2250738585072012e-308", .leastNormalMagnitude), ("4.9e-324", .leastNonzeroMagnitude),
    ("2.4703282292062327e-324", 0.0), ("2.4703282292062328e-324", .leastNonzeroMagnitude),
    ("1e-400", 0.0),
    ("1.7976931348623157e308", .greatestFiniteMagnitude),
    ("123456789012345678901234567890e-30", 0.12345678901234568),
    ("0.000000000000000000000000000000000000000000001e45", 1.0),
    ("179769313486231570000.0e288", .greatestFiniteMagnitude),
    ("0e99999999999999999999", 0.0), ("1e-99999999999999999999", 0.0),
  ])
  func `doubles are the nearest`(text: String, double: Double) throws {
    #expect(try Value(json: text) == .double(double))
    #expect(try Value(json: "[\(text)]") == [.double(double)])
  }

  /// Goal: the sign of a zero is kept where the number is a double.
  ///
  /// Method: each way to write it.
  @Test(arguments: ["-0.0", "-0e5", "-0.000", "-1e-400", #"{"$f64":"-0.0"}"#])
  func `a negative zero is kept`(text: String) throws {
    let number = try #require(try Value(json: text).doubleValue)
    #expect(number == 0 && number.sign == .minus)
    #expect(try Value(json: text).json == #"{"$f64":"-0.0"}"#)
  }

  /// Goal: a number past the largest double is refused, never infinite.
  ///
  /// Method: just past it, and absurd exponents.
  @Test(arguments: [
    "1e309", "-1e309", "1.7976931348623159e308", "1e99999999999999999999", "1.0e400",
  ])
  func `an endless double is refused`(text: String) {
    #expect(reason { try Value(json: text) } == "number_range")
  }

  /// Goal: reading takes the quick way only where it gives the nearest double too.
  ///
  /// Method: random numbers of up to 17 digits with exponents around the quick way's bound, against
  /// the library.
  @Test func `quick and slow ways agree`() throws {
    let seed: UInt64 = 0xC0FF_EE01
    var generator = SplitMix64(seed: seed)
    for _ in 0..<50_000 {
      let digits = generator.next() % 100_000_000_000_000_000 >> (generator.next() % 50)
      let exponent = Int.random(in: -30...30, using: &generator)
      let text = "\(digits).\(generator.next() % 1_000)e\(exponent)"
      #expect(try Value(json: text).doubleValue == Double(text), "seed \(seed), \(text)")
    }
  }

  /// (2^53 − 1) · 2^971, by doubling a decimal number.
  private var largestDouble: String {
    var digits = Array("9007199254740991".utf8.reversed().map { $0 - 48 })
    for _ in 0..<971 {
      var carry: UInt8 = 0
      for place in digits.indices {
        let sum = digits[place] * 2 + carry
        digits[place] = sum % 10
        carry = sum / 10
      }
      if carry > 0 { digits.append(carry) }
    }
    return String(decoding: digits.reversed().map { $0 + 48 }, as: UTF8.self)
  }
}
