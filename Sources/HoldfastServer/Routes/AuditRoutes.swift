import Holdfast
import HoldfastCore
import Hummingbird

/// The audit log.
enum AuditRoutes {
  static let all = [
    Route(.post, "/v1/audit", role: .agent) { call in
      try await call.answer(AuditOperations.record)
    },
    Route(.get, "/v1/audit", role: .reader, answer: list),
    Route(.get, "/v1/audit/anchor", role: .reader, answer: anchor),
    Route(.get, "/v1/audit/verify", role: .operator, pace: .long, answer: verify),
    Route(.post, "/v1/audit/verify", role: .operator, pace: .long, writes: false, answer: verify),
    Route(.get, "/v1/audit/{id}", role: .reader, answer: get),
  ]

  private static func list(_ call: Call) async throws -> Response {
    let query = try call.query { query throws(Refusal) in
      AuditQuery(
        actor: query.text("actor"), action: query.text("action"),
        subject: query.text("subject"), bot: query.text("bot"), memory: query.text("memory"),
        run: query.text("run"), since: try query.instant("since"),
        until: try query.instant("until"), after: query.text("after"),
        limit: try query.number("limit"))
    }
    let page = try await call.visible(
      Audit.list, limit: query.limit, after: query.after, where: { call.access.reads($0) }
    ) { tx, after, limit throws(StoreError) in
      var query = query
      query.run = query.run ?? call.access.onlyRun
      query.after = after
      query.limit = limit
      return try tx.audit.list(query)
    }
    return .json(.object(Value.page(page.items.map(\.json), next: page.next)))
  }

  private static func get(_ call: Call) async throws -> Response {
    try call.noQuery()
    let id = try call.id("record id")
    let missing = StoreError(
      .notFound, "There is no such audit record.", hint: "List the records.",
      details: ["record": .string(id)])
    let parts = id.split(separator: ":", omittingEmptySubsequences: false).map { Int64($0) }
    guard parts.count == 2, let chain = parts[0], let number = parts[1],
      let record = try await call.store.audit.get(chain: chain, number: number)
    else { throw missing }
    guard call.access.reads(record) else { throw missing }
    return .json(record.json)
  }

  /// What the whole log has come to is for those who may see the whole store.
  private static func anchor(_ call: Call) async throws -> Response {
    try call.noQuery()
    try call.access.requireUnrestricted()
    return .json(try await call.store.audit.anchor().json, headers: [.cacheControl: "no-store"])
  }

  /// A check of all records, for those who may look after the store; it ends when the client
  /// leaves.
  private static func verify(_ call: Call) async throws -> Response {
    try call.noQuery()
    try call.access.requireUnrestricted()
    var fields = Fields(try call.fields())
    let anchor = try fields.optional("anchor").map { json throws(StoreError) in
      try AuditAnchor(json: json)
    }
    try fields.finish()
    let audit = call.store.audit
    let found = try await call.waiting { try await audit.verify(against: anchor) }
    return .json(found.json, headers: [.cacheControl: "no-store"])
  }
}
