/// What a key may be: any Unicode but NUL, 1 to 1 024 bytes, outside the store's own prefix.
///
/// A key is exact: nothing is trimmed, folded or normalised, so `"../x"`, `" "` and an emoji are
/// ordinary keys.
package enum Key {
  /// What the names that the store keeps for itself begin with.
  package static let reservedPrefix = "_holdfast/"

  /// Checks a key.
  ///
  /// - Parameters:
  ///   - key: The key.
  ///   - limits: The store's limits.
  /// - Throws: ``StoreError`` with `invalid` and the `reason` in its details: `empty`, `too_long`,
  ///   `nul` or `reserved`.
  package static func check(_ key: String, _ limits: Limits) throws(StoreError) {
    try Checks.name(key, "key", bytesMax: limits.keyBytesMax)
    guard !key.utf8.starts(with: reservedPrefix.utf8) else {
      throw Checks.failure(
        .reserved, "Keys that begin with \(reservedPrefix) are the store's own.",
        hint: "Choose another key.")
    }
  }
}
