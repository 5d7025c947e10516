import HoldfastCore
import HoldfastEngine

extension RetentionPart {
  /// What is walked row by row, in this order: what refers to something else goes before that.
  static let all = [letters, tasks, approvals, grants, threads, sessions, conversations]

  private static let start: [Bound] = [.integer(.min), .integer(.min)]
  private static let end: [Bound] = [.integer(.max), .integer(.max)]

  private static let tasks = RetentionPart(
    kind: .tasks, first: start, last: end, oldest: RetentionSQL.oldTasks,
    newest: RetentionSQL.newTasks
  ) { row in
    [Step(RetentionSQL.removeTask, [row.place[1]]), event("task", row)]
  }

  private static let approvals = RetentionPart(
    kind: .approvals, first: start, last: end, oldest: RetentionSQL.oldApprovals,
    newest: RetentionSQL.newApprovals
  ) { row in
    [Step(RetentionSQL.removeApproval, [row.place[1]]), event("approval", row)]
  }

  private static let grants = RetentionPart(
    kind: .grants, first: start, last: end, oldest: RetentionSQL.oldGrants,
    newest: RetentionSQL.newGrants
  ) { row in
    [Step(RetentionSQL.removeGrant, [row.place[1]]), event("grant", row)]
  }

  private static let letters = RetentionPart(
    kind: .deadLetters, first: start, last: end, oldest: RetentionSQL.oldLetters,
    newest: RetentionSQL.newLetters
  ) { row in
    [Step(RetentionSQL.removeLetter, [row.place[1]]), event("dead_letter", row)]
  }

  private static let threads = RetentionPart(
    kind: .threads, first: [.integer(.min), .text(""), .text("")],
    last: [.integer(.max), .text(""), .text("")], oldest: RetentionSQL.oldThreads,
    newest: RetentionSQL.newThreads
  ) { row in
    guard let channel = row.place[1].text, let thread = row.place[2].text else { return [] }
    return [
      Step(ThreadSQL.delete, [.text(channel), .text(thread)]),
      ThreadsTransaction.event(channel, thread, "expired"),
    ]
  }

  private static let sessions = RetentionPart(
    kind: .sessions, first: start, last: end, oldest: RetentionSQL.oldSessions,
    newest: RetentionSQL.newSessions, removal: removeSession)

  private static let conversations = RetentionPart(
    kind: .conversations, first: start, last: end, oldest: RetentionSQL.oldConversations,
    newest: RetentionSQL.newSessions, removal: removeSession)

  /// A session leaves its items to upkeep, so that one with a million of them is one step too.
  private static let removeSession: @Sendable (RetainedRow) -> [Step] = { row in
    guard let number = row.place[1].integer else { return [] }
    let steps = [Step(RetentionSQL.removeSession, [.integer(number)]), event("session", row)]
    guard let next = row.extra.first?.integer, next > 1 else { return steps }
    return [SessionSweeper.laterStep(number, below: next)] + steps
  }

  private static func event(_ kind: String, _ row: RetainedRow) -> Step {
    Feed.event(kind, .holding(run: row.run), row.id, "expired")
  }
}
