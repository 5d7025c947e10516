import Holdfast
import HoldfastCore
import Hummingbird

/// Approvals: agents request and use them, operators decide.
enum ApprovalRoutes {
  static let all = [
    Route(.post, "/v1/approvals", role: .agent) { call in
      try await call.answer(ApprovalOperations.request)
    },
    Route(.get, "/v1/approvals", role: .reader, answer: list),
    Route(.get, "/v1/approvals/{id}", role: .reader, pace: .waitingIfAsked, answer: get),
    Route(.post, "/v1/approvals/{id}/decide", role: .operator) { call in
      try await change(call, ApprovalOperations.decide)
    },
    Route(.post, "/v1/approvals/{id}/consume", role: .agent) { call in
      try await change(call, ApprovalOperations.consume)
    },
    Route(.delete, "/v1/approvals/{id}", role: .operator, answer: delete),
  ]

  private static func change(_ call: Call, _ write: WriteOperation) async throws -> Response {
    let id = try call.id("approval id")
    return try await call.answer(write, path: ["id": .string(id)])
  }

  private static func delete(_ call: Call) async throws -> Response {
    try call.noQuery()
    let id = try call.id("approval id")
    return try await call.delete(
      ApprovalOperations.delete, path: ["id": .string(id)], orElse: ApprovalsTransaction.missing(id)
    )
  }

  /// The approval at once, or with `wait` as soon as it is decided or that time is over.
  private static func get(_ call: Call) async throws -> Response {
    let wait = try call.query { query throws(Refusal) in try query.wait("wait") }
    let id = try call.id("approval id")
    let missing = ApprovalsTransaction.missing(id)
    guard let approval = try await call.store.approvals.get(id) else { throw missing }
    try call.requireRead(approval.namespace, orElse: missing)
    guard let wait, approval.status == .pending else { return try call.answer(approval) }
    let limit = min(wait, call.core.options.waitMax)
    let decided = try await call.waiting {
      try await call.store.approvals.wait(id, atMost: limit)
    }
    try await call.core.trust(call)
    // Another one may have come under the same id meanwhile.
    try call.requireRead(decided.namespace, orElse: missing)
    return try call.answer(decided)
  }

  /// Approvals, the newest first; with `max_age` those that nobody decided in that time.
  private static func list(_ call: Call) async throws -> Response {
    let (query, age) = try call.query { query throws(Refusal) in
      let age = try query.wait("max_age")
      guard age == nil else {
        // How old they are is the whole question: other filters have no place beside it.
        return (ApprovalQuery(after: query.text("after"), limit: try query.number("limit")), age)
      }
      return (
        ApprovalQuery(
          status: try query.word("status"), caller: query.text("caller"),
          task: query.text("task"), run: query.text("run"), since: try query.instant("since"),
          until: try query.instant("until"), after: query.text("after"),
          limit: try query.number("limit")), age
      )
    }
    let page = try await call.visible(
      age == nil ? Approvals.list : Approvals.expired, limit: query.limit, after: query.after,
      where: { call.access.reads($0.namespace) }
    ) { tx, after, limit throws(StoreError) in
      if let age {
        return try tx.approvals.expired(maxAge: age, after: after, limit: limit)
      }
      var query = query
      query.run = query.run ?? call.access.onlyRun
      query.after = after
      query.limit = limit
      return try tx.approvals.list(query)
    }
    return .json(.object(Value.page(page.items.map(\.json), next: page.next)))
  }
}

extension Call {
  /// The answer with one approval.
  ///
  /// Time alone makes an undecided one expired, without a new version: so an expired one has no
  /// entity tag, or a client that saw it pending would be told that nothing changed.
  fileprivate func answer(_ approval: Approval) throws(Refusal) -> Response {
    guard approval.status != .expired else { return .json(approval.json) }
    return try answer(approval.json, version: approval.version)
  }
}
