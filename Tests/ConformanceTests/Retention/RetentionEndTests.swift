import Holdfast
import HoldfastTesting
import Testing

@Suite(.timeLimit(.minutes(5))) struct RetentionEndTests {
  private static let day = Duration.seconds(86_400)
  private static let kinds: Set<RetentionKind> = [
    .tasks, .sessions, .threads, .deadLetters, .approvals,
  ]

  /// One of each kind, none of which is at its end.
  private static func begin(_ store: Store) async throws {
    var draft = TaskDraft("work")
    draft.id = "task"
    try await store.tasks.save(draft)
    try await store.sessions.save(SessionEntry("session"))
    try await store.threads.upsert(channel: "c", thread: "t", sessionKey: "none")
    try await store.deadLetters.save(DeadLetterEntry("letter", source: "mail", message: "m"))
    try await store.approvals.request(ApprovalRequest("pay", ttl: day * 90, id: "approval"))
  }

  /// The last that happens to each of them.
  private static func end(_ store: Store) async throws {
    try await store.tasks.updateStatus("task", to: .running)
    try await store.tasks.complete("task")
    try await store.sessions.touch("session")
    try await store.threads.touch(channel: "c", thread: "t")
    try await store.deadLetters.resolve("letter")
    try await store.approvals.decide("approval", .deny)
  }

  /// What a run removes of those kinds.
  private static func removed(from store: Store) async throws -> [RetentionKind: Int] {
    try await store.retention.run().counts.filter { kinds.contains($0.key) && $0.value > 0 }
  }

  /// Goal: how long a record is kept counts from its end or its last use, not from its beginning.
  ///
  /// Method: records that are two months old come to their end on one day; runs on that day, when
  /// the time of each kind is just full, and a microsecond later.
  @Test(arguments: Engines.available)
  func `a record is kept from its end on`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      try await Self.begin(test.store)
      time.advance(by: Self.day * 60)
      try await Self.end(test.store)
      let ended = time.monotonicTime()
      #expect(try await Self.removed(from: test.store).isEmpty)
      let kept: [(Duration, [RetentionKind: Int])] = [
        (Self.day, [.sessions: 1, .deadLetters: 1]), (Self.day * 7, [.tasks: 1, .threads: 1]),
        (Self.day * 30, [.approvals: 1]),
      ]
      for (age, expected) in kept {
        time.advance(by: ended + age - time.monotonicTime())
        #expect(try await Self.removed(from: test.store).isEmpty, "\(age)")
        time.advance(by: .microseconds(1))
        #expect(try await Self.removed(from: test.store) == expected, "\(age)")
      }
    }
  }

  /// Goal: a conversation is kept from its last item on, however old it is.
  ///
  /// Method: two conversations of one day, to one of which an item is added two months later, under
  /// a policy of thirty days; runs a day later, when that time is just full, and a microsecond
  /// later.
  @Test(arguments: Engines.available)
  func `a conversation is kept from its last item on`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let (sessions, retention) = (test.store.sessions, test.store.retention)
      try await retention.setPolicy(
        RetentionPolicy(keepFor: Self.day * 30), for: RetentionScope(.conversations))
      for id in ["left", "used"] {
        try await sessions.save(SessionEntry(id))
        try await sessions.append([["text": "hello"]], to: id)
      }
      time.advance(by: Self.day * 60)
      try await sessions.append([["text": "again"]], to: "used")
      time.advance(by: Self.day)
      #expect(try await retention.run().counts[.conversations] == 1)
      #expect(try await sessions.list().items.map(\.id) == ["used"])
      time.advance(by: Self.day * 29)
      #expect(try await retention.run().counts[.conversations] == 0)
      #expect(try await sessions.count("used") == 2)
      time.advance(by: .microseconds(1))
      #expect(try await retention.run().counts[.conversations] == 1)
      #expect(try await sessions.get("used") == nil)
    }
  }
}
