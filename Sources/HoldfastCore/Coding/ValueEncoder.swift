/// Turns any `Encodable` type into a value.
///
/// Every number of a type arrives exactly or not at all; `[UInt8]` becomes bytes, an ``Instant``
/// its text, a ``Value`` itself, and an optional that is `nil` and encoded as such ``Value/null``.
///
/// ```swift
/// struct Plan: Codable { var step: Int; var goal: String }
/// let value = try ValueEncoder().encode(Plan(step: 1, goal: "refund"))
/// ```
public struct ValueEncoder: Sendable {
  /// What the types' own code for encoding may want to know.
  public var userInfo: [CodingUserInfoKey: any Sendable] = [:]
  /// Nesting past ``Limits/nestingMax`` is refused before it can exhaust the stack.
  public var limits: Limits

  /// Makes an encoder.
  ///
  /// - Parameter limits: How deeply a value may nest.
  public init(limits: Limits = Limits()) { self.limits = limits }

  /// Encodes something.
  ///
  /// - Parameter value: What to encode.
  /// - Returns: The value.
  /// - Throws: ``StoreError`` with ``StoreError/Code/invalid``; its details name the
  ///   `path` of what could not be encoded and the `reason`, and never hold the value.
  public func encode(_ value: some Encodable) throws(StoreError) -> Value {
    let session = EncodingSession(userInfo: userInfo, nestingMax: limits.nesting)
    do {
      let part = try session.part(value, path: [])
      if let fault = session.fault { throw fault }
      return part.value
    } catch {
      throw StoreError(coding: error)
    }
  }
}

/// What all encoders of one call share.
final class EncodingSession {
  let userInfo: [CodingUserInfoKey: Any]
  private let nestingMax: Int
  /// The first misuse by a type's own code, where the protocols leave no way to throw.
  private(set) var fault: EncodingError?

  init(userInfo: [CodingUserInfoKey: any Sendable], nestingMax: Int) {
    self.userInfo = userInfo
    self.nestingMax = nestingMax
  }

  /// Encodes one thing into a part of the tree.
  func part<T: Encodable>(_ value: T, path: [any CodingKey]) throws -> EncodedPart {
    if let scalar = value as? any ValueScalar {
      guard let encoded = scalar.encoded else { throw failure("no exact value", path) }
      return .value(encoded)
    }
    guard path.count <= nestingMax else { throw failure("nested too deeply", path) }
    let node = EncodedNode()
    try value.encode(to: TreeEncoder(node: node, codingPath: path, session: self))
    return .node(node)
  }

  func misuse(_ path: [any CodingKey]) {
    fault = fault ?? failure("two kinds of container at one place", path)
  }

  /// The error takes a value, which may end in a log: it gets none.
  private func failure(_ description: String, _ path: [any CodingKey]) -> EncodingError {
    .invalidValue((), .init(codingPath: path, debugDescription: description))
  }
}

/// A part of what is being encoded: finished, or a container that may still grow.
enum EncodedPart {
  case value(Value)
  case node(EncodedNode)

  var value: Value {
    switch self {
    case .value(let value): value
    case .node(let node): node.value
    }
  }
}

/// A container or a single value while it is being encoded.
final class EncodedNode {
  enum Content {
    case nothing
    case single(EncodedPart)
    case items([EncodedPart])
    case members([(String, EncodedPart)])
  }

  var content = Content.nothing

  /// The value; an object without members where nothing was encoded.
  var value: Value {
    switch content {
    case .nothing: .object([:])
    case .single(let part): part.value
    case .items(let parts): .array(parts.map(\.value))
    case .members(let parts): .object(Object(parts.map { ($0, $1.value) }))
    }
  }

  /// How many items there are.
  var count: Int {
    guard case .items(let parts) = content else { return 0 }
    return parts.count
  }

  func append(_ part: EncodedPart) {
    guard case .items(var parts) = content else { return }
    content = .nothing
    parts.append(part)
    content = .items(parts)
  }

  func append(_ name: String, _ part: EncodedPart) {
    guard case .members(var parts) = content else { return }
    content = .nothing
    parts.append((name, part))
    content = .members(parts)
  }
}
