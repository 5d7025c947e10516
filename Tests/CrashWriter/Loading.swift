import Holdfast
import NIOConcurrencyHelpers

/// Mode `load`: changes keys in every way for some time, and reports at the end how many events the
/// feed must have, and which (`tally COUNT SUM`).
///
/// Each write has an idempotency key and is repeated until its answer is known, so that the tally
/// is exact even where connections break.
struct Loading: Sendable {
  let store: Store
  let settings: Settings

  /// The namespaces that are written.
  static let namespaces = ["feed:a", "feed:b"]

  func run() async {
    let end = Report.microseconds + Int64(settings.number("milliseconds", 1_000)) * 1_000
    let tally = await withTaskGroup(of: Tally.self) { group in
      for task in 0..<settings.number("tasks", 3) {
        group.addTask { await load(task, until: end) }
      }
      return await group.reduce(into: Tally()) { $0.add($1) }
    }
    Report.line("tally \(tally.count) \(tally.sum)")
  }

  private func load(_ task: Int, until end: Int64) async -> Tally {
    let id = settings.number("id", 0)
    var chance = SeededChance(seed: UInt64(settings.number("seed", 1) * 1_000 + id * 50 + task))
    let keys = settings.number("keys", 20)
    var tally = Tally()
    var index = 0
    while !Input.isOver, Report.microseconds < end {
      let key = "k:\(Int.random(in: 0..<keys, using: &chance))"
      let once = WriteSettings.idempotent("load-\(id)-\(task)-\(index)")
      let kind = Int.random(in: 0..<10, using: &chance)
      let events = await again { try await write(kind, key, marker: "m:\(id):\(task)", once) }
      guard let events else { break }
      for event in events { tally.add(event.operation, event.namespace, event.key, event.version) }
      index += 1
    }
    return tally
  }

  private struct Event: Codable, Sendable {
    let operation: String
    let namespace: String
    let key: String
    let version: Int64
  }

  /// One write, and the events that it makes.
  private func write(
    _ kind: Int, _ key: String, marker: String, _ once: WriteSettings
  ) async throws -> [Event] {
    let a = try Namespace(Self.namespaces[0])
    let b = try Namespace(Self.namespaces[1])
    switch kind {
    case 0..<4:
      let put = try await store.kv(a).put(key, ["n": 1], with: once)
      return [Event(operation: "put", namespace: a.text, key: key, version: put.entry.version)]
    case 4..<7:
      let sum = try await store.kv(b).incrementEntry(key, with: once)
      return [Event(operation: "put", namespace: b.text, key: key, version: sum.version)]
    case 7..<9:
      return try await store.transaction(idempotencyKey: once.idempotencyKey ?? "") { tx in
        let puts = try tx.kv(a).putMany([Put(key, 1), Put(key + ":twin", 2)])
        let last = try tx.kv(b).incrementEntry(key)
        return puts.map {
          Event(operation: "put", namespace: a.text, key: $0.entry.key, version: $0.entry.version)
        } + [Event(operation: "put", namespace: b.text, key: key, version: last.version)]
      }
    default:
      return try await store.transaction(idempotencyKey: once.idempotencyKey ?? "") { tx in
        let wasThere = try tx.kv(a).delete(key)
        let version = try tx.kv(b).put(marker, 0).entry.version
        let put = Event(operation: "put", namespace: b.text, key: marker, version: version)
        guard wasThere else { return [put] }
        return [Event(operation: "delete", namespace: a.text, key: key, version: version), put]
      }
    }
  }

  private func again(_ call: @Sendable () async throws -> [Event]) async -> [Event]? {
    // Not until it is told to stop: a write whose answer is unknown must be settled first.
    for _ in 0..<2_000 {
      do {
        return try await call()
      } catch StoreError.Code.unavailable, StoreError.Code.uncertain {
        try? await SystemTimeSource().sleep(for: .milliseconds(5))
      } catch {
        Report.line("fault \(error)")
        return nil
      }
    }
    Report.line("fault a write was never settled")
    return nil
  }
}
