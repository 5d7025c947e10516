import Crypto
import HoldfastCore

/// How the audit log is sealed: with the store's audit key (HMAC-SHA-256), or, in a store that was
/// opened without a master key, with SHA-256 alone, which whoever can write the database can make
/// too.
///
/// What is sealed is a label, what came before, and the canonical form (RFC 8785) of a value. The
/// label keeps one kind of seal from standing for another. No text given here may ever change:
/// chains that were written with it would no longer verify.
package struct AuditSealing: Sendable {
  private let key: SymmetricKey?

  /// Without a key.
  package static let plain = AuditSealing(key: nil)

  /// Seals with a key.
  ///
  /// - Parameter key: The audit key; `nil` for none.
  init(key: SymmetricKey?) { self.key = key }

  /// Whether there is a key.
  package var isKeyed: Bool { key != nil }

  /// How many bytes a seal has.
  static let byteCount = SHA256.byteCount

  private func seal(
    _ label: StaticString, after previous: [UInt8] = [], _ value: Value
  ) -> [UInt8] {
    var bytes: [UInt8] = []
    label.withUTF8Buffer { bytes.append(contentsOf: $0) }
    bytes.append(0)
    bytes += previous
    bytes += value.canonical
    guard let key else { return Array(SHA256.hash(data: bytes)) }
    return Array(HMAC<SHA256>.authenticationCode(for: bytes, using: key))
  }

  /// What stands for the record before the first of a chain.
  func genesis(of chain: Int64) -> [UInt8] { seal("audit.genesis", ["chain": .integer(chain)]) }

  /// The seal of a record behind another one.
  func seal(_ record: AuditRecord, after previous: [UInt8]) -> [UInt8] {
    seal("audit.record", after: previous, record.sealed)
  }

  /// The seal of a chain's head, or of the register, which is chain 0.
  func seal(head chain: Int64, number: Int64, mac: [UInt8]) -> [UInt8] {
    seal(
      "audit.head",
      ["chain": .integer(chain), "number": .integer(number), "mac": .bytes(mac)])
  }

  /// The seal of a checkpoint.
  func seal(_ checkpoint: AuditCheckpoint) -> [UInt8] {
    seal(
      "audit.checkpoint",
      [
        "chain": .integer(checkpoint.chain), "kind": .string(checkpoint.kind.rawValue),
        "number": .integer(checkpoint.number), "mac": .bytes(checkpoint.mac),
        "before": checkpoint.before.map(Value.integer) ?? .null,
      ])
  }

  /// The seal of an anchor without its seal.
  func seal(anchor: Value) -> [UInt8] { seal("audit.anchor", anchor) }
}

extension AuditRecord {
  /// All that a record's seal covers.
  fileprivate var sealed: Value {
    func text(_ text: String?) -> Value { text.map(Value.string) ?? .null }
    return [
      "chain": .integer(chain), "number": .integer(number), "time": .integer(time.microseconds),
      "imported_at": importedAt.map { .integer($0.microseconds) } ?? .null,
      "actor": .string(actor), "by": text(by), "action": .string(action),
      "subject": text(subject), "bot": text(bot), "run": text(run), "memory": text(memory),
      "result": text(result), "details": details,
    ]
  }
}

/// A sealed place in a chain, kept for ever.
struct AuditCheckpoint: Equatable {
  enum Kind: String {
    /// Retention has removed all up to it.
    case cut
    /// All up to it was sealed before the store had a key.
    case key
  }

  let chain: Int64
  let kind: Kind
  let number: Int64
  let mac: [UInt8]
  /// Where retention cut: before which time.
  let before: Int64?
}
