import Crypto
import HoldfastCore

/// The digest of content that comes piece by piece, as a file's entity tag shows it.
package struct ContentDigest {
  private var hash = SHA256()

  package init() {}

  /// Takes more content.
  ///
  /// - Parameter piece: The bytes that come next.
  package mutating func add(_ piece: [UInt8]) { hash.update(data: piece) }

  /// The digest of all so far: 64 hexadecimal digits.
  package var text: String { HexText.encode(hash.finalize()) }
}
