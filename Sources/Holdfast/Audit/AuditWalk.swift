import HoldfastCore

/// Follows one chain from record to record and notices the first that does not fit.
///
/// It keeps no more than the place where it stands.
struct AuditWalk {
  /// What does not fit.
  enum Fault: Equatable {
    /// The record's number was passed already.
    case behind
    /// Records are missing before this one.
    case gap
    /// The record or its place is not what was sealed.
    case broken
  }

  let chain: Int64
  /// With what the records behind ``keyedAfter`` are sealed.
  let sealing: AuditSealing
  /// Up to this number they were sealed without a key; the place is itself sealed.
  private let plainUpTo: AuditCheckpoint?
  /// The number of the last record that fitted.
  private(set) var number: Int64
  /// Its seal.
  private(set) var mac: [UInt8]

  /// Begins behind a chain's newest cut, or before its first record.
  init(chain: Int64, sealing: AuditSealing, cut: AuditCheckpoint?, key: AuditCheckpoint?) {
    self.chain = chain
    self.sealing = sealing
    plainUpTo = key
    number = cut?.number ?? 0
    let genesis = key == nil ? sealing.genesis(of: chain) : AuditSealing.plain.genesis(of: chain)
    mac = cut?.mac ?? genesis
  }

  /// Takes the next record.
  ///
  /// - Parameter stored: The record as it is stored.
  /// - Returns: What does not fit; `nil` where all does.
  mutating func take(_ stored: StoredAuditRecord) -> Fault? {
    guard stored.record.number > number else { return .behind }
    guard stored.record.number == number + 1 else { return .gap }
    let isPlain = plainUpTo.map { stored.record.number <= $0.number } ?? false
    let seal = (isPlain ? .plain : sealing).seal(stored.record, after: stored.previous)
    guard stored.previous == mac, stored.mac == seal else { return .broken }
    if let plainUpTo, plainUpTo.number == stored.record.number, plainUpTo.mac != seal {
      return .broken
    }
    number = stored.record.number
    mac = stored.mac
    return nil
  }
}
