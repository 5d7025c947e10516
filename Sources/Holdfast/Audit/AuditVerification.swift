/// What was found wrong with a chain, at the first place where it is.
public struct AuditFault: Sendable, Equatable, Codable {
  /// What it looks like. That something is wrong is certain; the word for it follows the traces
  /// that were left.
  public enum Reason: String, Sendable, Codable, CaseIterable {
    /// A record's fields are not those that were sealed.
    case edited
    /// A record is missing, with others behind its place.
    case removed
    /// A record was never written by the store.
    case inserted
    /// A record stands elsewhere in its chain than it was written.
    case reordered
    /// A record is there twice.
    case duplicated
    /// The last records of the chain are missing.
    case cutOff = "cut_off"
    /// The row that holds the end of the chain is not the one that was sealed.
    case headEdited = "head_edited"
    /// A record was written in another chain.
    case swapped
    /// A chain that the register counts is gone.
    case chainDropped = "chain_dropped"
    /// The register of the chains is not the one that was sealed; its chain is 0.
    case registerEdited = "register_edited"
    /// A checkpoint is not the one that was sealed.
    case checkpointEdited = "checkpoint_edited"
    /// The anchor knows a newer or another state of the chain.
    case rolledBack = "rolled_back"
    /// The anchor is not as it was made; its chain is 0.
    case anchorEdited = "anchor_edited"
    /// The anchor was made of another audit log; its chain is 0.
    case anotherStore = "another_store"
  }

  /// The chain; 0 for what concerns them all.
  public let chain: Int64
  /// The number of the first bad record, or where it should stand.
  public let number: Int64
  /// What it looks like.
  public let reason: Reason

  init(_ reason: Reason, chain: Int64, number: Int64 = 0) {
    self.chain = chain
    self.number = number
    self.reason = reason
  }

  /// What was found, in a sentence without a point.
  public var sentence: String {
    let place = chain == 0 ? "The audit log" : "Audit chain \(chain), record \(number)"
    return "\(place): \(reason.words)"
  }
}

extension AuditFault.Reason {
  /// The reason in words.
  var words: String {
    switch self {
    case .edited: "edited"
    case .removed: "removed"
    case .inserted: "inserted"
    case .reordered: "moved from another place of its chain"
    case .duplicated: "there twice"
    case .cutOff: "cut off from here on"
    case .headEdited: "the head of the chain was edited"
    case .swapped: "moved from another chain"
    case .chainDropped: "the chain was dropped"
    case .registerEdited: "the register of chains was edited"
    case .checkpointEdited: "a checkpoint was edited"
    case .rolledBack: "set back to an older state than the anchor's"
    case .anchorEdited: "the anchor was edited"
    case .anotherStore: "the anchor is of another audit log"
    }
  }
}

/// What a check of the audit log found.
public struct AuditVerification: Sendable, Equatable {
  /// The first fault of each chain, in the order of the chains; empty when all is well.
  public let faults: [AuditFault]
  /// How many records were checked.
  public let records: Int64
  /// How many chains there are.
  public let chains: Int64
  /// Whether the seals were made with a key.
  ///
  /// Without one, whoever can write the database can forge the log.
  public let isKeyed: Bool
  /// The chains that could not be held against the anchor: retention has removed the record that it
  /// names, and cut them further on. What is left was checked, and continues what was cut.
  public let passed: [Int64]

  /// Whether nothing was found.
  public var isValid: Bool { faults.isEmpty }

  /// What a reader must know of the result's worth; `nil` where there is nothing.
  public var warning: String? {
    var sentences: [String] = []
    if !isKeyed {
      sentences.append(
        "The store has no master key: whoever can write its database can forge the audit log.")
    }
    if !passed.isEmpty {
      let chains = passed.map(String.init).joined(separator: ", ")
      sentences.append(
        "Retention has removed what the anchor names, so it was not compared: chain \(chains). "
          + "Take a new anchor.")
    }
    return sentences.isEmpty ? nil : sentences.joined(separator: " ")
  }
}
