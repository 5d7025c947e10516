/// Turns a value into any `Decodable` type.
///
/// A number is taken only if the type holds it: an integer past an `Int8` and a double for an `Int`
/// are refused, an integer for a `Double` is taken if it is exactly the same. A missing member is
/// `nil` for an optional, and so is a member that is ``Value/null``.
///
/// ```swift
/// let plan = try ValueDecoder().decode(Plan.self, from: value)
/// ```
public struct ValueDecoder: Sendable {
  /// What the types' own code for decoding may want to know.
  public var userInfo: [CodingUserInfoKey: any Sendable] = [:]

  /// Makes a decoder.
  public init() {}

  /// Decodes a value.
  ///
  /// - Parameters:
  ///   - type: What to make of it.
  ///   - value: The value.
  /// - Returns: What the value holds.
  /// - Throws: ``StoreError`` with ``StoreError/Code/invalid``; its details name the
  ///   `path` of what did not fit and the `reason`, and never hold the value.
  public func decode<T: Decodable>(
    _ type: T.Type = T.self, from value: Value
  ) throws(StoreError) -> T {
    do {
      return try TreeDecoder(value: value, codingPath: [], userInfo: userInfo).decode(type)
    } catch {
      throw StoreError(coding: error)
    }
  }
}

/// The decoder that a type's `init(from:)` sees: a value and the way to it.
struct TreeDecoder: Decoder {
  let value: Value
  let codingPath: [any CodingKey]
  let userInfo: [CodingUserInfoKey: Any]

  func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
    guard case .object(let object) = value else { throw mismatch(Object.self) }
    return KeyedDecodingContainer(KeyedBranch<Key>(decoder: self, object: object))
  }

  func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
    guard case .array(let items) = value else { throw mismatch([Value].self) }
    return UnkeyedBranch(decoder: self, items: items)
  }

  func singleValueContainer() -> any SingleValueDecodingContainer { SingleBranch(decoder: self) }

  /// Decodes this decoder's value.
  func decode<T: Decodable>(_ type: T.Type) throws -> T {
    guard let scalar = type as? any ValueScalar.Type else { return try type.init(from: self) }
    guard let result = scalar.init(scalar: value) as? T else { throw mismatch(type) }
    return result
  }

  /// A decoder for something inside this one's value.
  func nested(_ key: any CodingKey, _ value: Value) -> TreeDecoder {
    TreeDecoder(value: value, codingPath: codingPath + [key], userInfo: userInfo)
  }

  func mismatch(_ type: Any.Type) -> DecodingError {
    let context = DecodingError.Context(
      codingPath: codingPath, debugDescription: "not of this type")
    return value.isNull ? .valueNotFound(type, context) : .typeMismatch(type, context)
  }
}
