/// What a store keeps under a key: JSON's kinds, with exact 64-bit integers, every double, and
/// bytes.
///
/// Equality is exact: `1 ≠ 1.0`, `NaN ≠ NaN`, `-0.0 == 0.0`, a string is never bytes, strings are
/// compared byte by byte, and the order of an object's members carries no meaning.
///
/// ```swift
/// let plan: Value = ["step": 1, "goal": "refund", "weights": [0.5, 1.0], "note": nil]
/// ```
public enum Value: Sendable {
  /// JSON's `null`; a key that holds it is not a missing key.
  case null
  /// A truth value.
  case bool(Bool)
  /// A 64-bit integer.
  case integer(Int64)
  /// A double of any kind, NaN, the infinities and `-0.0` included.
  case double(Double)
  /// Text.
  case string(String)
  /// Bytes; `{"$bytes":"…"}` in JSON.
  case bytes([UInt8])
  /// Values in order.
  case array([Value])
  /// Values by name.
  case object(Object)
}

extension Value: Equatable {
  /// Whether two values are the same; see the type for what that means.
  ///
  /// - Parameters:
  ///   - left: A value.
  ///   - right: Another value.
  /// - Returns: Whether they are equal.
  public static func == (left: Value, right: Value) -> Bool {
    switch (left, right) {
    case (.null, .null): true
    case (.bool(let one), .bool(let other)): one == other
    case (.integer(let one), .integer(let other)): one == other
    case (.double(let one), .double(let other)): one == other
    case (.string(let one), .string(let other)): Bytewise.equal(one, other)
    case (.bytes(let one), .bytes(let other)): one == other
    case (.array(let one), .array(let other)): one == other
    case (.object(let one), .object(let other)): one == other
    case (.null, _), (.bool, _), (.integer, _), (.double, _), (.string, _), (.bytes, _),
      (.array, _), (.object, _):
      false
    }
  }
}

extension Value: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral,
  ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral, ExpressibleByStringLiteral,
  ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
  /// `nil` is ``null``.
  public init(nilLiteral: ()) { self = .null }
  /// `true` and `false`.
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  /// A whole number is an ``integer(_:)``.
  public init(integerLiteral value: Int64) { self = .integer(value) }
  /// A number with a point is a ``double(_:)``.
  public init(floatLiteral value: Double) { self = .double(value) }
  /// Text.
  public init(stringLiteral value: String) { self = .string(value) }
  /// Values in order.
  public init(arrayLiteral elements: Value...) { self = .array(elements) }
  /// Values by name; of two with one name the last holds.
  public init(dictionaryLiteral elements: (String, Value)...) {
    self = .object(Object(elements))
  }
}

extension Value {
  /// The member with this name, where the value is an object that has it.
  ///
  /// - Parameter name: The member's name, compared byte by byte.
  public subscript(_ name: String) -> Value? {
    guard case .object(let object) = self else { return nil }
    return object[name]
  }

  /// Whether the value is ``null``.
  public var isNull: Bool {
    guard case .null = self else { return false }
    return true
  }

  /// The text, where the value is a string.
  public var stringValue: String? {
    guard case .string(let text) = self else { return nil }
    return text
  }

  /// The number, where the value is an integer.
  public var integerValue: Int64? {
    guard case .integer(let number) = self else { return nil }
    return number
  }

  /// The number, where the value is a double.
  public var doubleValue: Double? {
    guard case .double(let number) = self else { return nil }
    return number
  }

  /// The truth value, where the value is one.
  public var boolValue: Bool? {
    guard case .bool(let flag) = self else { return nil }
    return flag
  }

  /// The bytes, where the value is bytes.
  public var bytesValue: [UInt8]? {
    guard case .bytes(let bytes) = self else { return nil }
    return bytes
  }

  /// The items, where the value is an array.
  public var arrayValue: [Value]? {
    guard case .array(let items) = self else { return nil }
    return items
  }

  /// The members, where the value is an object.
  public var objectValue: Object? {
    guard case .object(let object) = self else { return nil }
    return object
  }
}
