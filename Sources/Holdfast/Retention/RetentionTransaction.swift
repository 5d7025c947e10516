public import HoldfastCore
import HoldfastEngine

extension Transaction {
  /// The policies of retention, inside this transaction.
  public var retention: RetentionTransaction { RetentionTransaction(transaction: self) }
}

/// The policies of retention, inside a transaction: every operation exists here, once.
///
/// A run of retention is many transactions, and so is none of these operations.
public struct RetentionTransaction {
  let transaction: Transaction

  private var limits: Limits { transaction.context.limits }

  /// All policies: the default where nobody set another one.
  ///
  /// - Returns: One policy for each kind, then those of namespaces and for a store that is too
  ///   large.
  /// - Throws: ``StoreError`` of the engine's.
  public func policies() throws(StoreError) -> RetentionRules {
    let connection = try transaction.reading()
    let set = try connection.all(Self.list) { row in RetentionRule(row: row) }.compactMap { $0 }
    let sizeMax = try connection.first(Self.sizeMax) { row in Int64(row.text(0)) } ?? nil
    let general = RetentionKind.allCases.map { kind in
      set.first { $0.scope == RetentionScope(kind) }
        ?? RetentionRule(scope: RetentionScope(kind), policy: kind.standard, isStandard: true)
    }
    let others = set.filter { $0.scope.namespace != nil || $0.scope.overSize }
    return RetentionRules(items: general + others, sizeMax: sizeMax)
  }

  /// Sets a policy, or takes it away so that the default holds again.
  ///
  /// - Parameters:
  ///   - policy: How much is kept; one without any bound keeps everything, `nil` takes the policy
  ///     away.
  ///   - scope: For what. Records belong to their run's namespace or to `global`; threads, audit
  ///     records, the feed and idempotency keys have one policy for all.
  /// - Throws: ``StoreError`` with `invalid` for a bound out of range, a namespace that holds no
  ///   records, and a bound that the kind does not have.
  public func setPolicy(
    _ policy: RetentionPolicy?, for scope: RetentionScope
  ) throws(StoreError) {
    try RetentionChecks.scope(scope, limits)
    if let policy { try RetentionChecks.policy(policy, scope.kind, limits) }
    let connection = try transaction.writing(bytes: 64)
    let key: [Bound] = [
      .text(scope.kind.rawValue), .text(scope.namespace ?? ""), Bound(scope.overSize),
    ]
    if let policy {
      let bounds: [Bound] = [
        Bound(policy.keepFor?.microseconds), Bound(policy.keepLast.map { Int64($0) }),
        Bound(policy.bytesMax),
      ]
      try connection.run(Self.set, key + bounds)
    } else {
      guard try connection.run(Self.remove, key) > 0 else { return }
    }
    var details: Object = ["over_size": .bool(scope.overSize)]
    if let namespace = scope.namespace { details["namespace"] = .string(namespace) }
    if let time = policy?.keepFor { details["keep_for"] = .string(DurationText.format(time)) }
    if let count = policy?.keepLast { details["keep_last"] = .integer(Int64(count)) }
    if let bytes = policy?.bytesMax { details["max_bytes"] = .integer(bytes) }
    try note(scope.kind.rawValue, policy == nil ? "delete" : "put", details, connection)
  }

  /// Sets the size from which on the stricter policies hold.
  ///
  /// - Parameter bytes: The size of the data in bytes, logs included; `nil` for none.
  /// - Throws: ``StoreError`` with `invalid` for a negative size.
  public func setSizeMax(_ bytes: Int64?) throws(StoreError) {
    if let bytes { try RetentionChecks.atLeastZero(bytes, "size_max") }
    let connection = try transaction.writing(bytes: 64)
    if let bytes {
      try connection.run(Self.setSize, [.text(String(bytes))])
    } else {
      guard try connection.run(Self.removeSize, []) > 0 else { return }
    }
    let details: Object = bytes.map { ["bytes": .integer($0)] } ?? [:]
    try note("size_max", bytes == nil ? "delete" : "put", details, connection)
  }

  private func note(
    _ subject: String, _ verb: String, _ details: Object, _ connection: any Connection
  ) throws(StoreError) {
    _ = try connection.run([Feed.event("retention", .global, subject, verb)])
    try transaction.audit.record(
      AuditEntry(
        action: AuditAction.retentionPolicy, subject: subject, result: verb,
        details: .object(details)))
  }

  /// Enters a run into the audit log and the feed.
  package func record(_ report: RetentionReport) throws(StoreError) {
    let connection = try transaction.writing(bytes: 256)
    _ = try connection.run([Feed.event("retention", .global, "run", "run")])
    var details: Object = [
      "over_size": .bool(report.isOverSize), "complete": .bool(report.isComplete),
    ]
    for kind in RetentionKind.allCases {
      details[kind.rawValue] = .integer(Int64(report.counts[kind] ?? 0))
    }
    if !report.failures.isEmpty { details["failures"] = report.failuresByName }
    try transaction.audit.record(
      AuditEntry(action: AuditAction.retentionRun, details: .object(details)))
  }
}

extension RetentionTransaction {
  private static let list = Statement(
    """
    SELECT kind, namespace, over_size, keep_for, keep_last, max_bytes
    FROM retention_policies
    ORDER BY kind, namespace, over_size
    """)

  /// $1 kind, $2 namespace, $3 over size, $4 keep for, $5 keep last, $6 max bytes.
  private static let set = Statement(
    """
    INSERT INTO retention_policies (kind, namespace, over_size, keep_for, keep_last, max_bytes,
      version, created_at, updated_at)
    VALUES ($1, $2, $3, $4, $5, $6, holdfast_revision(), holdfast_now(), holdfast_now())
    ON CONFLICT (kind, namespace, over_size) DO UPDATE SET
      keep_for = excluded.keep_for, keep_last = excluded.keep_last,
      max_bytes = excluded.max_bytes, version = excluded.version,
      updated_at = excluded.updated_at
    """)

  /// $1 kind, $2 namespace, $3 over size.
  private static let remove = Statement(
    """
    DELETE FROM retention_policies
    WHERE kind = $1 AND namespace = $2 AND over_size = $3
    """)

  private static let sizeMax = Statement(
    """
    SELECT value
    FROM meta
    WHERE name = 'retention.size_max'
    """)

  /// $1 the size.
  private static let setSize = Statement(
    """
    INSERT INTO meta (name, value)
    VALUES ('retention.size_max', $1)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value
    """)

  private static let removeSize = Statement(
    """
    DELETE FROM meta
    WHERE name = 'retention.size_max'
    """)
}

extension RetentionRule {
  /// - Returns: `nil` for a kind that a newer version knows.
  fileprivate init?(row: Row) {
    guard let kind = RetentionKind(rawValue: row.text(0)) else { return nil }
    let namespace = row.text(1)
    let scope = RetentionScope(
      kind: kind, namespace: namespace.isEmpty ? nil : namespace, overSize: row.integer(2) == 1)
    self.init(
      scope: scope,
      policy: RetentionPolicy(
        keepFor: row.optionalInteger(3).map { .microseconds($0) },
        keepLast: row.optionalInteger(4).map { Int($0) }, bytesMax: row.optionalInteger(5)),
      isStandard: false)
  }
}

extension RetentionScope {
  fileprivate init(kind: RetentionKind, namespace: String?, overSize: Bool) {
    self.kind = kind
    self.namespace = namespace
    self.overSize = overSize
  }
}

/// The checks of what callers want to be kept.
enum RetentionChecks {
  static func scope(_ scope: RetentionScope, _ limits: Limits) throws(StoreError) {
    guard let text = scope.namespace else { return }
    guard scope.kind.isPerNamespace else {
      throw invalid("namespace", "The \(scope.kind.rawValue) have one policy for all.")
    }
    let namespace = try Namespace(text, limits: limits)
    let holdsRecords =
      namespace == .global || namespace.runID.map { Namespace.run($0) == namespace } ?? false
    guard holdsRecords || scope.kind == .files else {
      throw invalid("namespace", "Records belong to global or to a run, as run:ID.")
    }
  }

  static func policy(
    _ policy: RetentionPolicy, _ kind: RetentionKind, _ limits: Limits
  ) throws(StoreError) {
    if let keepFor = policy.keepFor {
      try Checks.lifetime(keepFor, limits)
      guard kind != .files else { throw unknown("keep_for", kind) }
    }
    if let last = policy.keepLast {
      try atLeastZero(Int64(last), "keep_last")
      guard kind != .conversations, kind != .idempotency else { throw unknown("keep_last", kind) }
      guard kind != .files || last >= 1 else {
        throw invalid("keep_last", "A file keeps its newest version at least.")
      }
    }
    if let bytes = policy.bytesMax {
      try atLeastZero(bytes, "max_bytes")
      guard ![.conversations, .idempotency, .files].contains(kind) else {
        throw unknown("max_bytes", kind)
      }
    }
  }

  static func atLeastZero(_ number: Int64, _ field: String) throws(StoreError) {
    guard number >= 0 else { throw invalid(field, "A bound of retention is not negative.") }
  }

  private static func unknown(_ field: String, _ kind: RetentionKind) -> StoreError {
    invalid(field, "The \(kind.rawValue) have no such bound.")
  }

  private static func invalid(_ field: String, _ message: String) -> StoreError {
    StoreError(
      .invalid, message, hint: "Look up which bounds and namespaces the kind has.",
      details: ["field": .string(field), "reason": "out_of_range"])
  }
}
