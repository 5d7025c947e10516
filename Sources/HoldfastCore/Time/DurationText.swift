/// Durations as text: a whole number and a unit, `ms`, `s`, `m`, `h` or `d`, such as `300ms`.
package enum DurationText {
  private static let units: [(name: String, milliseconds: Int64)] = [
    ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1),
  ]
  /// Ten years of 365 days.
  private static let millisecondsMax: Int64 = 3_650 * 86_400_000

  /// Reads a duration from 1 ms to 10 years.
  ///
  /// - Parameters:
  ///   - text: The number and the unit, with nothing between them.
  ///   - allowingZero: Whether 0 is one too, as it is for a wait.
  /// - Returns: The duration.
  /// - Throws: ``StoreError`` with `invalid` and the `reason` in its details: `syntax` or
  ///   `out_of_range`.
  package static func parse(
    _ text: String, allowingZero: Bool = false
  ) throws(StoreError) -> Duration {
    let digits = text.utf8.prefix { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
    let name = text.utf8.dropFirst(digits.count)
    let unit = units.first { $0.name.utf8.elementsEqual(name) }
    guard !digits.isEmpty, let unit else {
      throw failure(.syntax, "A duration is a whole number and a unit.")
    }
    var number: Int64 = 0
    for digit in digits {
      number = number * 10 + Int64(digit - UInt8(ascii: "0"))
      guard number <= millisecondsMax / unit.milliseconds else { throw outOfRange(allowingZero) }
    }
    guard number > 0 || allowingZero else { throw outOfRange(allowingZero) }
    return .milliseconds(number * unit.milliseconds)
  }

  /// Writes a duration in the largest unit that holds it in whole numbers.
  ///
  /// - Parameter duration: The duration; what is below a millisecond is cut off.
  /// - Returns: The text; zero is `0s`.
  package static func format(_ duration: Duration) -> String {
    let milliseconds = duration.microseconds / 1_000
    guard milliseconds != 0 else { return "0s" }
    for unit in units where milliseconds % unit.milliseconds == 0 {
      return "\(milliseconds / unit.milliseconds)\(unit.name)"
    }
    return "\(milliseconds)ms"
  }

  private static func outOfRange(_ allowingZero: Bool) -> StoreError {
    failure(.outOfRange, "A duration is from \(allowingZero ? "0s" : "1ms") to 10 years.")
  }

  private static func failure(_ reason: Checks.Reason, _ message: String) -> StoreError {
    Checks.failure(
      reason, message, hint: "Write durations like 300ms, 30s, 5m, 12h or 7d, up to 3650d.")
  }
}
