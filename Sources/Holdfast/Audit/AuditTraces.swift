import HoldfastCore
import HoldfastEngine

/// Reads the traces at the first bad record of a chain: what happened there.
///
/// That something happened is certain before it is asked. The traces are the seals that the rows
/// still carry: a row that was moved brings its predecessor's seal along, an edited one is still
/// named by its successor, an inserted one is not.
struct AuditTraces {
  private let connection: any Connection
  private let sealing: AuditSealing
  private let chains: Int64

  /// How far from its number a row's origin is looked for.
  private static let reach: Int64 = 10_000

  init(_ connection: any Connection, _ sealing: AuditSealing, chains: Int) {
    self.connection = connection
    self.sealing = sealing
    self.chains = Int64(chains)
  }

  /// Says what happened.
  ///
  /// - Parameters:
  ///   - fault: What does not fit.
  ///   - stored: The record that does not.
  ///   - walk: The chain up to it.
  ///   - head: The chain's head.
  /// - Returns: The fault with its reason.
  /// - Throws: What the database says, as a ``StoreError``.
  func read(
    _ fault: AuditWalk.Fault, at stored: StoredAuditRecord, _ walk: AuditWalk, _ head: AuditHead
  ) throws(StoreError) -> AuditFault {
    let number = stored.record.number
    let reason: AuditFault.Reason =
      switch fault {
      case .behind: number == walk.number ? .duplicated : .inserted
      case .gap: .removed
      case .broken: try reason(stored, walk, head)
      }
    return AuditFault(
      reason, chain: walk.chain, number: fault == .gap ? walk.number + 1 : number)
  }

  private func reason(
    _ stored: StoredAuditRecord, _ walk: AuditWalk, _ head: AuditHead
  ) throws(StoreError) -> AuditFault.Reason {
    let number = stored.record.number
    if try chain(of: stored.mac, near: number, in: walk.chain, except: number) != nil {
      return .duplicated
    }
    if stored.previous != walk.mac, let origin = try origin(of: stored, walk.chain) {
      return origin == walk.chain ? .reordered : .swapped
    }
    let next = try connection.first(
      AuditSQL.walk, [.integer(walk.chain), .integer(number), .integer(1)]
    ) { StoredAuditRecord(tolerating: $0) }
    if let next { return next.previous == walk.mac ? .inserted : .edited }
    return number > head.number ? .inserted : .edited
  }

  /// In which chain a record was written, by the seal of its predecessor.
  private func origin(
    of stored: StoredAuditRecord, _ own: Int64
  ) throws(StoreError) -> Int64? {
    let number = stored.record.number
    if let chain = try chain(of: stored.previous, near: number, in: own, except: 0) {
      return chain
    }
    for chain in 1...max(chains, 1) {
      let genesis = [sealing, .plain].map { $0.genesis(of: chain) }
      if genesis.contains(stored.previous) { return chain }
    }
    return nil
  }

  /// The chain in which a seal stands, the own one first.
  private func chain(
    of mac: [UInt8], near number: Int64, in own: Int64, except: Int64
  ) throws(StoreError) -> Int64? {
    let others = (1...max(chains, 1)).filter { $0 != own }
    let number = min(max(number, 0), .max - Self.reach)
    for chain in [own] + others {
      let found = try connection.first(
        AuditSQL.findSeal,
        [
          .integer(chain), .integer(number - Self.reach), .integer(number + Self.reach),
          .blob(mac), .integer(chain == own ? except : 0),
        ]
      ) { $0.integer(0) }
      if found != nil { return chain }
    }
    return nil
  }
}
