import HoldfastCore
import Testing

@Suite struct InstantTests {
  /// Goal: an instant has one text, with six digits and `Z`, and comes back from it.
  ///
  /// Method: a table with leap days, years of a century, times before 1970 and the ends of the
  /// range.
  @Test(
    arguments: [
      (0, "1970-01-01T00:00:00.000000Z"), (1, "1970-01-01T00:00:00.000001Z"),
      (-1, "1969-12-31T23:59:59.999999Z"), (951_782_400_000_000, "2000-02-29T00:00:00.000000Z"),
      (1_709_251_199_999_999, "2024-02-29T23:59:59.999999Z"),
      (-2_203_891_200_000_000, "1900-03-01T00:00:00.000000Z"),
      (1_772_366_400_000_250, "2026-03-01T12:00:00.000250Z"),
      (4_107_542_400_000_000, "2100-03-01T00:00:00.000000Z"),
      (-62_135_596_800_000_000, "0001-01-01T00:00:00.000000Z"),
      (253_402_300_799_999_999, "9999-12-31T23:59:59.999999Z"),
    ] as [(Int64, String)])
  func `an instant has one text`(microseconds: Int64, text: String) throws {
    let instant = Instant(microseconds: microseconds)
    #expect(instant.rfc3339 == text)
    #expect("\(instant)" == text)
    #expect(try Instant(rfc3339: text) == instant)
  }

  /// Goal: whatever RFC 3339 allows is read, cut to microseconds.
  ///
  /// Method: offsets, fractions of every length, small letters and leap seconds.
  @Test(arguments: [
    ("2026-03-01T12:00:00Z", "2026-03-01T12:00:00.000000Z"),
    ("2026-03-01t12:00:00z", "2026-03-01T12:00:00.000000Z"),
    ("2026-03-01T12:00:00.5Z", "2026-03-01T12:00:00.500000Z"),
    ("2026-03-01T12:00:00.123456789Z", "2026-03-01T12:00:00.123456Z"),
    ("1969-12-31T23:59:59.9999999Z", "1969-12-31T23:59:59.999999Z"),
    ("2026-03-01T00:30:00+01:00", "2026-02-28T23:30:00.000000Z"),
    ("2026-02-28T23:30:00-00:30", "2026-03-01T00:00:00.000000Z"),
    ("2026-03-01T12:00:00-00:00", "2026-03-01T12:00:00.000000Z"),
    ("2026-03-01T12:00:00+23:59", "2026-02-28T12:01:00.000000Z"),
    ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000000Z"),
    ("2017-01-01T00:59:60.9+01:00", "2017-01-01T00:00:00.000000Z"),
    ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000Z"),
    ("0001-01-01T01:00:00+01:00", "0001-01-01T00:00:00.000000Z"),
  ])
  func `times of RFC 3339 are read`(text: String, expected: String) throws {
    #expect(try Instant(rfc3339: text).rfc3339 == expected)
  }

  /// Goal: all else is refused, and not repeated in the error.
  ///
  /// Method: days that no calendar has, parts out of range, and other ways to write times.
  @Test(arguments: [
    "", "secret", "2026-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2026-04-31T00:00:00Z",
    "2026-13-01T00:00:00Z",
    "2026-00-01T00:00:00Z", "2026-01-00T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z",
    "2026-01-01T00:00:61Z", "2026-01-01T12:00:60Z", "2026-01-01T23:59:60+01:00",
    "2026-01-01T00:00:00", "2026-01-01",
    "2026-01-01 00:00:00Z", "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00.1234567890Z",
    "2026-01-01T00:00:00,5Z",
    "2026-01-01T00:00:00+24:00", "2026-01-01T00:00:00+00:60", "2026-01-01T00:00:00+0100",
    "2026-01-01T00:00:00+1:00",
    "2026-01-01T00:00:00Z ", " 2026-01-01T00:00:00Z", "2026-1-01T00:00:00Z", "26-01-01T00:00:00Z",
    "20260101T000000Z",
    "0000-12-31T00:00:00Z", "0001-01-01T00:00:00+00:01", "9999-12-31T23:59:60Z",
    "9999-12-31T23:59:59-00:01",
    "+2026-01-01T00:00:00Z", "-001-01-01T00:00:00Z", "２026-01-01T00:00:00Z", "1700000000",
  ])
  func `other texts are refused`(text: String) throws {
    let error = try #require(refusal { try Instant(rfc3339: text) })
    #expect(error.code == .invalid)
    #expect(error.details["reason"] == "time")
    #expect(!error.description.contains("secret"))
  }

  /// Goal: every day of the calendar has its number, and the numbers have no gap.
  ///
  /// Method: walks over all 3 652 059 days from year 1 to 9999 by the calendar's own rule, and
  /// looks at the text of each month's first and last day.
  @Test func `the calendar has no gap`() throws {
    var days: Int64 = -719_162
    for year in 1...9_999 {
      let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
      let lengths = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
      for (month, length) in lengths.enumerated() {
        let first = Instant(microseconds: days * 86_400_000_000)
        days += Int64(length)
        let last = Instant(microseconds: days * 86_400_000_000 - 1)
        guard year % 50 < 5 else { continue }
        let text = "\(padded(year, 4))-\(padded(month + 1, 2))"
        #expect(first.rfc3339 == "\(text)-01T00:00:00.000000Z")
        #expect(last.rfc3339 == "\(text)-\(length)T23:59:59.999999Z")
        #expect(try Instant(rfc3339: first.rfc3339) == first)
        #expect(refusal { try Instant(rfc3339: "\(text)-\(length + 1)T00:00:00Z") } != nil)
      }
    }
    #expect(days == 2_932_897)
  }

  /// Goal: instants outside the years that RFC 3339 knows still have a text.
  ///
  /// Method: both ends of 64 bits.
  @Test func `the ends of time have the nearest text`() {
    #expect(Instant(microseconds: .max).rfc3339 == "9999-12-31T23:59:59.999999Z")
    #expect(Instant(microseconds: .min).rfc3339 == "0001-01-01T00:00:00.000000Z")
  }

  /// Goal: sums and differences never overflow.
  ///
  /// Method: ordinary ones, and both ends of 64 bits.
  @Test func `sums stay in range`() {
    let start = Instant(microseconds: 1_000_000)
    #expect(start + .milliseconds(1) == Instant(microseconds: 1_001_000))
    #expect(start + .nanoseconds(1_999) == Instant(microseconds: 1_000_001))
    #expect(start + .seconds(-2) == Instant(microseconds: -1_000_000))
    #expect(Instant(microseconds: .max) + .seconds(1) == Instant(microseconds: .max))
    #expect(Instant(microseconds: .min) + .seconds(-1) == Instant(microseconds: .min))
    #expect(start + .seconds(Int64.max) == Instant(microseconds: .max))
    #expect(Instant(microseconds: -1) + .seconds(Int64.min) == Instant(microseconds: .min))
    #expect(Instant(microseconds: 5) - start == .microseconds(-999_995))
    #expect(
      Instant(microseconds: .max) - Instant(microseconds: .min) > .seconds(18_446_744_073_709))
    #expect(Duration.seconds(9_223_372_036_854).microseconds == 9_223_372_036_854_000_000)
    #expect((Duration.seconds(9_223_372_036_854) + .milliseconds(900)).microseconds == .max)
    #expect((Duration.seconds(-9_223_372_036_854) - .milliseconds(900)).microseconds == .min)
    #expect(start < start + .microseconds(1))
  }

  private func padded(_ number: Int, _ width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: width - digits.count) + digits
  }
}

@Suite struct DurationTextTests {
  /// Goal: a duration is a whole number and a unit, and is written in the largest unit that fits.
  ///
  /// Method: a table, with the shortest and the longest.
  @Test(
    arguments: [
      ("1ms", .milliseconds(1), "1ms"), ("300ms", .milliseconds(300), "300ms"),
      ("1000ms", .seconds(1), "1s"),
      ("30s", .seconds(30), "30s"), ("90s", .seconds(90), "90s"), ("60s", .seconds(60), "1m"),
      ("05m", .seconds(300), "5m"),
      ("24h", .seconds(86_400), "1d"), ("36h", .seconds(129_600), "36h"),
      ("3650d", .seconds(315_360_000), "3650d"),
      ("315360000000ms", .seconds(315_360_000), "3650d"),
    ] as [(String, Duration, String)])
  func `durations are read and written`(text: String, duration: Duration, shortest: String) throws {
    #expect(try DurationText.parse(text) == duration)
    #expect(DurationText.format(duration) == shortest)
    #expect(try DurationText.parse(shortest) == duration)
  }

  /// Goal: all else is refused with the reason.
  ///
  /// Method: other spellings, signs, fractions, and numbers out of range or past 64 bits.
  @Test(arguments: [
    ("", "syntax"), ("30", "syntax"), ("s", "syntax"), ("-1s", "syntax"), ("+1s", "syntax"),
    ("1.5s", "syntax"),
    ("1 s", "syntax"), (" 1s", "syntax"), ("1s ", "syntax"), ("1S", "syntax"), ("1w", "syntax"),
    ("1us", "syntax"),
    ("1h30m", "syntax"), ("P1D", "syntax"), ("١s", "syntax"), ("0s", "out_of_range"),
    ("0ms", "out_of_range"),
    ("3651d", "out_of_range"), ("315360000001ms", "out_of_range"),
    ("99999999999999999999s", "out_of_range"),
  ])
  func `other durations are refused`(text: String, expected: String) {
    #expect(reason { try DurationText.parse(text) } == expected)
  }

  /// Goal: zero is a duration only where a wait may be none.
  ///
  /// Method: with the permission, in any unit; the limits above stay.
  @Test func `zero is for waits`() throws {
    #expect(try DurationText.parse("0s", allowingZero: true) == .zero)
    #expect(try DurationText.parse("0ms", allowingZero: true) == .zero)
    #expect(reason { try DurationText.parse("3651d", allowingZero: true) } == "out_of_range")
    #expect(DurationText.format(.zero) == "0s")
    #expect(DurationText.format(.microseconds(1_999)) == "1ms")
    #expect(DurationText.format(.seconds(-5)) == "-5s")
  }
}

@Suite struct SystemSourceTests {
  /// Goal: the system's clocks tell the time, and the monotonic one does not go back.
  ///
  /// Method: reads them twice; the wall clock lies between 2020 and 2200.
  @Test func `the clocks run`() async throws {
    let source = SystemTimeSource()
    let first = source.monotonicTime()
    try await source.sleep(for: .microseconds(1))
    #expect(source.monotonicTime() - first >= .microseconds(1))
    #expect(source.wallTime() > (try Instant(rfc3339: "2020-01-01T00:00:00Z")))
    #expect(source.wallTime() < (try Instant(rfc3339: "2200-01-01T00:00:00Z")))
    #expect(!source.overrulesDatabase)
  }

  /// Goal: identifiers are UUIDs of version 7 whose order is that of their milliseconds.
  ///
  /// Method: the example of RFC 9562, appendix A.6; then the form, order and difference of new
  /// ones.
  @Test func `identifiers are UUIDs of version 7`() throws {
    let example = UUIDv7.text(
      milliseconds: 0x017F_22E2_79B0, high: 0xCC3, low: 0x18C4_DC0C_0C07_398F)
    #expect(example == "017f22e2-79b0-7cc3-98c4-dc0c0c07398f")
    let source = SystemIDSource()
    let early = source.makeID(at: Instant(microseconds: 1_000_000_000))
    let late = source.makeID(at: Instant(microseconds: 1_000_001_000))
    #expect(early < late)
    #expect(early != source.makeID(at: Instant(microseconds: 1_000_000_000)))
    #expect(early.utf8.count == 36)
    #expect((-5...5).contains(source.random(in: -5...5)))
  }
}
