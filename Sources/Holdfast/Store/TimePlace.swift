import HoldfastCore

/// A place in a list that runs from the newest on: a time, and the row's number that breaks ties.
struct TimePlace: Equatable {
  let time: Int64
  let number: Int64

  init(time: Int64, number: Int64) {
    self.time = time
    self.number = number
  }

  /// Where a page goes on: at its cursor, or before the upper bound of time, or at the newest.
  init(after token: String?, until: Instant?) throws(StoreError) {
    guard let token else {
      // A row at exactly `until` is left out: no number is below the least.
      self.init(time: until?.microseconds ?? .max, number: until == nil ? .max : .min)
      return
    }
    let parts = try ListCursor.parts(of: token, in: "t", count: 2)
    guard let time = Int64(parts[0]), let number = Int64(parts[1])
    else { throw ListCursor.foreign }
    self.init(time: time, number: number)
  }

  /// The place as an opaque cursor.
  var token: String { ListCursor.token("t", "\(time)", "\(number)") }
}
