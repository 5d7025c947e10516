import Holdfast
import HoldfastCore
import Hummingbird

/// Dead letters.
enum DeadLetterRoutes {
  static let all = [
    Route(.post, "/v1/dead-letters", role: .agent) { call in
      try await call.answer(DeadLetterOperations.save)
    },
    Route(.get, "/v1/dead-letters", role: .reader, answer: list),
    Route(.post, "/v1/dead-letters/redrive", role: DeadLetterOperations.redriveMany.role) { call in
      try await call.answer(DeadLetterOperations.redriveMany)
    },
    Route(.get, "/v1/dead-letters/{id}", role: .reader, answer: get),
    step("retry-failed", DeadLetterOperations.retryFailed),
    step("resolve", DeadLetterOperations.resolve),
    step("redrive", DeadLetterOperations.redrive),
  ]

  private static func step(_ verb: String, _ write: WriteOperation) -> Route {
    Route(.post, "/v1/dead-letters/{id}/\(verb)", role: write.role) { call in
      try await call.answer(write, path: ["id": .string(try call.id("dead letter's id"))])
    }
  }

  private static func get(_ call: Call) async throws -> Response {
    try call.noQuery()
    let id = try call.id("dead letter's id")
    let missing = StoreError(
      .notFound, "There is no such dead letter.", hint: "Look it up in the list.",
      details: ["dead_letter": .string(id)])
    guard let letter = try await call.store.deadLetters.get(id) else { throw missing }
    try call.requireRead(letter.namespace, orElse: missing)
    return try call.answer(letter.json, version: letter.version)
  }

  /// Letters, the newest first; with `retryable` those that are due, the soonest first.
  private static func list(_ call: Call) async throws -> Response {
    let (query, isRetryable) = try call.query { query throws(Refusal) in
      (
        DeadLetterQuery(
          status: try query.word("status"), source: query.text("source"), run: query.text("run"),
          since: try query.instant("since"), until: try query.instant("until"),
          after: query.text("after"), limit: try query.number("limit")),
        try query.flag("retryable")
      )
    }
    if isRetryable { return try await retryable(query, call) }
    let page = try await call.visible(
      DeadLetters.Operations.list, limit: query.limit, after: query.after,
      where: { call.access.reads($0.namespace) }
    ) { tx, after, limit throws(StoreError) in
      var query = query
      query.run = query.run ?? call.access.onlyRun
      query.after = after
      query.limit = limit
      return try tx.deadLetters.list(query)
    }
    return .json(.object(Value.page(page.items.map(\.json), next: page.next)))
  }

  private static func retryable(
    _ query: DeadLetterQuery, _ call: Call
  ) async throws -> Response {
    guard query == DeadLetterQuery(after: query.after, limit: query.limit) else {
      throw Refusal.parameter(
        "retryable", "What is due is listed without another filter.",
        hint: "Send retryable, limit and after alone.")
    }
    let page = try await call.store.deadLetters.retryable(
      after: query.after, limit: query.limit, where: call.access.reach)
    return .json(.object(Value.page(page.items.map(\.json), next: page.next)))
  }
}
