public import HoldfastCore

/// Somebody wants to do something, and must be allowed to.
///
/// A decision covers exactly what ``digest`` was made of (action, resource, parameters, caller and
/// task), and an approved one can be used once.
public struct Approval: Sendable, Equatable, Codable {
  /// The approval's identifier.
  public let id: String
  /// The task that waits for it.
  public let task: String?
  /// The run that it belongs to.
  public let run: String?
  /// Who wants to do it.
  public let caller: String?
  /// What is needed for it; policies and grants go by this.
  public let permission: String
  /// What shall be done.
  public let action: String
  /// To what.
  public let resource: String?
  /// How.
  public let parameters: Value
  /// The channel in which to ask.
  public let channel: String?
  /// The thread in which to ask.
  public let thread: String?
  /// Where it stands: an undecided one whose time is over is expired.
  public let status: ApprovalStatus
  /// What was decided.
  public let decision: ApprovalDecision?
  /// Who decided: an access token's name, `policy:PERMISSION`, `grant:ID`, or `task:ID` for one
  /// that was denied because its task no longer waited for it.
  public let decidedBy: String?
  /// For whom it was decided, in the decider's own words; unproven.
  public let by: String?
  /// Why.
  public let reason: String?
  /// The SHA-256 of what a decision covers, in hexadecimal digits.
  public let digest: String
  /// The policy that was there when it was requested.
  public let policy: PolicyMode?
  /// The grant that approved it.
  public let grant: String?
  /// The revision of the transaction that wrote it last.
  public let version: Int64
  /// When it was requested.
  public let requestedAt: Instant
  /// From when on nobody can decide it any more.
  public let expiresAt: Instant
  /// When it was decided.
  public let decidedAt: Instant?
  /// From when on an approved one can no longer be used.
  public let usableUntil: Instant?
  /// When it was used.
  public let consumedAt: Instant?
  /// All that happened to it, the oldest first.
  public let history: [ApprovalEvent]

  /// What a decision about it covers.
  public var scope: ApprovalScope {
    ApprovalScope(
      action, resource: resource, parameters: parameters, caller: caller, task: task)
  }

  /// The namespace that decides who may see it.
  package var namespace: Namespace { .holding(run: run) }
}

/// Something that happened to an approval.
public struct ApprovalEvent: Sendable, Equatable, Codable {
  /// What happened: `request`, `notify`, `approve`, `deny`, `consume` or `expire`.
  public let event: String
  /// When.
  public let at: Instant
  /// Who did it.
  public let by: String
  /// Why.
  public let reason: String?

  /// Makes an event.
  ///
  /// - Parameters:
  ///   - event: What happened.
  ///   - at: When.
  ///   - by: Who did it.
  ///   - reason: Why.
  public init(_ event: String, at: Instant, by: String, reason: String? = nil) {
    self.event = event
    self.at = at
    self.by = by
    self.reason = reason
  }
}

/// What somebody asks to be allowed.
public struct ApprovalRequest: Sendable, Equatable {
  /// The approval's identifier, 1 to 256 bytes; one is made if left out.
  public var id: String?
  /// What a decision covers: action, resource, parameters, caller and task.
  public var scope: ApprovalScope
  /// What is needed for it, 1 to 256 bytes; the action's name if left out.
  public var permission: String?
  /// The run that it belongs to; a task's own run if left out.
  public var run: String?
  /// The channel in which to ask.
  public var channel: String?
  /// The thread in which to ask.
  public var thread: String?
  /// How long it waits for a decision; an hour if left out.
  public var ttl: Duration?
  /// The fencing token of the task's lease: a leased task needs it, so that only the worker that
  /// holds the task can let it wait; a task without a lease takes none.
  public var token: Int64?

  /// Makes a request.
  ///
  /// - Parameters:
  ///   - action: What shall be done, such as `send_email`.
  ///   - resource: To what.
  ///   - parameters: How.
  ///   - caller: Who wants to do it.
  ///   - task: The task that waits for it.
  ///   - permission: What is needed for it; the action's name if left out.
  ///   - run: The run that it belongs to; a task's own run if left out.
  ///   - channel: The channel in which to ask.
  ///   - thread: The thread in which to ask.
  ///   - ttl: How long it waits for a decision; an hour if left out.
  ///   - id: The approval's identifier; one is made if left out.
  ///   - token: The fencing token of the task's lease; needed where the task is leased.
  public init(
    _ action: String, resource: String? = nil, parameters: Value = [:], caller: String? = nil,
    task: String? = nil, permission: String? = nil, run: String? = nil, channel: String? = nil,
    thread: String? = nil, ttl: Duration? = nil, id: String? = nil, token: Int64? = nil
  ) {
    self.id = id
    self.scope = ApprovalScope(
      action, resource: resource, parameters: parameters, caller: caller, task: task)
    self.permission = permission
    self.run = run
    self.channel = channel
    self.thread = thread
    self.ttl = ttl
    self.token = token
  }
}

/// Which approvals a page lists, the newest request first.
public struct ApprovalQuery: Sendable, Equatable {
  /// Only approvals that stand here now.
  public var status: ApprovalStatus?
  /// Only approvals that this caller asked for.
  public var caller: String?
  /// Only approvals that this task waits or waited for.
  public var task: String?
  /// Only approvals of this run.
  public var run: String?
  /// Only approvals that were requested at this time or later.
  public var since: Instant?
  /// Only approvals that were requested before this time.
  public var until: Instant?
  /// Where the page before ended.
  public var after: String?
  /// How many, 1 to 1 000; 100 if left out.
  public var limit: Int?

  /// Makes a query.
  ///
  /// - Parameters:
  ///   - status: Only approvals that stand here now.
  ///   - caller: Only approvals that this caller asked for.
  ///   - task: Only approvals that this task waits or waited for.
  ///   - run: Only approvals of this run.
  ///   - since: Only approvals that were requested at this time or later.
  ///   - until: Only approvals that were requested before this time.
  ///   - after: Where the page before ended.
  ///   - limit: How many, 1 to 1 000.
  public init(
    status: ApprovalStatus? = nil, caller: String? = nil, task: String? = nil,
    run: String? = nil, since: Instant? = nil, until: Instant? = nil, after: String? = nil,
    limit: Int? = nil
  ) {
    self.status = status
    self.caller = caller
    self.task = task
    self.run = run
    self.since = since
    self.until = until
    self.after = after
    self.limit = limit
  }

  /// Only those that wait for a decision.
  public static let pending = ApprovalQuery(status: .pending)
}
