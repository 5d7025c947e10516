import HTTPTypes
import Holdfast
import HoldfastCore
import Hummingbird

/// One key: by its path, or by `/v1/entry?namespace=…&key=…` for keys that URL libraries would
/// change.
enum KeyValueRoutes {
  static let all =
    [
      Route(.get, path, role: .reader, pace: .quick) { call in
        try await get(call, byPath(call))
      },
      Route(.put, path, role: .agent) { call in try await put(call, byPath(call)) },
      Route(.delete, path, role: .agent) { call in try await delete(call, byPath(call)) },
      Route(.get, entry, role: .reader, pace: .quick) { call in
        try await get(call, byQuery(call))
      },
      Route(.put, entry, role: .agent) { call in try await put(call, byQuery(call)) },
      Route(.delete, entry, role: .agent) { call in try await delete(call, byQuery(call)) },
    ] + verbs

  private static let path = "/v1/kv/{namespace}/{key}"
  private static let entry = "/v1/entry"

  private static let verbs = [
    ("increment", KeyValueOperations.increment), ("expire", KeyValueOperations.expire),
    ("persist", KeyValueOperations.persist),
  ].flatMap { word, write in
    [
      Route(.post, "\(path)/\(word)", role: write.role) { call in
        try await change(call, byPath(call), write)
      },
      Route(.post, "\(entry)/\(word)", role: write.role) { call in
        try await change(call, byQuery(call), write)
      },
    ]
  }

  /// A namespace and a key, from wherever they came.
  private struct Place {
    let namespace: Namespace
    let key: String

    var fields: Object { ["namespace": .string(namespace.text), "key": .string(key)] }
  }

  private static func byPath(_ call: Call) throws(Refusal) -> Place {
    try call.noQuery()
    return Place(namespace: try call.namespace(), key: try call.key())
  }

  private static func byQuery(_ call: Call) throws(Refusal) -> Place {
    try call.query { query throws(Refusal) in
      guard let namespace = try query.namespace("namespace"), let key = query.text("key") else {
        throw Refusal.parameter(
          "key", "A namespace and a key are needed.", hint: "Send ?namespace=…&key=….")
      }
      try Refusal.asMalformed { () throws(StoreError) in try Key.check(key, call.limits) }
      return Place(namespace: namespace, key: key)
    }
  }
}

extension KeyValueRoutes {
  private static func get(_ call: Call, _ place: Place) async throws -> Response {
    try call.requireRead(place.namespace, orElse: missing(place))
    guard let entry = try await call.store.kv(place.namespace).getEntry(place.key) else {
      throw missing(place)
    }
    let conditions = try Precondition.read(call.headers)
    for condition in conditions where !condition.holds(for: entry.version) {
      switch condition {
      case .absent, .noneOf:
        return .empty(.notModified, headers: [.eTag: EntityTags.tag(entry.version)])
      case .exists, .oneOf: throw Refusal(Precondition.failed(entry.version), status: 412)
      }
    }
    return .json(bytes: entry.jsonBytes, version: entry.version)
  }

  private static func put(_ call: Call, _ place: Place) async throws -> Response {
    try call.access.require(.exactly(place.namespace))
    if let response = try await putAtOnce(call, place) { return response }
    return .reply(try await call.perform(KeyValueOperations.put, path: place.fields))
  }

  /// A put whose condition the store knows by itself: one round trip on PostgreSQL.
  ///
  /// `nil` for any other, and for one that may be repeated.
  private static func putAtOnce(_ call: Call, _ place: Place) async throws -> Response? {
    guard call.headers[Call.idempotencyField] == nil else { return nil }
    let condition: Condition?
    let conditions = try Precondition.read(call.headers)
    guard conditions.count < 2 else { return nil }
    switch conditions.first {
    case nil: condition = nil
    case .absent: condition = .absent
    case .oneOf(let tags):
      // Entity tags are compared byte for byte: "07" is no version.
      guard tags.count == 1, let version = Int64(tags[0]), String(version) == tags[0] else {
        return nil
      }
      condition = .version(version)
    default: return nil
    }
    var fields = Fields(try call.fields())
    let value = try fields.value("value")
    let ttl = try fields.optionalDuration("ttl")
    let description = try fields.optionalText("description")
    try fields.finish()
    do {
      let result = try await call.store.kv(place.namespace).put(
        place.key, value, ttl: ttl, description: description, if: condition)
      return .reply(KeyValueOperations.reply(result, in: place.namespace))
    } catch {
      guard condition != nil, error.code == .conflict else { throw error }
      throw error.adding(Precondition.mark, true)
    }
  }

  private static func delete(_ call: Call, _ place: Place) async throws -> Response {
    try call.access.require(.exactly(place.namespace))
    return try await call.delete(
      KeyValueOperations.delete, path: place.fields, orElse: missing(place))
  }

  private static func change(
    _ call: Call, _ place: Place, _ write: WriteOperation
  ) async throws -> Response {
    try call.access.require(.exactly(place.namespace))
    return .reply(try await call.perform(write, path: place.fields))
  }

  private static func missing(_ place: Place) -> StoreError {
    StoreError(
      .notFound, "There is no such key.", hint: "Put the key first.",
      details: ["namespace": .string(place.namespace.text), "key": .string(place.key)])
  }
}
