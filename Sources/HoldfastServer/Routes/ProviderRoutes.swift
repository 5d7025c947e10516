import Holdfast
import HoldfastCore
import Hummingbird

/// Providers of models, and whether they may be called.
enum ProviderRoutes {
  static let all = [
    Route(.get, "/v1/providers", role: .reader, answer: list),
    Route(.get, "/v1/providers/{name}", role: .reader, answer: get),
    Route(.put, "/v1/providers/{name}", role: .agent) { call in
      try await change(call, ProviderOperations.put)
    },
    Route(.delete, "/v1/providers/{name}", role: .agent, answer: delete),
    Route(.post, "/v1/providers/{name}/success", role: .agent, answer: success),
    Route(.post, "/v1/providers/{name}/failure", role: .agent) { call in
      try await change(call, ProviderOperations.failure)
    },
    Route(.post, "/v1/providers/{name}/rate-limited", role: .agent) { call in
      try await change(call, ProviderOperations.rateLimited)
    },
    Route(.post, "/v1/providers/{name}/acquire", role: .agent, answer: acquire),
  ]

  private static func change(_ call: Call, _ write: WriteOperation) async throws -> Response {
    let name = try call.id("provider name")
    try call.access.require(.exactly(.global))
    return try await call.answer(write, path: ["name": .string(name)])
  }

  /// A success that changes no state is counted in the process; one that carries a condition or an
  /// idempotency key is a write like any other.
  private static func success(_ call: Call) async throws -> Response {
    let hasKey = call.headers[Call.idempotencyField] != nil
    guard !hasKey, try Precondition.read(call.headers).isEmpty else {
      return try await change(call, ProviderOperations.success)
    }
    try call.noQuery()
    let name = try call.id("provider name")
    try call.access.require(.exactly(.global))
    var fields = Fields(try call.fields())
    let latency = try ProviderFields.duration(&fields, "latency")
    let probe = try fields.optionalInteger("probe_token")
    try fields.finish()
    let provider = try await call.store.providers.success(
      name, latency: latency, probe: probe, with: try call.settings())
    return .json(provider.json, version: provider.version)
  }

  private static func acquire(_ call: Call) async throws -> Response {
    try call.noQuery()
    let name = try call.id("provider name")
    try call.access.require(.exactly(.global))
    try call.onlyOnce(
      "An acquisition cannot be repeated: its answer may hold a probe, which is used once.",
      hint: "Leave the Idempotency-Key out, and ask again.")
    try Fields(try call.fields()).finish()
    let permit = try await call.store.providers.acquire(name)
    return .json(permit.json)
  }

  private static func delete(_ call: Call) async throws -> Response {
    try call.noQuery()
    let name = try call.id("provider name")
    try call.access.require(.exactly(.global))
    return try await call.delete(
      ProviderOperations.delete, path: ["name": .string(name)], orElse: missing(name))
  }

  private static func get(_ call: Call) async throws -> Response {
    try call.noQuery()
    let name = try call.id("provider name")
    try call.requireRead(.global, orElse: missing(name))
    guard let provider = try await call.store.providers.get(name) else { throw missing(name) }
    return try call.answer(provider.json, version: provider.version)
  }

  /// Providers all belong to one namespace: a caller sees all of them, or none.
  private static func list(_ call: Call) async throws -> Response {
    let (after, limit) = try call.query { query throws(Refusal) in
      (query.text("after"), try query.number("limit"))
    }
    guard call.access.reads(.global) else { return .json(.object(Value.page([], next: nil))) }
    let page = try await call.store.providers.list(after: after, limit: limit)
    var object = Value.page(page.items.map(\.json), next: page.next)
    if !page.unreadable.isEmpty {
      object["unreadable"] = .array(page.unreadable.map(Value.string))
    }
    return .json(.object(object))
  }

  private static func missing(_ name: String) -> StoreError {
    StoreError(
      .notFound, "There is no such provider.", hint: "Put the provider first.",
      details: ["provider": .string(name)])
  }
}
