public import HoldfastCore
import HoldfastEngine

extension Transaction {
  /// The dead letters, inside this transaction.
  public var deadLetters: DeadLettersTransaction { DeadLettersTransaction(transaction: self) }
}

/// The dead letters of a store, inside a transaction: every operation exists here, once.
public struct DeadLettersTransaction {
  let transaction: Transaction

  var limits: Limits { transaction.context.limits }

  /// Saves a letter.
  ///
  /// A new one waits for its next try; that of a task starts as given up. Over an older letter that
  /// is not resolved it replaces what failed, the message and the target, and keeps the time of
  /// creation, the count of tries, whether it was given up, and the run. The letter of a task is
  /// replaced by none, and replaces none.
  ///
  /// - Parameter entry: The letter.
  /// - Returns: The letter as it is now.
  /// - Throws: ``StoreError`` with `invalid`, `too_large`, and `invalid_state` over a resolved
  ///   letter, over a task's or one of another run, and under an archived or deleted run.
  @discardableResult
  public func save(_ entry: DeadLetterEntry) throws(StoreError) -> DeadLetter {
    let id = entry.id ?? transaction.context.ids.makeID(at: transaction.context.time.wallTime())
    let message = try checked(entry, id)
    let connection = try transaction.writing(
      bytes: message.utf8.count + (entry.error?.utf8.count ?? 0) + id.utf8.count)
    let old = try find(id, connection)
    if let run = old?.letter.run ?? entry.run { try RunGuard.check(run: run, on: connection) }
    if let old { return try replace(old, entry, message, connection) }
    let now = try connection.now()
    let isTask = DeadLetterSource.task(of: entry.source) != nil
    let state =
      isTask
      ? DeadLetterState(givenUpAfter: 0, at: now)
      : DeadLetterState(nextRetryAt: entry.nextRetryAt ?? next(after: 0, at: now) ?? now)
    return try write(id, entry, run: entry.run, message, state, DeadLetterHistory(), connection)
  }

  /// Saves the letter of a task whose attempts are spent: given up from the start.
  ///
  /// Where the same task died before and that letter is not resolved, it is that letter again. It
  /// is known by all that the store wrote of the task: a letter that somebody saved under the
  /// task's source, of another run or with another message, stays as it is.
  ///
  /// - Parameters:
  ///   - task: The task's id.
  ///   - queue: Its queue.
  ///   - command: Its command.
  ///   - error: Why it failed the last time.
  ///   - run: Its run.
  ///   - attempts: How many attempts it had.
  /// - Returns: The letter.
  /// - Throws: What the database says, as a ``StoreError``.
  @discardableResult
  package func bury(
    task: String, queue: String, command: String, error: String?, run: String?, attempts: Int
  ) throws(StoreError) -> DeadLetter {
    let source = DeadLetterSource.prefix + task
    let connection = try transaction.writing(bytes: source.utf8.count + (error?.utf8.count ?? 0))
    let message: Value = ["queue": .string(queue), "command": .string(command)]
    let known = try connection.first(
      DeadLetterSQL.unresolved, [.text(source), .text(run ?? ""), .text(message.json)]
    ) { row throws(StoreError) in try DeadLetterRow(row: row) }
    let id =
      known?.letter.id
      ?? transaction.context.ids.makeID(at: transaction.context.time.wallTime())
    let entry = DeadLetterEntry(id, source: source, message: message, error: error, run: run)
    let now: Instant
    var history = DeadLetterHistory()
    if let known {
      now = known.now
      history = self.history(
        of: known, adding: event("save", on: known, reason: known.letter.error))
    } else {
      now = try connection.now()
    }
    let state = DeadLetterState(givenUpAfter: attempts, at: now)
    return try write(id, entry, run: run, message.json, state, history, connection)
  }

  /// A dead letter.
  ///
  /// - Parameter id: Its identifier.
  /// - Returns: The letter; `nil` for a missing one.
  /// - Throws: ``StoreError`` with `invalid` for an identifier that cannot be.
  public func get(_ id: String) throws(StoreError) -> DeadLetter? {
    try Checks.id(id, "dead letter's id", limits)
    return try find(id, transaction.reading())?.letter
  }

  /// Lists one page of dead letters, the newest first.
  ///
  /// - Parameter query: Which letters.
  /// - Returns: The letters, and where the next page begins. A page ends early past 8 MiB.
  /// - Throws: ``StoreError`` with `invalid` for a limit out of range or a cursor from elsewhere.
  public func list(
    _ query: DeadLetterQuery = DeadLetterQuery()
  ) throws(StoreError) -> Page<DeadLetter> {
    let limit = try limits.pageItems(query.limit)
    if let run = query.run { try Checks.runID(run, limits) }
    let isOfTasks = query.source == DeadLetterSource.tasks
    if let source = query.source { try DeadLetterSource.check(source, limits) }
    let place = try TimePlace(.deadLetters, after: query.after, until: query.until)
    let statement =
      switch (query.run, query.source, query.status) {
      case (.some, _, _): DeadLetterSQL.listByRun
      case (nil, .some, _):
        isOfTasks ? DeadLetterSQL.listOfTasks : DeadLetterSQL.listBySource
      case (nil, nil, .some): DeadLetterSQL.listByStatus
      case (nil, nil, nil): DeadLetterSQL.listByTime
      }
    let rows = try transaction.reading().page(
      statement,
      [
        .integer(place.time), .integer(place.number),
        .integer(query.since?.microseconds ?? .min), Bound(query.status?.rawValue),
        Bound(query.source), Bound(query.run), .integer(Int64(limit) + 1),
      ], limit: limit, bytesMax: limits.pageBytesMax
    ) { row throws(StoreError) in
      let row = try DeadLetterRow(row: row)
      return (row, row.bytes)
    }
    let last = rows.items.last.map {
      TimePlace(.deadLetters, time: $0.letter.createdAt.microseconds, number: $0.number)
    }
    return Page(items: rows.items.map(\.letter), next: rows.isMore ? last?.token : nil)
  }

  /// The letters that are open and due, the soonest first; those of archived runs are passed over.
  ///
  /// - Parameter limit: At most this many, 1 to 1 000; 100 if left out.
  /// - Returns: The letters; fewer where they grow past 8 MiB.
  /// - Throws: ``StoreError`` with `invalid` for a limit out of range.
  public func retryable(limit: Int? = nil) throws(StoreError) -> [DeadLetter] {
    try retryable(after: nil, limit: limit, where: nil).items
  }

  /// One page of the same, for somebody who may see some of them: others do not count towards the
  /// limit.
  ///
  /// - Parameters:
  ///   - cursor: Where the page before ended.
  ///   - limit: At most this many, 1 to 1 000; 100 if left out.
  ///   - isVisible: Whether the caller may see what is in a namespace; `nil` for all of it.
  /// - Returns: The letters, of 20 000 that are due at most, and where the next page begins.
  /// - Throws: As ``retryable(limit:)``; `invalid` for a cursor from elsewhere too.
  package func retryable(
    after cursor: String?, limit: Int?, where isVisible: ((Namespace) -> Bool)?
  ) throws(StoreError) -> Page<DeadLetter> {
    let limit = try limits.pageItems(limit)
    let connection = try transaction.reading()
    let size = isVisible == nil ? limit : Self.lookedAtAtOnce
    var found: [DeadLetter] = []
    var (lookedAt, bytes) = (0, 0)
    var place = try TimePlace(.dueDeadLetters, after: cursor, since: nil)
    // A cursor names nothing that its reader may not see.
    var shown: TimePlace?
    while true {
      let page = try connection.page(
        DeadLetterSQL.retryable,
        [.integer(Int64(size) + 1), .integer(place.time), .integer(place.number)], limit: size,
        bytesMax: limits.pageBytesMax
      ) { row throws(StoreError) in
        let row = try DeadLetterRow(row: row)
        return (row, row.bytes)
      }
      for row in page.items {
        place = TimePlace(
          .dueDeadLetters, time: row.letter.nextRetryAt?.microseconds ?? place.time,
          number: row.number)
        if isVisible?(.holding(run: row.letter.run)) ?? true {
          guard found.count < limit, found.isEmpty || bytes < limits.pageBytesMax else {
            return Page(items: found, next: shown?.token)
          }
          found.append(row.letter)
          bytes += row.bytes
          shown = place
        }
      }
      lookedAt += page.items.count
      guard page.isMore else { return Page(items: found, next: nil) }
      guard isVisible != nil, lookedAt < Self.lookedAtMax else {
        return Page(items: found, next: shown?.token)
      }
    }
  }

  /// How many letters are looked at in one go where not all may be seen, and in all.
  private static let lookedAtAtOnce = 200
  private static let lookedAtMax = 20_000

  /// Counts a try that failed, and says when the next one is.
  ///
  /// - Parameters:
  ///   - id: The letter's identifier.
  ///   - next: When it is tried again; `nil` gives it up, and nothing retries it by itself then.
  ///   - error: Why the try failed; what was there stays where it is `nil`.
  /// - Returns: The letter as it is now.
  /// - Throws: ``StoreError`` with `not_found`, `invalid_state` for a letter that is resolved or
  ///   given up, and under an archived run.
  @discardableResult
  public func retryFailed(
    _ id: String, next: Instant?, error: String? = nil
  ) throws(StoreError) -> DeadLetter {
    try fail(id, error: error) { _ in next }
  }

  /// Counts a try that failed; the store's back-off says when the next one is, or that the tries
  /// are used up and the letter is given up.
  ///
  /// - Parameters:
  ///   - id: The letter's identifier.
  ///   - error: Why the try failed; what was there stays where it is `nil`.
  /// - Returns: The letter as it is now.
  /// - Throws: What ``retryFailed(_:next:error:)`` throws.
  @discardableResult
  public func retryFailed(_ id: String, error: String? = nil) throws(StoreError) -> DeadLetter {
    try fail(id, error: error) { row in next(after: row.letter.retryCount + 1, at: row.now) }
  }

  private func fail(
    _ id: String, error: String?, next: (DeadLetterRow) -> Instant?
  ) throws(StoreError) -> DeadLetter {
    if let error { try Checks.text(error, "error", bytesMax: limits.descriptionBytesMax) }
    let (row, connection) = try changeable(id, bytes: error?.utf8.count ?? 0)
    let next = next(row)
    var state = row.state
    try state.retryFailed(next: next, at: row.now)
    let verb = next == nil ? "give_up" : "retry_failed"
    let event = event(verb, on: row, reason: error)
    return try step(row, to: state, error: error, event, connection)
  }

  /// Ends a letter for good: it never changes again.
  ///
  /// - Parameters:
  ///   - id: The letter's identifier.
  ///   - reason: How it was dealt with, at most 4 KiB; kept in the history.
  /// - Returns: The letter as it is now.
  /// - Throws: ``StoreError`` with `not_found`, `invalid_state` for one that is resolved already,
  ///   and under an archived run.
  @discardableResult
  public func resolve(_ id: String, reason: String? = nil) throws(StoreError) -> DeadLetter {
    if let reason { try Checks.text(reason, "reason", bytesMax: limits.descriptionBytesMax) }
    let (row, connection) = try changeable(id, bytes: reason?.utf8.count ?? 0)
    var state = row.state
    try state.resolve(at: row.now)
    try audit(AuditAction.deadLetterResolve, row.letter)
    return try step(row, to: state, event("resolve", on: row, reason: reason), connection)
  }
}

/// What the operations share.
extension DeadLettersTransaction {
  func find(_ id: String, _ connection: any Connection) throws(StoreError) -> DeadLetterRow? {
    try connection.first(DeadLetterSQL.get, [.text(id)]) { row throws(StoreError) in
      try DeadLetterRow(row: row)
    }
  }

  func known(_ id: String, _ connection: any Connection) throws(StoreError) -> DeadLetterRow {
    guard let row = try find(id, connection) else {
      throw StoreError(
        .notFound, "There is no such dead letter.", hint: "Look it up in the list.",
        details: ["dead_letter": .string(id)])
    }
    return row
  }

  /// A letter that a step is to change, whose run may be written.
  func changeable(
    _ id: String, bytes: Int
  ) throws(StoreError) -> (DeadLetterRow, any Connection) {
    try Checks.id(id, "dead letter's id", limits)
    let connection = try transaction.writing(bytes: id.utf8.count + bytes)
    return (try changeable(id, connection), connection)
  }

  /// The same for somebody who counts by itself what is written.
  func changeable(
    _ id: String, _ connection: any Connection
  ) throws(StoreError) -> DeadLetterRow {
    let row = try known(id, connection)
    if let run = row.letter.run { try RunGuard.check(run: run, on: connection) }
    return row
  }

  /// Notes in the audit log what somebody decides about a letter.
  func audit(
    _ action: String, _ letter: DeadLetter, details: Object = [:]
  ) throws(StoreError) {
    var details = details
    details["source"] = .string(letter.source)
    try transaction.audit.record(
      AuditEntry(
        action: action, subject: "dead_letter:\(letter.id)", run: letter.run,
        details: .object(details)))
  }

  /// Something that is being done to a letter.
  func event(
    _ action: String, on row: DeadLetterRow, reason: String?, messageBefore: Value? = nil,
    task: String? = nil
  ) -> DeadLetterEvent {
    DeadLetterEvent(
      action: action, by: transaction.actor, at: row.now, reason: reason,
      retryCount: row.letter.retryCount, messageBefore: messageBefore, isMessageDropped: false,
      task: task)
  }

  /// What was done to a letter, with one event more.
  private func history(
    of row: DeadLetterRow, adding event: DeadLetterEvent
  ) -> DeadLetterHistory {
    row.history.adding(event, bytesMax: limits.deadLetterHistoryBytesMax)
  }

  /// Writes a letter's new state, with what led there, behind what else is written of it.
  func step(
    _ row: DeadLetterRow, to state: DeadLetterState, error: String? = nil,
    replayedAs task: String? = nil, behind edits: [Step] = [], _ event: DeadLetterEvent,
    _ connection: any Connection
  ) throws(StoreError) -> DeadLetter {
    let letter = row.letter
    let history = history(of: row, adding: event)
    let steps = [
      Step(
        DeadLetterSQL.step,
        [
          .text(letter.id), .text(state.status.rawValue), .integer(Int64(state.retryCount)),
          Bound(state.nextRetryAt?.microseconds), Bound(state.givenUpAt?.microseconds),
          Bound(state.resolvedAt?.microseconds), Bound(error ?? letter.error),
          Bound(task ?? letter.replayedAs), .text(history.text),
          .integer(Int64(history.dropped)),
        ]),
      Feed.event("dead_letter", .holding(run: letter.run), letter.id, event.action),
    ]
    _ = try connection.run(edits + steps)
    return try known(letter.id, connection).letter
  }

  /// When a letter is tried next by the store's back-off; `nil` where the tries are used up.
  private func next(after tries: Int, at now: Instant) -> Instant? {
    let steps: Int64 = 1 << 53
    let chance = Double(transaction.context.ids.random(in: 0...steps)) / Double(steps)
    return limits.deadLetterRetries.next(after: tries, at: now, chance: chance)
  }

  /// Checks what is saved; the text of its message.
  private func checked(_ entry: DeadLetterEntry, _ id: String) throws(StoreError) -> String {
    try Checks.id(id, "dead letter's id", limits)
    try DeadLetterSource.checkSaved(entry.source, limits)
    if let channel = entry.channel { try Checks.id(channel, "channel", limits) }
    if let thread = entry.thread { try Checks.id(thread, "thread", limits) }
    if let run = entry.run { try Checks.runID(run, limits) }
    if let error = entry.error {
      try Checks.text(error, "error", bytesMax: limits.descriptionBytesMax)
    }
    return try entry.message.json(within: limits)
  }

  /// Saves over a letter that is there.
  private func replace(
    _ old: DeadLetterRow, _ entry: DeadLetterEntry, _ message: String,
    _ connection: any Connection
  ) throws(StoreError) -> DeadLetter {
    var state = old.state
    try state.checkChangeable()
    guard old.letter.task == nil, DeadLetterSource.task(of: entry.source) == nil else {
      throw StoreError(
        .invalidState, "The letter of a task is the store's own, and is not saved over.",
        hint: "Redrive or resolve it, or save under another id.",
        details: ["dead_letter": .string(old.letter.id)])
    }
    if let next = entry.nextRetryAt { try state.reschedule(next) }
    if let run = entry.run, !Bytewise.equal(run, old.letter.run ?? "") {
      throw StoreError(
        .invalidState, "A dead letter stays with the run that it was saved under.",
        hint: "Save it under another id.", details: ["dead_letter": .string(old.letter.id)])
    }
    let isEdited = entry.message != old.letter.message
    let event = event(
      "save", on: old, reason: old.letter.error,
      messageBefore: isEdited ? old.letter.message : Value?.none)
    return try write(
      old.letter.id, entry, run: old.letter.run, message, state,
      history(of: old, adding: event), connection)
  }

  /// Writes a letter, new or over the one that is there, which stays with its run.
  private func write(
    _ id: String, _ entry: DeadLetterEntry, run: String?, _ message: String,
    _ state: DeadLetterState, _ history: DeadLetterHistory, _ connection: any Connection
  ) throws(StoreError) -> DeadLetter {
    _ = try connection.run([
      Step(
        DeadLetterSQL.save,
        [
          .text(id), .text(entry.source), Bound(DeadLetterSource.task(of: entry.source)),
          Bound(run), Bound(entry.channel), Bound(entry.thread), Bound(entry.error),
          .text(message), .text(state.status.rawValue), .integer(Int64(state.retryCount)),
          Bound(state.nextRetryAt?.microseconds), Bound(state.givenUpAt?.microseconds),
          .text(history.text), .integer(Int64(history.dropped)),
        ]),
      Feed.event("dead_letter", .holding(run: run), id, "save"),
    ])
    return try known(id, connection).letter
  }
}
