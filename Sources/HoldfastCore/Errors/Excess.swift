/// What is refused as too large, and what an operation finds broken, for whoever must hear of it
/// even where the error is swallowed.
///
/// An operation that finds halfway that it cannot go on has written already, and what it wrote must
/// not be kept. And what an operation is given is measured by functions that know of no
/// transaction. Yet nothing of a transaction may be kept in which an operation was given too much,
/// whatever its body does with the error. So whoever runs a body listens while it runs; a body is
/// one synchronous call, and nothing else is measured in it.
package enum Excess {
  @TaskLocal private static var listener: (@Sendable (StoreError) -> Void)?

  /// Runs a body and hears of everything that is refused in it.
  ///
  /// - Parameters:
  ///   - listener: Told of each refusal, on the body's thread.
  ///   - body: The body.
  /// - Returns: What the body returned.
  /// - Throws: What the body throws.
  package static func heard<Result>(
    by listener: @escaping @Sendable (StoreError) -> Void, in body: () throws -> Result
  ) rethrows -> Result {
    try $listener.withValue(listener) { try body() }
  }

  /// A refusal, of which the listener is told; every `too_large` of an operation is made here.
  ///
  /// - Parameters:
  ///   - message: What is larger than what.
  ///   - hint: What to do; the code's own if left out.
  ///   - details: The reason and the limit.
  /// - Returns: The error to throw.
  package static func refusal(
    _ message: String, hint: String? = nil, details: Object
  ) -> StoreError {
    fault(.tooLarge, message, hint: hint, details: details)
  }

  /// An error that no body may go on after, of which the listener is told.
  ///
  /// - Parameters:
  ///   - code: What failed.
  ///   - message: What is wrong.
  ///   - hint: What to do; the code's own if left out.
  ///   - details: What it is about.
  /// - Returns: The error to throw.
  package static func fault(
    _ code: StoreError.Code, _ message: String, hint: String? = nil, details: Object = [:]
  ) -> StoreError {
    let error = StoreError(code, message, hint: hint, details: details)
    listener?(error)
    return error
  }
}
