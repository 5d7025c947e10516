import Holdfast
import HoldfastTesting
import Testing

@Suite(.timeLimit(.minutes(5))) struct CursorTests {
  private typealias List = (
    name: String, page: @Sendable (_ after: String?) async throws -> String?
  )

  private func lists(of store: Store) -> [List] {
    [
      ("runs", { try await store.runs.list(RunQuery(after: $0, limit: 1)).next }),
      ("tasks", { try await store.tasks.list(TaskQuery(after: $0, limit: 1)).next }),
      (
        "oldest tasks",
        { try await store.tasks.list(TaskQuery(order: .oldest, after: $0, limit: 1)).next }
      ),
      ("sessions", { try await store.sessions.list(SessionQuery(after: $0, limit: 1)).next }),
      ("approvals", { try await store.approvals.list(ApprovalQuery(after: $0, limit: 1)).next }),
      (
        "aged approvals",
        {
          try await store.approvals.expired(maxAge: .milliseconds(1), after: $0, limit: 1).next
        }
      ),
      ("grants", { try await store.grants.list(GrantQuery(after: $0, limit: 1)).next }),
      (
        "dead letters",
        { try await store.deadLetters.list(DeadLetterQuery(after: $0, limit: 1)).next }
      ),
      (
        "due dead letters",
        { try await store.deadLetters.retryable(after: $0, limit: 1, where: nil).next }
      ),
      ("audit", { try await store.audit.list(AuditQuery(after: $0, limit: 1)).next }),
      ("providers", { try await store.providers.list(after: $0, limit: 1).next }),
      (
        "keys by update",
        { try await store.kv(.global).list(KeyQuery(after: $0, limit: 1, order: .updated)).next }
      ),
      (
        "threads",
        { try await store.threads.list(after: $0, limit: 1).next }
      ),
    ]
  }

  private func fill(_ store: Store) async throws {
    for number in 0..<2 {
      let id = "\(number)"
      try await store.runs.begin(id)
      try await store.tasks.enqueue(draft { $0.id = id })
      try await store.sessions.save(SessionEntry(id))
      try await store.approvals.request(ApprovalRequest("open"))
      let asked = try await store.approvals.request(ApprovalRequest("pay", task: id))
      try await store.approvals.decide(asked.id, .approve, by: "ada", grant: true)
      try await store.deadLetters.save(
        DeadLetterEntry(
          id, source: "mail", message: 1, nextRetryAt: Instant(microseconds: 1)))
      try await store.providers.put("\u{301}" + id)
      try await store.kv(.global).put("\u{301}" + id, 1)
      try await store.threads.upsert(channel: "\u{301}", thread: id, sessionKey: id)
    }
  }

  /// Goal: a cursor leads on in its own list and order, and is refused in every other.
  ///
  /// Method: the cursor of each list in each list; names begin with a combining mark, which makes
  /// one character with what stands before it.
  @Test(arguments: Engines.available)
  func `a cursor is of one list and order`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      try await fill(test.store)
      time.advance(by: .seconds(1))
      let lists = lists(of: test.store)
      for list in lists {
        let cursor = try #require(try await list.page(nil), "\(list.name)")
        for other in lists {
          guard other.name != list.name else {
            _ = try await other.page(cursor)
            continue
          }
          await expectRefusal(.invalid, reason: "cursor", "\(list.name) in \(other.name)") {
            try await other.page(cursor)
          }
        }
      }
    }
  }
}
