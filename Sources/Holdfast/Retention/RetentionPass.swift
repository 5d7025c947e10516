import HoldfastCore
import HoldfastEngine

/// One run of retention, dry or not, under the policies of its beginning.
struct RetentionPass {
  let store: Store
  let rules: RetentionRules
  let isOver: Bool
  let dryRun: Bool

  /// What a pass did.
  struct Outcome {
    /// How many of each kind went, or would.
    var counts = Dictionary(uniqueKeysWithValues: RetentionKind.allCases.map { ($0, 0) })
    /// What ended the work on a kind; what had gone of it by then is counted.
    var failures: [RetentionKind: StoreError] = [:]
  }

  /// Goes through all kinds; one that fails holds up no other.
  ///
  /// - Returns: What was done.
  /// - Throws: `closed`, where nothing more can be done.
  func run() async throws -> Outcome {
    var outcome = Outcome()
    // First, for whatever goes makes events: where a number or a size bounds the feed, they would
    // push out rows that a dry run does not count.
    try await work(on: .changes, &outcome) { try await trimFeed(&$0) }
    for part in RetentionPart.all {
      try await work(on: part.kind, &outcome) { try await sweep(part, &$0) }
    }
    try await work(on: .idempotency, &outcome) { try await sweepKeys(&$0) }
    try await work(on: .files, &outcome) { try await trimFiles(&$0) }
    try await work(on: .audit, &outcome) { try await cutAudit(&$0) }
    return outcome
  }

  private func work(
    on kind: RetentionKind, _ outcome: inout Outcome,
    _ work: (inout Int) async throws -> Void
  ) async throws {
    var count = 0
    do {
      try await work(&count)
    } catch {
      let failure = StoreError.from(error)
      if failure.code == .closed { throw failure }
      store.note(failure, of: "retention.\(kind.rawValue)")
      outcome.failures[kind] = failure
    }
    outcome.counts[kind] = count
  }

  // MARK: Policies

  /// The policies that hold for a kind: of runs (`""` for the records of none), and in general.
  private func policies(_ kind: RetentionKind) -> [Bytewise?: RetentionPolicy] {
    var policies: [Bytewise?: RetentionPolicy] = [:]
    func own(_ namespace: String?, overSize: Bool) -> RetentionPolicy? {
      rules.items.first {
        $0.scope.kind == kind && $0.scope.overSize == overSize
          && $0.scope.namespace.map(Bytewise.init) == namespace.map(Bytewise.init)
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
    let now = try StoreTime.told(await store.engine.read(Step(StoreTime.now))).microseconds
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

  private func sweep(_ part: RetentionPart, _ count: inout Int) async throws {
    let cutoffs = try await cutoffs(
      part.kind, last: part.kind == .conversations ? nil : part.last, newest: part.newest)
    guard cutoffs.latest > .min else { return }
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
  }

  private func sweepKeys(_ count: inout Int) async throws {
    let cutoff = try await cutoffs(
      .idempotency, last: nil, newest: RetentionSQL.countKeys
    ).general
    let bounds: [Bound] = [.integer(cutoff), .integer(Int64(RetentionPart.removalsMax))]
    guard !dryRun else {
      let all = Step(RetentionSQL.countKeys, [.integer(cutoff), .integer(.max)])
      count = Int(try await store.engine.read(all).rows.first?.first?.integer ?? 0)
      return
    }
    try await slices(atLeast: RetentionPart.removalsMax, &count) { tx in
      try tx.writing(bytes: 0).run(RetentionSQL.removeKeys, bounds)
    }
  }

  private func cutAudit(_ count: inout Int) async throws {
    let cutoff = try await cutoffs(
      .audit, last: [.integer(.max), .integer(.max), .integer(.max)],
      newest: RetentionSQL.newRecords
    ).general
    guard cutoff > .min else { return }
    let before = Instant(microseconds: cutoff)
    guard !dryRun else {
      count = try await store.readBody(.scan) { tx in try tx.audit.countCut(before: before) }
      return
    }
    while !Task.isCancelled {
      let removed = try await slice { tx in
        try tx.audit.cut(
          before: before, limit: min(RetentionPart.removalsMax, tx.context.limits.pageItemsMax))
      }
      count += removed
      guard removed > 0 else { break }
    }
  }

  private func trimFeed(_ count: inout Int) async throws {
    let cutoff = try await cutoffs(
      .changes, last: RetentionFeed.end, newest: RetentionFeed.newest
    ).general
    guard dryRun else {
      return try await slices(atLeast: RetentionPart.rowsMax, &count) { tx in
        try RetentionFeed.remove(cutoff, in: tx)
      }
    }
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
  }

  /// Old versions of files: each file keeps its newest ones.
  private func trimFiles(_ count: inout Int) async throws {
    for (namespace, policy) in policies(.files) {
      guard let keep = policy.keepLast else { continue }
      let place = try namespace.map { try Namespace($0.text) }
      if dryRun {
        count += try await countVersions(keep, place)
      } else {
        try await trim(keep, place, &count)
      }
    }
  }

  private func countVersions(_ keep: Int, _ place: Namespace?) async throws -> Int {
    let sum =
      place.map {
        Step(RetentionSQL.countVersionsIn, [.integer(Int64(keep)), .text($0.text)])
      } ?? Step(RetentionSQL.countVersions, [.integer(Int64(keep)), Bound(isOver)])
    return Int(try await store.engine.read(sum).rows.first?.first?.integer ?? 0)
  }

  private func trim(_ keep: Int, _ place: Namespace?, _ count: inout Int) async throws {
    let isOver = isOver
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
    atLeast full: Int, _ count: inout Int,
    _ slice: @escaping @Sendable (Transaction) throws -> Int
  ) async throws {
    var options = store.writeOptions(.standard)
    options.isolation = .readCommitted
    let (settings, context, engine) = (options, store.context, store.engine)
    while !Task.isCancelled {
      let removed = try await Task {
        try await engine.write(settings) { connection in
          try Transaction(connection, context, isReadOnly: false).run(slice)
        }
      }.value
      count += removed
      guard removed >= full else { break }
    }
  }
}
