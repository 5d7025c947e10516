import HoldfastCore
import HoldfastEngine

/// Checks the whole audit log on one snapshot: the register, the checkpoints, the heads, and each
/// chain from its front to its end.
///
/// It reads in pages and keeps one place a chain, so that its memory does not grow with the log.
struct AuditVerifier {
  let connection: any Connection
  let sealing: AuditSealing
  let anchor: AuditAnchor?
  /// Whether nobody waits for the answer any more.
  var isAbandoned: @Sendable () -> Bool = { false }

  /// How many records are read at once.
  private static let pageRecords: Int64 = 100
  /// Of chains that are missing, this many are named.
  private static let missingMax = 100

  /// Checks everything.
  ///
  /// - Returns: What was found.
  /// - Throws: What the database says, as a ``StoreError``.
  func verify() throws(StoreError) -> AuditVerification {
    let heads = try connection.all(AuditSQL.heads) { row in
      AuditHead(chain: row.integer(0), row: row, from: 1)
    }
    let checkpoints = try AuditCheckpoints(connection, sealing)
    let register = heads.first { $0.chain == AuditChains.register }
    let chains = heads.filter { $0.chain != AuditChains.register }
    var faults: [AuditFault] = []
    faults += try general(register, chains)
    var records: Int64 = 0
    var passed: [Int64] = []
    for head in chains {
      if register.map({ head.chain > $0.number && $0.holds(sealing) }) == true {
        faults.append(AuditFault(.inserted, chain: head.chain))
        continue
      }
      let (fault, count) = try verify(head, checkpoints, of: chains.count)
      records += count
      if let fault { faults.append(fault) }
      if isPast(head.chain, checkpoints) { passed.append(head.chain) }
    }
    faults.sort { ($0.chain, $0.number) < ($1.chain, $1.number) }
    return AuditVerification(
      faults: faults, records: records, chains: register?.number ?? Int64(chains.count),
      isKeyed: sealing.isKeyed, passed: passed)
  }

  /// Whether retention has cut a chain past the anchor's place, and kept nothing of that place.
  private func isPast(_ chain: Int64, _ checkpoints: AuditCheckpoints) -> Bool {
    guard let place = anchor?.place(of: chain), let cut = checkpoints.cuts[chain] else {
      return false
    }
    return place.number > 0 && place.number < cut.number
      && !checkpoints.all.contains { $0.chain == chain && $0.number == place.number }
  }

  /// What concerns no chain alone: the anchor as such, the register, and what it does not list.
  private func general(
    _ register: AuditHead?, _ chains: [AuditHead]
  ) throws(StoreError) -> [AuditFault] {
    var faults: [AuditFault] = []
    if let anchor {
      let store = try connection.first(AuditSQL.store, []) { $0.text(0) }
      if store != anchor.store {
        faults.append(AuditFault(.anotherStore, chain: 0))
      } else if !anchor.holds(sealing) {
        faults.append(AuditFault(.anchorEdited, chain: 0))
      }
    }
    let known = register?.number ?? 0
    if let register, register.holds(sealing) {
      let there = Set(chains.map(\.chain))
      let missing = (0..<max(known, 0)).lazy.map { $0 + 1 }.filter { !there.contains($0) }
      faults += missing.prefix(Self.missingMax).map { AuditFault(.chainDropped, chain: $0) }
    } else if register != nil || sealing.isKeyed || !chains.isEmpty {
      faults.append(AuditFault(.registerEdited, chain: 0))
    }
    let last = max(known, chains.last?.chain ?? 0)
    let stray = try connection.first(AuditSQL.stray, [.integer(last)]) {
      AuditFault(.inserted, chain: $0.integer(0), number: $0.integer(1))
    }
    if let stray { faults.append(stray) }
    if let anchor, anchor.register > known, store(faults, isTheAnchors: anchor) {
      faults.append(AuditFault(.rolledBack, chain: known + 1, number: 1))
    }
    return faults
  }

  /// Whether an anchor may be held against this log.
  private func store(_ faults: [AuditFault], isTheAnchors anchor: AuditAnchor) -> Bool {
    !faults.contains { $0.reason == .anotherStore || $0.reason == .anchorEdited }
  }

  /// Checks one chain.
  ///
  /// - Returns: The first fault, and how many records were sound.
  private func verify(
    _ head: AuditHead, _ checkpoints: AuditCheckpoints, of chains: Int
  ) throws(StoreError) -> (AuditFault?, Int64) {
    let cut = checkpoints.cuts[head.chain]
    if checkpoints.broken.contains(head.chain) {
      return (AuditFault(.checkpointEdited, chain: head.chain, number: cut?.number ?? 0), 0)
    }
    var walk = AuditWalk(
      chain: head.chain, sealing: sealing, cut: cut, key: checkpoints.keys[head.chain])
    let front = walk.number
    let place = anchor.flatMap { $0.holds(sealing) ? $0.place(of: head.chain) : nil }
    var fault = compare(place, walk, checkpoints)
    if fault == nil {
      fault = try follow(&walk, head, place, AuditTraces(connection, sealing, chains: chains))
    }
    if fault == nil { fault = try end(walk, head, place, front: front) }
    return (fault, walk.number - front)
  }

  /// Goes through the records of a chain.
  private func follow(
    _ walk: inout AuditWalk, _ head: AuditHead, _ place: AuditAnchor.Place?,
    _ traces: AuditTraces
  ) throws(StoreError) -> AuditFault? {
    var last = Int64.min
    while true {
      guard !isAbandoned() else { throw StoreError.from(CancellationError()) }
      var count: Int64 = 0
      var found: (fault: AuditWalk.Fault, record: StoredAuditRecord)?
      var turned: AuditFault?
      try connection.each(
        AuditSQL.walk, [.integer(head.chain), .integer(last), .integer(Self.pageRecords)]
      ) { row in
        count += 1
        guard found == nil, turned == nil else { return }
        let record = StoredAuditRecord(tolerating: row)
        if let fault = walk.take(record) {
          found = (fault, record)
        } else {
          turned = compare(place, walk, nil)
        }
        last = record.record.number
      }
      if let found { return try traces.read(found.fault, at: found.record, walk, head) }
      if let turned { return turned }
      if count < Self.pageRecords { return nil }
    }
  }

  /// Compares a place with the anchor's.
  private func compare(
    _ place: AuditAnchor.Place?, _ walk: AuditWalk, _ checkpoints: AuditCheckpoints?
  ) -> AuditFault? {
    guard let place, place.number > 0 else { return nil }
    let isOther =
      if let checkpoints {
        checkpoints.all.contains {
          $0.chain == place.chain && $0.number == place.number && $0.mac != place.mac
        }
      } else {
        walk.number == place.number && walk.mac != place.mac
      }
    return isOther ? AuditFault(.rolledBack, chain: place.chain, number: place.number) : nil
  }

  /// Checks what stands at the end of a chain.
  private func end(
    _ walk: AuditWalk, _ head: AuditHead, _ place: AuditAnchor.Place?, front: Int64
  ) throws(StoreError) -> AuditFault? {
    let chain = head.chain
    guard head.holds(sealing), walk.number <= head.number else {
      return AuditFault(.headEdited, chain: chain, number: walk.number)
    }
    guard walk.number == head.number else {
      return AuditFault(.cutOff, chain: chain, number: walk.number + 1)
    }
    let isFresh = head.number == 0
    guard isFresh || head.mac == walk.mac else {
      return AuditFault(.headEdited, chain: chain, number: walk.number)
    }
    if let place, place.number > head.number {
      return AuditFault(.rolledBack, chain: chain, number: head.number + 1)
    }
    let count = try connection.first(AuditSQL.count, [.integer(chain)]) { $0.integer(0) }
    guard count == walk.number - front else {
      return AuditFault(.duplicated, chain: chain, number: walk.number)
    }
    return nil
  }
}

extension AuditAnchor {
  fileprivate func place(of chain: Int64) -> Place? { places.first { $0.chain == chain } }
}

/// The checkpoints of all chains.
struct AuditCheckpoints {
  /// The newest cut of each chain.
  private(set) var cuts: [Int64: AuditCheckpoint] = [:]
  /// Where each chain got its key.
  private(set) var keys: [Int64: AuditCheckpoint] = [:]
  private(set) var all: [AuditCheckpoint] = []
  /// Chains with a checkpoint that is not as it was sealed.
  private(set) var broken: Set<Int64> = []

  /// Reads checkpoints.
  ///
  /// - Parameters:
  ///   - connection: The transaction's connection.
  ///   - sealing: What they were sealed with.
  ///   - newestOnly: Whether the newest of each kind of each chain are enough.
  init(
    _ connection: any Connection, _ sealing: AuditSealing, newestOnly: Bool = false
  ) throws(StoreError) {
    let statement = newestOnly ? AuditSQL.newestCheckpoints : AuditSQL.checkpoints
    let rows = try connection.all(statement) { row in
      (chain: row.integer(0), checkpoint: AuditCheckpoint(row: row), seal: row.blob(5))
    }
    for row in rows {
      guard let checkpoint = row.checkpoint, sealing.seal(checkpoint) == row.seal else {
        broken.insert(row.chain)
        continue
      }
      all.append(checkpoint)
      switch checkpoint.kind {
      case .cut: cuts[row.chain] = checkpoint
      case .key: keys[row.chain] = checkpoint
      }
    }
  }
}

extension Connection {
  /// Runs a statement and hands over its rows, with Holdfast's own error type.
  func each(
    _ statement: Statement, _ bindings: [Bound], _ body: (Row) -> Void
  ) throws(StoreError) {
    do {
      try forEachRow(statement, bindings) { body($0) }
    } catch {
      throw StoreError.from(error)
    }
  }
}
