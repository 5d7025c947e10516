import HoldfastCore

/// What callers keep with a run or a bot.
enum Metadata {
  /// The stored text of metadata.
  ///
  /// - Parameters:
  ///   - metadata: The metadata.
  ///   - transaction: The transaction of the operation that was given it.
  /// - Returns: The text.
  /// - Throws: `invalid` for anything but an object, and what the limits say.
  static func text(
    _ metadata: Value, in transaction: Transaction
  ) throws(StoreError) -> String {
    guard case .object = metadata else {
      throw StoreError(
        .invalid, "Metadata is an object.", hint: "Send an object, such as {}.",
        details: ["field": "metadata"])
    }
    return try transaction.dooming { () throws(StoreError) in
      try metadata.json(within: transaction.context.limits)
    }
  }
}
