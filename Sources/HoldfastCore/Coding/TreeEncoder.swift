/// The encoder that a type's `encode(to:)` sees; it fills one node.
struct TreeEncoder: Encoder {
  let node: EncodedNode
  let codingPath: [any CodingKey]
  let session: EncodingSession

  var userInfo: [CodingUserInfoKey: Any] { session.userInfo }

  func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
    switch node.content {
    case .members: break
    case .nothing: node.content = .members([])
    case .single, .items: session.misuse(codingPath)
    }
    return KeyedEncodingContainer(KeyedTree<Key>(encoder: self))
  }

  func unkeyedContainer() -> any UnkeyedEncodingContainer {
    switch node.content {
    case .items: break
    case .nothing: node.content = .items([])
    case .single, .members: session.misuse(codingPath)
    }
    return UnkeyedTree(encoder: self)
  }

  func singleValueContainer() -> any SingleValueEncodingContainer { SingleTree(encoder: self) }

  /// An encoder for something inside this one's node.
  func nested(_ key: any CodingKey) -> TreeEncoder {
    TreeEncoder(node: EncodedNode(), codingPath: codingPath + [key], session: session)
  }
}

/// Members by name.
private struct KeyedTree<Key: CodingKey>: KeyedEncodingContainerProtocol {
  let encoder: TreeEncoder

  var codingPath: [any CodingKey] { encoder.codingPath }

  func encodeNil(forKey key: Key) { encoder.node.append(key.stringValue, .value(.null)) }

  func encode(_ value: some Encodable, forKey key: Key) throws {
    let part = try encoder.session.part(value, path: codingPath + [key])
    encoder.node.append(key.stringValue, part)
  }

  func nestedContainer<NestedKey: CodingKey>(
    keyedBy type: NestedKey.Type, forKey key: Key
  ) -> KeyedEncodingContainer<NestedKey> {
    nested(key).container(keyedBy: type)
  }

  func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
    nested(key).unkeyedContainer()
  }

  func superEncoder() -> any Encoder { nested(ValueKey.super) }

  func superEncoder(forKey key: Key) -> any Encoder { nested(key) }

  private func nested(_ key: any CodingKey) -> TreeEncoder {
    let nested = encoder.nested(key)
    encoder.node.append(key.stringValue, .node(nested.node))
    return nested
  }
}

/// Items in order.
private struct UnkeyedTree: UnkeyedEncodingContainer {
  let encoder: TreeEncoder

  var codingPath: [any CodingKey] { encoder.codingPath }
  var count: Int { encoder.node.count }

  func encodeNil() { encoder.node.append(.value(.null)) }

  func encode(_ value: some Encodable) throws {
    let path = codingPath + [ValueKey(intValue: count)]
    encoder.node.append(try encoder.session.part(value, path: path))
  }

  func nestedContainer<NestedKey: CodingKey>(
    keyedBy type: NestedKey.Type
  ) -> KeyedEncodingContainer<NestedKey> {
    nested().container(keyedBy: type)
  }

  func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { nested().unkeyedContainer() }

  func superEncoder() -> any Encoder { nested() }

  private func nested() -> TreeEncoder {
    let nested = encoder.nested(ValueKey(intValue: count))
    encoder.node.append(.node(nested.node))
    return nested
  }
}

/// One value.
private struct SingleTree: SingleValueEncodingContainer {
  let encoder: TreeEncoder

  var codingPath: [any CodingKey] { encoder.codingPath }

  func encodeNil() { put(.value(.null)) }

  func encode(_ value: some Encodable) throws {
    put(try encoder.session.part(value, path: codingPath))
  }

  private func put(_ part: EncodedPart) {
    guard case .nothing = encoder.node.content else { return encoder.session.misuse(codingPath) }
    encoder.node.content = .single(part)
  }
}
