import HoldfastCore

/// Values on their way out of the database.
enum ValueText {
  /// The value of a stored text.
  ///
  /// - Throws: `corrupt` for a text that Holdfast did not write.
  static func decode(_ text: String) throws(StoreError) -> Value {
    do {
      return try Value(json: text, limits: stored)
    } catch {
      throw corrupt(error)
    }
  }

  /// The value of a stored text, from its bytes.
  ///
  /// - Throws: `corrupt` for a text that Holdfast did not write.
  static func decode(_ bytes: UnsafeBufferPointer<UInt8>) throws(StoreError) -> Value {
    do throws(JSONFailure) {
      return try JSONParser.parse(bytes, limits: stored)
    } catch {
      throw corrupt(error)
    }
  }

  private static func corrupt(_ cause: any Error) -> StoreError {
    StoreError(
      .corrupt, "A stored value is not the JSON that Holdfast writes.",
      hint: "Mend the row, or restore a backup.", cause: cause)
  }

  /// What is stored kept the limits of its time, which may have been wider than today's; neither
  /// database holds a text of more than 1 GiB.
  private static let stored: Limits = {
    var limits = Limits()
    // Far above what a database holds in a row, and far below where sums of it overflow.
    limits.stringBytesMax = 1 << 40
    limits.valueBytesMax = 1 << 40
    limits.nestingMax = 1_024
    return limits
  }()
}
