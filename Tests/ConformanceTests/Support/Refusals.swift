import Holdfast
import Testing

/// The error that a call throws; `nil` where it throws none, and a failure of the test where what it
/// throws is no `StoreError`.
func refusal<Result>(
  sourceLocation: SourceLocation = #_sourceLocation, _ call: () async throws -> Result
) async -> StoreError? {
  do {
    _ = try await call()
    return nil
  } catch let error as StoreError {
    return error
  } catch {
    Issue.record("not a StoreError: \(error)", sourceLocation: sourceLocation)
    return nil
  }
}

/// What a call gave, or with what it was refused; other errors are thrown on.
func outcome<Result>(
  _ call: () async throws -> Result
) async throws -> Swift.Result<Result, StoreError> {
  do {
    return .success(try await call())
  } catch let error as StoreError {
    return .failure(error)
  }
}

/// Expects a call to be refused with a code, and a reason where one is given.
@discardableResult
func expectRefusal<Result>(
  _ code: StoreError.Code, reason: String? = nil, _ comment: Comment? = nil,
  sourceLocation: SourceLocation = #_sourceLocation, _ call: () async throws -> Result
) async -> StoreError? {
  let error = await refusal(sourceLocation: sourceLocation, call)
  #expect(error?.code == code, comment, sourceLocation: sourceLocation)
  if let reason {
    #expect(
      error?.details["reason"] == .string(reason), comment, sourceLocation: sourceLocation)
  }
  if let error {
    #expect(!error.message.isEmpty && !error.hint.isEmpty, sourceLocation: sourceLocation)
  }
  return error
}

/// A user's own error, which must come out of a transaction as it went in.
struct OwnError: Error, Equatable {
  let number: Int
}
