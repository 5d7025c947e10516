import Crypto
import HoldfastCore
import HoldfastEngine

/// The key that seals the audit log: it lies wrapped in the database, and comes to light when the
/// store is opened with its master key.
///
/// A store that has written records before it got a key keeps them as they are: a checkpoint,
/// sealed with the key, fixes each chain as it stood then, and what follows is sealed with it.
enum AuditKey {
  /// Where the wrapped key lies in `meta`.
  static let name = "key.audit"

  /// How the audit log of a store is sealed.
  ///
  /// - Parameters:
  ///   - engine: The store's engine.
  ///   - master: The master key that the store is opened with.
  ///   - ids: Where chance comes from.
  /// - Returns: The way of sealing.
  /// - Throws: `unauthenticated` where the store has a key, and the master key is missing or
  ///   another.
  static func open(
    _ engine: any Engine, _ master: MasterKey?, _ ids: any IDSource
  ) async throws(StoreError) -> AuditSealing {
    let found = try await engine.read(Step(WrappedKey.find, [.text(name)])).rows.first
    guard let text = found?.first?.text else {
      guard let master else { return .plain }
      return try await adopt(engine, master, ids)
    }
    guard let master else { throw missing }
    return AuditSealing(key: try WrappedKey(text: text).unwrapped(with: master))
  }

  private static var missing: StoreError {
    StoreError(
      .unauthenticated, "This store has a master key, and none was given.",
      hint: "Open the store with the master key that it was given.")
  }

  /// Gives a store its audit key, unless another process just did.
  private static func adopt(
    _ engine: any Engine, _ master: MasterKey, _ ids: any IDSource
  ) async throws(StoreError) -> AuditSealing {
    let key = WrappedKey.makeKey(ids)
    let wrapped = try WrappedKey(key, under: master)
    do {
      return try await engine.write(WriteOptions()) { connection in
        let isOurs =
          try connection.run(WrappedKey.keep, [.text(name), .text(wrapped.text)]) == 1
        guard isOurs else {
          let text = try connection.first(WrappedKey.find, [.text(name)]) { $0.text(0) }
          return AuditSealing(
            key: try WrappedKey(text: text ?? "").unwrapped(with: master))
        }
        let sealing = AuditSealing(key: key)
        try seal(connection, with: sealing)
        return sealing
      }
    } catch {
      throw StoreError.from(error)
    }
  }

  /// Seals what was written without a key as it stands.
  private static func seal(
    _ connection: any Connection, with sealing: AuditSealing
  ) throws(StoreError) {
    let heads = try connection.all(AuditSQL.heads) { row in
      AuditHead(chain: row.integer(0), row: row, from: 1)
    }
    var steps: [Step] = []
    var chains: Int64 = 0
    for head in heads {
      guard head.holds(.plain) else {
        throw StoreError(
          .corrupt, "The audit log was changed from outside before the store got its key.",
          hint: "Open it without a key and run holdfast audit verify.")
      }
      guard head.chain != AuditChains.register else {
        chains = head.number
        continue
      }
      let checkpoint = AuditCheckpoint(
        chain: head.chain, kind: .key, number: head.number, mac: head.mac, before: nil)
      steps.append(Step(AuditSQL.addCheckpoint, checkpoint.bindings(sealing)))
      let sealed = AuditHead(
        chain: head.chain, number: head.number, mac: head.mac, sealing: sealing)
      steps.append(Step(AuditSQL.setHead, sealed.bindings))
    }
    steps += try cuts(connection, with: sealing)
    let register = AuditHead(
      chain: AuditChains.register, number: chains, mac: [], sealing: sealing)
    let write = heads.isEmpty ? AuditSQL.addHead : AuditSQL.setHead
    steps.append(Step(write, register.bindings))
    _ = try connection.run(steps)
  }

  /// Seals the checkpoints that retention left.
  private static func cuts(
    _ connection: any Connection, with sealing: AuditSealing
  ) throws(StoreError) -> [Step] {
    try connection.all(AuditSQL.checkpoints) { row in AuditCheckpoint(row: row) }
      .compactMap { $0 }.flatMap { checkpoint in
        [
          Step(AuditSQL.removeCheckpoint, checkpoint.place),
          Step(AuditSQL.addCheckpoint, checkpoint.bindings(sealing)),
        ]
      }
  }
}

extension AuditCheckpoint {
  /// A stored checkpoint; `nil` for one of a kind that nobody writes.
  init?(row: Row) {
    guard let kind = Kind(rawValue: row.text(1)) else { return nil }
    self.init(
      chain: row.integer(0), kind: kind, number: row.integer(2), mac: row.blob(3),
      before: row.optionalInteger(4))
  }

  /// The parameters of the statement that adds it.
  func bindings(_ sealing: AuditSealing) -> [Bound] {
    [
      .integer(chain), .text(kind.rawValue), .integer(number), .blob(mac), Bound(before),
      .blob(sealing.seal(self)),
    ]
  }
}
