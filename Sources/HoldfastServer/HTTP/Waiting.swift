import ServiceLifecycle

extension Call {
  /// Waits for something on behalf of the client: the work is cancelled when the client leaves or
  /// the server stops, and then says what it has.
  ///
  /// - Parameter work: What waits.
  /// - Returns: What it gave.
  /// - Throws: What it throws.
  func waiting<Result: Sendable>(
    _ work: @escaping @Sendable () async throws -> Result
  ) async throws -> Result {
    let task = Task { try await work() }
    Departure.watch(channel) { task.cancel() }
    defer { Departure.forget(channel) }
    return try await withTaskCancellationOrGracefulShutdownHandler {
      try await task.value
    } onCancelOrGracefulShutdown: {
      task.cancel()
    }
  }
}
