public import HoldfastCore
import HoldfastEngine

/// Giving letters another chance.
extension DeadLettersTransaction {
  /// Redrives a letter: a message is due at once for its handler, with all its tries before it; a
  /// dead task becomes a new task that points at it, and its letter is resolved.
  ///
  /// - Parameters:
  ///   - id: The letter's identifier.
  ///   - message: What is delivered instead; the old message is kept in the history. For a task an
  ///     object, whose `parameters` the new task has. The message as it is where this is `nil`.
  ///   - reason: Why, at most 4 KiB; kept in the history.
  /// - Returns: The letter as it is now.
  /// - Throws: ``StoreError`` with `not_found` for a missing letter, and for one whose task is
  ///   gone; `invalid_state` for one that is resolved, for one whose task is no longer failed, and
  ///   under an archived run; `invalid`, `too_large`.
  @discardableResult
  public func redrive(
    _ id: String, message: Value? = nil, reason: String? = nil
  ) throws(StoreError) -> DeadLetter {
    if let reason { try Checks.text(reason, "reason", bytesMax: limits.descriptionBytesMax) }
    let text = try message.map { value throws(StoreError) in try value.json(within: limits) }
    let (row, connection) = try changeable(
      id, bytes: (text?.utf8.count ?? 0) + (reason?.utf8.count ?? 0))
    try check(row, message, connection)
    let task = try row.letter.task.map { task throws(StoreError) in
      try transaction.tasks.replay(task, parameters: message?["parameters"]).id
    }
    var state = row.state
    if task == nil { try state.redrive(at: row.now) } else { try state.resolve(at: row.now) }
    let edits = text.map { [Step(DeadLetterSQL.edit, [.text(id), .text($0)])] } ?? []
    let before = message == nil ? Value?.none : row.letter.message
    var details: Object = ["edited": .bool(message != nil)]
    if let task { details["task"] = .string(task) }
    try audit(AuditAction.deadLetterRedrive, row.letter, details: details)
    return try step(
      row, to: state, replayedAs: task, behind: edits,
      event("redrive", on: row, reason: reason, messageBefore: before, task: task), connection)
  }

  /// Refuses a redrive that cannot be, before anything is written.
  ///
  /// A task that was taken up again has gone its own way: a new task beside it would do once more
  /// what it does or has done.
  private func check(
    _ row: DeadLetterRow, _ message: Value?, _ connection: any Connection
  ) throws(StoreError) {
    try row.state.checkChangeable()
    guard let id = row.letter.task else { return }
    if let message, message["parameters"] == nil {
      throw StoreError(
        .invalid, "The message of a dead task holds its parameters.",
        hint: #"Send {"parameters":…}, or no message."#,
        details: ["field": "message", "reason": "type"])
    }
    guard let task = try transaction.tasks.get(id) else { throw TasksTransaction.missing(id) }
    guard task.status == .failed else {
      throw StoreError(
        .invalidState, "The task of this dead letter was taken up again and is not failed.",
        hint: "Resolve the letter, or wait for what becomes of the task.",
        details: [
          "dead_letter": .string(row.letter.id), "task": .string(id),
          "task_status": .string(task.status.rawValue),
        ])
    }
    // The letter's own run was looked at with the letter.
    if let run = task.run, row.letter.run.map({ Bytewise.equal($0, run) }) != true {
      try RunGuard.check(run: run, on: connection)
    }
  }

  /// Redrives several letters: all or none.
  ///
  /// - Parameters:
  ///   - ids: The letters' identifiers; one that stands twice is redriven once.
  ///   - message: What is delivered instead, for each of them.
  ///   - reason: Why, at most 4 KiB; kept in each history.
  /// - Returns: The letters as they are now, one a position.
  /// - Throws: What ``redrive(_:message:reason:)`` throws, with the position in the details.
  @discardableResult
  public func redriveMany(
    _ ids: [String], message: Value? = nil, reason: String? = nil
  ) throws(StoreError) -> [DeadLetter] {
    // Every letter is looked at before the first is changed: a body may catch the error and go on,
    // and must not find half of the batch then.
    for (place, id) in ids.enumerated() {
      try Self.naming(place) { () throws(StoreError) in
        try Checks.id(id, "dead letter's id", limits)
        // The redrive counts what it writes; this only looks.
        let connection = try transaction.writing(operations: 0, bytes: 0)
        try check(changeable(id, connection), message, connection)
      }
    }
    var redriven: [Bytewise: DeadLetter] = [:]
    var letters: [DeadLetter] = []
    for (place, id) in ids.enumerated() {
      if let letter = redriven[Bytewise(id)] {
        letters.append(letter)
        continue
      }
      let letter = try Self.naming(place) { () throws(StoreError) in
        try redrive(id, message: message, reason: reason)
      }
      redriven[Bytewise(id)] = letter
      letters.append(letter)
    }
    return letters
  }

  /// Redrives one page of the letters that a filter matches, the newest first; resolved ones, those
  /// of tasks that are no longer failed, and those of archived runs are left alone.
  ///
  /// Go on from `next` until there is none, and all that matched at the beginning are redriven. A
  /// page ends early where what is redriven comes to more than 8 MiB.
  ///
  /// - Parameters:
  ///   - query: Which letters, and how many of them.
  ///   - message: What is delivered instead, for each of them.
  ///   - reason: Why, at most 4 KiB; kept in each history.
  /// - Returns: The letters that were redriven, and where the next page begins.
  /// - Throws: What ``list(_:)`` and ``redrive(_:message:reason:)`` throw; nothing was redriven.
  @discardableResult
  public func redriveAll(
    _ query: DeadLetterQuery, message: Value? = nil, reason: String? = nil
  ) throws(StoreError) -> Page<DeadLetter> {
    try redriveAll(query, message: message, reason: reason) { _ in true }
  }

  /// The same for those letters of the page that somebody may see.
  ///
  /// - Parameters:
  ///   - query: Which letters, and how many of them.
  ///   - message: What is delivered instead, for each of them.
  ///   - reason: Why.
  ///   - isVisible: Whether a letter may be redriven.
  /// - Returns: The letters that were redriven, and where the next page begins.
  /// - Throws: What ``redriveAll(_:message:reason:)`` throws.
  package func redriveAll(
    _ query: DeadLetterQuery, message: Value?, reason: String?,
    where isVisible: (DeadLetter) -> Bool
  ) throws(StoreError) -> Page<DeadLetter> {
    let page = try list(query)
    var redriven: [DeadLetter] = []
    let bytesBefore = transaction.bytes
    for (index, letter) in page.items.enumerated()
    where letter.status != .resolved && isVisible(letter) {
      do throws(StoreError) {
        redriven.append(try redrive(letter.id, message: message, reason: reason))
      } catch {
        // The letters of an archived run stay as they are, and so do those whose task is gone or
        // was put back by hand; they keep no other from being redriven.
        guard error.code == .invalidState || error.code == .notFound else { throw error }
      }
      // A letter is small, and its task may hold 32 MiB.
      guard transaction.bytes - bytesBefore >= limits.pageBytesMax, index < page.items.count - 1
      else { continue }
      return Page(items: redriven, next: try place(of: letter)?.token)
    }
    return Page(items: redriven, next: page.next)
  }

  /// The place of a letter in its list.
  private func place(of letter: DeadLetter) throws(StoreError) -> TimePlace? {
    try find(letter.id, transaction.reading()).map {
      TimePlace(.deadLetters, time: letter.createdAt.microseconds, number: $0.number)
    }
  }

  private static func naming<Result>(
    _ place: Int, _ body: () throws(StoreError) -> Result
  ) throws(StoreError) -> Result {
    do throws(StoreError) {
      return try body()
    } catch {
      throw error.adding("index", .integer(Int64(place)))
    }
  }
}

/// What goes with a run.
extension DeadLettersTransaction {
  /// The letters go with their run; a bot has none.
  static let owned = OwnedPart { transaction, owner throws(StoreError) in
    guard let run = owner.runID else { return 0 }
    return try transaction.reading().run(DeadLetterSQL.removeOfRun, [.text(run)])
  }
}
