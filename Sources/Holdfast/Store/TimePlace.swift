import HoldfastCore

/// A place in a list that runs by time: a time, and the row's number that breaks ties.
struct TimePlace: Equatable {
  let list: ListCursor.List
  let time: Int64
  let number: Int64

  init(_ list: ListCursor.List, time: Int64, number: Int64) {
    self.list = list
    self.time = time
    self.number = number
  }

  /// Where a page goes on: at its cursor, or before the upper bound of time, or at the newest.
  init(_ list: ListCursor.List, after token: String?, until: Instant?) throws(StoreError) {
    guard let token else {
      // A row at exactly `until` is left out: no number is below the least.
      self.init(list, time: until?.microseconds ?? .max, number: until == nil ? .max : .min)
      return
    }
    try self.init(list, token)
  }

  /// Where a page of a list goes on that runs from the oldest on: at its cursor, or at a time.
  init(_ list: ListCursor.List, after token: String?, since: Instant?) throws(StoreError) {
    guard let token else {
      self.init(list, time: since?.microseconds ?? .min, number: .min)
      return
    }
    try self.init(list, token)
  }

  private init(_ list: ListCursor.List, _ token: String) throws(StoreError) {
    let parts = try ListCursor.parts(of: token, in: list, count: 2)
    guard let time = Int64(parts[0]), let number = Int64(parts[1])
    else { throw ListCursor.foreign }
    self.init(list, time: time, number: number)
  }

  /// The place as an opaque cursor.
  var token: String { ListCursor.token(list, "\(time)", "\(number)") }
}
