import HTTPTypes
import HoldfastCore

/// An error with what only HTTP knows of it: a more exact status, and header fields.
struct Refusal: Error {
  let error: StoreError
  let status: Int
  var headers: HTTPFields

  init(_ error: StoreError, status: Int? = nil, headers: HTTPFields = [:]) {
    self.error = error
    self.status = status ?? error.code.status
    self.headers = headers
  }
}

extension Refusal {
  /// Something in the path, the query or a header field cannot be: 400.
  static func malformed(
    _ message: String, hint: String, details: Object = [:]
  ) -> Refusal {
    Refusal(StoreError(.invalid, message, hint: hint, details: details), status: 400)
  }

  /// A query parameter cannot be: 400, with its name.
  static func parameter(_ name: String, _ message: String, hint: String) -> Refusal {
    malformed(message, hint: hint, details: ["parameter": .string(name)])
  }

  /// Runs what checks a part of the path, the query or a header field: an `invalid` from there
  /// is 400.
  static func asMalformed<Result>(
    _ body: () throws(StoreError) -> Result
  ) throws(Refusal) -> Result {
    do throws(StoreError) {
      return try body()
    } catch {
      throw Refusal(error, status: error.code == .invalid ? 400 : nil)
    }
  }
}

/// A request's body that did not arrive whole; whoever sent it is gone or no longer understood.
struct BrokenBody: Error {
  let cause: any Error
}
