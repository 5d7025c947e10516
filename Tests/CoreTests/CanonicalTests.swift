import HoldfastCore
import Testing

@Suite struct CanonicalTests {
  /// Goal: the canonical form is that of RFC 8785, but for numbers told apart.
  ///
  /// Method: the example of its section 3.2.2.
  @Test func `the example of the RFC`() throws {
    let value = try Value(
      json: #"""
        {
          "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001, 1, 1.0],
          "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
          "literals": [null, true, false]
        }
        """#)
    let numbers = "[333333333.3333333,1e+30,4.5,0.002,1e-27,1,1.0]"
    let string = #""€$\u000f\nA'B\"\\\\\"/""#
    #expect(
      text(value) == #"{"literals":[null,true,false],"numbers":\#(numbers),"string":\#(string)}"#)
  }

  /// Goal: members stand in the order of UTF-16 code units, in which emoji come before U+FB33.
  ///
  /// Method: the example of section 3.2.3, and the bounds of the surrogates.
  @Test func `names are sorted by UTF-16`() throws {
    let value = try Value(
      json: #"""
        {
          "\u20ac": "Euro Sign",
          "\r": "Carriage Return",
          "\ufb33": "Hebrew Letter Dalet With Dagesh",
          "1": "One",
          "\ud83d\ude00": "Emoji: Grinning Face",
          "\u0080": "Control",
          "\u00f6": "Latin Small Letter O With Diaeresis"
        }
        """#)
    let sorted = try Value(json: value.canonical)
    #expect(
      sorted.objectValue?.map(\.value.stringValue) == [
        "Carriage Return", "One", "Control", "Latin Small Letter O With Diaeresis", "Euro Sign",
        "Emoji: Grinning Face", "Hebrew Letter Dalet With Dagesh",
      ])
    let names = ["", "a", "aa", "b", "\u{D7FF}", "\u{10000}", "\u{10FFFF}", "\u{E000}", "\u{FFFF}"]
    let object = Object(names.reversed().map { ($0, Value.null) })
    #expect(try Value(json: Value.object(object).canonical).objectValue?.names == names)
  }

  /// Goal: doubles are written as ECMAScript writes them.
  ///
  /// Method: the table of appendix B, by bit pattern; `.0` is ours where there was no point.
  @Test(
    arguments: [
      (0x0000_0000_0000_0000, "0.0"), (0x8000_0000_0000_0000, #"{"$f64":"-0.0"}"#),
      (0x0000_0000_0000_0001, "5e-324"), (0x8000_0000_0000_0001, "-5e-324"),
      (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
      (0xffef_ffff_ffff_ffff, "-1.7976931348623157e+308"),
      (0x4340_0000_0000_0000, "9007199254740992.0"), (0xc340_0000_0000_0000, "-9007199254740992.0"),
      (0x4430_0000_0000_0000, "295147905179352830000.0"),
      (0x7fff_ffff_ffff_ffff, #"{"$f64":"NaN"}"#),
      (0x7ff0_0000_0000_0000, #"{"$f64":"+Inf"}"#),
      (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
      (0x44b5_2d02_c7e1_4af6, "1e+23"), (0x44b5_2d02_c7e1_4af7, "1.0000000000000001e+23"),
      (0x444b_1ae4_d6e2_ef4e, "999999999999999700000.0"),
      (0x444b_1ae4_d6e2_ef4f, "999999999999999900000.0"), (0x444b_1ae4_d6e2_ef50, "1e+21"),
      (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"), (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
      (0x41b3_de43_5555_5553, "333333333.3333332"), (0x41b3_de43_5555_5554, "333333333.33333325"),
      (0x41b3_de43_5555_5555, "333333333.3333333"), (0x41b3_de43_5555_5556, "333333333.3333334"),
      (0x41b3_de43_5555_5557, "333333333.33333343"),
      (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
      (0x4314_3ff3_c1cb_0959, "1424953923781206.2"),
    ] as [(UInt64, String)])
  func `doubles are those of ECMAScript`(bits: UInt64, expected: String) {
    #expect(text(.double(Double(bitPattern: bits))) == expected)
  }

  /// Goal: integers are written in full, so that neighbours past 2^53 differ, and 1 from 1.0.
  ///
  /// Method: such pairs.
  @Test func `numbers that differ have canonical forms that differ`() {
    #expect(text(9_007_199_254_740_993) == "9007199254740993")
    #expect(text(.integer(.min)) == "-9223372036854775808")
    #expect(text(1) != text(1.0))
    #expect(text(.bytes([1])) != text(["$bytes": "AQ=="]))
    #expect(text(.double(-0.0)) != text(0.0))
  }

  /// Goal: the canonical form does not depend on the order of members.
  ///
  /// Method: random values, their objects shuffled at every level; and it reads back as the value.
  @Test func `the order of members does not matter`() throws {
    let seed: UInt64 = 0x5EED_0001
    var generator = SplitMix64(seed: seed)
    for round in 0..<3_000 {
      let value = Value.random(using: &generator)
      let shuffled = shuffle(value, using: &generator)
      #expect(value.canonical == shuffled.canonical, "seed \(seed), round \(round)")
      let back = try Value(json: value.canonical)
      #expect(back.isIdentical(to: value), "seed \(seed), round \(round)")
      #expect(back.canonical == value.canonical, "seed \(seed), round \(round)")
    }
  }

  private func shuffle(_ value: Value, using generator: inout SplitMix64) -> Value {
    switch value {
    case .array(let items): return .array(items.map { shuffle($0, using: &generator) })
    case .object(let object):
      let members = object.shuffled(using: &generator)
      return .object(Object(members.map { ($0.name, shuffle($0.value, using: &generator)) }))
    default: return value
    }
  }

  private func text(_ value: Value) -> String { String(decoding: value.canonical, as: UTF8.self) }
}
