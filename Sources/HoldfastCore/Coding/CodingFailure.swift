extension StoreError {
  /// The error that a caller sees when a type could not be encoded or decoded.
  ///
  /// Swift's own errors carry the value, or a text that may; of them only the path and the kind of
  /// failure are kept. An error of another type is the caller's own and becomes the cause.
  init(coding error: any Error) {
    switch error {
    case let error as StoreError: self = error
    case DecodingError.keyNotFound(let key, let context):
      self.init("missing", "A member that the type needs is missing.", context.codingPath + [key])
    case DecodingError.valueNotFound(_, let context):
      self.init("null", "A member that the type needs is null.", context.codingPath)
    case DecodingError.typeMismatch(_, let context):
      self.init("type", "A value is not of the kind that the type needs.", context.codingPath)
    case DecodingError.dataCorrupted(let context):
      self.init("malformed", "A value is not one that the type takes.", context.codingPath)
    case EncodingError.invalidValue(_, let context):
      self.init("unsupported", "Something in the type has no exact value.", context.codingPath)
    default:
      self.init(
        .invalid, "The type's own code for coding failed.", details: ["reason": "thrown"],
        cause: error)
    }
  }

  private init(_ reason: String, _ message: String, _ path: [any CodingKey]) {
    self.init(
      .invalid, message, hint: "Make the value and the type fit; details name the place.",
      details: ["reason": .string(reason), "path": .string(Self.text(of: path))])
  }

  /// `steps[3].name`.
  private static func text(of path: [any CodingKey]) -> String {
    path.reduce(into: "") { text, key in
      if let place = key.intValue {
        text += "[\(place)]"
      } else {
        text += text.isEmpty ? key.stringValue : ".\(key.stringValue)"
      }
    }
  }
}

/// A key that the coders make themselves: a place in a list, or the name of a member.
struct ValueKey: CodingKey {
  let stringValue: String
  let intValue: Int?

  init(_ name: String) {
    stringValue = name
    intValue = nil
  }

  init(stringValue: String) { self.init(stringValue) }

  init(intValue: Int) {
    stringValue = String(intValue)
    self.intValue = intValue
  }

  /// Where a class keeps what its superclass encodes.
  static let `super` = ValueKey("super")
}
