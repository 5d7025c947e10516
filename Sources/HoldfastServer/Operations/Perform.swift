import HTTPTypes
import Holdfast
import HoldfastCore
import Hummingbird

/// How a route becomes a write.
extension Call {
  static let idempotencyField = HTTPField.Name.of("Idempotency-Key")

  /// Runs a write verb with the fields of the path and of the body, once for each idempotency key.
  ///
  /// - Parameters:
  ///   - write: The verb.
  ///   - path: The fields that the path gives; the body may not give them again.
  ///   - takesBody: Whether the body has fields too.
  ///   - check: Looks at the answer inside the transaction: where it throws, nothing was done, and
  ///     no idempotency key remembers it.
  /// - Returns: What the verb answered, now or the first time.
  /// - Throws: 403, 412, 422 and what the verb throws.
  func perform(
    _ write: WriteOperation, path: Object, takesBody: Bool = true,
    check: @escaping @Sendable (Reply) throws(StoreError) -> Void = { _ in }
  ) async throws -> Reply {
    try access.require(write.role)
    let conditions = try Precondition.read(headers)
    let settings = try settings()
    let body = takesBody ? try fields() : [:]
    var all = body
    for member in path {
      guard body[member.name] == nil else {
        throw Fields.failure(
          member.name, "unknown", "The field \(member.name) belongs in the path.",
          hint: "Leave it out of the body.")
      }
      all[member.name] = member.value
    }
    var fields = Fields(all)
    let prepared = try write.prepare(&fields, store.context)
    try prepared.check(access)
    try fields.finish()
    guard prepared.version != nil || conditions.isEmpty else { throw Self.unconditional }
    let access = access
    return try await store.perform(
      write.operation, settings,
      arguments: [.object(all), .array(conditions.map(\.argument))], hotRows: prepared.hotRows
    ) { transaction in
      let reply = try prepared.run(conditions, as: access, in: transaction)
      try check(reply)
      return reply
    }
  }

  /// Runs a write verb that deletes what the path names.
  ///
  /// - Parameters:
  ///   - write: The verb.
  ///   - path: The fields that the path gives.
  ///   - missing: What is said where it is not there.
  /// - Returns: The answer.
  /// - Throws: What ``perform(_:path:takesBody:check:)`` throws, and `missing`.
  func delete(
    _ write: WriteOperation, path: Object, orElse missing: StoreError
  ) async throws -> Response {
    .reply(
      try await perform(write, path: path, takesBody: false) { reply throws(StoreError) in
        guard reply.body["deleted"] == true else { throw missing }
      })
  }

  /// Runs a write verb, and answers with its status, body and header fields.
  func answer(
    _ write: WriteOperation, path: Object = [:], takesBody: Bool = true
  ) async throws -> Response {
    try noQuery()
    return .reply(try await perform(write, path: path, takesBody: takesBody))
  }

  /// Whose idempotency key it is, and which.
  ///
  /// A key belongs to the token's name: who renews a token under its name repeats what the old one
  /// began.
  func settings() throws(Refusal) -> WriteSettings {
    var settings = WriteSettings()
    settings.owner = access.name
    guard let key = headers[Self.idempotencyField] else { return settings }
    // Bytes that are no UTF-8 were replaced, so that two keys would be one; and so are two fields.
    guard key.utf8.allSatisfy({ $0 < 0x80 }), headers[values: Self.idempotencyField].count == 1
    else {
      throw Refusal.malformed(
        "The Idempotency-Key is one field of ASCII characters.", hint: "Send a UUID, for example.")
    }
    try Refusal.asMalformed { () throws(StoreError) in try Checks.idempotencyKey(key, limits) }
    settings.idempotencyKey = key
    return settings
  }

  /// Refuses what would make a write repeatable or conditional, where it can be neither: a client
  /// that sends it relies on it.
  ///
  /// - Parameters:
  ///   - message: Why it cannot be repeated, in a sentence.
  ///   - hint: What to do instead.
  /// - Throws: 422 for an idempotency key, 400 for a condition.
  func onlyOnce(_ message: String, hint: String) throws {
    guard headers[Self.idempotencyField] == nil else {
      throw StoreError(
        .invalid, message, hint: hint,
        details: ["field": "Idempotency-Key", "reason": "unsupported"])
    }
    try noConditions()
  }

  /// Refuses conditions.
  ///
  /// - Throws: 400 for If-Match and If-None-Match.
  func noConditions() throws(Refusal) {
    guard try Precondition.read(headers).isEmpty else { throw Self.unconditional }
  }

  private static var unconditional: Refusal {
    Refusal.malformed(
      "This write has no single resource whose version could be compared.",
      hint: "Leave If-Match and If-None-Match out, or send a transaction with checks.")
  }
}
