import Holdfast
import HoldfastCore
import Hummingbird

/// Sessions and their items.
enum SessionRoutes {
  static let all = [
    Route(.post, "/v1/sessions", role: .agent) { call in
      try await call.answer(SessionOperations.save)
    },
    Route(.get, "/v1/sessions", role: .reader, answer: list),
    Route(.get, "/v1/sessions/{id}", role: .reader, answer: get),
    Route(.put, "/v1/sessions/{id}", role: .agent) { call in
      try await change(call, SessionOperations.save)
    },
    Route(.delete, "/v1/sessions/{id}", role: .agent, answer: delete),
    Route(.post, "/v1/sessions/{id}/touch", role: .agent) { call in
      try await change(call, SessionOperations.touch)
    },
    Route(.get, "/v1/sessions/{id}/items", role: .reader, answer: items),
    Route(.post, "/v1/sessions/{id}/items", role: .agent) { call in
      try await change(call, SessionOperations.append)
    },
    Route(.post, "/v1/sessions/{id}/pop", role: .agent) { call in
      try await change(call, SessionOperations.pop)
    },
    Route(.delete, "/v1/sessions/{id}/items", role: .agent) { call in
      let id = try call.id("session id")
      return try await call.answer(
        SessionOperations.clear, path: ["id": .string(id)], takesBody: false)
    },
  ]

  private static func change(_ call: Call, _ write: WriteOperation) async throws -> Response {
    try await call.answer(write, path: ["id": .string(try call.id("session id"))])
  }

  private static func delete(_ call: Call) async throws -> Response {
    try call.noQuery()
    let id = try call.id("session id")
    return try await call.delete(
      SessionOperations.delete, path: ["id": .string(id)], orElse: missing(id))
  }

  private static func get(_ call: Call) async throws -> Response {
    try call.noQuery()
    let session = try await visible(call)
    return try call.answer(session.json, version: session.version)
  }

  /// Sessions, the newest first; with a channel and a thread the one that was used last, or none.
  private static func list(_ call: Call) async throws -> Response {
    let (query, thread) = try call.query { query throws(Refusal) in
      (
        SessionQuery(
          run: query.text("run"), channel: query.text("channel"), user: query.text("user"),
          since: try query.instant("since"), until: try query.instant("until"),
          after: query.text("after"), limit: try query.number("limit")),
        query.text("thread")
      )
    }
    if let thread { return try await ofThread(thread, query, call) }
    let page = try await call.visible(
      Sessions.Operations.list, limit: query.limit, after: query.after,
      where: { call.access.reads($0.namespace) }
    ) { tx, after, limit throws(StoreError) in
      var query = query
      query.run = query.run ?? call.access.onlyRun
      query.after = after
      query.limit = limit
      return try tx.sessions.list(query)
    }
    return .json(.object(Value.page(page.items.map(\.json), next: page.next)))
  }

  private static func ofThread(
    _ thread: String, _ query: SessionQuery, _ call: Call
  ) async throws -> Response {
    guard let channel = query.channel, query == SessionQuery(channel: channel) else {
      throw Refusal.parameter(
        "thread", "A thread is looked up by its channel, and by nothing else.",
        hint: "Send channel and thread alone.")
    }
    let found = try await call.store.sessions.getByThread(
      channel: channel, thread: thread, where: call.access.reach)
    return .json(.object(Value.page([found].compactMap { $0?.json }, next: nil)))
  }

  private static func items(_ call: Call) async throws -> Response {
    let query = try call.query { query throws(Refusal) in
      ItemQuery(
        last: try query.number("last"), from: try query.number("from").map(Int64.init),
        after: query.text("after"), limit: try query.number("limit"))
    }
    let session = try await visible(call)
    let page = try await call.store.sessions.items(of: session.id, query)
    return .json(.object(Value.page(page.items.map(\.json), next: page.next)))
  }

  /// The session of the path, which the caller may see.
  private static func visible(_ call: Call) async throws -> SessionContext {
    let id = try call.id("session id")
    guard let session = try await call.store.sessions.get(id) else { throw missing(id) }
    try call.requireRead(session.namespace, orElse: missing(id))
    return session
  }

  private static func missing(_ id: String) -> StoreError {
    StoreError(
      .notFound, "There is no such session.", hint: "Save the session first.",
      details: ["session": .string(id)])
  }
}

/// Thread sessions.
enum ThreadRoutes {
  private static let path = "/v1/threads/{channel}/{thread}"

  static let all = [
    Route(.get, "/v1/threads", role: .reader, answer: list),
    Route(.get, path, role: .reader, answer: get),
    Route(.put, path, role: .agent) { call in try await change(call, ThreadOperations.upsert) },
    Route(.delete, path, role: .agent, answer: delete),
    Route(.post, path + "/touch", role: .agent) { call in
      try await change(call, ThreadOperations.touch)
    },
  ]

  private static func change(_ call: Call, _ write: WriteOperation) async throws -> Response {
    let place = try place(call)
    try call.access.require(.exactly(.global))
    return try await call.answer(write, path: place)
  }

  private static func delete(_ call: Call) async throws -> Response {
    try call.noQuery()
    let place = try place(call)
    try call.access.require(.exactly(.global))
    return try await call.delete(
      ThreadOperations.delete, path: place, orElse: missing(place))
  }

  private static func get(_ call: Call) async throws -> Response {
    try call.noQuery()
    let place = try place(call)
    try call.requireRead(.global, orElse: missing(place))
    let found = try await call.store.threads.get(
      channel: try call.id("channel"), thread: try call.id("thread", at: 1))
    guard let found else { throw missing(place) }
    return try call.answer(found.json, version: found.version)
  }

  private static func list(_ call: Call) async throws -> Response {
    let (channel, after, limit) = try call.query { query throws(Refusal) in
      (query.text("channel"), query.text("after"), try query.number("limit"))
    }
    guard call.access.reads(.global) else { return .json(.object(Value.page([], next: nil))) }
    let page = try await call.store.threads.list(channel: channel, after: after, limit: limit)
    return .json(.object(Value.page(page.items.map(\.json), next: page.next)))
  }

  /// The channel and the thread of the path.
  private static func place(_ call: Call) throws(Refusal) -> Object {
    [
      "channel": .string(try call.id("channel")), "thread": .string(try call.id("thread", at: 1)),
    ]
  }

  private static func missing(_ place: Object) -> StoreError {
    StoreError(
      .notFound, "There is no such thread session.", hint: "Write it first.", details: place)
  }
}
