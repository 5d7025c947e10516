import Holdfast
import HoldfastCore
import Hummingbird

/// Policies: what becomes of requests for a permission.
enum PolicyRoutes {
  static let all = [
    Route(.get, "/v1/policies", role: .reader, answer: list),
    Route(.get, "/v1/policies/{permission}", role: .reader, answer: get),
    Route(.put, "/v1/policies/{permission}", role: .admin) { call in
      let permission = try call.id("permission")
      return try await call.answer(
        PolicyOperations.set, path: ["permission": .string(permission)])
    },
    Route(.delete, "/v1/policies/{permission}", role: .admin, answer: delete),
  ]

  private static func list(_ call: Call) async throws -> Response {
    let (after, limit) = try call.query { query throws(Refusal) in
      (query.text("after"), try query.number("limit"))
    }
    guard call.access.reads(.global) else { return .json(.object(Value.page([], next: nil))) }
    let page = try await call.store.policies.list(after: after, limit: limit)
    return .json(.object(Value.page(page.items.map(\.json), next: page.next)))
  }

  private static func get(_ call: Call) async throws -> Response {
    try call.noQuery()
    let permission = try call.id("permission")
    try call.requireRead(.global, orElse: missing(permission))
    guard let policy = try await call.store.policies.get(permission) else {
      throw missing(permission)
    }
    return try call.answer(policy.json, version: policy.version)
  }

  private static func delete(_ call: Call) async throws -> Response {
    try call.noQuery()
    let permission = try call.id("permission")
    return try await call.delete(
      PolicyOperations.delete, path: ["permission": .string(permission)],
      orElse: missing(permission))
  }

  private static func missing(_ permission: String) -> StoreError {
    StoreError(
      .notFound, "The permission has no policy: somebody must decide.",
      hint: "Set a policy first.", details: ["permission": .string(permission)])
  }
}

/// Grants: what a task may do without asking, for a short time.
enum GrantRoutes {
  static let all = [
    Route(.get, "/v1/grants", role: .reader, answer: list),
    Route(.get, "/v1/grants/{id}", role: .reader, answer: get),
    Route(.delete, "/v1/grants/{id}", role: .operator, answer: revoke),
  ]

  private static func list(_ call: Call) async throws -> Response {
    let query = try call.query { query throws(Refusal) in
      GrantQuery(
        permission: query.text("permission"), task: query.text("task"),
        includesEnded: try query.flag("ended"), after: query.text("after"),
        limit: try query.number("limit"))
    }
    let page = try await call.visible(
      Grants.list, limit: query.limit, after: query.after,
      where: { call.access.reads($0.namespace) }
    ) { tx, after, limit throws(StoreError) in
      var query = query
      query.after = after
      query.limit = limit
      return try tx.grants.list(query)
    }
    return .json(.object(Value.page(page.items.map(\.json), next: page.next)))
  }

  private static func get(_ call: Call) async throws -> Response {
    try call.noQuery()
    let id = try call.id("grant id")
    let missing = GrantsTransaction.missing(id)
    guard let grant = try await call.store.grants.get(id) else { throw missing }
    try call.requireRead(grant.namespace, orElse: missing)
    return try call.answer(grant.json, version: grant.version)
  }

  /// Revokes; the grant stays as history, so it is given back.
  private static func revoke(_ call: Call) async throws -> Response {
    try call.noQuery()
    let id = try call.id("grant id")
    return .reply(
      try await call.perform(
        GrantOperations.revoke, path: ["id": .string(id)], takesBody: false))
  }
}
