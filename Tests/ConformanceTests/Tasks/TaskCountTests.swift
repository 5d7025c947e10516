import Holdfast
import HoldfastTesting
import Testing

@Suite(.timeLimit(.minutes(5))) struct TaskCountTests {
  /// Goal: the id of a task that leads to an earlier one of its batch is nobody's, and so never
  /// taken.
  ///
  /// Method: batches whose second task has the first one's unique key, and an id that a task has
  /// already, or that the first has; then one whose ids are asked for in earnest.
  @Test(arguments: Engines.available)
  func `only the ids of new tasks are checked`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let tasks = test.store.tasks
      try await tasks.enqueue(draft { $0.id = "taken" })
      func twin(_ id: String, _ key: String) -> TaskDraft {
        draft {
          $0.id = id
          $0.uniqueKey = key
        }
      }
      let made = try await tasks.enqueueMany([twin("a", "k"), twin("taken", "k"), twin("a", "k")])
      #expect(made.map(\.task.id) == ["a", "a", "a"])
      #expect(made.map(\.isNew) == [true, false, false])
      for batch in [[twin("b", "l"), twin("taken", "m")], [twin("b", "l"), twin("b", "m")]] {
        let error = await expectRefusal(.conflict) { try await tasks.enqueueMany(batch) }
        #expect(error?.details["index"] == 1)
      }
      #expect(try await tasks.list().items.count == 2)
    }
  }

  /// Goal: a call counts once towards what a transaction may hold.
  ///
  /// Method: what a transaction has come to after a save over a task and after a batch of redrives,
  /// each of which is a write and an audit record.
  @Test(arguments: Engines.available)
  func `a save and a redrive are counted once`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let store = test.store
      try await store.tasks.enqueue(draft { $0.id = "t" })
      let saved = try await store.transaction { tx in
        try tx.tasks.save(draft { $0.id = "t" }, status: .running)
        return tx.operations
      }
      #expect(saved == 1)
      let new = try await store.transaction { tx in
        try tx.tasks.save(draft { $0.id = "u" }, status: .running)
        return tx.operations
      }
      #expect(new == 1)
      let ids = (0..<5).map { "\($0)" }
      for id in ids {
        try await store.deadLetters.save(DeadLetterEntry(id, source: "mail", message: 1))
      }
      let redriven = try await store.transaction { tx in
        try tx.deadLetters.redriveMany(ids)
        return tx.operations
      }
      #expect(redriven == 2 * ids.count)
    }
  }

  /// Goal: a slice of upkeep stays small where each lost lease leaves a dead letter.
  ///
  /// Method: more tasks than a slice takes, all with their last attempt lost; slices to the end.
  @Test(arguments: Engines.available)
  func `a slice takes back few leases`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let store = test.store
      try await store.tasks.enqueueMany((0..<45).map { _ in draft { $0.maxAttempts = 1 } })
      #expect(try await store.tasks.claim(limit: 45, lease: .seconds(1)).count == 45)
      time.advance(by: .seconds(2))
      let upkeep = Upkeep(store: store)
      for count in [20, 20, 5, 0] { #expect(try await upkeep.slice() == count) }
      let query = DeadLetterQuery(source: "task")
      #expect(try await store.deadLetters.list(query).items.count == 45)
    }
  }
}
