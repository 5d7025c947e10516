import HoldfastCore

extension Limits {
  /// How many items a page holds: what the caller asked for, or the default.
  ///
  /// - Parameter asked: What the caller asked for.
  /// - Returns: The number.
  /// - Throws: `invalid` for a number out of range.
  func pageItems(_ asked: Int?) throws(StoreError) -> Int {
    guard let asked else { return pageItemsDefault }
    try Checks.pageLimit(asked, self)
    return asked
  }
}
