import Holdfast
import HoldfastCore
import Hummingbird

/// Namespaces, and many keys at once.
enum KeyListRoutes {
  static let all = [
    Route(.get, "/v1/kv", role: .reader, answer: namespaces),
    Route(.get, "/v1/kv/{namespace}", role: .reader, answer: keys),
    Route(.delete, "/v1/kv/{namespace}", role: .agent, answer: clear),
    Route(.post, "/v1/kv/{namespace}/get-many", role: .reader, writes: false, answer: getMany),
    Route(.post, "/v1/kv/{namespace}/put-many", role: .agent) { call in
      try await batch(call, KeyValueOperations.putMany)
    },
    Route(.post, "/v1/kv/{namespace}/delete-many", role: .agent) { call in
      try await batch(call, KeyValueOperations.deleteMany)
    },
  ]

  private static func namespaces(_ call: Call) async throws -> Response {
    let query = try call.query { query throws(Refusal) in
      NamespaceQuery(
        prefix: try query.namespace("prefix"), depth: try query.number("depth"),
        after: query.text("after"), limit: try query.number("limit"),
        counts: try query.flag("count"))
    }
    let page = try await call.visibleNamespaces(query)
    let items: [Value] = page.items.map { item in
      var object: Object = ["namespace": .string(item.namespace.text)]
      if let count = item.count { object["count"] = .integer(Int64(count)) }
      return .object(object)
    }
    return .json(.object(Value.page(items, next: page.next)))
  }

  private static func keys(_ call: Call) async throws -> Response {
    let namespace = try call.namespace()
    let (query, counts) = try call.query { query throws(Refusal) in
      (
        KeyQuery(
          prefix: query.text("prefix") ?? "", from: query.text("from"),
          after: query.text("after"), limit: try query.number("limit"),
          isReversed: try query.flag("reverse"), includesValues: try query.flag("values"),
          order: try query.word("order") ?? .key),
        try query.flag("count")
      )
    }
    try call.requireRead(namespace, orElse: missing(namespace))
    let keys = call.store.kv(namespace)
    let page = try await keys.list(query)
    var object = Value.page(page.items.map(\.json), next: page.next)
    if counts {
      object["count"] = .integer(Int64(try await keys.count(prefix: query.prefix)))
    }
    return .json(.object(object))
  }

  private static func clear(_ call: Call) async throws -> Response {
    let namespace = try call.namespace()
    let (confirm, below) = try call.query { query throws(Refusal) in
      (query.text("confirm"), try query.flag("below"))
    }
    let touch: Touch = below ? .withAllBelow(namespace) : .exactly(namespace)
    try call.access.require(touch)
    guard let confirm, Bytewise.equal(confirm, namespace.text) else {
      throw Refusal.parameter(
        "confirm", "Clearing a namespace wants its name once more.",
        hint: "Send ?confirm= with the namespace.")
    }
    let fields: Object = ["namespace": .string(namespace.text), "below": .bool(below)]
    return .reply(
      try await call.perform(KeyValueOperations.clear, path: fields, takesBody: false))
  }

  /// Many entries on one snapshot.
  ///
  /// The answer ends at the size of a page; the first key that it has no room for is its `next`.
  private static func getMany(_ call: Call) async throws -> Response {
    try call.noQuery()
    let namespace = try call.namespace()
    try call.requireRead(namespace, orElse: missing(namespace))
    var fields = Fields(try call.fields())
    let keys = try fields.texts("keys")
    try fields.finish()
    let entries = try await call.store.kv(namespace).getPage(keys)
    var body = Array(#"{"items":["#.utf8)
    var taken = 0
    for entry in entries {
      guard taken == 0 || body.count < call.limits.pageBytesMax else { break }
      if taken > 0 { body.append(UInt8(ascii: ",")) }
      body += entry.map(\.jsonBytes) ?? Array("null".utf8)
      taken += 1
    }
    let next: Value = taken < keys.count ? .string(keys[taken]) : .null
    body += Array(#"],"next":"#.utf8) + next.jsonBytes + [UInt8(ascii: "}")]
    return .json(bytes: body)
  }

  private static func batch(_ call: Call, _ write: WriteOperation) async throws -> Response {
    let namespace = try call.namespace()
    try call.access.require(.exactly(namespace))
    return try await call.answer(write, path: ["namespace": .string(namespace.text)])
  }

  private static func missing(_ namespace: Namespace) -> StoreError {
    StoreError(
      .notFound, "There is no such namespace.", hint: "Put a key into it first.",
      details: ["namespace": .string(namespace.text)])
  }
}
