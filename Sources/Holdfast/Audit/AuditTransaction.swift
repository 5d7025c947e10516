public import HoldfastCore
import HoldfastEngine

extension Transaction {
  /// The audit log, inside this transaction.
  public var audit: AuditTransaction { AuditTransaction(transaction: self) }
}

/// The audit log of a store, inside a transaction: every operation exists here, once.
///
/// Records are only ever added. They may speak of runs and bots that are archived or deleted, and
/// they outlive them.
public struct AuditTransaction {
  let transaction: Transaction

  private var limits: Limits { transaction.context.limits }
  var sealing: AuditSealing { transaction.context.sealing }

  /// Adds a record.
  ///
  /// - Parameter entry: What was done.
  /// - Returns: The record, with its place.
  /// - Throws: ``StoreError`` with `invalid` or `too_large` for an entry that cannot be, `corrupt`
  ///   where the end of the chain was changed from outside, `unauthenticated` where the store was
  ///   given a master key that this process does not have.
  @discardableResult
  public func record(_ entry: AuditEntry) throws(StoreError) -> AuditRecord {
    guard let record = try self.record([entry]).first else {
      throw Excess.fault(.internal, "An audit record was not written.")
    }
    return record
  }

  /// Adds several records, one behind the other.
  ///
  /// - Parameter entries: What was done, in order.
  /// - Returns: The records in the same order.
  /// - Throws: What ``record(_:)-(AuditEntry)`` throws.
  @discardableResult
  public func record(_ entries: [AuditEntry]) throws(StoreError) -> [AuditRecord] {
    try record(entries, operations: entries.count)
  }

  /// The same for entries that are part of an operation which was counted.
  @discardableResult
  func record(_ entries: [AuditEntry], operations: Int) throws(StoreError) -> [AuditRecord] {
    guard !entries.isEmpty else { return [] }
    var details: [String] = []
    var bytes = 0
    for entry in entries {
      details.append(try checked(entry))
      bytes += entry.size + (details.last?.utf8.count ?? 0)
    }
    let connection = try transaction.writing(operations: operations, bytes: bytes)
    let chains = AuditChains(connection: connection, sealing: sealing)
    var (head, now) = try chains.head(of: try chains.own())
    var records: [AuditRecord] = []
    var steps: [Step] = []
    for (entry, details) in zip(entries, details) {
      let record = AuditRecord(
        entry, chain: head.chain, number: head.number + 1, now: now, actor: transaction.actor)
      let mac = sealing.seal(record, after: head.mac)
      steps.append(Step(AuditSQL.add, record.bindings(details, previous: head.mac, mac: mac)))
      steps.append(Feed.event("audit", record.namespace, record.id, "record"))
      head = AuditHead(
        chain: head.chain, number: record.number, mac: mac, sealing: sealing)
      records.append(record)
    }
    steps.append(Step(AuditSQL.setHead, head.bindings))
    _ = try connection.run(steps)
    return records
  }

  /// A record.
  ///
  /// - Parameters:
  ///   - chain: Its chain.
  ///   - number: Its number there.
  /// - Returns: The record; `nil` where there is none, or retention has removed it.
  /// - Throws: ``StoreError`` of the engine's.
  public func get(chain: Int64, number: Int64) throws(StoreError) -> AuditRecord? {
    try transaction.reading().first(
      AuditSQL.get, [.integer(chain), .integer(number)]
    ) { row throws(StoreError) in try StoredAuditRecord(row: row).record }
  }

  /// Lists one page of records, the newest first; of one time by chain and number.
  ///
  /// - Parameter query: Which records.
  /// - Returns: The records, and where the next page begins. A page ends early past 8 MiB.
  /// - Throws: ``StoreError`` with `invalid` for a limit out of range or a cursor from elsewhere,
  ///   `invalid` or `too_large` for a filter that no record can have.
  public func list(_ query: AuditQuery = AuditQuery()) throws(StoreError) -> Page<AuditRecord> {
    let limit = try limits.pageItems(query.limit)
    try check(
      actor: query.actor, action: query.action, subject: query.subject, bot: query.bot,
      run: query.run, memory: query.memory)
    let place = try AuditPlace(after: query.after, until: query.until)
    let page = try transaction.reading().page(
      AuditListSQL.statement(for: query),
      [
        .integer(place.time), .integer(place.chain), .integer(place.number),
        .integer(query.since?.microseconds ?? .min), Bound(query.actor), Bound(query.action),
        Bound(query.subject), Bound(query.bot), Bound(query.run), Bound(query.memory),
        .integer(Int64(limit) + 1),
      ], limit: limit, bytesMax: limits.pageBytesMax
    ) { row throws(StoreError) in
      let stored = try StoredAuditRecord(row: row)
      return (stored.record, stored.bytes)
    }
    let next = page.isMore ? page.items.last.map { AuditPlace($0).token } : nil
    return Page(items: page.items, next: next)
  }

  /// Checks the whole log: that no record, head, chain or checkpoint was changed from outside.
  ///
  /// - Parameter anchor: What the log had come to at some time: it finds a log that was set back.
  /// - Returns: The first fault of each chain.
  /// - Throws: ``StoreError`` of the engine's.
  public func verify(against anchor: AuditAnchor? = nil) throws(StoreError) -> AuditVerification {
    try verify(against: anchor, isAbandoned: { false })
  }

  /// The same, which looks between two pages of records whether it shall go on.
  func verify(
    against anchor: AuditAnchor?, isAbandoned: @escaping @Sendable () -> Bool
  ) throws(StoreError) -> AuditVerification {
    try AuditVerifier(
      connection: transaction.reading(), sealing: sealing, anchor: anchor, isAbandoned: isAbandoned
    ).verify()
  }

  /// What the log has come to.
  ///
  /// - Returns: A small value to be kept elsewhere.
  /// - Throws: ``StoreError`` with `corrupt` where a head was changed from outside.
  public func anchor() throws(StoreError) -> AuditAnchor {
    let connection = try transaction.reading()
    guard
      let (store, now) = try connection.first(
        AuditSQL.store, [], { ($0.text(0), Instant(microseconds: $0.integer(1))) })
    else { throw StoreError(.corrupt, "The audit log's identity is missing.") }
    let heads = try connection.all(AuditSQL.heads) { row in
      AuditHead(chain: row.integer(0), row: row, from: 1)
    }
    let chains = heads.filter { $0.chain != AuditChains.register }
    let register = heads.first { $0.chain == AuditChains.register }?.number ?? 0
    guard heads.allSatisfy({ $0.holds(sealing) }), Int64(chains.count) == register,
      chains.allSatisfy({ $0.chain <= register })
    else {
      throw StoreError(
        .corrupt, "The audit log was changed from outside; it gives no anchor.",
        hint: "Run holdfast audit verify, and restore a backup.")
    }
    return AuditAnchor(
      store: store, time: now,
      places: chains.map { AuditAnchor.Place(chain: $0.chain, number: $0.number, mac: $0.mac) },
      sealing: sealing)
  }

  /// Refuses what cannot be recorded.
  ///
  /// - Returns: The text of the details.
  private func checked(_ entry: AuditEntry) throws(StoreError) -> String {
    try check(
      actor: entry.actor, action: entry.action, subject: entry.subject, bot: entry.bot,
      run: entry.run, memory: entry.memory)
    if let by = entry.by { try Checks.text(by, "by", bytesMax: limits.idBytesMax) }
    if let result = entry.result {
      try Checks.text(result, "result", bytesMax: limits.descriptionBytesMax)
    }
    guard case .object = entry.details else {
      throw StoreError(
        .invalid, "The details of an audit record are an object.",
        hint: "Send an object, such as {}.", details: ["field": "details"])
    }
    return try entry.details.json(within: limits)
  }

  /// Refuses what no record can name: a filter takes whatever a record may hold.
  private func check(
    actor: String?, action: String?, subject: String?, bot: String?, run: String?, memory: String?
  ) throws(StoreError) {
    if let actor { try Checks.id(actor, "actor", limits) }
    if let action { try Checks.id(action, "action", limits) }
    if let bot { try Checks.botID(bot, limits) }
    if let run { try Checks.runID(run, limits) }
    if let subject { try Checks.text(subject, "subject", bytesMax: limits.keyBytesMax) }
    if let memory { try Checks.text(memory, "memory", bytesMax: limits.keyBytesMax) }
  }
}

extension AuditEntry {
  /// About how many bytes it takes, the details left out.
  fileprivate var size: Int {
    [actor, by, action, subject, bot, run, memory, result].reduce(96) {
      $0 + ($1?.utf8.count ?? 0)
    }
  }
}

extension AuditRecord {
  fileprivate init(
    _ entry: AuditEntry, chain: Int64, number: Int64, now: Instant, actor: String
  ) {
    self.init(
      chain: chain, number: number, time: entry.importedTime ?? now,
      importedAt: entry.importedTime == nil ? nil : now, actor: entry.actor ?? actor,
      by: entry.by, action: entry.action, subject: entry.subject, bot: entry.bot, run: entry.run,
      memory: entry.memory, result: entry.result, details: entry.details)
  }

  fileprivate func bindings(_ details: String, previous: [UInt8], mac: [UInt8]) -> [Bound] {
    [
      .integer(chain), .integer(number), .integer(time.microseconds),
      Bound(importedAt?.microseconds), .text(actor), Bound(by), .text(action), Bound(subject),
      Bound(bot), Bound(run), Bound(memory), Bound(result), .text(details), .blob(previous),
      .blob(mac),
    ]
  }
}

/// A record's row, in the order of columns that every statement of this folder gives.
struct StoredAuditRecord {
  let record: AuditRecord
  let previous: [UInt8]
  let mac: [UInt8]
  /// How long the row's texts are, in bytes, as far as they may be long.
  let bytes: Int

  init(row: Row) throws(StoreError) {
    self.init(row: row, details: try ValueText.decode(row.text(12)))
  }

  /// The row as it is, for those who look for what was changed from outside: details that cannot be
  /// read become null, which no record was sealed with.
  init(tolerating row: Row) {
    self.init(row: row, details: (try? ValueText.decode(row.text(12))) ?? .null)
  }

  private init(row: Row, details: Value) {
    record = AuditRecord(
      chain: row.integer(0), number: row.integer(1), time: Instant(microseconds: row.integer(2)),
      importedAt: row.optionalInteger(3).map(Instant.init(microseconds:)), actor: row.text(4),
      by: row.optionalText(5), action: row.text(6), subject: row.optionalText(7),
      bot: row.optionalText(8), run: row.optionalText(9), memory: row.optionalText(10),
      result: row.optionalText(11), details: details)
    previous = row.blob(13)
    mac = row.blob(14)
    let texts = [record.subject, record.memory, record.result]
    bytes = row.textBytes(12).count + texts.reduce(0) { $0 + ($1?.utf8.count ?? 0) }
  }
}

/// A place in a list that runs from the newest record on.
struct AuditPlace: Equatable {
  let time: Int64
  let chain: Int64
  let number: Int64

  init(_ record: AuditRecord) {
    time = record.time.microseconds
    chain = record.chain
    number = record.number
  }

  /// Where a page goes on: at its cursor, or before the upper bound of time, or at the newest.
  init(after token: String?, until: Instant?) throws(StoreError) {
    guard let token else {
      // A record at exactly `until` is left out: no chain is below the least.
      time = until?.microseconds ?? .max
      chain = until == nil ? .max : .min
      number = chain
      return
    }
    let parts = try ListCursor.parts(of: token, in: .audit, count: 3)
    guard let time = Int64(parts[0]), let chain = Int64(parts[1]), let number = Int64(parts[2])
    else { throw ListCursor.foreign }
    self.time = time
    self.chain = chain
    self.number = number
  }

  /// The place as an opaque cursor.
  var token: String { ListCursor.token(.audit, "\(time)", "\(chain)", "\(number)") }
}
