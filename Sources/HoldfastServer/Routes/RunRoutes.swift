import Holdfast
import HoldfastCore
import Hummingbird

/// Runs.
enum RunRoutes {
  static let all =
    [
      Route(.post, "/v1/runs", role: .agent) { call in
        try await call.answer(RunOperations.begin)
      },
      Route(.get, "/v1/runs", role: .reader, answer: list),
      Route(.get, "/v1/runs/{id}", role: .reader, answer: get),
      Route(.patch, "/v1/runs/{id}", role: .agent) { call in
        try await change(call, RunOperations.update)
      },
      Route(.delete, "/v1/runs/{id}", role: .agent, answer: delete),
    ] + steps

  private static let steps = RunEvent.allCases.map { event in
    let write = RunOperations.step(event)
    return Route(.post, "/v1/runs/{id}/\(event.rawValue)", role: write.role) { call in
      try await change(call, write)
    }
  }

  private static func change(_ call: Call, _ write: WriteOperation) async throws -> Response {
    let id = try call.id("run id")
    try call.access.require(.exactly(.run(id)))
    return try await call.answer(write, path: ["id": .string(id)])
  }

  private static func delete(_ call: Call) async throws -> Response {
    let id = try call.id("run id")
    try call.access.require(.withAllBelow(.run(id)))
    return try await call.answer(
      RunOperations.delete, path: ["id": .string(id)], takesBody: false)
  }

  private static func get(_ call: Call) async throws -> Response {
    try call.noQuery()
    let id = try call.id("run id")
    let missing = StoreError(
      .notFound, "There is no such run.", hint: "Begin the run first.",
      details: ["run": .string(id)])
    try call.requireRead(.run(id), orElse: missing)
    guard let run = try await call.store.runs.get(id) else { throw missing }
    return try call.answer(run.json, version: run.version)
  }

  private static func list(_ call: Call) async throws -> Response {
    let (query, counts) = try call.query { query throws(Refusal) in
      (
        RunQuery(
          status: try query.word("status"), tag: query.text("tag"), parent: query.text("parent"),
          since: try query.instant("since"), until: try query.instant("until"),
          includesArchived: try query.flag("archived"), after: query.text("after"),
          limit: try query.number("limit")),
        try query.flag("count")
      )
    }
    let page = try await call.visible(
      Runs.list, limit: query.limit, after: query.after, where: { call.access.reads(.run($0.id)) }
    ) { tx, after, limit throws(StoreError) in
      var query = query
      query.after = after
      query.limit = limit
      return try tx.runs.list(query)
    }
    var object = Value.page(page.items.map(\.json), next: page.next)
    if counts { object["counts"] = try await self.counts(call) }
    return .json(.object(object))
  }

  /// How many runs there are in each state: of those that the caller may see.
  private static func counts(_ call: Call) async throws(StoreError) -> Value {
    var counts = Dictionary(uniqueKeysWithValues: RunStatus.allCases.map { ($0, 0) })
    if call.access.isUnrestricted {
      counts = try await call.store.runs.counts()
    } else {
      var query = RunQuery(includesArchived: true, limit: call.limits.pageItemsMax)
      repeat {
        let page = try await call.store.runs.list(query)
        for run in page.items where call.access.reads(.run(run.id)) {
          counts[run.status, default: 0] += 1
        }
        query.after = page.next
      } while query.after != nil
    }
    return .object(
      Object(RunStatus.allCases.map { ($0.rawValue, .integer(Int64(counts[$0] ?? 0))) }))
  }
}

extension Call {
  /// The answer of a read of one resource with a version; 304 where the caller has that version.
  ///
  /// - Parameters:
  ///   - value: The resource.
  ///   - version: Its version.
  /// - Returns: The answer.
  /// - Throws: 412 where the caller asked for another version.
  func answer(_ value: Value, version: Int64) throws(Refusal) -> Response {
    for condition in try Precondition.read(headers) where !condition.holds(for: version) {
      switch condition {
      case .absent, .noneOf:
        return .empty(.notModified, headers: [.eTag: EntityTags.tag(version)])
      case .exists, .oneOf: throw Refusal(Precondition.failed(version), status: 412)
      }
    }
    return .json(value, version: version)
  }
}
