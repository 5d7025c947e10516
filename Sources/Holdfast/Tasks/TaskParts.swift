import HoldfastCore
import HoldfastEngine

extension OwnedPart {
  /// The tasks of a run go with it, those that run too: their workers' next calls are `fenced`.
  static let tasks = OwnedPart(
    remove: { transaction, owner throws(StoreError) in
      guard let run = owner.runID else { return 0 }
      return try transaction.reading().run(TaskSQL.deleteOfRun, [.text(run)])
    },
    blocksArchiving: { connection, run throws(StoreError) in
      let found = try connection.first(TaskSQL.isUnfinished, [.text(run)]) { $0.integer(0) }
      return found == nil ? String?.none : "it has unfinished tasks"
    })
}

/// What must be true of tasks and their steps, beside what the tables themselves say.
enum TaskConsistency {
  static let rules: [(Statement, String)] = [
    (resurrected, "Tasks of a deleted run"),
    (stalled, "Unfinished tasks of an archived run"),
    (future, "Tasks with a version that no transaction drew"),
    (strayed, "Steps without their task"),
  ]

  private static let resurrected = Statement(
    """
    SELECT COUNT(*)
    FROM tasks AS t
    JOIN runs AS r ON r.id = t.run
    WHERE r.status = 'deleted'
    """)

  private static let stalled = Statement(
    """
    SELECT COUNT(*)
    FROM tasks AS t
    JOIN runs AS r ON r.id = t.run
    WHERE r.status = 'archived' AND t.completed_at IS NULL
    """)

  /// The newest feed row is never removed, so no row can be newer than all of them.
  private static let future = Statement(
    """
    SELECT COUNT(*)
    FROM tasks AS t
    WHERE t.version > COALESCE((SELECT MAX(c.revision) FROM changes AS c), 0)
    """)

  private static let strayed = Statement(
    """
    SELECT COUNT(*)
    FROM task_steps AS s
    WHERE NOT EXISTS (SELECT 1 FROM tasks AS t WHERE t.id = s.task)
    """)
}
