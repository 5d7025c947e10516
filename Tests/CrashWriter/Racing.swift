import Holdfast

/// Mode `race`: writers and readers that meet at the same keys, for some seconds.
///
/// Writers increment hot keys, and move a pair of keys on by reading both and writing both. Readers
/// look at the hot keys one by one and at the pair on one snapshot, without a pause unless `pause` says
/// how many microseconds. At the end each line counts what was acknowledged: `hot KEY COUNT`, `pair COUNT`, `errors CODE COUNT`,
/// `writes COUNT LONGEST MEAN` in microseconds, `reads COUNT`.
struct Racing: Sendable {
  let store: Store
  let settings: Settings

  private struct Score: Sendable {
    var hot: [String: Int64] = [:]
    var pairs = 0
    var writes = 0
    var reads = 0
    var microseconds: Int64 = 0
    var longest: Int64 = 0
    var errors: [String: Int] = [:]

    mutating func add(_ other: Score) {
      hot.merge(other.hot, uniquingKeysWith: +)
      pairs += other.pairs
      writes += other.writes
      reads += other.reads
      microseconds += other.microseconds
      longest = max(longest, other.longest)
      errors.merge(other.errors, uniquingKeysWith: +)
    }

    mutating func wrote(since start: Int64) {
      let time = Report.microseconds - start
      writes += 1
      microseconds += time
      longest = max(longest, time)
    }
  }

  func run() async {
    let end = Report.microseconds + Int64(settings.number("milliseconds", 1_000)) * 1_000
    let writers = settings.number("writers", 2)
    let readers = settings.number("readers", 1)
    let score = await withTaskGroup(of: Score.self) { group in
      for number in 0..<writers { group.addTask { await write(number, until: end) } }
      for number in 0..<readers { group.addTask { await read(number, until: end) } }
      return await group.reduce(into: Score()) { $0.add($1) }
    }
    for (key, count) in score.hot { Report.line("hot \(key) \(count)") }
    for (code, count) in score.errors { Report.line("errors \(code) \(count)") }
    Report.line("pair \(score.pairs)")
    let mean = score.microseconds / Int64(max(1, score.writes))
    Report.line("writes \(score.writes) \(score.longest) \(mean)")
    Report.line("reads \(score.reads)")
    await tellRetries()
  }

  /// Whatever the engine counts of retries.
  private func tellRetries() async {
    guard let health = try? await store.health() else { return }
    for member in health.details {
      if let count = member.value.integerValue { Report.line("health \(member.name) \(count)") }
    }
  }

  private func isOver(_ end: Int64) -> Bool { Input.isOver || Report.microseconds >= end }

  private func write(_ number: Int, until end: Int64) async -> Score {
    var score = Score()
    let seed = settings.number("seed", 1) * 1_000 + number
    var chance = SeededChance(seed: UInt64(seed))
    let keys = settings.number("keys", 4)
    let padding = Value.string(String(repeating: "y", count: settings.number("bytes", 100)))
    let pulse = settings.number("pulse", .max)
    let pairEvery = settings.number("pairs", 3)
    while !isOver(end) {
      let start = Report.microseconds
      do {
        if pairEvery > 0, score.writes % pairEvery == 0 {
          try await movePair(padding)
          score.pairs += 1
        } else {
          let key = "hot:\(Int.random(in: 0..<keys, using: &chance))"
          try await store.kv(.global).increment(key)
          score.hot[key, default: 0] += 1
        }
        score.wrote(since: start)
        // Whoever watches the files beside the process has a reason to look.
        if score.writes % pulse == 0 { Report.line("pulse") }
      } catch {
        let code = (error as? StoreError)?.code.name ?? "other"
        score.errors[code, default: 0] += 1
        Report.line("failed \(error)")
      }
    }
    return score
  }

  private func movePair(_ padding: Value) async throws {
    try await store.transaction { tx in
      let kv = tx.kv(.global)
      let left = try kv.get("left")?.integerValue ?? 0
      let right = try kv.get("right")?.integerValue ?? 0
      try kv.put("left", .integer(left + 1))
      try kv.put("pad:\(left % 64)", padding)
      try kv.put("right", .integer(right + 1))
    }
  }

  private func read(_ number: Int, until end: Int64) async -> Score {
    var score = Score()
    var newest: [String: Int64] = [:]
    var pair: Int64 = 0
    let keys = settings.number("keys", 4)
    let pause = settings.number("pause", 0)
    while !isOver(end) {
      do {
        let key = "hot:\(score.reads % keys)"
        let version = try await store.kv(.global).getEntry(key)?.version ?? 0
        if version < newest[key] ?? 0 { Report.line("fault \(key) went back to \(version)") }
        newest[key] = version
        if score.reads % 8 == 0 {
          let (left, right) = try await readPair()
          if left != right { Report.line("fault the pair is torn: \(left) and \(right)") }
          if left < pair { Report.line("fault the pair went back from \(pair) to \(left)") }
          pair = left
        }
        score.reads += 1
        // A hot read suspends nowhere, and others want the thread too.
        if pause > 0 {
          try await SystemTimeSource().sleep(for: .microseconds(pause))
        } else {
          await Task.yield()
        }
      } catch {
        score.errors["read:" + ((error as? StoreError)?.code.name ?? "other"), default: 0] += 1
        Report.line("failed \(error)")
      }
    }
    return score
  }

  private func readPair() async throws -> (Int64, Int64) {
    try await store.read { tx in
      let right = try tx.kv(.global).get("right")?.integerValue ?? 0
      let left = try tx.kv(.global).get("left")?.integerValue ?? 0
      return (left, right)
    }
  }
}
