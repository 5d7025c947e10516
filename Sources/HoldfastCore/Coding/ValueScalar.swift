/// A type that a single value holds, without containers.
///
/// The coders look for it first; so integers stay exact, and bytes are bytes rather than a list of
/// numbers.
protocol ValueScalar {
  /// The value, or `nil` where none is exactly the same.
  var encoded: Value? { get }

  /// The scalar that a value holds, or `nil` where it holds none of this type.
  init?(scalar value: Value)
}

extension ValueScalar where Self: FixedWidthInteger {
  var encoded: Value? { Int64(exactly: self).map(Value.integer) }

  init?(scalar value: Value) {
    guard case .integer(let number) = value else { return nil }
    self.init(exactly: number)
  }
}

extension Int: ValueScalar {}
extension Int8: ValueScalar {}
extension Int16: ValueScalar {}
extension Int32: ValueScalar {}
extension Int64: ValueScalar {}
extension UInt: ValueScalar {}
extension UInt8: ValueScalar {}
extension UInt16: ValueScalar {}
extension UInt32: ValueScalar {}
extension UInt64: ValueScalar {}

extension Double: ValueScalar {
  var encoded: Value? { .double(self) }

  /// Takes an integer too, if it is exactly the same number: many clients write 1.0 as 1.
  init?(scalar value: Value) {
    switch value {
    case .double(let number): self = number
    case .integer(let number): self.init(exactly: number)
    case .null, .bool, .string, .bytes, .array, .object: return nil
    }
  }
}

extension Float: ValueScalar {
  var encoded: Value? { .double(Double(self)) }

  /// Takes the nearest float, but none where a number is too large for one.
  init?(scalar value: Value) {
    guard let number = Double(scalar: value) else { return nil }
    self.init(number)
    guard isFinite == number.isFinite else { return nil }
  }
}

extension Bool: ValueScalar {
  var encoded: Value? { .bool(self) }

  init?(scalar value: Value) {
    guard case .bool(let flag) = value else { return nil }
    self = flag
  }
}

extension String: ValueScalar {
  var encoded: Value? { .string(self) }

  init?(scalar value: Value) {
    guard case .string(let text) = value else { return nil }
    self = text
  }
}

extension [UInt8]: ValueScalar {
  var encoded: Value? { .bytes(self) }

  /// Takes a list of numbers too, as other coders write bytes.
  init?(scalar value: Value) {
    switch value {
    case .bytes(let bytes): self = bytes
    case .array(let items):
      let bytes = items.compactMap(UInt8.init(scalar:))
      guard bytes.count == items.count else { return nil }
      self = bytes
    case .null, .bool, .integer, .double, .string, .object: return nil
    }
  }
}

extension Value: ValueScalar {
  var encoded: Value? { self }

  init?(scalar value: Value) { self = value }
}
