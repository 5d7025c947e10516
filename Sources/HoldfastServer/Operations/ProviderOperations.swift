import Holdfast
import HoldfastCore

/// The write verbs of providers.
///
/// Providers belong to no run and no bot, so to `global`. Asking whether one may be called is no
/// verb of a transaction.
enum ProviderOperations {
  static let all = [put, delete, success, failure, rateLimited]

  static let put = WriteOperation("providers.put") { fields, _ throws(StoreError) in
    let name = try fields.text("name")
    let priority = try fields.optionalInteger("priority").map { Int($0) }
    let health = try ProviderFields.health(&fields)
    return PreparedWrite(
      touches: [.exactly(.global)], hotRows: [Providers.hotRow(name)], version: version(name)
    ) { tx throws(StoreError) in
      let isNew = try version(name)(tx) == nil
      let provider = try tx.providers.put(name, priority: priority, health: health)
      return Reply(
        status: isNew ? 201 : 200, body: provider.json, version: provider.version,
        location: isNew ? "/v1/providers/\(PercentText.encode(name))" : nil)
    }
  }

  static let delete = WriteOperation("providers.delete") { fields, _ throws(StoreError) in
    let name = try fields.text("name")
    return PreparedWrite(
      touches: [.exactly(.global)], hotRows: [Providers.hotRow(name)], version: version(name)
    ) { tx throws(StoreError) in
      let deleted = try tx.providers.delete(name)
      return Reply(status: 204, body: ["deleted": .bool(deleted)], changed: deleted)
    }
  }

  static let success = WriteOperation("providers.success") { fields, _ throws(StoreError) in
    let outcome = try ProviderFields.success(&fields)
    return write(outcome.name) { tx throws(StoreError) in
      try tx.providers.success(outcome.name, latency: outcome.latency, probe: outcome.probe)
    }
  }

  static let failure = WriteOperation("providers.failure") { fields, _ throws(StoreError) in
    let name = try fields.text("name")
    let kind = try ProviderFields.kind(&fields)
    let error = try fields.optionalText("error")
    let probe = try fields.optionalInteger("probe_token")
    return write(name) { tx throws(StoreError) in
      try tx.providers.failure(name, kind: kind, error: error, probe: probe)
    }
  }

  static let rateLimited = WriteOperation("providers.rate_limited") {
    fields, _ throws(StoreError) in
    let name = try fields.text("name")
    let retryAfter = try ProviderFields.duration(&fields, "retry_after")
    let error = try fields.optionalText("error")
    let probe = try fields.optionalInteger("probe_token")
    return write(name) { tx throws(StoreError) in
      try tx.providers.rateLimited(name, retryAfter: retryAfter, error: error, probe: probe)
    }
  }

  private static func write(
    _ name: String,
    _ change: @escaping @Sendable (Transaction) throws(StoreError) -> Provider
  ) -> PreparedWrite {
    PreparedWrite(
      touches: [.exactly(.global)], hotRows: [Providers.hotRow(name)], version: version(name)
    ) { tx throws(StoreError) in
      let provider = try change(tx)
      return Reply(status: 200, body: provider.json, version: provider.version)
    }
  }

  /// The version of a provider; one whose row is nonsense has none that could be compared, so that
  /// a put without conditions mends it.
  private static func version(
    _ name: String
  ) -> @Sendable (Transaction) throws(StoreError) -> Int64? {
    { tx throws(StoreError) in
      do throws(StoreError) {
        return try tx.providers.get(name)?.version
      } catch  where error.code == .corrupt {
        return 0
      }
    }
  }
}

/// The fields that tell of a provider.
enum ProviderFields {
  /// What became of a call that succeeded.
  static func success(
    _ fields: inout Fields
  ) throws(StoreError) -> (name: String, latency: Duration?, probe: Int64?) {
    (
      try fields.text("name"), try duration(&fields, "latency"),
      try fields.optionalInteger("probe_token")
    )
  }

  static func kind(_ fields: inout Fields) throws(StoreError) -> ProviderFailure {
    guard let word = try fields.optionalText("kind") else { return .other }
    guard let kind = ProviderFailure(rawValue: word) else {
      let words = ProviderFailure.allCases.map(\.rawValue).joined(separator: ", ")
      throw Fields.type("kind", "one of \(words)")
    }
    return kind
  }

  /// A duration that may be zero, and may be left out.
  static func duration(
    _ fields: inout Fields, _ name: String
  ) throws(StoreError) -> Duration? {
    guard let text = try fields.optionalText(name) else { return nil }
    return try Fields.naming(name) { () throws(StoreError) in
      try DurationText.parse(text, allowingZero: true)
    }
  }

  /// The state as it is to be; `nil` where no field of it is there.
  static func health(_ fields: inout Fields) throws(StoreError) -> ProviderHealth? {
    let before = fields.object.count
    let status = try status(&fields)
    let openedAt = try instant(&fields, "opened_at")
    let wait = try duration(&fields, "wait")
    let openings = try fields.optionalInteger("openings")
    let circuit = try Circuit(
      status: status,
      consecutiveFailures: try fields.optionalInteger("consecutive_failures") ?? 0,
      consecutiveSuccesses: try fields.optionalInteger("consecutive_successes") ?? 0,
      opening: try opening(openedAt, wait, openings), probe: try probe(&fields),
      rateLimitedUntil: try instant(&fields, "rate_limited_until"),
      upSince: try instant(&fields, "up_since"))
    let health = ProviderHealth(
      circuit: circuit, lastError: try fields.optionalText("last_error"),
      lastLatency: try duration(&fields, "last_latency"),
      lastSuccessAt: try instant(&fields, "last_success_at"),
      totalSuccesses: try fields.optionalInteger("total_successes") ?? 0,
      totalFailures: try fields.optionalInteger("total_failures") ?? 0)
    return fields.object.count == before ? nil : health
  }

  private static func status(_ fields: inout Fields) throws(StoreError) -> Circuit.Status {
    guard let word = try fields.optionalText("circuit") else { return .closed }
    guard let status = Circuit.Status(rawValue: word) else {
      let words = Circuit.Status.allCases.map(\.rawValue).joined(separator: ", ")
      throw Fields.type("circuit", "one of \(words)")
    }
    return status
  }

  private static func opening(
    _ at: Instant?, _ wait: Duration?, _ count: Int64?
  ) throws(StoreError) -> Circuit.Opening? {
    guard let at else {
      // A wait or a count without the time to which they belong says nothing.
      guard wait == nil, count ?? 0 == 0 else { throw Fields.missing("opened_at") }
      return nil
    }
    guard let wait else { throw Fields.missing("wait") }
    return try .stored(at: at, wait: wait, count: count ?? 1)
  }

  private static func probe(_ fields: inout Fields) throws(StoreError) -> Circuit.Probe? {
    let token = try fields.optionalInteger("probe_token")
    let end = try instant(&fields, "probe_expires_at")
    switch (token, end) {
    case (nil, nil): return nil
    case (let token?, let end?): return Circuit.Probe(token: token, expiresAt: end)
    case (nil, _): throw Fields.missing("probe_token")
    case (_, nil): throw Fields.missing("probe_expires_at")
    }
  }

  private static func instant(
    _ fields: inout Fields, _ name: String
  ) throws(StoreError) -> Instant? {
    guard let text = try fields.optionalText(name) else { return nil }
    return try Fields.naming(name) { () throws(StoreError) in try Instant(rfc3339: text) }
  }
}
