import HoldfastCore

/// What callers keep with a run or a bot.
enum Metadata {
  /// The stored text of metadata.
  ///
  /// - Throws: `invalid` for anything but an object, and what the limits say.
  static func text(_ metadata: Value, _ limits: Limits) throws(StoreError) -> String {
    guard case .object = metadata else {
      throw StoreError(
        .invalid, "Metadata is an object.", hint: "Send an object, such as {}.",
        details: ["field": "metadata"])
    }
    return try metadata.json(within: limits)
  }
}
