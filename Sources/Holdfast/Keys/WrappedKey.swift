package import Crypto
package import HoldfastCore
package import HoldfastEngine

/// A key of the store's own, as it lies in the database: wrapped under the master key (RFC 3394),
/// in `meta` under `key.NAME`.
///
/// What the key has sealed stays as it is when the master key changes: the key is only wrapped
/// anew.
package struct WrappedKey: Sendable {
  private let wrapped: [UInt8]

  /// Wraps a key.
  ///
  /// - Parameters:
  ///   - key: The key.
  ///   - master: The master key.
  /// - Throws: `internal` where the cipher refuses.
  package init(_ key: SymmetricKey, under master: MasterKey) throws(StoreError) {
    do {
      wrapped = Array(try AES.KeyWrap.wrap(key, using: master.key))
    } catch {
      throw StoreError(.internal, "A key could not be wrapped.", cause: error)
    }
  }

  /// Reads what is stored.
  ///
  /// - Parameter text: The text in the database.
  /// - Throws: `corrupt` where it is no wrapped key.
  package init(text: String) throws(StoreError) {
    guard let bytes = Base64.decode(text) else {
      throw StoreError(.corrupt, "A wrapped key in the database cannot be read.")
    }
    wrapped = bytes
  }

  /// What is stored.
  package var text: String { Base64.encode(wrapped) }

  /// The key itself.
  ///
  /// - Parameter master: The master key.
  /// - Returns: The key.
  /// - Throws: `unauthenticated` under another master key.
  package func unwrapped(with master: MasterKey) throws(StoreError) -> SymmetricKey {
    do {
      return try AES.KeyWrap.unwrap(wrapped, using: master.key)
    } catch {
      throw StoreError(
        .unauthenticated, "The master key is not the one of this store.",
        hint: "Open the store with the master key that it was given.")
    }
  }

  /// A new key: 256 random bits.
  ///
  /// - Parameter ids: Where chance comes from.
  /// - Returns: The key.
  package static func makeKey(_ ids: any IDSource) -> SymmetricKey {
    var bytes: [UInt8] = []
    for _ in 0..<4 {
      let word = UInt64(bitPattern: ids.random(in: .min ... .max))
      withUnsafeBytes(of: word.bigEndian) { bytes.append(contentsOf: $0) }
    }
    return SymmetricKey(data: bytes)
  }

  /// The statement that reads one: $1 `key.NAME`.
  package static let find = Statement(
    """
    SELECT value
    FROM meta
    WHERE name = $1
    """)

  /// The statement that keeps a new one, unless there is one: $1 `key.NAME`, $2 the text.
  package static let keep = Statement(
    """
    INSERT INTO meta (name, value)
    VALUES ($1, $2)
    ON CONFLICT (name) DO NOTHING
    """)
}
