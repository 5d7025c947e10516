import Holdfast
import HoldfastCore

extension Provider {
  /// The provider with all that is known of its circuit.
  var json: Value {
    let circuit = health.circuit
    return [
      "name": .string(name), "priority": .integer(Int64(priority)),
      "circuit": .string(circuit.status.rawValue),
      "consecutive_failures": .integer(circuit.consecutiveFailures),
      "consecutive_successes": .integer(circuit.consecutiveSuccesses),
      "opened_at": .time(circuit.opening?.at), "wait": .duration(circuit.opening?.wait),
      "openings": .integer(circuit.opening?.count ?? 0),
      "retry_at": .time(circuit.opening?.endsAt),
      "probe_expires_at": .time(circuit.probe?.expiresAt),
      "rate_limited_until": .time(circuit.rateLimitedUntil),
      "last_error": .text(health.lastError), "last_latency": .duration(health.lastLatency),
      "last_success_at": .time(health.lastSuccessAt),
      "total_successes": .integer(health.totalSuccesses),
      "total_failures": .integer(health.totalFailures), "up_since": .time(circuit.upSince),
      "version": .integer(version), "created_at": .time(createdAt),
      "updated_at": .time(updatedAt),
    ]
  }
}

extension ProviderPermit {
  /// The answer to whether a provider may be called.
  var json: Value {
    [
      "allowed": .bool(isAllowed), "circuit": .string(circuit.rawValue),
      "probe_token": probe.map { .integer($0.token) } ?? .null,
      "probe_expires_at": .time(probe?.expiresAt), "reason": .text(reason?.rawValue),
      "wait_until": .time(waitUntil),
    ]
  }
}

extension Value {
  /// A duration such as `30s`, or null where there is none.
  fileprivate static func duration(_ duration: Duration?) -> Value {
    duration.map { .string(DurationText.format($0)) } ?? .null
  }
}
