package import HoldfastCore
import HoldfastEngine

/// How a facade's call becomes a transaction.
extension Store {
  /// Runs a write of the surface in a transaction of its own, once for each idempotency key.
  ///
  /// - Parameters:
  ///   - operation: What is being done.
  ///   - settings: How the write behaves.
  ///   - arguments: What the call was given, for the digest of an idempotent request.
  ///   - hotRows: The rows at which many writers may meet.
  ///   - body: The operation on a transaction.
  /// - Returns: What the body returned, now or the first time.
  /// - Throws: What the database says, as a ``StoreError``.
  package func perform<Result: Codable & Sendable>(
    _ operation: Operation, _ settings: WriteSettings, arguments: @autoclosure () -> Value,
    hotRows: [Int64] = [], _ body: @escaping @Sendable (Transaction) throws -> Result
  ) async throws(StoreError) -> Result {
    let request = settings.idempotencyKey.map { key in
      IdempotentRequest(
        owner: settings.owner, key: key, request: [.string(operation.name), arguments()])
    }
    return try await observed(operation) {
      guard let request else {
        // An operation of ours decides before it writes.
        return try await write(settings, hotRows: hotRows, decidesFirst: true, body)
      }
      return try await write(request, settings, hotRows: hotRows, body)
    }
  }

  /// Runs a write that carries no idempotency key, such as the making of a token, whose answer must
  /// not be kept.
  ///
  /// - Parameters:
  ///   - operation: What is being done.
  ///   - owner: Who does it: an access token's name; empty for whom the store was opened by.
  ///   - body: The operation on a transaction.
  /// - Returns: What the body returned.
  /// - Throws: What the database says, as a ``StoreError``.
  package func change<Result: Sendable>(
    _ operation: Operation, by owner: String = "",
    _ body: @escaping @Sendable (Transaction) throws -> Result
  ) async throws(StoreError) -> Result {
    var settings = WriteSettings.standard
    settings.owner = owner
    return try await observed(operation) { [settings] in
      try await write(settings, hotRows: [], decidesFirst: true, body)
    }
  }

  /// Runs a read of the surface on a snapshot of its own.
  ///
  /// - Parameters:
  ///   - operation: What is being done.
  ///   - body: The operation on a transaction.
  /// - Returns: What the body returned.
  /// - Throws: What the database says, as a ``StoreError``.
  package func consult<Result: Sendable>(
    _ operation: Operation, _ body: @escaping @Sendable (Transaction) throws -> Result
  ) async throws(StoreError) -> Result {
    try await observed(operation) { try await readBody(.scan, body) }
  }
}
