public import HoldfastCore
import NIOConcurrencyHelpers

extension Store {
  /// The audit log of this store.
  public var audit: Audit { Audit(store: self) }
}

/// The audit log of a store: who did what to what, in sealed chains that nobody changes unseen.
///
/// ```swift
/// try await store.audit.record(AuditEntry(action: "plan.advance", subject: "run:42", run: "42"))
/// let page = try await store.audit.list(AuditQuery(run: "42"))
/// ```
///
/// Each call is a transaction of its own; inside ``Store/transaction(durability:_:)`` use
/// ``Transaction/audit``, so that the record stands exactly where its deed does.
public struct Audit: Sendable {
  let store: Store

  private static let record = Operation("audit.record", isWrite: true)
  private static let recordMany = Operation("audit.record_many", isWrite: true)
  private static let get = Operation("audit.get", isWrite: false)
  /// Reading a list, as metrics and logs name it.
  package static let list = Operation("audit.list", isWrite: false)
  private static let verify = Operation("audit.verify", isWrite: false)
  private static let anchor = Operation("audit.anchor", isWrite: false)

  /// Adds a record.
  ///
  /// **Durability.** As every write. **Atomicity.** The record is there with its place in a chain,
  /// or not at all. **Idempotency.** By a key in the settings. **Cancellation.** Before it begins
  /// nothing is written. **Cost.** Three rows; writers do not wait for each other on PostgreSQL.
  ///
  /// - Parameters:
  ///   - entry: What was done.
  ///   - settings: How the write behaves.
  /// - Returns: The record, with its place.
  /// - Throws: ``StoreError`` with `invalid` or `too_large` for an entry that cannot be, `corrupt`
  ///   where the end of the chain was changed from outside.
  @discardableResult
  public func record(
    _ entry: AuditEntry, with settings: WriteSettings = .standard
  ) async throws(StoreError) -> AuditRecord {
    try await store.perform(Self.record, settings, arguments: [entry.argument]) { tx in
      try tx.audit.record(entry)
    }
  }

  /// Adds several records, one behind the other, or none.
  ///
  /// - Parameters:
  ///   - entries: What was done, in order.
  ///   - settings: How the write behaves.
  /// - Returns: The records in the same order.
  /// - Throws: What ``record(_:with:)-(AuditEntry,_)`` throws.
  @discardableResult
  public func record(
    _ entries: [AuditEntry], with settings: WriteSettings = .standard
  ) async throws(StoreError) -> [AuditRecord] {
    try await store.perform(
      Self.recordMany, settings, arguments: .array(entries.map(\.argument))
    ) { tx in
      try tx.audit.record(entries)
    }
  }

  /// A record.
  ///
  /// - Parameters:
  ///   - chain: Its chain.
  ///   - number: Its number there.
  /// - Returns: The record; `nil` where there is none, or retention has removed it.
  /// - Throws: ``StoreError`` of the engine's.
  public func get(chain: Int64, number: Int64) async throws(StoreError) -> AuditRecord? {
    try await store.consult(Self.get) { tx in try tx.audit.get(chain: chain, number: number) }
  }

  /// Lists one page of records, the newest first; of one time by chain and number.
  ///
  /// **Cost.** One scan of an index for the narrowest of the filters.
  ///
  /// - Parameter query: Which records.
  /// - Returns: The records, and where the next page begins. A page ends early past 8 MiB.
  /// - Throws: ``StoreError`` with `invalid` for a limit out of range or a cursor from elsewhere.
  public func list(
    _ query: AuditQuery = AuditQuery()
  ) async throws(StoreError) -> Page<AuditRecord> {
    try await store.consult(Self.list) { tx in try tx.audit.list(query) }
  }

  /// Checks the whole log: that no record, head, chain or checkpoint was changed from outside.
  ///
  /// It names the first bad record of each chain and what it looks like. A log that was set back as
  /// a whole to an older state of itself is found with an anchor only. In a store without a master
  /// key, whoever can write the database can forge the log; the result's warning says so.
  ///
  /// **Cancellation.** Between two pages of records. **Cost.** It reads every record, on one
  /// snapshot and in constant memory.
  ///
  /// - Parameter anchor: What ``anchor()`` gave at some time.
  /// - Returns: The first fault of each chain; none when all is well.
  /// - Throws: ``StoreError`` of the engine's; `unavailable` where the call was cancelled.
  public func verify(
    against anchor: AuditAnchor? = nil
  ) async throws(StoreError) -> AuditVerification {
    let isAbandoned = NIOLockedValueBox(false)
    do {
      return try await withTaskCancellationHandler {
        try await store.consult(Self.verify) { tx in
          try tx.audit.verify(against: anchor) { isAbandoned.withLockedValue { $0 } }
        }
      } onCancel: {
        isAbandoned.withLockedValue { $0 = true }
      }
    } catch {
      throw StoreError.from(error)
    }
  }

  /// What the log has come to, to be kept elsewhere.
  ///
  /// - Returns: A small value without secrets.
  /// - Throws: ``StoreError`` with `corrupt` where a head was changed from outside.
  public func anchor() async throws(StoreError) -> AuditAnchor {
    try await store.consult(Self.anchor) { tx in try tx.audit.anchor() }
  }
}

extension AuditEntry {
  /// What makes a repeated request the same.
  fileprivate var argument: Value {
    func text(_ text: String?) -> Value { text.map(Value.string) ?? .null }
    return [
      text(actor), .string(action), text(subject), text(bot), text(run), text(memory),
      text(result), details, text(by), importedTime.map { .integer($0.microseconds) } ?? .null,
    ]
  }
}
