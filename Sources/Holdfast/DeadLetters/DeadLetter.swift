public import HoldfastCore
import HoldfastEngine

/// What could not be done: a message that was not delivered, or a task whose attempts are spent.
public struct DeadLetter: Sendable, Equatable, Codable {
  /// The letter's identifier.
  public let id: String
  /// What failed: `task:ID` for a task, else the word of a message's handler.
  public let source: String
  /// The run that it belongs to.
  public let run: String?
  /// Through which channel the message should have gone.
  public let channel: String?
  /// To which thread of the channel.
  public let thread: String?
  /// What should have been delivered; for a task, what it was.
  public let message: Value
  /// Why it failed the last time.
  public let error: String?
  /// Where the letter stands.
  public let status: DeadLetterStatus
  /// How many tries have failed since it came, or since it was redriven last.
  public let retryCount: Int
  /// When it is tried again; only while it is open.
  public let nextRetryAt: Instant?
  /// When it was given up.
  public let givenUpAt: Instant?
  /// When it was resolved.
  public let resolvedAt: Instant?
  /// The task that a redrive made of it.
  public let replayedAs: String?
  /// What was done to it, the oldest first.
  ///
  /// It is kept within a bound of 1 MiB, the message from before the last edit not counted: past it
  /// the oldest messages from before an edit go first, then the oldest events.
  public let history: [DeadLetterEvent]
  /// How many events went from the beginning of the history.
  public let historyDropped: Int
  /// The revision of the transaction that wrote it last.
  public let version: Int64
  /// When it came.
  public let createdAt: Instant
  /// When it was last written.
  public let updatedAt: Instant

  /// The task that died, where the letter is a task's.
  public var task: String? { DeadLetterSource.task(of: source) }
}

/// Something that was done to a dead letter.
public struct DeadLetterEvent: Sendable, Equatable, Codable {
  /// What was done: `save` over an older one, `retry_failed`, `give_up`, `resolve` or `redrive`.
  public let action: String
  /// Who did it.
  public let by: String
  /// When it was done.
  public let at: Instant
  /// Why, in the words of who did it; for a failed try, the error.
  public let reason: String?
  /// How many tries had failed before.
  public let retryCount: Int
  /// The message as it was before, where it was edited; `nil` where it stayed.
  public let messageBefore: Value?
  /// Whether the message was edited, and what it was before went because the history grew long.
  public let isMessageDropped: Bool
  /// The task that a redrive made.
  public let task: String?
}

extension DeadLetterEvent {
  /// The event as it is stored and shown; what there is not is left out.
  package var value: Value {
    var object: Object = [
      "action": .string(action), "by": .string(by), "at": .string(at.rfc3339),
      "retry_count": .integer(Int64(retryCount)),
    ]
    if let reason { object["reason"] = .string(reason) }
    if let messageBefore { object["message_before"] = messageBefore }
    if isMessageDropped { object["message_dropped"] = true }
    if let task { object["task"] = .string(task) }
    return .object(object)
  }

  /// - Returns: `nil` for what no event looks like.
  init?(stored value: Value) {
    guard let action = value["action"]?.stringValue, let by = value["by"]?.stringValue,
      let at = value["at"]?.stringValue.flatMap({ try? Instant(rfc3339: $0) })
    else { return nil }
    self.init(
      action: action, by: by, at: at, reason: value["reason"]?.stringValue,
      retryCount: Int(value["retry_count"]?.integerValue ?? 0),
      messageBefore: value["message_before"],
      isMessageDropped: value["message_dropped"] != nil, task: value["task"]?.stringValue)
  }
}

/// What is saved as a dead letter.
public struct DeadLetterEntry: Sendable, Equatable {
  /// The letter's identifier, 1 to 256 bytes; one is made if it is `nil`.
  public var id: String?
  /// What failed: the word of the message's handler, or `task:ID`; such a one starts as given up.
  public var source: String
  /// What should have been delivered.
  public var message: Value
  /// Why it was not.
  public var error: String?
  /// Through which channel it should have gone.
  public var channel: String?
  /// To which thread of the channel.
  public var thread: String?
  /// The run that it belongs to.
  public var run: String?
  /// When it is tried next; by the store's back-off if it is `nil`.
  public var nextRetryAt: Instant?

  /// Makes an entry.
  ///
  /// - Parameters:
  ///   - id: The letter's identifier; one is made if it is `nil`.
  ///   - source: What failed.
  ///   - message: What should have been delivered.
  ///   - error: Why it was not.
  ///   - channel: Through which channel it should have gone.
  ///   - thread: To which thread of the channel.
  ///   - run: The run that it belongs to.
  ///   - nextRetryAt: When it is tried next; by the store's back-off if it is `nil`.
  public init(
    _ id: String? = nil, source: String, message: Value, error: String? = nil,
    channel: String? = nil, thread: String? = nil, run: String? = nil,
    nextRetryAt: Instant? = nil
  ) {
    self.id = id
    self.source = source
    self.message = message
    self.error = error
    self.channel = channel
    self.thread = thread
    self.run = run
    self.nextRetryAt = nextRetryAt
  }
}

/// Which dead letters a page lists, the newest first.
public struct DeadLetterQuery: Sendable, Equatable {
  /// Only letters that stand here.
  public var status: DeadLetterStatus?
  /// Only letters of this source; `task` stands for those of all tasks.
  public var source: String?
  /// Only letters of this run.
  public var run: String?
  /// Only letters that came at this time or later.
  public var since: Instant?
  /// Only letters that came before this time.
  public var until: Instant?
  /// Where the page before ended.
  public var after: String?
  /// How many, 1 to 1 000; 100 if left out.
  public var limit: Int?

  /// Makes a query.
  ///
  /// - Parameters:
  ///   - status: Only letters that stand here.
  ///   - source: Only letters of this source; `task` stands for those of all tasks.
  ///   - run: Only letters of this run.
  ///   - since: Only letters that came at this time or later.
  ///   - until: Only letters that came before this time.
  ///   - after: Where the page before ended.
  ///   - limit: How many, 1 to 1 000.
  public init(
    status: DeadLetterStatus? = nil, source: String? = nil, run: String? = nil,
    since: Instant? = nil, until: Instant? = nil, after: String? = nil, limit: Int? = nil
  ) {
    self.status = status
    self.source = source
    self.run = run
    self.since = since
    self.until = until
    self.after = after
    self.limit = limit
  }
}

/// How the source of a letter names a task.
enum DeadLetterSource {
  /// What a list takes for the letters of all tasks.
  static let tasks = "task"
  static let prefix = "task:"

  /// - Returns: The task's id; `nil` for the source of a message.
  static func task(of source: String) -> String? {
    // An id may begin with a mark that combines with the colon, so no characters are counted.
    guard source.utf8.starts(with: prefix.utf8) else { return nil }
    return String(decoding: source.utf8.dropFirst(prefix.utf8.count), as: UTF8.self)
  }

  /// Checks the source that a letter is saved under, which the word for all tasks is not.
  static func checkSaved(_ source: String, _ limits: Limits) throws(StoreError) {
    try check(source, limits)
    guard !Bytewise.equal(source, tasks) else {
      throw StoreError(
        .invalid, "The source task stands for the letters of all tasks.",
        hint: "Name another source.", details: ["field": "source", "reason": "reserved"])
    }
  }

  /// Checks a source: a word, or `task:` and a task's id.
  static func check(_ source: String, _ limits: Limits) throws(StoreError) {
    guard let task = task(of: source) else {
      return try Checks.id(source, "dead letter's source", limits)
    }
    try Checks.id(task, "task id", limits)
  }
}

/// A dead letter's row, in the order of columns that every statement of this folder gives.
struct DeadLetterRow {
  let letter: DeadLetter
  /// The row's number, which breaks ties of time.
  let number: Int64
  /// The store's time of the transaction that read it.
  let now: Instant
  /// How long its texts are.
  let bytes: Int

  init(row: Row) throws(StoreError) {
    guard let status = DeadLetterStatus(rawValue: row.text(5)),
      case .array(let history) = try ValueText.decode(row.textBytes(12))
    else { throw Self.unreadable }
    var events: [DeadLetterEvent] = []
    for item in history {
      guard let event = DeadLetterEvent(stored: item) else { throw Self.unreadable }
      events.append(event)
    }
    bytes = row.textBytes(12).count + row.textBytes(13).count
    letter = DeadLetter(
      id: row.text(0), source: row.text(1), run: row.optionalText(2),
      channel: row.optionalText(3), thread: row.optionalText(4),
      message: try ValueText.decode(row.textBytes(13)), error: row.optionalText(11),
      status: status, retryCount: Int(row.integer(6)), nextRetryAt: row.time(7),
      givenUpAt: row.time(8), resolvedAt: row.time(9), replayedAs: row.optionalText(10),
      history: events, historyDropped: Int(row.integer(19)), version: row.integer(14),
      createdAt: Instant(microseconds: row.integer(15)),
      updatedAt: Instant(microseconds: row.integer(16)))
    number = row.integer(17)
    now = Instant(microseconds: row.integer(18))
  }

  private static var unreadable: StoreError {
    StoreError(
      .corrupt, "The row of a dead letter is not as Holdfast writes it.",
      hint: "Mend the row, or restore a backup.")
  }

  /// What was done to it, ready for one event more.
  var history: DeadLetterHistory {
    DeadLetterHistory(events: letter.history, dropped: letter.historyDropped)
  }

  /// The letter's state, ready for a step.
  var state: DeadLetterState {
    DeadLetterState(
      status: letter.status, retryCount: letter.retryCount, nextRetryAt: letter.nextRetryAt,
      givenUpAt: letter.givenUpAt, resolvedAt: letter.resolvedAt)
  }
}

extension Row {
  /// A time that may be NULL.
  fileprivate func time(_ column: Int32) -> Instant? {
    optionalInteger(column).map(Instant.init(microseconds:))
  }
}
