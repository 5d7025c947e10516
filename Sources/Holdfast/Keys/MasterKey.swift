package import Crypto
public import HoldfastCore

/// The key that locks away the keys of a store; it is never stored itself.
///
/// A store's own keys lie wrapped under it in the database, so that another master key needs them
/// wrapped anew and nothing else. It never prints itself.
public struct MasterKey: Sendable {
  package let key: SymmetricKey

  /// How many bytes a master key has.
  public static let byteCount = 32

  /// Takes a key of 32 bytes, which should come from a good source of chance.
  ///
  /// - Parameter bytes: The key.
  /// - Throws: ``StoreError`` with `invalid` for any other number of bytes.
  public init(bytes: [UInt8]) throws(StoreError) {
    guard bytes.count == Self.byteCount else {
      throw StoreError(
        .invalid, "A master key has \(Self.byteCount) bytes.",
        hint: "Make one with: openssl rand -base64 32")
    }
    key = SymmetricKey(data: bytes)
  }

  /// Takes a key as it is written in an environment or a file.
  ///
  /// - Parameter base64: 32 bytes in base64; space and line ends around it are no part of it.
  /// - Throws: ``StoreError`` with `invalid` for anything else.
  public init(base64: String) throws(StoreError) {
    let isBlank: (Character) -> Bool = { $0 == " " || $0.isNewline }
    var text = Substring(base64).drop(while: isBlank)
    while let last = text.last, isBlank(last) { text.removeLast() }
    guard let bytes = Base64.decode(String(text)) else {
      throw StoreError(
        .invalid, "A master key is written in base64.",
        hint: "Make one with: openssl rand -base64 32")
    }
    try self.init(bytes: bytes)
  }
}

extension MasterKey: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  /// Says what it is, and not which.
  public var description: String { "MasterKey" }
  /// Says what it is, and not which.
  public var debugDescription: String { description }
  /// Shows nothing of what is inside.
  public var customMirror: Mirror { Mirror(self, children: [:]) }
}
