import Holdfast
import HoldfastCore
import Hummingbird

/// Whether the server lives, whether its store answers, and how it is.
enum HealthRoutes {
  static let all = [
    Route(.get, "/livez", role: nil, answer: live),
    Route(.get, "/readyz", role: nil, answer: ready),
    Route(.get, "/v1/health", role: .reader, answer: health),
  ]

  private static func live(_ call: Call) async throws -> Response {
    .json(["status": "ok"], headers: [.cacheControl: "no-store"])
  }

  private static func ready(_ call: Call) async throws -> Response {
    try await call.store.ping()
    return .json(["status": "ok"], headers: [.cacheControl: "no-store"])
  }

  /// What the whole store holds is for those who may see the whole store.
  private static func health(_ call: Call) async throws -> Response {
    try call.noQuery()
    let health = try await call.store.health()
    var object: Object = [
      "status": "ok", "database": .string(health.database),
      "migration": .integer(Int64(health.migration)),
    ]
    if call.access.isUnrestricted {
      object["bytes"] = .integer(health.bytes)
      object["rows"] = .object(health.rows)
      object["circuits"] = .object(health.circuits)
      object["details"] = .object(health.details)
    }
    return .json(.object(object), headers: [.cacheControl: "no-store"])
  }
}
