/// The forms that carry what JSON has no word for: `{"$bytes":"base64"}` and `{"$f64":"NaN"}`.
///
/// So that an object of the user's which looks like one survives, an object whose single name is
/// `$bytes`, `$f64` or begins with `$$` is written with one `$` more, and read with one less.
enum DollarForm {
  /// Whether a single member of this name stands for a scalar.
  static func isScalar(_ name: String) -> Bool {
    Bytewise.equal(name, "$bytes") || Bytewise.equal(name, "$f64")
  }

  /// Whether an object with this single name is written with one `$` more.
  static func needsEscape(_ name: String) -> Bool {
    guard name.utf8.first == UInt8(ascii: "$") else { return false }
    return name.utf8.starts(with: "$$".utf8) || isScalar(name)
  }

  /// What an object of a single member means.
  ///
  /// - Parameters:
  ///   - name: The member's name.
  ///   - value: The member's value.
  /// - Returns: The value; `nil` if it claims to be a scalar and is not well formed.
  static func read(_ name: String, _ value: Value) -> Value? {
    guard name.utf8.first == UInt8(ascii: "$") else { return .object([name: value]) }
    if name.utf8.starts(with: "$$".utf8) { return .object([String(name.dropFirst()): value]) }
    guard isScalar(name) else { return .object([name: value]) }
    guard case .string(let text) = value else { return nil }
    return Bytewise.equal(name, "$bytes") ? Base64.decode(text).map(Value.bytes) : double(text)
  }

  /// The word for a double that a JSON number cannot carry; `nil` for all others.
  ///
  /// `-0.0` is among them because readers of JSON are free to drop the sign of a zero.
  static func word(for number: Double) -> StaticString? {
    if number.isNaN { return "NaN" }
    if number.isInfinite { return number < 0 ? "-Inf" : "+Inf" }
    return number == 0 && number.sign == .minus ? "-0.0" : nil
  }

  private static func double(_ word: String) -> Value? {
    switch word {
    case "NaN": .double(.nan)
    case "+Inf": .double(.infinity)
    case "-Inf": .double(-.infinity)
    case "-0.0": .double(-0.0)
    default: nil
    }
  }
}
