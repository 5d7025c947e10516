import Holdfast
import HoldfastCore
import Hummingbird

/// Bots.
enum BotRoutes {
  static let all = [
    Route(.post, "/v1/bots", role: .agent) { call in
      try await call.answer(BotOperations.create)
    },
    Route(.get, "/v1/bots", role: .reader, answer: list),
    Route(.get, "/v1/bots/{id}", role: .reader, answer: get),
    Route(.patch, "/v1/bots/{id}", role: .agent, answer: update),
    Route(.delete, "/v1/bots/{id}", role: .agent, answer: delete),
  ]

  private static func update(_ call: Call) async throws -> Response {
    let id = try call.id("bot id")
    try call.access.require(.exactly(.bot(id)))
    return try await call.answer(BotOperations.update, path: ["id": .string(id)])
  }

  private static func delete(_ call: Call) async throws -> Response {
    try call.noQuery()
    let id = try call.id("bot id")
    try call.access.require(.withAllBelow(.bot(id)))
    return try await call.delete(
      BotOperations.delete, path: ["id": .string(id)], orElse: missing(id))
  }

  private static func get(_ call: Call) async throws -> Response {
    try call.noQuery()
    let id = try call.id("bot id")
    try call.requireRead(.bot(id), orElse: missing(id))
    guard let bot = try await call.store.bots.get(id) else { throw missing(id) }
    return try call.answer(bot.json, version: bot.version)
  }

  /// Bots in the order of their slugs; with `slug` the one that has it, or none.
  private static func list(_ call: Call) async throws -> Response {
    let (slug, after, limit) = try call.query { query throws(Refusal) in
      (query.text("slug"), query.text("after"), try query.number("limit"))
    }
    if let slug {
      guard after == nil, limit == nil else {
        throw Refusal.parameter(
          "slug", "A bot is looked up by its slug, and by nothing else.", hint: "Send slug alone.")
      }
      let bot = try await call.store.bots.get(slug: slug)
      let items = [bot].compactMap { $0 }.filter { call.access.reads(.bot($0.id)) }
      return .json(.object(Value.page(items.map(\.json), next: nil)))
    }
    let page =
      if let ids = call.access.botsReached {
        try await self.list(ids, after: after, limit: limit, call)
      } else {
        try await call.store.bots.list(after: after, limit: limit)
      }
    return .json(.object(Value.page(page.items.map(\.json), next: page.next)))
  }

  /// One page of the few bots that a token names, in the same order as that of all.
  ///
  /// A look through all bots would end at places that tell of others.
  private static func list(
    _ ids: [String], after: String?, limit: Int?, _ call: Call
  ) async throws -> Page<Bot> {
    let limits = call.limits
    if let limit { try Checks.pageLimit(limit, limits) }
    let limit = limit ?? limits.pageItemsDefault
    let possible = ids.filter { (try? Checks.botID($0, limits)) != nil }
    let found = try await call.store.read { tx in try possible.compactMap { try tx.bots.get($0) } }
    let rest = found.sorted { Bytewise($0.slug) < Bytewise($1.slug) }
      .drop { bot in after.map { Bytewise(bot.slug) <= Bytewise($0) } ?? false }
    let shown = rest.prefix(limit)
    return Page(items: Array(shown), next: rest.count > limit ? shown.last?.slug : nil)
  }

  private static func missing(_ id: String) -> StoreError {
    StoreError(
      .notFound, "There is no such bot.", hint: "Create the bot first.",
      details: ["bot": .string(id)])
  }
}
