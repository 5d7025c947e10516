public import HoldfastCore
import HoldfastEngine

extension Transaction {
  /// The grants of permissions to tasks, inside this transaction.
  public var grants: GrantsTransaction { GrantsTransaction(transaction: self) }
}

/// The grants of a store, inside a transaction: every operation exists here, once.
///
/// Nobody makes a grant by itself: it is made where an approval is approved, by the permission's
/// policy or because the decider asks for it. A permission and a task have at most one of each kind
/// that lives, and the one that ends last counts: what a decider granted does not hang on the
/// policy, so neither kind takes the place of the other. What a policy granted is worth something
/// only while the policy stays as it is: each such grant bears the policy's term, which is new with
/// every change. So changing or deleting a policy ends all its grants at once, costs the same
/// however many there are, and meets none that are being made.
public struct GrantsTransaction {
  let transaction: Transaction

  private var limits: Limits { transaction.context.limits }

  /// A grant, also one that has ended.
  ///
  /// - Parameter id: Its identifier.
  /// - Returns: The grant; `nil` for a missing one.
  /// - Throws: ``StoreError`` with `invalid` for an identifier that cannot be.
  public func get(_ id: String) throws(StoreError) -> Grant? {
    try Checks.id(id, "grant id", limits)
    return try find(id, transaction.reading())?.grant
  }

  /// Lists one page of grants, those that end soonest first; ended ones only when asked for.
  ///
  /// - Parameter query: Which grants.
  /// - Returns: The grants, and where the next page begins.
  /// - Throws: ``StoreError`` with `invalid` for a limit out of range or a cursor from elsewhere.
  public func list(_ query: GrantQuery = GrantQuery()) throws(StoreError) -> Page<Grant> {
    let limit = try limits.pageItems(query.limit)
    if let permission = query.permission { try Checks.id(permission, "permission", limits) }
    if let task = query.task { try Checks.id(task, "task id", limits) }
    let connection = try transaction.reading()
    let place = try start(of: query, on: connection)
    let statement =
      switch (query.task, query.permission) {
      case (.some, _): GrantSQL.listByTask
      case (nil, .some): GrantSQL.listByPermission
      case (nil, nil): GrantSQL.listByExpiry
      }
    let rows = try connection.all(
      statement,
      [
        .integer(place.time), .integer(place.number), Bound(query.includesEnded),
        Bound(query.permission), Bound(query.task), .integer(Int64(limit) + 1),
      ]
    ) { row throws(StoreError) in try GrantRow(row: row) }
    let shown = rows.prefix(limit)
    let last = shown.last.map {
      TimePlace(.grants, time: $0.grant.expiresAt.microseconds, number: $0.number)
    }
    return Page(items: shown.map(\.grant), next: rows.count > limit ? last?.token : nil)
  }

  /// Ends a grant; one that has ended already stays as it is.
  ///
  /// - Parameter id: The grant's identifier.
  /// - Returns: The grant as it is now.
  /// - Throws: ``StoreError`` with `not_found`, `invalid`, `invalid_state` under an archived run.
  @discardableResult
  public func revoke(_ id: String) throws(StoreError) -> Grant {
    try Checks.id(id, "grant id", limits)
    let connection = try transaction.writing(bytes: id.utf8.count)
    guard let row = try find(id, connection) else { throw Self.missing(id) }
    let grant = row.grant
    if let run = grant.run { try RunGuard.check(run: run, on: connection) }
    guard grant.revokedAt == nil, !grant.isVoid, grant.expiresAt > row.now else { return grant }
    _ = try connection.run([
      Step(GrantSQL.revoke, [.text(id), .text(transaction.actor)]),
      Feed.event("grant", grant.namespace, id, "revoke"),
    ])
    guard let revoked = try find(id, connection)?.grant else { throw Self.missing(id) }
    try note(AuditAction.grantRevoke, revoked)
    return revoked
  }

  /// The error for a grant that is not there.
  ///
  /// - Parameter id: Its identifier.
  /// - Returns: `not_found`.
  package static func missing(_ id: String) -> StoreError {
    StoreError(
      .notFound, "There is no such grant.", hint: "List the grants of the task.",
      details: ["grant": .string(id)])
  }
}

/// What decisions and policies do with grants.
extension GrantsTransaction {
  /// Makes the grant that follows from an approval, if any does, or makes the one of its kind that
  /// lives last longer; none where one that ends no sooner is worth as much.
  ///
  /// What a grant approved makes no grant, or it would never end.
  ///
  /// - Parameters:
  ///   - approval: An approval that was just approved.
  ///   - isAskedFor: Whether the decider asks for it.
  /// - Throws: What the database says, as a ``StoreError``.
  func make(after approval: Approval, isAskedFor: Bool) throws(StoreError) {
    guard let task = approval.task, approval.grant == nil else { return }
    let connection = try transaction.reading()
    let term =
      isAskedFor
      ? nil
      : try connection.first(PolicySQL.grantingTerm, [.text(approval.permission)]) { $0.text(0) }
    guard isAskedFor || term != nil else { return }
    let source: Grant.Source = isAskedFor ? .decision : .policy
    let lifetime = isAskedFor ? limits.grantLifetime : limits.policyGrantLifetime
    let living = try connection.all(
      GrantSQL.live, [.text(approval.permission), .text(task)]
    ) { row throws(StoreError) in try GrantRow(row: row) }
    // A grant of a policy ends with the policy, and so stands in for none that was asked for.
    let covers = living.contains { live in
      (live.grant.source == .decision || source == .policy)
        && live.grant.expiresAt >= live.now + lifetime
    }
    guard !covers else { return }
    let old = living.first { $0.grant.source == source }?.grant
    let id = old?.id ?? transaction.context.ids.makeID(at: transaction.context.time.wallTime())
    let deciding: [Bound] = [
      .text(approval.id), .text(approval.decidedBy ?? ""), .integer(lifetime.microseconds),
    ]
    let step: Step
    if old == nil {
      let place: [Bound] = [
        .text(id), .text(approval.permission), .text(task), Bound(approval.run),
      ]
      let origin: [Bound] = [.text(source.rawValue), Bound(term)]
      step = Step(GrantSQL.insert, place + deciding + origin)
    } else {
      step = Step(GrantSQL.extend, [.text(id)] + deciding)
    }
    _ = try connection.run([step, Feed.event("grant", approval.namespace, id, "put")])
    if let made = try find(id, connection)?.grant { try note(AuditAction.grantCreate, made) }
  }

  /// Where a list begins: at its cursor, but not before now where ended grants are left out.
  private func start(
    of query: GrantQuery, on connection: any Connection
  ) throws(StoreError) -> TimePlace {
    let asked = try TimePlace(.grants, after: query.after, since: nil)
    guard !query.includesEnded else { return asked }
    let now = try connection.now().microseconds
    return asked.time > now ? asked : TimePlace(.grants, time: now, number: .max)
  }

  private func find(_ id: String, _ connection: any Connection) throws(StoreError) -> GrantRow? {
    try connection.first(GrantSQL.get, [.text(id)]) { row throws(StoreError) in
      try GrantRow(row: row)
    }
  }
}
