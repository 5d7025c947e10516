/// The one error that Holdfast throws of its own.
///
/// A code is a decision for the caller; the message says what went wrong and is safe to show to a
/// client; the hint says in one sentence what to do. Neither ever carries a stored value or a
/// secret.
///
/// ```swift
/// do {
///   try await kv.put("plan", plan, if: .version(7))
/// } catch StoreError.Code.conflict {
///   // somebody else wrote first: read again and decide again
/// }
/// ```
public struct StoreError: Error, Sendable {
  /// What the caller should do about it.
  public let code: Code
  /// What went wrong, in a sentence that is safe for a client.
  public let message: String
  /// One imperative sentence that says how to go on.
  public let hint: String
  /// What a program may want to know, such as the current version after a failed condition.
  public let details: Object
  /// The failure underneath, for the log of the process that owns the store; never sent to a
  /// client.
  public let cause: (any Error)?
  /// The file and line in Holdfast where the error was made.
  public let origin: Origin

  /// Makes an error.
  ///
  /// - Parameters:
  ///   - code: The decision that the caller has to take.
  ///   - message: What went wrong; no stored value and no secret may stand in it.
  ///   - hint: One imperative sentence; the code's own hint if left out.
  ///   - details: Facts for a program.
  ///   - cause: The failure underneath.
  ///   - file: Where the error is made.
  ///   - line: Where the error is made.
  public init(
    _ code: Code, _ message: String, hint: String? = nil, details: Object = [:],
    cause: (any Error)? = nil, file: StaticString = #fileID, line: UInt = #line
  ) {
    self.code = code
    self.message = message
    self.hint = hint ?? code.hint
    self.details = details
    self.cause = cause
    self.origin = Origin(file: file, line: line)
  }

  /// A place in Holdfast's own sources.
  public struct Origin: Sendable, CustomStringConvertible {
    /// The module and file.
    public let file: StaticString
    /// The line in the file.
    public let line: UInt

    /// `file:line`.
    public var description: String { "\(file):\(line)" }
  }
}

extension StoreError: CustomStringConvertible {
  /// The code, the message and the hint; never a value, a parameter or a secret.
  public var description: String { "\(code): \(message) \(hint)" }
}

extension StoreError {
  /// The same error with one more fact in its details.
  ///
  /// - Parameters:
  ///   - name: The name of the fact.
  ///   - value: The fact.
  /// - Returns: A copy of this error that carries the fact.
  package func adding(_ name: String, _ value: Value) -> StoreError {
    var details = self.details
    details[name] = value
    return StoreError(
      code, message, hint: hint, details: details, cause: cause, file: origin.file,
      line: origin.line)
  }
}

/// Lets `catch StoreError.Code.conflict` match an error of any type.
///
/// - Parameters:
///   - code: The code to look for.
///   - error: The error that was thrown.
/// - Returns: Whether the error is a ``StoreError`` with this code.
public func ~= (code: StoreError.Code, error: any Error) -> Bool {
  (error as? StoreError)?.code == code
}

/// Lets `catch StoreError.Code.conflict` match where the error is known to be a ``StoreError``.
///
/// - Parameters:
///   - code: The code to look for.
///   - error: The error that was thrown.
/// - Returns: Whether the error has this code.
public func ~= (code: StoreError.Code, error: StoreError) -> Bool {
  error.code == code
}
