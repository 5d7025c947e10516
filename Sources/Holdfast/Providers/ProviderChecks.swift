import HoldfastCore

/// The checks of what callers tell of providers.
enum ProviderChecks {
  static func priority(_ priority: Int, _ limits: Limits) throws(StoreError) {
    let most = limits.providerPriorityMax
    guard (-most...most).contains(priority) else {
      throw invalid("priority", "A provider's priority is from -\(most) to \(most).")
    }
  }

  static func health(_ health: ProviderHealth, _ limits: Limits) throws(StoreError) {
    try Circuit.check(health.totalSuccesses, "total_successes")
    try Circuit.check(health.totalFailures, "total_failures")
    try latency(health.lastLatency)
    if let error = health.lastError {
      try Checks.text(error, "last error", bytesMax: limits.descriptionBytesMax)
    }
  }

  static func latency(_ latency: Duration?) throws(StoreError) {
    guard latency ?? .zero >= .zero else {
      throw invalid("latency", "A latency is not negative.")
    }
  }

  static func retryAfter(_ pause: Duration?) throws(StoreError) {
    guard pause ?? .zero >= .zero else {
      throw invalid("retry_after", "A pause is not negative.")
    }
  }

  /// What is kept of a failure's text: a provider may answer with pages, and a failure that is
  /// refused for its length would not be counted.
  static func error(_ error: String, _ limits: Limits) throws(StoreError) -> String {
    let kept = Checks.cut(error, bytesMax: limits.descriptionBytesMax)
    try Checks.text(kept, "error", bytesMax: limits.descriptionBytesMax)
    return kept
  }

  static func missing(_ name: String) -> StoreError {
    StoreError(
      .notFound, "There is no such provider.", hint: "Put the provider first.",
      details: ["provider": .string(name)])
  }

  private static func invalid(_ field: String, _ message: String) -> StoreError {
    StoreError(
      .invalid, message, hint: "Give a value in that range.",
      details: ["field": .string(field), "reason": "out_of_range"])
  }
}

extension Provider {
  /// The provider with another state, as one sees it whose successes are not all stored yet.
  func with(_ health: ProviderHealth) -> Provider {
    Provider(
      name: name, priority: priority, health: health, version: version, createdAt: createdAt,
      updatedAt: updatedAt)
  }
}

extension ProviderPermit {
  /// What a row answers; `nil` where a probe is due, which has to be written down first.
  init?(_ row: ProviderRow) {
    let circuit = row.provider.health.circuit
    switch circuit.permit(at: row.now) {
    case .allowed:
      self.init(
        isAllowed: true, circuit: circuit.status, probe: nil, reason: nil, waitUntil: nil)
    case .wait(let until, let reason):
      self.init(
        isAllowed: false, circuit: circuit.status, probe: nil, reason: reason, waitUntil: until)
    case .probeDue: return nil
    }
  }
}
