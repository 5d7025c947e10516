extension Value: Codable {
  /// Reads a value from any decoder, ``ValueDecoder`` among them.
  ///
  /// A coder that does not tell 1 from 1.0 gives the integer.
  ///
  /// - Parameter decoder: Holds what ``encode(to:)`` wrote, or anything of JSON's kinds.
  /// - Throws: `DecodingError` where it holds something else.
  public init(from decoder: any Decoder) throws {
    if let decoder = decoder as? TreeDecoder {
      self = decoder.value
    } else if let container = try? decoder.container(keyedBy: ValueKey.self) {
      self = try Value(members: container)
    } else if var container = try? decoder.unkeyedContainer() {
      var items: [Value] = []
      while !container.isAtEnd { items.append(try container.decode(Value.self)) }
      self = .array(items)
    } else {
      self = try Value(scalar: decoder.singleValueContainer())
    }
  }

  private init(members container: KeyedDecodingContainer<ValueKey>) throws {
    let keys = container.allKeys
    let members = try keys.map { ($0.stringValue, try container.decode(Value.self, forKey: $0)) }
    guard let (name, value) = members.first, members.count == 1 else {
      self = .object(Object(members))
      return
    }
    guard let value = DollarForm.read(name, value) else {
      throw DecodingError.dataCorruptedError(
        forKey: keys[0], in: container, debugDescription: "not a well-formed $ form")
    }
    self = value
  }

  private init(scalar container: any SingleValueDecodingContainer) throws {
    if container.decodeNil() {
      self = .null
    } else if let flag = try? container.decode(Bool.self) {
      self = .bool(flag)
    } else if let number = try? container.decode(Int64.self) {
      self = .integer(number)
    } else if let number = try? container.decode(UInt64.self) {
      // Past 63 bits: a double holds it exactly, or it is refused as in JSON.
      guard let double = Double(exactly: number) else {
        throw DecodingError.dataCorruptedError(
          in: container, debugDescription: "no exact value for this number")
      }
      self = .double(double)
    } else if let number = try? container.decode(Double.self) {
      self = .double(number)
    } else {
      self = .string(try container.decode(String.self))
    }
  }

  /// Writes the value to any encoder; bytes and the doubles that JSON has no word for as in JSON.
  ///
  /// - Parameter encoder: Takes the value.
  /// - Throws: What the encoder throws.
  public func encode(to encoder: any Encoder) throws {
    if let encoder = encoder as? TreeEncoder {
      var container = encoder.singleValueContainer()
      return try container.encode(self)
    }
    switch self {
    case .array(let items):
      var container = encoder.unkeyedContainer()
      for item in items { try container.encode(item) }
    case .object(let object):
      var container = encoder.container(keyedBy: ValueKey.self)
      let isEscaped = object.count == 1 && DollarForm.needsEscape(object[0].name)
      for (name, value) in object {
        try container.encode(value, forKey: ValueKey(isEscaped ? "$" + name : name))
      }
    case .bytes(let bytes):
      var container = encoder.container(keyedBy: ValueKey.self)
      try container.encode(Base64.encode(bytes), forKey: ValueKey("$bytes"))
    case .double(let number):
      guard let word = DollarForm.word(for: number) else {
        var container = encoder.singleValueContainer()
        return try container.encode(number)
      }
      var container = encoder.container(keyedBy: ValueKey.self)
      try container.encode("\(word)", forKey: ValueKey("$f64"))
    case .null, .bool, .integer, .string:
      var container = encoder.singleValueContainer()
      try encodeScalar(into: &container)
    }
  }

  private func encodeScalar(into container: inout any SingleValueEncodingContainer) throws {
    switch self {
    case .bool(let flag): try container.encode(flag)
    case .integer(let number): try container.encode(number)
    case .string(let text): try container.encode(text)
    case .null, .double, .bytes, .array, .object: try container.encodeNil()
    }
  }
}

extension Object: Codable {
  /// Reads the members from any decoder.
  ///
  /// - Parameter decoder: Holds an object.
  /// - Throws: `DecodingError` where it holds something else.
  public init(from decoder: any Decoder) throws {
    guard case .object(let object) = try Value(from: decoder) else {
      throw DecodingError.typeMismatch(
        Object.self,
        .init(codingPath: decoder.codingPath, debugDescription: "not an object"))
    }
    self = object
  }

  /// Writes the members to any encoder.
  ///
  /// - Parameter encoder: Takes an object.
  /// - Throws: What the encoder throws.
  public func encode(to encoder: any Encoder) throws { try Value.object(self).encode(to: encoder) }
}
