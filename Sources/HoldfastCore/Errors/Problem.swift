extension StoreError {
  /// The error as the problem document of an HTTP answer (RFC 9457).
  ///
  /// It holds neither the cause nor the origin, which are for the log of the process.
  ///
  /// - Parameters:
  ///   - typeBase: Where the pages about errors are: the type is `typeBase/errors/CODE`.
  ///   - status: The status of the answer, where a route is more exact than the code.
  /// - Returns: `type`, `title`, `status`, `code`, `detail`, `hint` and `details`.
  public func problem(typeBase: String, status: Int? = nil) -> Object {
    [
      "type": .string("\(typeBase)/errors/\(code.name)"),
      "title": .string(code.title),
      "status": .integer(Int64(status ?? code.status)),
      "code": .string(code.name),
      "detail": .string(message),
      "hint": .string(hint),
      "details": .object(details),
    ]
  }
}
