public import HoldfastCore
import HoldfastEngine

/// A session: what an agent knows of a conversation, on which the conversation's items hang.
public struct SessionContext: Sendable, Equatable, Codable {
  /// The session's identifier.
  public let id: String
  /// The run that it belongs to.
  public let run: String?
  /// The channel that the conversation goes through.
  public let channel: String?
  /// The thread of the channel.
  public let thread: String?
  /// Who talks to the agent.
  public let user: String?
  /// What the caller keeps with it.
  public let data: Value
  /// How many items the conversation has.
  public let itemCount: Int
  /// The position of the next item: positions only grow.
  public let nextPosition: Int64
  /// The revision of the transaction that wrote it last.
  public let version: Int64
  /// When it was saved first.
  public let createdAt: Instant
  /// When it was last saved, touched, or its items changed.
  public let lastUsedAt: Instant
}

/// What is saved as a session.
public struct SessionEntry: Sendable, Equatable {
  /// The session's identifier, 1 to 256 bytes; one is made if it is `nil`.
  public var id: String?
  /// The run that it belongs to; a session stays with the run that it was saved under first.
  public var run: String?
  /// The channel that the conversation goes through.
  public var channel: String?
  /// The thread of the channel.
  public var thread: String?
  /// Who talks to the agent.
  public var user: String?
  /// What is kept with it.
  public var data: Value

  /// Makes an entry.
  ///
  /// - Parameters:
  ///   - id: The session's identifier; one is made if it is `nil`.
  ///   - run: The run that it belongs to.
  ///   - channel: The channel that the conversation goes through.
  ///   - thread: The thread of the channel.
  ///   - user: Who talks to the agent.
  ///   - data: What is kept with it.
  public init(
    _ id: String? = nil, run: String? = nil, channel: String? = nil, thread: String? = nil,
    user: String? = nil, data: Value = [:]
  ) {
    self.id = id
    self.run = run
    self.channel = channel
    self.thread = thread
    self.user = user
    self.data = data
  }
}

/// A session after a save.
public struct SavedSession: Sendable, Equatable, Codable {
  /// The session as it is now.
  public let session: SessionContext
  /// Whether it came into being by this save.
  public let isNew: Bool
}

/// Which sessions a page lists, the newest first.
public struct SessionQuery: Sendable, Equatable {
  /// Only sessions of this run.
  public var run: String?
  /// Only sessions of this channel.
  public var channel: String?
  /// Only sessions of this user.
  public var user: String?
  /// Only sessions that were saved first at this time or later.
  public var since: Instant?
  /// Only sessions that were saved first before this time.
  public var until: Instant?
  /// Where the page before ended.
  public var after: String?
  /// How many, 1 to 1 000; 100 if left out.
  public var limit: Int?

  /// Makes a query.
  ///
  /// - Parameters:
  ///   - run: Only sessions of this run.
  ///   - channel: Only sessions of this channel.
  ///   - user: Only sessions of this user.
  ///   - since: Only sessions that were saved first at this time or later.
  ///   - until: Only sessions that were saved first before this time.
  ///   - after: Where the page before ended.
  ///   - limit: How many, 1 to 1 000.
  public init(
    run: String? = nil, channel: String? = nil, user: String? = nil, since: Instant? = nil,
    until: Instant? = nil, after: String? = nil, limit: Int? = nil
  ) {
    self.run = run
    self.channel = channel
    self.user = user
    self.since = since
    self.until = until
    self.after = after
    self.limit = limit
  }
}

/// A session's row, in the order of columns that every statement of this folder gives.
struct SessionRow {
  let session: SessionContext
  /// The row's number, on which the items hang and which breaks ties of time.
  let number: Int64
  /// Items below it were cleared.
  let firstPosition: Int64
  /// How long its data is.
  let bytes: Int

  init(row: Row) throws(StoreError) {
    bytes = row.textBytes(5).count
    session = SessionContext(
      id: row.text(0), run: row.optionalText(1), channel: row.optionalText(2),
      thread: row.optionalText(3), user: row.optionalText(4),
      data: try ValueText.decode(row.textBytes(5)), itemCount: Int(row.integer(6)),
      nextPosition: row.integer(7), version: row.integer(8),
      createdAt: Instant(microseconds: row.integer(9)),
      lastUsedAt: Instant(microseconds: row.integer(10)))
    firstPosition = row.integer(11)
    number = row.integer(12)
  }

  /// The namespace that the session belongs to.
  var namespace: Namespace { .holding(run: session.run) }
}
