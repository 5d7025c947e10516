import Holdfast
import HoldfastCore
import Hummingbird

/// Retention, for administrators whose token reaches every namespace: it is about all records.
///
/// A run is many transactions, and a policy decides about everybody's data: neither is a verb of a
/// transaction.
enum RetentionRoutes {
  static let all = [
    Route(.get, "/v1/retention", role: .admin, answer: list),
    Route(.put, "/v1/retention", role: .admin, answer: set),
    // However long it takes: it ends when the client leaves, and is whole after each slice.
    Route(.post, "/v1/retention/run", role: .admin, pace: .waitingOnBody, answer: run),
  ]

  private static func list(_ call: Call) async throws -> Response {
    try call.noQuery()
    try call.access.requireUnrestricted()
    return try await answer(call)
  }

  private static func answer(_ call: Call) async throws -> Response {
    var object = try await call.store.retention.policies().json
    object["size"] = .integer(try await call.store.size())
    return .json(.object(object))
  }

  /// Sets one policy, or takes it away with `default`, or sets the size with `size_max`.
  private static func set(_ call: Call) async throws -> Response {
    try call.noQuery()
    try call.access.requireUnrestricted()
    try onlyOnce(call)
    let body = try call.fields()
    var fields = Fields(body)
    let retention = call.store.retention
    if body["size_max"] != nil {
      let bytes = try fields.optionalInteger("size_max")
      _ = fields.optional("size_max")
      try fields.finish()
      try await retention.setSizeMax(bytes, actor: call.access.name)
      return try await answer(call)
    }
    let kind: RetentionKind = try fields.word("kind")
    let namespace = try fields.optionalNamespace()
    let overSize = try fields.optionalFlag("over_size") ?? false
    let isDefault = try fields.optionalFlag("default") ?? false
    let policy = RetentionPolicy(
      keepFor: try fields.optionalDuration("keep_for"),
      keepLast: try fields.optionalInteger("keep_last").map { Int($0) },
      bytesMax: try fields.optionalInteger("max_bytes"))
    try fields.finish()
    guard !isDefault || policy == RetentionPolicy() else {
      throw Fields.failure(
        "default", "state", "The default comes without bounds.", hint: "Leave the bounds out.")
    }
    try await retention.setPolicy(
      isDefault ? nil : policy, for: RetentionScope(kind, in: namespace, overSize: overSize),
      actor: call.access.name)
    return try await answer(call)
  }

  private static func run(_ call: Call) async throws -> Response {
    let asked = try call.query { query throws(Refusal) in try query.flag("dry_run") }
    // Whoever sends it in the body must not get a run that removes.
    var fields = Fields(try call.fields())
    let dryRun = try fields.optionalFlag("dry_run") ?? asked
    try fields.finish()
    guard dryRun || !asked else {
      throw Fields.failure(
        "dry_run", "contradiction", "The query asks for a dry run, and the body for none.",
        hint: "Send it once.")
    }
    try call.access.requireUnrestricted()
    try onlyOnce(call)
    let (retention, actor) = (call.store.retention, call.access.name)
    let report = try await call.waiting {
      try await retention.run(dryRun: dryRun, actor: actor)
    }
    return .json(report.json)
  }

  private static func onlyOnce(_ call: Call) throws {
    try call.onlyOnce(
      "What is done to retention cannot be repeated by a key.",
      hint: "Leave the Idempotency-Key out: doing it again changes nothing that it has not changed."
    )
  }
}

extension RetentionRules {
  /// All policies, and the size from which on the stricter ones hold.
  fileprivate var json: Object {
    [
      "items": .array(items.map(\.json)),
      "size_max": sizeMax.map(Value.integer) ?? .null,
    ]
  }
}

extension RetentionRule {
  fileprivate var json: Value {
    [
      "kind": .string(scope.kind.rawValue), "namespace": .text(scope.namespace),
      "over_size": .bool(scope.overSize), "default": .bool(isStandard),
      "keep_for": policy.keepFor.map { .string(DurationText.format($0)) } ?? .null,
      "keep_last": policy.keepLast.map { .integer(Int64($0)) } ?? .null,
      "max_bytes": policy.bytesMax.map(Value.integer) ?? .null,
    ]
  }
}

extension RetentionReport {
  fileprivate var json: Value {
    let counts = RetentionKind.allCases.map {
      ($0.rawValue, Value.integer(Int64(self.counts[$0] ?? 0)))
    }
    return [
      "failures": failuresByName,
      "dry_run": .bool(isDryRun), "complete": .bool(isComplete), "over_size": .bool(isOverSize),
      "counts": .object(Object(counts)), "total": .integer(Int64(total)),
      "bytes_before": .integer(bytesBefore), "bytes_after": .integer(bytesAfter),
    ]
  }
}
