import Holdfast
import HoldfastTesting
import Testing

@Suite(.timeLimit(.minutes(5))) struct TaskFeedTests {
  /// Goal: every change of a task's state enters the feed once, under the run's namespace, with its
  /// own verb; heartbeats, progress and what is refused enter nothing.
  ///
  /// Method: a task is led through every step; each call is looked at by itself.
  @Test(arguments: Engines.available)
  func `every change of a task is in the feed`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let store = test.store
      let tasks = store.tasks
      func verbs(_ work: () async throws -> Void) async throws -> [String] {
        let cursor = try await store.changes.cursor()
        try await work()
        let events = try await store.changes.all(since: cursor).filter { $0.kind == "task" }
        #expect(events.allSatisfy { $0.namespace == "run:r" && $0.subject == "t" })
        return events.map(\.operation)
      }
      func claim() async throws -> Int64 {
        try await tasks.claim(lease: .seconds(10)).first?.token ?? 0
      }
      var draft = TaskDraft("work", run: "r")
      draft.id = "t"
      draft.maxAttempts = 9
      let task = draft
      #expect(try await verbs { try await tasks.enqueue(task) } == ["enqueue"])
      var token: Int64 = 0
      #expect(try await verbs { token = try await claim() } == ["claim"])
      let held = token
      let quiet = try await verbs {
        try await tasks.heartbeat("t", token: held)
        try await tasks.progress("t", 1, token: held)
        await expectRefusal(.fenced) { try await tasks.complete("t", token: held + 1) }
        await expectRefusal(.invalidState) { try await tasks.requeue("t") }
      }
      #expect(quiet.isEmpty)
      #expect(try await verbs { try await tasks.release("t", token: held) } == ["release"])
      token = try await claim()
      let second = token
      let retried = try await verbs {
        try await tasks.fail("t", error: "no", retry: .after(.zero), token: second)
      }
      #expect(retried == ["retry"])
      token = try await claim()
      time.advance(by: .seconds(10))
      let recovered = try await verbs {
        try await store.transaction { tx in _ = try tx.tasks.recoverExpired(limit: 9) }
      }
      #expect(recovered == ["recover"])
      #expect(try await verbs { try await tasks.cancel("t") } == ["cancel"])
      #expect(try await verbs { try await tasks.requeue("t") } == ["requeue"])
      let moves: [(TaskStatus, String)] = [
        (.running, "start"), (.waiting, "wait"), (.pending, "resume"), (.running, "start"),
        (.completed, "complete"),
      ]
      for (status, verb) in moves {
        #expect(try await verbs { try await tasks.updateStatus("t", to: status) } == [verb])
      }
    }
  }
}
