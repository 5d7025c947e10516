public import HoldfastCore

extension Store {
  /// The approvals of this store.
  public var approvals: Approvals { Approvals(store: self) }
}

/// The approvals of a store; each call is a transaction of its own.
///
/// ```swift
/// let request = ApprovalRequest("send_email", parameters: ["to": "u1@example.org"], task: task.id)
/// let approval = try await store.approvals.request(request)
/// let decided = try await store.approvals.wait(approval.id, atMost: .seconds(60))
/// if decided.status == .approved {
///   try await store.approvals.consume(approval.id, request.scope)
/// }
/// ```
public struct Approvals: Sendable {
  let store: Store

  private static let request = Operation("approvals.request", isWrite: true)
  private static let get = Operation("approvals.get", isWrite: false)
  /// Reading a list, as metrics and logs name it.
  package static let list = Operation("approvals.list", isWrite: false)
  /// Reading a list, as metrics and logs name it.
  package static let expired = Operation("approvals.expired", isWrite: false)
  private static let decide = Operation("approvals.decide", isWrite: true)
  private static let consume = Operation("approvals.consume", isWrite: true)
  private static let delete = Operation("approvals.delete", isWrite: true)

  /// Asks to be allowed something.
  ///
  /// **Durability.** As every write. **Atomicity.** The approval, its task's state, the event and
  /// the audit record, or nothing. **Idempotency.** With a key the first approval is given again;
  /// without one each call makes another. **Cancellation.** As every write. **Cost.** A few rows.
  ///
  /// - Parameters:
  ///   - request: What is asked for.
  ///   - settings: What the write survives, and its idempotency key.
  /// - Returns: The approval: pending, or what a policy or a grant made of it.
  /// - Throws: ``StoreError``; see ``ApprovalsTransaction/request(_:)``.
  @discardableResult
  public func request(
    _ request: ApprovalRequest, with settings: WriteSettings = .standard
  ) async throws(StoreError) -> Approval {
    try await store.perform(Self.request, settings, arguments: request.arguments) { tx in
      try tx.approvals.request(request)
    }
  }

  /// An approval as it stands now.
  ///
  /// - Parameter id: Its identifier.
  /// - Returns: The approval; `nil` for a missing one.
  /// - Throws: ``StoreError`` with `invalid` for an identifier that cannot be.
  public func get(_ id: String) async throws(StoreError) -> Approval? {
    try await store.consult(Self.get) { tx in try tx.approvals.get(id) }
  }

  /// Lists one page of approvals, the newest request first.
  ///
  /// - Parameter query: Which approvals.
  /// - Returns: The approvals as they stand now, and where the next page begins.
  /// - Throws: ``StoreError`` with `invalid` for a limit out of range or a cursor from elsewhere.
  public func list(
    _ query: ApprovalQuery = ApprovalQuery()
  ) async throws(StoreError) -> Page<Approval> {
    try await store.consult(Self.list) { tx in try tx.approvals.list(query) }
  }

  /// Lists the approvals that nobody decided and that were requested at least so long ago, the
  /// oldest first.
  ///
  /// - Parameters:
  ///   - age: How long ago at least, 1 ms to 10 years.
  ///   - cursor: Where the page before ended.
  ///   - limit: How many, 1 to 1 000; 100 if left out.
  /// - Returns: The approvals as they stand now, and where the next page begins.
  /// - Throws: ``StoreError`` with `invalid` for an age or a limit out of range, or a cursor from
  ///   elsewhere.
  public func expired(
    maxAge age: Duration, after cursor: String? = nil, limit: Int? = nil
  ) async throws(StoreError) -> Page<Approval> {
    try await store.consult(Self.expired) { tx in
      try tx.approvals.expired(maxAge: age, after: cursor, limit: limit)
    }
  }

  /// Decides an approval: once, and before its time is over.
  ///
  /// **Durability.** As every write. **Atomicity.** The decision, its task's state, a grant, the
  /// event and the audit record, or nothing; of two who decide at once one is refused.
  /// **Idempotency.** The same decision by the same person, with or without a grant as the first
  /// time, is answered again. **Cancellation.** As every write. **Cost.** A few rows.
  ///
  /// - Parameters:
  ///   - id: The approval's identifier.
  ///   - decision: What is decided.
  ///   - person: Who decides; what the store was opened with if left out.
  ///   - reason: Why.
  ///   - grant: Whether the task is also granted the permission for the next 15 minutes.
  ///   - settings: What the write survives, and its idempotency key.
  /// - Returns: The approval as it is now.
  /// - Throws: ``StoreError`` with `not_found`, `invalid_state` for one that was decided otherwise
  ///   or whose time is over, `invalid` for a grant that cannot be.
  @discardableResult
  public func decide(
    _ id: String, _ decision: ApprovalDecision, by person: String? = nil, reason: String? = nil,
    grant: Bool = false, with settings: WriteSettings = .standard
  ) async throws(StoreError) -> Approval {
    try await store.perform(
      Self.decide, settings,
      arguments: [
        .string(id), .string(decision.rawValue), .of(person), .of(reason), .bool(grant),
      ], hotRows: [Self.hotRow(id)]
    ) { tx in
      try tx.approvals.decide(id, decision, by: person, reason: reason, grant: grant)
    }
  }

  /// Uses an approved approval, for exactly what was approved.
  ///
  /// **Durability.** As every write. **Atomicity.** Of all who use it at once exactly one does, the
  /// others are refused. **Idempotency.** With a key the first answer is given again; without one
  /// a second call is refused, and after a lost answer nobody knows who used it: give a key.
  /// **Cancellation.** As every write. **Cost.** A few rows.
  ///
  /// - Parameters:
  ///   - id: The approval's identifier.
  ///   - scope: What is about to be done.
  ///   - settings: What the write survives, and its idempotency key.
  /// - Returns: The approval, used.
  /// - Throws: ``StoreError`` with `conflict` where it was given for something else, `not_found`,
  ///   `invalid_state` for one that is not approved, was used, or whose time is over, and for one
  ///   whose task has come to an end.
  @discardableResult
  public func consume(
    _ id: String, _ scope: ApprovalScope, with settings: WriteSettings = .standard
  ) async throws(StoreError) -> Approval {
    try await store.perform(
      Self.consume, settings, arguments: [.string(id), .string(scope.digest)],
      hotRows: [Self.hotRow(id)]
    ) { tx in
      try tx.approvals.consume(id, scope)
    }
  }

  /// Deletes an approval; a task that waits for it is cancelled.
  ///
  /// - Parameters:
  ///   - id: The approval's identifier.
  ///   - settings: What the write survives, and its idempotency key.
  /// - Returns: Whether it was there.
  /// - Throws: ``StoreError`` with `invalid`, `invalid_state` under an archived run.
  @discardableResult
  public func delete(
    _ id: String, with settings: WriteSettings = .standard
  ) async throws(StoreError) -> Bool {
    try await store.perform(Self.delete, settings, arguments: [.string(id)]) { tx in
      try tx.approvals.delete(id)
    }
  }

  /// The number of an approval's row, at which those who decide and use it meet.
  ///
  /// - Parameter id: The approval's identifier.
  /// - Returns: The number.
  package static func hotRow(_ id: String) -> Int64 { HotRow.number("approval", id) }
}

extension ApprovalRequest {
  /// The request for the digest of an idempotent call.
  fileprivate var arguments: Value {
    [
      .of(id), .string(scope.digest), .of(permission), .of(run), .of(channel), .of(thread),
      .of(ttl?.microseconds), .of(token),
    ]
  }
}
