import HoldfastCore
import HoldfastEngine

/// One run of retention, dry or not, under the policies of its beginning.
struct RetentionPass {
  let store: Store
  let rules: RetentionRules
  let isOver: Bool
  let dryRun: Bool

  /// Goes through all kinds.
  ///
  /// - Returns: How many of each went, or would.
  /// - Throws: What the database says, as a ``StoreError``.
  func run() async throws -> [RetentionKind: Int] {
    var counts = Dictionary(uniqueKeysWithValues: RetentionKind.allCases.map { ($0, 0) })
    // First, for whatever goes makes events: where a number or a size bounds the feed, they would
    // push out rows that a dry run does not count.
    counts[.changes] = try await trimFeed()
    for part in RetentionPart.all { counts[part.kind] = try await sweep(part) }
    counts[.idempotency] = try await sweepKeys()
    counts[.files] = try await trimFiles()
    counts[.audit] = try await cutAudit()
    return counts
  }

  // MARK: Policies

  /// The policies that hold for a kind: of runs (`""` for the records of none), and in general.
  private func policies(_ kind: RetentionKind) -> [Bytewise?: RetentionPolicy] {
    var policies: [Bytewise?: RetentionPolicy] = [:]
    func own(_ namespace: String?, overSize: Bool) -> RetentionPolicy? {
      rules.items.first {
        $0.scope.kind == kind && $0.scope.namespace == namespace && $0.scope.overSize == overSize
      }?.policy
    }
    let general = own(nil, overSize: false) ?? kind.standard
    let stricter = isOver ? own(nil, overSize: true) : nil
    policies[nil] = general.stricter(stricter)
    for rule in rules.items where rule.scope.kind == kind {
      guard let namespace = rule.scope.namespace, isOver || !rule.scope.overSize else { continue }
      let policy = own(namespace, overSize: false) ?? general
      let narrow = isOver ? own(namespace, overSize: true) ?? stricter : nil
      let run = (try? Namespace(namespace))?.runID ?? ""
      policies[Bytewise(kind == .files ? namespace : run)] = policy.stricter(narrow)
    }
    return policies
  }

  /// The times before which things of a kind go.
  private func cutoffs(
    _ kind: RetentionKind, last: [Bound]?, newest: Statement
  ) async throws -> RetentionCutoffs {
    let policies = policies(kind)
    let now = try await store.engine.read(Step(Self.now)).rows.first?.first?.integer ?? .min
    var cutoffs = RetentionCutoffs()
    for (run, policy) in policies {
      let age = policy.keepFor.map { now - min($0.microseconds, now) } ?? .min
      cutoffs.raise(run, to: age)
    }
    var count = RetentionCount(policies)
    guard var place = last else { return cutoffs }
    while !count.isDone, !Task.isCancelled {
      let width = place.count
      let page = Step(newest, place + [.integer(Int64(RetentionPart.rowsMax))])
      let rows = try await store.engine.read(page).rows
      for row in rows {
        count.take(
          run: row[width + 1].text, time: row[width].integer ?? .min,
          bytes: row[width + 2].integer ?? 0, &cutoffs)
      }
      guard rows.count == RetentionPart.rowsMax, let end = rows.last else { break }
      place = kind == .changes ? RetentionFeed.place(of: end) : Array(end.prefix(width))
    }
    return cutoffs
  }

  // MARK: Kinds

  private func sweep(_ part: RetentionPart) async throws -> Int {
    let cutoffs = try await cutoffs(
      part.kind, last: part.kind == .conversations ? nil : part.last, newest: part.newest)
    guard cutoffs.latest > .min else { return 0 }
    var count = 0
    var place = part.first
    while !Task.isCancelled {
      let from = place
      let (found, next) = try await store.readBody(.scan) { tx in
        let look = try part.look(after: from, cutoffs, on: tx.reading())
        return (look.going.count, look.next)
      }
      if dryRun || found == 0 {
        count += found
      } else {
        count += try await slice { tx in try part.remove(after: from, cutoffs, in: tx) }
      }
      guard let next else { break }
      place = next
    }
    return count
  }

  private func sweepKeys() async throws -> Int {
    let cutoff = try await cutoffs(
      .idempotency, last: nil, newest: RetentionSQL.countKeys
    ).general
    let bounds: [Bound] = [.integer(cutoff), .integer(Int64(RetentionPart.removalsMax))]
    guard !dryRun else {
      let all = Step(RetentionSQL.countKeys, [.integer(cutoff), .integer(.max)])
      return Int(try await store.engine.read(all).rows.first?.first?.integer ?? 0)
    }
    return try await slices(atLeast: RetentionPart.removalsMax) { tx in
      try tx.writing(bytes: 0).run(RetentionSQL.removeKeys, bounds)
    }
  }

  private func cutAudit() async throws -> Int {
    let cutoff = try await cutoffs(
      .audit, last: [.integer(.max), .integer(.max), .integer(.max)],
      newest: RetentionSQL.newRecords
    ).general
    guard cutoff > .min else { return 0 }
    let before = Instant(microseconds: cutoff)
    guard !dryRun else {
      return try await store.readBody(.scan) { tx in try tx.audit.countCut(before: before) }
    }
    var count = 0
    while !Task.isCancelled {
      let removed = try await slice { tx in
        try tx.audit.cut(before: before, limit: RetentionPart.removalsMax)
      }
      count += removed
      guard removed > 0 else { break }
    }
    return count
  }

  private func trimFeed() async throws -> Int {
    let cutoff = try await cutoffs(
      .changes, last: RetentionFeed.end, newest: RetentionFeed.newest
    ).general
    guard dryRun else {
      return try await slices(atLeast: RetentionPart.rowsMax) { tx in
        try RetentionFeed.remove(cutoff, in: tx)
      }
    }
    var count = 0
    var place = RetentionFeed.start
    while !Task.isCancelled {
      let from = place
      let rows = try await store.readBody(.scan) { tx in
        try RetentionFeed.look(after: from, cutoff, on: tx.reading())
      }
      count += rows.count
      guard rows.count == RetentionPart.rowsMax, let end = rows.last else { break }
      place = RetentionFeed.place(of: end)
    }
    return count
  }

  /// Old versions of files: each file keeps its newest ones.
  private func trimFiles() async throws -> Int {
    var count = 0
    for (namespace, policy) in policies(.files) {
      guard let keep = policy.keepLast else { continue }
      let place = try namespace.map { try Namespace($0.text) }
      count += dryRun ? try await countVersions(keep, place) : try await trim(keep, place)
    }
    return count
  }

  private func countVersions(_ keep: Int, _ place: Namespace?) async throws -> Int {
    let sum =
      place.map {
        Step(RetentionSQL.countVersionsIn, [.integer(Int64(keep)), .text($0.text)])
      } ?? Step(RetentionSQL.countVersions, [.integer(Int64(keep)), Bound(isOver)])
    return Int(try await store.engine.read(sum).rows.first?.first?.integer ?? 0)
  }

  private func trim(_ keep: Int, _ place: Namespace?) async throws -> Int {
    let isOver = isOver
    var count = 0
    while !Task.isCancelled {
      let done = try await slice { tx in
        guard place == nil else {
          return try FileSweeper.trim(
            keeping: keep, in: place, limit: Self.filesMax, transaction: tx
          ).versions
        }
        let found = try tx.reading().all(
          RetentionSQL.withMoreVersions,
          [.integer(Int64(keep)), Bound(isOver), .integer(Int64(Self.filesMax))]
        ) { (namespace: $0.text(0), name: $0.text(1)) }
        return try found.reduce(0) { sum, file in
          try sum + tx.files(Namespace(stored: file.namespace)).trim(file.name, keeping: keep)
        }
      }
      count += done
      guard done > 0 else { break }
    }
    return count
  }

  /// How many files one transaction trims: a trim only marks, and upkeep removes in slices.
  private static let filesMax = 10

  /// Runs one slice to its end, whoever leaves meanwhile: a run stops between slices, and knows
  /// what it has removed.
  private func slice(
    _ body: @escaping @Sendable (Transaction) throws -> Int
  ) async throws -> Int {
    let store = store
    return try await Task { try await store.write(.standard, hotRows: [], body) }.value
  }

  /// Slices that decide by the rows that they delete alone, until one is not full.
  private func slices(
    atLeast full: Int, _ slice: @escaping @Sendable (Transaction) throws -> Int
  ) async throws -> Int {
    var options = store.writeOptions(.standard)
    options.isolation = .readCommitted
    let (settings, context, engine) = (options, store.context, store.engine)
    var count = 0
    while !Task.isCancelled {
      let removed = try await Task {
        try await engine.write(settings) { connection in
          try Transaction(connection, context, isReadOnly: false).run(slice)
        }
      }.value
      count += removed
      guard removed >= full else { break }
    }
    return count
  }

  private static let now = Statement("SELECT holdfast_now()")
}
