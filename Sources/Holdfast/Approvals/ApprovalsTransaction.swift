public import HoldfastCore
import HoldfastEngine

extension Transaction {
  /// The approvals, inside this transaction.
  public var approvals: ApprovalsTransaction { ApprovalsTransaction(transaction: self) }
}

/// The approvals of a store, inside a transaction: every operation exists here, once.
///
/// Invariants: an approval is decided at most once and used at most once; time alone ends an
/// undecided one, to the microsecond; a task waits only while an undecided approval names it, and
/// leaves its waiting in the very transaction that decides; an approval that names a task is
/// undecided only while the task waits. What is refused is refused before the first write.
public struct ApprovalsTransaction {
  let transaction: Transaction

  var limits: Limits { transaction.context.limits }

  /// Asks to be allowed something.
  ///
  /// A policy may decide it at once, and so does a grant that lives for the permission and the
  /// task. Where somebody must decide, the task it names moves to `awaiting_approval`; where a
  /// policy denies it, the task is cancelled.
  ///
  /// - Parameter request: What is asked for.
  /// - Returns: The approval: pending, or what a policy or a grant made of it.
  /// - Throws: ``StoreError`` with `conflict` for an id that is taken, `not_found` for an unknown
  ///   task, `fenced` for a leased task without the fencing token of its lease and for a token that
  ///   is not the task's, `invalid_state` for a task that has come to an end, cannot wait or waits
  ///   for 100 approvals already, and under an archived or deleted run, `invalid`.
  @discardableResult
  public func request(_ request: ApprovalRequest) throws(StoreError) -> Approval {
    let id = request.id ?? transaction.context.ids.makeID(at: transaction.context.time.wallTime())
    let permission = request.permission ?? request.scope.action
    try check(request, id: id, permission: permission)
    let parameters = try request.scope.parameters.json(within: limits)
    let connection = try transaction.writing(bytes: id.utf8.count + parameters.utf8.count + 256)
    let task = try task(of: request)
    let run = task.map(\.run) ?? request.run
    if let run { try RunGuard.check(run: run, on: connection) }
    let ruling = try ApprovalRuling(permission, task: task?.id, on: connection)
    if let task { try check(task, for: ruling, on: connection) }
    var events = [ApprovalEvent("request", at: ruling.now, by: transaction.actor)]
    if ruling.policy == .notifyThenDo {
      events.append(ApprovalEvent("notify", at: ruling.now, by: ruling.decider?.name ?? ""))
    }
    let made = try connection.run(
      ApprovalSQL.insert,
      [
        .text(id), Bound(request.scope.task), Bound(run), Bound(request.scope.caller),
        .text(permission), .text(request.scope.action), Bound(request.scope.resource),
        Bound(request.channel), Bound(request.thread), .text(request.scope.digest),
        Bound(ruling.policy?.rawValue), Bound(ruling.grant),
        .integer((ruling.now + (request.ttl ?? limits.approvalLifetime)).microseconds),
        .text(parameters), .text(ApprovalHistory.text(events)),
      ])
    guard made == 1 else { throw taken(id) }
    _ = try connection.run(
      events.map { Feed.event("approval", .holding(run: run), id, $0.event) })
    let row = try known(id, connection)
    try note(AuditAction.approvalRequest, row.approval)
    // A task whose wish is granted at once goes on as it is.
    if ruling.decision != .approve, let task, task.status != .awaitingApproval {
      try transaction.tasks.awaitApproval(task.id)
    }
    guard let decision = ruling.decision, let decider = ruling.decider else { return row.approval }
    return try settle(
      row, Verdict(decision: decision, decider: decider, reason: ruling.reason), on: connection)
  }

  /// An approval as it stands now.
  ///
  /// - Parameter id: Its identifier.
  /// - Returns: The approval; `nil` for a missing one.
  /// - Throws: ``StoreError`` with `invalid` for an identifier that cannot be.
  public func get(_ id: String) throws(StoreError) -> Approval? {
    try Checks.id(id, "approval id", limits)
    return try find(id, transaction.reading())?.approval
  }

  /// Decides an approval: once, and before its time is over.
  ///
  /// Approving returns the task that waits to pending, denying cancels it with the reason, in this
  /// transaction. The same decision by the same person, with or without a grant as the first time,
  /// is answered again and changes nothing; the first reason stays.
  ///
  /// - Parameters:
  ///   - id: The approval's identifier.
  ///   - decision: What is decided.
  ///   - person: Who decides; who acts in this transaction if left out.
  ///   - reason: Why.
  ///   - grant: Whether the task is also granted the permission for the next 15 minutes.
  /// - Returns: The approval as it is now.
  /// - Throws: ``StoreError`` with `not_found`, `invalid_state` for one that was decided otherwise
  ///   or whose time is over, `invalid` for a grant that cannot be.
  @discardableResult
  public func decide(
    _ id: String, _ decision: ApprovalDecision, by person: String? = nil, reason: String? = nil,
    grant: Bool = false
  ) throws(StoreError) -> Approval {
    try decide(
      id, decision, by: ApprovalDecider(person ?? transaction.actor), reason: reason, grant: grant)
  }

  /// Decides an approval, with what the decider claims beside what is known.
  ///
  /// - Parameters:
  ///   - id: The approval's identifier.
  ///   - decision: What is decided.
  ///   - decider: Who decides, and for whom in the decider's own words.
  ///   - reason: Why.
  ///   - grant: Whether the task is also granted the permission for the next 15 minutes.
  /// - Returns: The approval as it is now.
  /// - Throws: As ``decide(_:_:by:reason:grant:)-(_,_,String?,_,_)``.
  @discardableResult
  package func decide(
    _ id: String, _ decision: ApprovalDecision, by decider: ApprovalDecider,
    reason: String? = nil, grant: Bool = false
  ) throws(StoreError) -> Approval {
    try Checks.id(id, "approval id", limits)
    try Checks.id(decider.name, "decider", limits)
    if let claim = decider.claim { try Checks.id(claim, "decider", limits) }
    if let reason { try Checks.text(reason, "reason", bytesMax: limits.descriptionBytesMax) }
    guard !grant || decision == .approve else { throw Self.deniedGrant }
    let connection = try transaction.writing(bytes: id.utf8.count + (reason?.utf8.count ?? 0))
    let row = try known(id, connection)
    if let run = row.approval.run { try RunGuard.check(run: run, on: connection) }
    guard !grant || row.approval.task != nil else { throw Self.grantWithoutTask }
    let verdict = Verdict(
      decision: decision, decider: decider, reason: reason, grant: grant, actor: decider.name)
    return try settle(row, verdict, on: connection)
  }

  /// Uses an approved approval, which can be done once, for exactly what was approved.
  ///
  /// - Parameters:
  ///   - id: The approval's identifier.
  ///   - scope: What is about to be done.
  /// - Returns: The approval, used.
  /// - Throws: ``StoreError`` with `conflict` where it was given for something else, `not_found`,
  ///   `invalid_state` for one that is not approved, was used, or whose time is over, and for one
  ///   whose task has come to an end.
  @discardableResult
  public func consume(_ id: String, _ scope: ApprovalScope) throws(StoreError) -> Approval {
    try Checks.id(id, "approval id", limits)
    _ = try scope.parameters.json(within: limits)
    let connection = try transaction.writing(bytes: id.utf8.count)
    let row = try known(id, connection)
    if let run = row.approval.run { try RunGuard.check(run: run, on: connection) }
    guard scope.digest == row.approval.digest else {
      throw StoreError(
        .conflict, "The approval was given for something else.",
        hint: "Do exactly what was approved, or request another approval.",
        details: ["approval": .string(id)])
    }
    var state = row.state
    try Self.naming(id) { () throws(StoreError) in try state.consume(at: row.now) }
    try checkTask(of: row.approval)
    try write(row, state, ApprovalEvent("consume", at: row.now, by: transaction.actor), connection)
    let used = try known(id, connection).approval
    try note(AuditAction.approvalConsume, used)
    return used
  }

  /// Deletes an approval, whatever became of it; a task that waits for it is cancelled.
  ///
  /// What the audit log says of it stays.
  ///
  /// - Parameter id: The approval's identifier.
  /// - Returns: Whether it was there.
  /// - Throws: ``StoreError`` with `invalid`, `invalid_state` under an archived run.
  @discardableResult
  public func delete(_ id: String) throws(StoreError) -> Bool {
    try Checks.id(id, "approval id", limits)
    let connection = try transaction.writing(bytes: id.utf8.count)
    guard let row = try find(id, connection) else { return false }
    if let run = row.approval.run { try RunGuard.check(run: run, on: connection) }
    _ = try connection.run([
      Step(ApprovalSQL.delete, [.text(id)]),
      Feed.event("approval", row.approval.namespace, id, "delete"),
    ])
    try note(AuditAction.approvalDelete, row.approval)
    // One whose time is over but that nobody has noted yet still holds its task.
    if row.state.status == .pending {
      try cancelTask(of: row.approval, reason: "The approval was deleted.")
    }
    return true
  }
}

/// What the operations share.
extension ApprovalsTransaction {
  /// A decision with all that belongs to it.
  private struct Verdict {
    let decision: ApprovalDecision
    let decider: ApprovalDecider
    let reason: String?
    /// Whether the decider asks for a grant.
    var grant = false
    /// Who is named in the audit log, where it is not who acts in the transaction.
    var actor: String?
  }

  /// Decides by the machine, and does all that follows from it.
  private func settle(
    _ row: ApprovalRow, _ verdict: Verdict, on connection: any Connection
  ) throws(StoreError) -> Approval {
    var state = row.state
    let isNew = try Self.naming(row.approval.id) { () throws(StoreError) in
      try state.decide(
        verdict.decision, by: verdict.decider, asksGrant: verdict.grant, at: row.now,
        usableFor: limits.approvalUseAfterDecision)
    }
    guard isNew else { return row.approval }
    let event = ApprovalEvent(
      verdict.decision.rawValue, at: row.now, by: verdict.decider.name, reason: verdict.reason)
    try write(row, state, event, connection)
    let decided = try known(row.approval.id, connection).approval
    try note(AuditAction.approvalDecide, decided, actor: verdict.actor)
    switch verdict.decision {
    case .approve:
      try transaction.grants.make(after: decided, isAskedFor: verdict.grant)
      try resumeTask(of: decided, on: connection)
    case .deny:
      try cancelTask(of: decided, reason: verdict.reason ?? "The approval was denied.")
    }
    return decided
  }

  /// Writes what the machine made of an approval, and enters the event.
  private func write(
    _ row: ApprovalRow, _ state: ApprovalState, _ event: ApprovalEvent,
    _ connection: any Connection
  ) throws(StoreError) {
    _ = try connection.run(steps(row, state, event))
  }

  /// What writes what the machine made of an approval, and enters the event.
  func steps(_ row: ApprovalRow, _ state: ApprovalState, _ event: ApprovalEvent) -> [Step] {
    let isDecision = event.event == state.decision?.rawValue
    let verb: String =
      switch state.status {
      case .consumed: "consume"
      case .expired: "expired"
      case .approved, .denied, .pending: "decide"
      }
    return [
      Step(
        ApprovalSQL.update,
        [
          .text(row.approval.id), .text(state.status.rawValue), Bound(state.decision?.rawValue),
          Bound(state.decider?.name), Bound(state.decider?.claim),
          Bound(isDecision ? event.reason : row.approval.reason),
          Bound(state.decidedAt?.microseconds), Bound(state.usableUntil?.microseconds),
          Bound(state.consumedAt?.microseconds),
          .text(ApprovalHistory.text(row.approval.history + [event])), Bound(state.asksGrant),
        ]),
      Feed.event("approval", row.approval.namespace, row.approval.id, verb),
    ]
  }

  func find(_ id: String, _ connection: any Connection) throws(StoreError) -> ApprovalRow? {
    try connection.first(ApprovalSQL.get, [.text(id)]) { row throws(StoreError) in
      try ApprovalRow(row: row)
    }
  }

  private func known(_ id: String, _ connection: any Connection) throws(StoreError) -> ApprovalRow {
    guard let row = try find(id, connection) else { throw Self.missing(id) }
    return row
  }

  /// Runs a step of the machine: an error from there says which approval it was.
  private static func naming<Result>(
    _ id: String, _ step: () throws(StoreError) -> Result
  ) throws(StoreError) -> Result {
    do throws(StoreError) {
      return try step()
    } catch {
      throw error.adding("approval", .string(id))
    }
  }

  /// The error for an approval that is not there.
  ///
  /// - Parameter id: Its identifier.
  /// - Returns: `not_found`.
  package static func missing(_ id: String) -> StoreError {
    StoreError(
      .notFound, "There is no such approval.", hint: "Request one first.",
      details: ["approval": .string(id)])
  }

  private func taken(_ id: String) -> StoreError {
    StoreError(
      .conflict, "An approval with this id was requested already.",
      hint: "Use another id, or none.", details: ["approval": .string(id)])
  }

  private static var deniedGrant: StoreError {
    StoreError(
      .invalid, "A denial cannot grant the permission.", hint: "Leave the grant out.",
      details: ["field": "grant"])
  }

  private static var grantWithoutTask: StoreError {
    StoreError(
      .invalid, "A grant needs a task, and the approval has none.", hint: "Leave the grant out.",
      details: ["field": "grant"])
  }
}
