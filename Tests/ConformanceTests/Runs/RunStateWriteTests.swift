import Holdfast
import HoldfastTesting
import Testing

@Suite(.timeLimit(.minutes(5))) struct RunStateWriteTests {
  /// Goal: whatever names a run may be written while it is paused and after it has finished.
  ///
  /// Method: files, sessions, letters, tasks and approvals in each such state; the run stays in it.
  @Test(arguments: Engines.available)
  func `a paused or finished run may be written`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let store = test.store
      let states: [(RunEvent, RunStatus)] = [
        (.pause, .paused), (.complete, .completed), (.fail, .failed), (.cancel, .cancelled),
      ]
      for (event, status) in states {
        let id = status.rawValue
        try await store.runs.begin(id)
        try await store.files(.run(id)).save("f", [1])
        try await store.runs.apply(event, to: id)
        try await store.files(.run(id)).save("f", [2])
        #expect(try await store.files(.run(id)).read("f") == [2])
        try await store.sessions.save(SessionEntry(id, run: id))
        try await store.sessions.append([["n": 1]], to: id)
        #expect(try await store.sessions.items(of: id).items.count == 1)
        try await store.deadLetters.save(
          DeadLetterEntry(id, source: "mail", message: 1, run: id))
        try await store.deadLetters.resolve(id)
        #expect(try await store.deadLetters.get(id)?.run == id)
        try await store.tasks.save(
          draft {
            $0.id = id
            $0.run = id
          }, status: .failed)
        #expect(try await store.tasks.updateStatus(id, to: .pending).status == .pending)
        try await store.approvals.request(ApprovalRequest("a", run: id, id: id))
        #expect(try await store.approvals.decide(id, .deny).run == id)
        #expect(try await store.runs.get(id)?.status == status)
      }
    }
  }

  /// Goal: a failed task of an archived run is not taken up again by the plain way either.
  ///
  /// Method: both ways to set it pending; the feed stays silent, and the task as it was.
  @Test(arguments: Engines.available)
  func `a task of an archived run stays failed`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let store = test.store
      let work = draft {
        $0.id = "t"
        $0.run = "42"
      }
      try await store.runs.begin("42")
      try await store.tasks.save(work, status: .failed, error: "no answer")
      try await store.runs.apply(.complete, to: "42")
      try await store.runs.apply(.archive, to: "42")
      let before = try await store.tasks.get("t")
      let events = try await store.changes.made { () async throws in
        await expectRefusal(.invalidState) {
          try await store.tasks.updateStatus("t", to: .pending)
        }
        await expectRefusal(.invalidState) { try await store.tasks.save(work, status: .pending) }
      }
      #expect(events.isEmpty)
      #expect(before?.status == .failed)
      #expect(try await store.tasks.get("t") == before)
    }
  }
}
