import CSQLite
import HoldfastCore

/// A statement that one connection has prepared, with the places of its parameters.
final class PreparedStatement {
  let handle: OpaquePointer
  /// SQLite's index of `$1`, `$2`, …; 0 for one that this text does not use.
  ///
  /// `$1` is a *name* to SQLite, numbered in the order of appearance, so the places are looked up
  /// once.
  private let places: [Int32]
  /// Whether the statement may write.
  let writes: Bool
  /// Whether it is being stepped: a body may run a statement inside its own loop over rows.
  var isBusy = false

  /// Takes over a statement that SQLite has compiled.
  ///
  /// - Parameter handle: The compiled statement; this object finalizes it.
  init(handle: OpaquePointer) {
    self.handle = handle
    writes = sqlite3_stmt_readonly(handle) == 0
    var places: [Int32] = []
    for index in 0..<sqlite3_bind_parameter_count(handle) {
      guard let name = sqlite3_bind_parameter_name(handle, index + 1),
        let number = Int(String(cString: name).dropFirst()), number >= 1
      else { continue }
      while places.count < number { places.append(0) }
      places[number - 1] = index + 1
    }
    self.places = places
  }

  deinit { sqlite3_finalize(handle) }

  /// Binds the values, lets the body step, and takes the values away again.
  ///
  /// Texts and bytes are lent to SQLite where they lie, without a copy: each is pinned by a closure
  /// around those of the following ones, and the body runs innermost. That is why this recurses.
  ///
  /// - Parameters:
  ///   - bindings: As many values as the statement takes.
  ///   - body: Steps the statement and returns SQLite's code; the statement is reset afterwards.
  /// - Returns: The first code that is an error in binding, or the body's.
  func run(_ bindings: [Bound], _ body: () -> Int32) -> Int32 {
    let code = bind(bindings, from: 0, body)
    sqlite3_reset(handle)
    // The lent memory is gone now: no binding may be left to point there.
    if !places.isEmpty { sqlite3_clear_bindings(handle) }
    return code
  }

  private func bind(_ bindings: [Bound], from first: Int, _ body: () -> Int32) -> Int32 {
    var index = first
    while index < places.count {
      let place = places[index]
      if place != 0 {
        switch bindings[index] {
        case .null: break  // cleared after each run
        case .integer(let number):
          let code = sqlite3_bind_int64(handle, place, number)
          guard code == SQLITE_OK else { return code }
        case .text(var text):
          return text.withUTF8 { bytes in
            let code = holdfast_bind_text(
              handle, place, bytes.baseAddress, sqlite3_uint64(bytes.count))
            return code == SQLITE_OK ? bind(bindings, from: index + 1, body) : code
          }
        case .blob(let bytes):
          return bytes.withUnsafeBufferPointer { bytes in
            let code = holdfast_bind_blob(
              handle, place, bytes.baseAddress, sqlite3_uint64(bytes.count))
            return code == SQLITE_OK ? bind(bindings, from: index + 1, body) : code
          }
        }
      }
      index += 1
    }
    return body()
  }
}
