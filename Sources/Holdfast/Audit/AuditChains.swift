import HoldfastCore
import HoldfastEngine

/// The newest place of a chain, as its sealed row tells it.
struct AuditHead {
  let chain: Int64
  let number: Int64
  /// The seal of the newest record; of the chain's genesis where there is none yet.
  let mac: [UInt8]
  let isKeyed: Bool
  let seal: [UInt8]

  /// A head with its own seal.
  init(chain: Int64, number: Int64, mac: [UInt8], sealing: AuditSealing) {
    self.chain = chain
    self.number = number
    self.mac = mac
    isKeyed = sealing.isKeyed
    seal = sealing.seal(head: chain, number: number, mac: mac)
  }

  /// A stored head: columns number, mac, keyed, seal, from one on.
  init(chain: Int64, row: Row, from column: Int32 = 0) {
    self.chain = chain
    number = row.integer(column)
    mac = row.blob(column + 1)
    isKeyed = row.integer(column + 2) == 1
    seal = row.blob(column + 3)
  }

  /// Whether the seal is the row's.
  func holds(_ sealing: AuditSealing) -> Bool {
    isKeyed == sealing.isKeyed && seal == sealing.seal(head: chain, number: number, mac: mac)
  }

  /// The parameters of the statements that write it.
  var bindings: [Bound] {
    [.integer(chain), .integer(number), .blob(mac), Bound(isKeyed), .blob(seal)]
  }
}

/// Which chain a session writes to, and what stands at its end.
///
/// Invariants:
/// - A session that lives writes to one chain, and no two write to one: on PostgreSQL they never
///   wait for each other and never conflict there, on SQLite there is one writer.
/// - A head or the register whose seal is broken is never sealed anew: a record behind it would
///   make a forger's row genuine.
/// - The register counts the chains: those from 1 to its number each have a head.
struct AuditChains {
  let connection: any Connection
  let sealing: AuditSealing

  /// The chain of the register.
  static let register: Int64 = 0
  /// Under what a session notes its chain.
  static let note = "audit.chain"

  /// The chain that this session writes to.
  func own() throws(StoreError) -> Int64 {
    if let chain = connection.notes[Self.note] { return chain }
    guard connection.dialect == .postgres else { return 1 }
    guard let chain = try connection.first(AuditSQL.takeChain, [], { $0.integer(0) }) else {
      throw Excess.fault(.internal, "No audit chain could be taken.")
    }
    connection.notes[Self.note] = chain
    return chain
  }

  /// The head of a chain, which is made where it is missing, and the transaction's time.
  func head(of chain: Int64) throws(StoreError) -> (head: AuditHead, now: Instant) {
    if let found = try find(chain) { return (try sound(found.head), found.now) }
    try make(upTo: chain)
    guard let made = try find(chain) else { throw broken }
    return (made.head, made.now)
  }

  private func find(_ chain: Int64) throws(StoreError) -> (head: AuditHead, now: Instant)? {
    try connection.first(AuditSQL.head, [.integer(chain)]) { row in
      (AuditHead(chain: chain, row: row), Instant(microseconds: row.integer(4)))
    }
  }

  /// Makes the chains that are missing up to one, and enters them into the register.
  private func make(upTo chain: Int64) throws(StoreError) {
    let register = try find(Self.register)?.head
    let known = try register.map { head throws(StoreError) in try sound(head).number } ?? 0
    guard known < chain, register != nil || !sealing.isKeyed else { throw broken }
    var steps: [Step] = []
    for number in known + 1...chain {
      let head = AuditHead(
        chain: number, number: 0, mac: sealing.genesis(of: number), sealing: sealing)
      steps.append(Step(AuditSQL.addHead, head.bindings))
    }
    let sum = AuditHead(chain: Self.register, number: chain, mac: [], sealing: sealing)
    let write = register == nil ? AuditSQL.addHead : AuditSQL.setHead
    steps.append(Step(write, sum.bindings))
    _ = try connection.run(steps)
  }

  /// A head that may be built on.
  private func sound(_ head: AuditHead) throws(StoreError) -> AuditHead {
    guard head.isKeyed == sealing.isKeyed else {
      throw StoreError(
        .unauthenticated, "The audit log is sealed with a key that this process does not have.",
        hint: "Open the store anew, with its master key.")
    }
    guard head.holds(sealing), head.number < .max else { throw broken }
    return head
  }

  private var broken: StoreError {
    Excess.fault(
      .corrupt,
      "The head of an audit chain was changed from outside; nothing is written behind it.",
      hint: "Run holdfast audit verify, and restore a backup.")
  }
}
