import HoldfastCore
import HoldfastEngine

/// A provider's row with the store's time at which it was read.
struct ProviderRow {
  let provider: Provider
  let now: Instant

  /// Reads a row in the order of columns that ``ProviderSQL`` tells.
  ///
  /// The constraints of the table let nothing else in; but whoever has the file can switch them
  /// off, and a circuit that means nothing must not decide who may call.
  ///
  /// - Parameter columns: The columns.
  /// - Throws: `corrupt` that names the provider for a row that Holdfast never wrote.
  init(_ columns: [Bound]) throws(StoreError) {
    guard columns.count == 21, let now = columns[20].instant,
      let provider = Provider(columns)
    else {
      throw StoreError(
        .corrupt, "The stored state of a provider is none that a circuit can have.",
        hint: "Put the provider's state anew, or delete it.",
        details: columns.first?.text.map { ["provider": .string($0)] } ?? [:])
    }
    self.provider = provider
    self.now = now
  }
}

extension Provider {
  fileprivate init?(_ columns: [Bound]) {
    guard let name = columns[0].text, let priority = columns[1].integer,
      let circuit = Circuit(columns), let successes = columns[14].count,
      let failures = columns[15].count, let version = columns[17].integer,
      let created = columns[18].instant, let updated = columns[19].instant,
      columns[12].integer ?? 0 >= 0
    else { return nil }
    self.init(
      name: name, priority: Int(priority),
      health: ProviderHealth(
        circuit: circuit, lastError: columns[11].text,
        lastLatency: columns[12].integer.map { .microseconds($0) },
        lastSuccessAt: columns[13].instant, totalSuccesses: successes, totalFailures: failures),
      version: version, createdAt: created, updatedAt: updated)
  }

  /// The parameters of ``ProviderSQL/save``.
  static func columns(_ name: String, _ priority: Int, _ health: ProviderHealth) -> [Bound] {
    let circuit = health.circuit
    return [
      .text(name), .integer(Int64(priority)), .text(circuit.status.rawValue),
      .integer(circuit.consecutiveFailures), .integer(circuit.consecutiveSuccesses),
      Bound(circuit.opening?.at.microseconds), Bound(circuit.opening?.wait.microseconds),
      .integer(circuit.opening?.count ?? 0), Bound(circuit.probe?.token),
      Bound(circuit.probe?.expiresAt.microseconds),
      Bound(circuit.rateLimitedUntil?.microseconds), Bound(health.lastError),
      Bound(health.lastLatency?.microseconds), Bound(health.lastSuccessAt?.microseconds),
      .integer(health.totalSuccesses), .integer(health.totalFailures),
      Bound(circuit.upSince?.microseconds),
    ]
  }
}

extension Circuit {
  fileprivate init?(_ columns: [Bound]) {
    guard let status = columns[2].text.flatMap(Status.init(rawValue:)),
      let failures = columns[3].count, let successes = columns[4].count,
      let openings = columns[7].integer
    else { return nil }
    var opening: Opening?
    if let at = columns[5].instant, let wait = columns[6].integer {
      opening = try? .stored(at: at, wait: .microseconds(wait), count: openings)
      if opening == nil { return nil }
    } else if openings != 0 || columns[5] != .null || columns[6] != .null {
      return nil
    }
    var probe: Probe?
    if let token = columns[8].integer, let end = columns[9].instant {
      probe = Probe(token: token, expiresAt: end)
    } else if columns[8] != .null || columns[9] != .null {
      return nil
    }
    let circuit = try? Circuit(
      status: status, consecutiveFailures: failures, consecutiveSuccesses: successes,
      opening: opening, probe: probe, rateLimitedUntil: columns[10].instant,
      upSince: columns[16].instant)
    guard let circuit else { return nil }
    self = circuit
  }
}

extension Bound {
  fileprivate var instant: Instant? { integer.map(Instant.init(microseconds:)) }

  /// A count, where it is one.
  fileprivate var count: Int64? {
    integer.flatMap { (0...Circuit.countMax).contains($0) ? $0 : nil }
  }
}

/// A place in the list of providers.
struct ProviderPlace {
  let priority: Int64
  let latency: Int64
  let name: String

  /// Where a page goes on.
  ///
  /// - Parameter token: The cursor; `nil` for the beginning.
  /// - Throws: `invalid` for what is no cursor of this list.
  init(after token: String?) throws(StoreError) {
    guard let token else {
      (priority, latency, name) = (.min, .min, "")
      return
    }
    let parts = try ListCursor.parts(of: token, in: .providers, count: 3)
    guard let priority = Int64(parts[0]), let latency = Int64(parts[1]), !parts[2].utf8.contains(0)
    else { throw ListCursor.foreign }
    (self.priority, self.latency, self.name) = (priority, latency, parts[2])
  }

  /// The cursor behind a row.
  static func token(_ columns: [Bound]) -> String? {
    guard let name = columns[0].text, let priority = columns[1].integer else { return nil }
    let latency = columns[12].integer ?? .max
    return ListCursor.token(.providers, "\(priority)", "\(latency)", name)
  }
}
