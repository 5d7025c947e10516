public import HoldfastCore
import HoldfastEngine

extension Store {
  /// How long the store keeps what is finished, and what removes the rest.
  public var retention: Retention { Retention(store: self) }
}

/// The retention of a store.
///
/// Upkeep runs it once an hour on one node at a time. By default finished tasks stay seven days,
/// closed approvals thirty, idle sessions a day and idle thread sessions seven (but never one that
/// has items), resolved dead letters and idempotency keys a day, audit records thirty days and the
/// change feed seven. Everything else stays.
public struct Retention: Sendable {
  let store: Store

  private static let list = Operation("retention.policies", isWrite: false)
  private static let set = Operation("retention.set_policy", isWrite: true)
  private static let setSize = Operation("retention.set_size_max", isWrite: true)
  private static let run = Operation("retention.run", isWrite: true)

  /// All policies: the default where nobody set another one.
  ///
  /// - Returns: One policy for each kind, then those of namespaces and for a store that is too
  ///   large.
  /// - Throws: ``StoreError`` with `unavailable`, `closed`.
  public func policies() async throws(StoreError) -> RetentionRules {
    try await store.consult(Self.list) { tx in try tx.retention.policies() }
  }

  /// Sets a policy, or takes it away so that the default holds again; the audit log notes it.
  ///
  /// - Parameters:
  ///   - policy: How much is kept; one without any bound keeps everything, `nil` takes the policy
  ///     away.
  ///   - scope: For what.
  /// - Throws: ``StoreError`` with `invalid` for a bound out of range, a namespace that holds no
  ///   records, and a bound that the kind does not have.
  public func setPolicy(
    _ policy: RetentionPolicy?, for scope: RetentionScope
  ) async throws(StoreError) {
    try await setPolicy(policy, for: scope, actor: "")
  }

  /// The same for somebody.
  ///
  /// - Parameters:
  ///   - policy: How much is kept.
  ///   - scope: For what.
  ///   - actor: Who does it, for the audit log; empty for whom the store was opened by.
  /// - Throws: What ``setPolicy(_:for:)`` throws.
  package func setPolicy(
    _ policy: RetentionPolicy?, for scope: RetentionScope, actor: String
  ) async throws(StoreError) {
    try await store.change(Self.set, by: actor) { tx in
      try tx.retention.setPolicy(policy, for: scope)
    }
  }

  /// Sets the size from which on the stricter policies hold; the audit log notes it.
  ///
  /// - Parameter bytes: The size of the data in bytes, logs included; `nil` for none.
  /// - Throws: ``StoreError`` with `invalid` for a negative size.
  public func setSizeMax(_ bytes: Int64?) async throws(StoreError) {
    try await setSizeMax(bytes, actor: "")
  }

  /// The same for somebody.
  ///
  /// - Parameters:
  ///   - bytes: The size of the data in bytes; `nil` for none.
  ///   - actor: Who does it, for the audit log; empty for whom the store was opened by.
  /// - Throws: What ``setSizeMax(_:)`` throws.
  package func setSizeMax(_ bytes: Int64?, actor: String) async throws(StoreError) {
    try await store.change(Self.setSize, by: actor) { tx in try tx.retention.setSizeMax(bytes) }
  }

  /// Removes what the policies do not keep, and gives the space back to the file system.
  ///
  /// **Durability.** As every write. **Atomicity.** None as a whole: it is many short transactions,
  /// between which others write; each leaves relations whole. **Idempotency.** A second run finds
  /// nothing. **Cancellation.** Between two transactions; what went is gone, and the report and the
  /// audit log tell of it and that the run was not completed. **Cost.** In
  /// proportion to what goes; what stays is looked at only where a number or a size is a bound.
  ///
  /// - Parameter dryRun: Whether only to count: the same rows are looked at, and nothing goes.
  /// - Returns: How many of each kind went, or would, and which kinds could not be gone through: an
  ///   audit chain that was changed from outside is `corrupt`, and stays as it is. Where one
  ///   failed, the run is not complete.
  /// - Throws: ``StoreError`` with `unavailable`, `closed`, and `corrupt` where the audit log
  ///   cannot take the record of the run.
  @discardableResult
  public func run(dryRun: Bool = false) async throws(StoreError) -> RetentionReport {
    try await run(dryRun: dryRun, actor: "")
  }

  /// The same for somebody; upkeep leaves no record where nothing went.
  ///
  /// - Parameters:
  ///   - dryRun: Whether only to count.
  ///   - actor: Who does it, for the audit log; empty for whom the store was opened by.
  ///   - recordsNothing: Whether a run that removed nothing is recorded too.
  /// - Returns: How many of each kind went, or would.
  /// - Throws: As ``run(dryRun:)``.
  package func run(
    dryRun: Bool, actor: String, recordsNothing: Bool = true
  ) async throws(StoreError) -> RetentionReport {
    try await store.observed(Self.run) {
      let bytes = try await store.size()
      let rules = try await store.readBody(.scan) { tx in try tx.retention.policies() }
      let isOver = rules.sizeMax.map { bytes > $0 } ?? false
      let pass = RetentionPass(store: store, rules: rules, isOver: isOver, dryRun: dryRun)
      let outcome = try await pass.run()
      var report = RetentionReport(
        isDryRun: dryRun, isComplete: !Task.isCancelled && outcome.failures.isEmpty,
        isOverSize: isOver,
        counts: outcome.counts, failures: outcome.failures.mapValues(\.code), bytesBefore: bytes,
        bytesAfter: bytes)
      guard !dryRun, recordsNothing || report.total > 0 || !report.failures.isEmpty else {
        return report
      }
      try await record(report, by: actor)
      if report.total > 0, !Task.isCancelled { try await store.engine.maintain() }
      report.bytesAfter = try await store.size()
      return report
    }
  }

  /// Enters a run into the audit log, even where nobody waits for it any more.
  private func record(_ report: RetentionReport, by actor: String) async throws {
    let store = store
    var settings = WriteSettings.standard
    settings.owner = actor
    try await Task { [settings] in
      try await store.write(settings, hotRows: []) { tx in try tx.retention.record(report) }
    }.value
  }
}
