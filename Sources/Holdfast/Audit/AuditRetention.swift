public import HoldfastCore
import HoldfastEngine

extension AuditTransaction {
  /// Removes old records from the fronts of the chains, one slice of them.
  ///
  /// Each chain keeps a sealed checkpoint for ever, so that what is left, and anchors from before,
  /// still verify. A chain is cut before its first record that is not old; a record that was
  /// imported counts from its import. What is removed is verified first. Slices with the same time
  /// move one checkpoint on: give all slices of a run of retention the same one.
  ///
  /// - Parameters:
  ///   - before: Records from before this time go.
  ///   - limit: At most this many, 1 to 1 000.
  /// - Returns: How many went; 0 when nothing that old is left.
  /// - Throws: ``StoreError`` with `invalid` for a limit out of range, `corrupt` where nothing is
  ///   left to remove but what was changed from outside, which stays.
  @discardableResult
  public func cut(before: Instant, limit: Int) throws(StoreError) -> Int {
    try Checks.pageLimit(limit, transaction.context.limits)
    let connection = try transaction.writing(bytes: 64)
    let checkpoints = try AuditCheckpoints(connection, sealing, newestOnly: true)
    var removed = 0
    var changed: Int64?
    for head in try heads(connection) where removed < limit {
      if let count = try cut(head, before, limit - removed, checkpoints, connection) {
        removed += count
      } else {
        changed = changed ?? head.chain
      }
    }
    // A chain that was changed holds up no other.
    guard let changed, removed == 0 else { return removed }
    throw StoreError(
      .corrupt, "An audit chain was changed from outside; nothing of it is removed.",
      hint: "Run holdfast audit verify.", details: ["chain": .integer(changed)])
  }

  /// How many records ``cut(before:limit:)`` would remove in all.
  ///
  /// - Parameter before: Records from before this time.
  /// - Returns: The number, at the cost of a look at each of them.
  /// - Throws: ``StoreError`` of the engine's.
  public func countCut(before: Instant) throws(StoreError) -> Int {
    let connection = try transaction.reading()
    let checkpoints = try AuditCheckpoints(connection, sealing, newestOnly: true)
    var count = 0
    for head in try heads(connection) {
      let front = checkpoints.cuts[head.chain]?.number ?? 0
      let kept = try connection.first(
        AuditSQL.firstKept, [.integer(head.chain), .integer(before.microseconds)]
      ) { $0.integer(0) }
      count += Int((kept.map { $0 - 1 } ?? head.number) - front)
    }
    return count
  }

  private func heads(_ connection: any Connection) throws(StoreError) -> [AuditHead] {
    try connection.all(AuditSQL.heads) { row in
      AuditHead(chain: row.integer(0), row: row, from: 1)
    }.filter { $0.chain != AuditChains.register }
  }

  /// - Returns: How many records went; `nil` where the chain was changed from outside.
  private func cut(
    _ head: AuditHead, _ before: Instant, _ limit: Int, _ checkpoints: AuditCheckpoints,
    _ connection: any Connection
  ) throws(StoreError) -> Int? {
    let chain = head.chain
    guard !checkpoints.broken.contains(chain), head.holds(sealing) else { return nil }
    let old = checkpoints.cuts[chain]
    var walk = AuditWalk(
      chain: chain, sealing: sealing, cut: old, key: checkpoints.keys[chain])
    let front = walk.number
    var isAtEnd = false
    var isSound = true
    try connection.each(
      AuditSQL.walk, [.integer(chain), .integer(front), .integer(Int64(limit))]
    ) { row in
      guard isSound, !isAtEnd else { return }
      let stored = StoredAuditRecord(tolerating: row)
      isAtEnd = (stored.record.importedAt ?? stored.record.time) >= before
      if !isAtEnd { isSound = walk.take(stored) == nil }
    }
    guard isSound else { return nil }
    guard walk.number > front else { return 0 }
    let checkpoint = AuditCheckpoint(
      chain: chain, kind: .cut, number: walk.number, mac: walk.mac,
      before: before.microseconds)
    var steps = [Step(AuditSQL.cut, [.integer(chain), .integer(walk.number)])]
    if let old, old.before == checkpoint.before {
      steps.append(Step(AuditSQL.removeCheckpoint, old.place))
    }
    steps.append(Step(AuditSQL.addCheckpoint, checkpoint.bindings(sealing)))
    steps.append(Feed.event("audit", .global, "\(chain):\(walk.number)", "cut"))
    _ = try connection.run(steps)
    return Int(walk.number - front)
  }
}

extension AuditCheckpoint {
  /// What names its row.
  var place: [Bound] { [.integer(chain), .text(kind.rawValue), .integer(number)] }
}
