import Holdfast
import HoldfastCore
import Hummingbird

/// Access tokens, for administrators.
///
/// A secret is in the answer that makes it, and nowhere else.
enum TokenRoutes {
  static let all = [
    Route(.post, "/v1/tokens", role: .admin, answer: create),
    Route(.get, "/v1/tokens", role: .admin, answer: list),
    Route(.get, "/v1/tokens/{name}", role: .admin, answer: get),
    Route(.delete, "/v1/tokens/{name}", role: .admin, answer: revoke),
  ]

  private static func create(_ call: Call) async throws -> Response {
    try call.noQuery()
    // Whoever reaches some namespaces only could make a token that reaches all.
    try call.access.requireUnrestricted()
    try onlyOnce(call)
    var fields = Fields(try call.fields())
    let name = try fields.text("name")
    let role: Role = try fields.word("role")
    let patterns = try patterns(&fields)
    let ttl = try fields.optionalDuration("ttl")
    try fields.finish()
    let issued = try await call.store.tokens.acting(as: call.access.name).create(
      name, role: role, patterns: patterns, ttl: ttl)
    var object = issued.token.json
    object["secret"] = .string(issued.secret)
    return .json(
      .object(object), status: .created,
      headers: [
        .location: "/v1/tokens/\(PercentText.encode(name))", .cacheControl: "no-store",
      ])
  }

  /// The namespaces that a token reaches, all where the field is left out.
  private static func patterns(_ fields: inout Fields) throws(StoreError) -> [NamespacePattern] {
    guard let texts = try fields.optionalTexts("namespaces") else { return [] }
    guard !texts.isEmpty else {
      // Who means none must not get all.
      throw Fields.failure(
        "namespaces", "empty", "A token that reaches no namespace is of no use.",
        hint: "Name one, or leave the field out for a token that reaches all.")
    }
    var patterns: [NamespacePattern] = []
    for text in texts {
      patterns.append(
        try Fields.naming("namespaces") { () throws(StoreError) in try NamespacePattern(text) })
    }
    return patterns
  }

  private static func list(_ call: Call) async throws -> Response {
    try call.access.requireUnrestricted()
    let (after, limit) = try call.query { query throws(Refusal) in
      (query.text("after"), try query.number("limit"))
    }
    let page = try await call.store.tokens.list(after: after, limit: limit)
    let items = page.items.map { Value.object($0.json) }
    return .json(.object(Value.page(items, next: page.next)))
  }

  private static func get(_ call: Call) async throws -> Response {
    try call.noQuery()
    try call.access.requireUnrestricted()
    let name = try call.id("token name")
    var after: String?
    repeat {
      let page = try await call.store.tokens.list(after: after, limit: call.limits.pageItemsMax)
      if let token = page.items.first(where: { Bytewise.equal($0.name, name) }) {
        return .json(.object(token.json))
      }
      after = page.next
    } while after != nil
    throw missing(name)
  }

  private static func revoke(_ call: Call) async throws -> Response {
    try call.noQuery()
    try call.access.requireUnrestricted()
    try onlyOnce(call)
    let name = try call.id("token name")
    let tokens = call.store.tokens.acting(as: call.access.name)
    guard try await tokens.revoke(name) else { throw missing(name) }
    return .empty(.noContent)
  }

  /// An answer with a secret is kept nowhere, and so is given once.
  private static func onlyOnce(_ call: Call) throws {
    try call.onlyOnce(
      "What is done to tokens cannot be repeated by a key.",
      hint: "Leave the Idempotency-Key out: a name is given once, and revoking again finds nothing."
    )
  }

  private static func missing(_ name: String) -> StoreError {
    StoreError(
      .notFound, "There is no such token.", hint: "List the tokens.",
      details: ["token": .string(name)])
  }
}
