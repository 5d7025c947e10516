import Crypto
package import HoldfastCore
import HoldfastEngine

/// A write that may be repeated: its first answer is kept under a key and given again.
///
/// Invariants: the row of the key is the first thing that its transaction writes, so that two calls
/// at once meet there and one waits for the other; the row commits with the write or not at all;
/// the answer is kept as JSON, so it is the same on every node.
package struct IdempotentRequest: Sendable {
  let owner: String
  let key: String
  let digest: [UInt8]

  /// Makes a request.
  ///
  /// - Parameters:
  ///   - owner: Whose key it is: an access token's name, or empty for the store itself.
  ///   - key: The caller's key.
  ///   - request: What makes the request the same: operation and arguments.
  package init(owner: String, key: String, request: Value) {
    self.owner = owner
    self.key = key
    self.digest = Array(SHA256.hash(data: request.canonical))
  }

  /// The number at which PostgreSQL queues those who come with the same key.
  var hotRow: Int64 { HotRow.number("idempotency", owner, key) }

  /// Checks the key.
  ///
  /// - Parameter limits: The store's limits.
  /// - Throws: `invalid` for an empty or over-long key.
  func check(_ limits: Limits) throws(StoreError) {
    try Checks.idempotencyKey(key, limits)
  }

  /// Runs the body, or gives the first answer again.
  ///
  /// - Parameters:
  ///   - transaction: The transaction in which the body writes.
  ///   - body: The write itself.
  /// - Returns: The body's result, now or the first time.
  /// - Throws: `conflict` when the key came with another request; what the body throws.
  func answer<Result: Codable>(
    in transaction: Transaction, _ body: (Transaction) throws -> Result
  ) throws -> Result {
    let connection = try transaction.writing(bytes: owner.utf8.count + key.utf8.count + 64)
    let isFirst =
      try connection.run(
        Self.claim, [.text(owner), .text(key), .blob(digest)]) == 1
    guard isFirst else { return try kept(connection) }
    let result = try body(transaction)
    let answer = try ValueEncoder().encode(result).json
    try connection.run(Self.keep, [.text(owner), .text(key), .text(answer)])
    return result
  }

  private func kept<Result: Codable>(_ connection: any Connection) throws(StoreError) -> Result {
    let row = try connection.first(Self.find, [.text(owner), .text(key)]) { row in
      (digest: row.blob(0), answer: row.text(1))
    }
    guard let row else {
      throw Excess.fault(.internal, "The row of an idempotency key vanished.")
    }
    guard row.digest == digest else {
      throw StoreError(
        .conflict, "This idempotency key was used for another request.",
        hint: "Use a new key for a new request.")
    }
    return try ValueDecoder().decode(Result.self, from: ValueText.decode(row.answer))
  }

  private static let claim = Statement(
    """
    INSERT INTO idempotency (owner, key, digest, response, created_at)
    VALUES ($1, $2, $3, '', holdfast_now())
    ON CONFLICT (owner, key) DO NOTHING
    """)

  private static let find = Statement(
    """
    SELECT digest, response
    FROM idempotency
    WHERE owner = $1 AND key = $2
    """)

  private static let keep = Statement(
    """
    UPDATE idempotency
    SET response = $3
    WHERE owner = $1 AND key = $2
    """)
}
