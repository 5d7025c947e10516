public import HoldfastCore

/// What a caller wants to have recorded.
///
/// ```swift
/// try tx.audit.record(AuditEntry(action: "plan.advance", subject: "run:42", run: "42"))
/// ```
public struct AuditEntry: Sendable, Equatable {
  /// Who acted, 1 to 256 bytes; whoever acts in the transaction if left out.
  public var actor: String?
  /// What was done, 1 to 256 bytes, such as `plan.advance`.
  public var action: String
  /// To what, up to 1 024 bytes.
  public var subject: String?
  /// The bot that it concerns.
  public var bot: String?
  /// The run that it belongs to.
  public var run: String?
  /// The memory that it concerns, up to 1 024 bytes.
  public var memory: String?
  /// What came of it, up to 4 KiB.
  public var result: String?
  /// What else is worth keeping: an object. Secrets do not belong here: a record is never changed.
  public var details: Value
  /// Who a caller says acted, where that is not proven.
  package var by: String?
  /// When it happened, for a record that comes from another store.
  package var importedTime: Instant?

  /// The namespace that decides who may add it, and see it.
  package var namespace: Namespace { .holding(run: run, bot: bot) }

  /// Makes an entry.
  ///
  /// - Parameters:
  ///   - actor: Who acted; whoever acts in the transaction if left out.
  ///   - action: What was done.
  ///   - subject: To what.
  ///   - bot: The bot that it concerns.
  ///   - run: The run that it belongs to.
  ///   - memory: The memory that it concerns.
  ///   - result: What came of it.
  ///   - details: What else is worth keeping: an object.
  public init(
    actor: String? = nil, action: String, subject: String? = nil, bot: String? = nil,
    run: String? = nil, memory: String? = nil, result: String? = nil, details: Value = [:]
  ) {
    self.actor = actor
    self.action = action
    self.subject = subject
    self.bot = bot
    self.run = run
    self.memory = memory
    self.result = result
    self.details = details
  }

  /// Makes an entry about a memory of a bot's.
  ///
  /// - Parameters:
  ///   - memory: The memory.
  ///   - action: What happened to it.
  ///   - bot: Whose it is.
  ///   - actor: Who acted; whoever acts in the transaction if left out.
  ///   - result: What came of it.
  ///   - details: What else is worth keeping: an object.
  public init(
    memory: String, _ action: MemoryAction, bot: String, actor: String? = nil,
    result: String? = nil, details: Value = [:]
  ) {
    self.init(
      actor: actor, action: action.name, bot: bot, memory: memory, result: result,
      details: details)
  }
}

/// A record of the audit log.
///
/// It stays as it is, whatever becomes of what it speaks of, until retention cuts its chain behind
/// it.
public struct AuditRecord: Sendable, Equatable, Codable {
  /// The chain in which it stands, from 1.
  public let chain: Int64
  /// Its number in the chain: from 1, without gaps.
  public let number: Int64
  /// When it happened.
  public let time: Instant
  /// When it was taken over from another store; `nil` for a record that was made here.
  public let importedAt: Instant?
  /// Who acted.
  public let actor: String
  /// Who a caller over a network says acted: unproven, beside the token's name in ``actor``.
  public let by: String?
  /// What was done.
  public let action: String
  /// To what.
  public let subject: String?
  /// The bot that it concerns.
  public let bot: String?
  /// The run that it belongs to.
  public let run: String?
  /// The memory that it concerns.
  public let memory: String?
  /// What came of it.
  public let result: String?
  /// What else was kept: an object.
  public let details: Value

  /// Chain and number as one word, `1:42`: what the change feed calls it.
  public var id: String { "\(chain):\(number)" }

  /// The namespace that decides who may see it.
  package var namespace: Namespace { .holding(run: run, bot: bot) }
}

/// Which records a page lists, the newest first.
public struct AuditQuery: Sendable, Equatable {
  /// Only what this one did.
  public var actor: String?
  /// Only this action.
  public var action: String?
  /// Only what was done to this.
  public var subject: String?
  /// Only what concerns this bot.
  public var bot: String?
  /// Only what concerns this memory.
  public var memory: String?
  /// Only what belongs to this run.
  public var run: String?
  /// Only what happened at this time or later.
  public var since: Instant?
  /// Only what happened before this time.
  public var until: Instant?
  /// Where the page before ended.
  public var after: String?
  /// How many, 1 to 1 000; 100 if left out.
  public var limit: Int?

  /// Makes a query.
  ///
  /// - Parameters:
  ///   - actor: Only what this one did.
  ///   - action: Only this action.
  ///   - subject: Only what was done to this.
  ///   - bot: Only what concerns this bot.
  ///   - memory: Only what concerns this memory.
  ///   - run: Only what belongs to this run.
  ///   - since: Only what happened at this time or later.
  ///   - until: Only what happened before this time.
  ///   - after: Where the page before ended.
  ///   - limit: How many, 1 to 1 000.
  public init(
    actor: String? = nil, action: String? = nil, subject: String? = nil, bot: String? = nil,
    memory: String? = nil, run: String? = nil, since: Instant? = nil, until: Instant? = nil,
    after: String? = nil, limit: Int? = nil
  ) {
    self.actor = actor
    self.action = action
    self.subject = subject
    self.bot = bot
    self.memory = memory
    self.run = run
    self.since = since
    self.until = until
    self.after = after
    self.limit = limit
  }
}
