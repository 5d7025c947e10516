import Holdfast
import HoldfastEngine
import HoldfastTesting
import Testing

@Suite(.timeLimit(.minutes(5))) struct RunDataTests {
  /// A write, with its name for the message of a failure.
  private struct Write {
    let name: String
    let call: @Sendable () async throws -> Void

    init(_ name: String, _ call: @escaping @Sendable () async throws -> Void) {
      self.name = name
      self.call = call
    }
  }

  /// Every way to write under a run, in its namespace and below.
  private func writes(_ store: Store, _ id: String) throws -> [Write] {
    let below = try Namespace(segments: ["run", id, "sub"])
    return writes(store, in: .run(id)) + writes(store, in: below)
  }

  private func writes(_ store: Store, in place: Namespace) -> [Write] {
    let kv = store.kv(place)
    var writes: [Write] = []
    writes.append(Write("put") { try await kv.put("k", 1) })
    writes.append(Write("absent") { try await kv.put("fresh", 1, if: .absent) })
    writes.append(Write("version") { try await kv.put("k", 1, if: .version(1)) })
    writes.append(Write("value") { try await kv.put("k", 1, if: .value("value")) })
    writes.append(Write("putMany") { try await kv.putMany([Put("k", 1)]) })
    writes.append(Write("increment") { try await kv.increment("n") })
    writes.append(Write("delete") { try await kv.delete("k") })
    writes.append(Write("deleteMany") { try await kv.deleteMany(["k", "n"]) })
    writes.append(Write("expire") { try await kv.expire("k", after: .seconds(1)) })
    writes.append(Write("clear") { try await kv.clear() })
    writes.append(Write("clear below") { try await kv.clear(below: true) })
    writes.append(
      Write("transaction") {
        try await store.transaction { tx in _ = try tx.kv(place).put("k", 1) }
      })
    writes.append(
      Write("idempotent") { try await kv.put("k", 1, with: .idempotent("late-\(place)")) })
    return writes
  }

  /// Goal: paused and finished runs, and ones never begun, may be written; an archived one may not,
  /// by whatever way, and stays readable.
  ///
  /// Method: every write at every state; under the archived one the feed stays silent.
  @Test(arguments: Engines.available)
  func `an archived run cannot be written and stays readable`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let store = test.store
      let kv = store.kv(.run("42"))
      try await kv.put("k", "before it began")
      try await store.runs.begin("42")
      for event: RunEvent in [.pause, .resume, .complete] {
        try await store.runs.apply(event, to: "42")
        try await kv.put("k", "value")
      }
      try await store.kv(Namespace("run:42:sub")).put("k", "value")
      try await kv.put("n", 1)
      try await store.runs.apply(.archive, to: "42")
      let entry = try await kv.getEntry("k")
      let events = try await store.changes.made { () async throws in
        for write in try writes(store, "42") {
          let error = await refusal(write.call)
          #expect(error?.code == .invalidState, "\(write.name)")
        }
        await expectRefusal(.invalidState) { try await store.runs.update("42", tags: ["x"]) }
        await expectRefusal(.conflict) { try await store.runs.begin("42") }
      }
      #expect(events.isEmpty)
      #expect(try await kv.getEntry("k") == entry)
      #expect(try await kv.list().items.map(\.key) == ["k", "n"])
      #expect(try await store.runs.get("42")?.status == .archived)
      #expect(try await store.runs.list().items.isEmpty)
      #expect(try await store.runs.list(RunQuery(status: .archived)).items.count == 1)
    }
  }

  /// Goal: a deleted run takes all under it out of sight in one transaction, with one event, and
  /// leaves its neighbours, its children and the bots.
  ///
  /// Method: keys under the run, below it and beside it, and a child; what each read shows before
  /// and after, also after a restart.
  @Test(arguments: Engines.available)
  func `a deleted run takes all under it out of sight`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      var store = test.store
      try await store.runs.begin("42", tags: ["x"], metadata: ["secret": 1])
      let child = try await store.runs.begin("43", parent: "42")
      for name in ["run:42", "run:42:a", "run:42:a:b", "run:420", "run:4", "bot:42"] {
        try await store.kv(Namespace(name)).put("k", 1)
      }
      let cursor = try await store.changes.cursor()
      try await store.runs.delete("42")
      let events = try await store.changes.all(since: cursor)
      #expect(events.map(\.summary) == ["delete 42"] && events.map(\.below) == [true])
      for restarts in [false, true] {
        if restarts { store = try await test.restart() }
        #expect(try await store.runs.get("42") == nil)
        #expect(try await store.runs.list(RunQuery(includesArchived: true)).items == [child])
        #expect(try await store.runs.list(RunQuery(tag: "x")).items.isEmpty)
        #expect(try await store.runs.counts()[.active] == 1)
        #expect(try await store.runs.list(RunQuery(parent: "42")).items == [child])
        for name in ["run:42", "run:42:a", "run:42:a:b"] {
          let kv = store.kv(try Namespace(name))
          #expect(try await kv.get("k") == nil)
          #expect(try await kv.count() == 0)
          #expect(try await kv.list().items.isEmpty)
          #expect(try await kv.getMany(["k"]) == [nil])
        }
        let names = try await store.namespaces.list().items.map(\.namespace.text)
        #expect(names == ["bot:42", "run:420", "run:4"])
      }
    }
  }

  /// Goal: a deleted run never comes back: beginning or writing the id again is `invalid_state` for
  /// ever, whatever upkeep has done meanwhile, and so is deleting it again.
  ///
  /// Method: every write, before and after the sweep, on this and on another node, after a restart.
  @Test(arguments: Engines.available)
  func `a deleted run never comes back`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      try await test.store.runs.begin("42")
      try await test.store.kv(.run("42")).put("k", "value")
      try await test.store.runs.delete("42")
      let upkeep = Upkeep(store: test.store)
      for round in 0..<3 {
        if round == 1 { while try await upkeep.slice() > 0 {} }
        if round == 2 { try await test.restart() }
        let nodes = [test.store, try await test.openAnother()]
        for store in nodes {
          let events = try await store.changes.made { () async throws in
            for write in try writes(store, "42") {
              let error = await refusal(write.call)
              // What finds no key may say so; what would write must not.
              let codes: [StoreError.Code?] =
                write.name == "expire" ? [.invalidState, .notFound] : [.invalidState]
              #expect(codes.contains(error?.code), "\(write.name) in round \(round)")
            }
            await expectRefusal(.invalidState) { try await store.runs.begin("42") }
            await expectRefusal(.invalidState) { try await store.runs.delete("42") }
            await expectRefusal(.invalidState) { try await store.runs.update("42", tags: ["x"]) }
            for event in RunEvent.allCases {
              await expectRefusal(.invalidState) { try await store.runs.apply(event, to: "42") }
            }
            await expectRefusal(.notFound) { try await store.runs.begin("43", parent: "42") }
          }
          #expect(events.isEmpty)
          #expect(try await store.kv(.run("42")).count() == 0)
          #expect(try await store.runs.get("42") == nil)
        }
      }
    }
  }

  /// Goal: a run never begun may be deleted if it has data, and then never begins.
  ///
  /// Method: keys under an id alone, deleted; and an id without any.
  @Test(arguments: Engines.available)
  func `a run never begun may be deleted with its data`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let store = test.store
      try await store.kv(Namespace("run:42:notes")).put("k", 1)
      try await store.runs.delete("42")
      #expect(try await store.kv(Namespace("run:42:notes")).count() == 0)
      await expectRefusal(.invalidState) { try await store.runs.begin("42") }
      await expectRefusal(.invalidState) { try await store.kv(.run("42")).put("k", 1) }
      await expectRefusal(.notFound) { try await store.runs.delete("43") }
      try await store.runs.begin("43")
      #expect(try await store.runs.counts()[.active] == 1)
    }
  }

  /// Goal: runs in every state may be deleted, the archived one too.
  ///
  /// Method: leads a run to each state and deletes it; one row of it stays, with nothing it held.
  @Test(arguments: Engines.available)
  func `a run may be deleted from every state`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let runs = test.store.runs
      for event in [nil, RunEvent.pause, .complete, .fail, .cancel, .archive] {
        let id = "run-\(event?.rawValue ?? "active")"
        try await runs.begin(id, tags: ["t"], metadata: ["secret": 1])
        if let event { try await runs.apply(event, to: id, error: "e") }
        try await runs.delete(id)
        #expect(try await runs.get(id) == nil)
      }
      #expect(try await runs.counts().values.allSatisfy { $0 == 0 })
      let rows = try await test.store.engine.read(
        Step(
          Statement(
            """
            SELECT COUNT(*)
            FROM runs
            WHERE status = 'deleted' AND deleted_at IS NOT NULL AND metadata = '{}'
              AND tags = '[]' AND error IS NULL
            """)))
      #expect(rows.rows == [[.integer(6)]])
    }
  }

  /// Goal: upkeep removes what a deleted run left, in slices, and says nothing more.
  ///
  /// Method: many keys under a run; deletes it, sweeps, and looks at the tables.
  @Test(arguments: Engines.available)
  func `upkeep removes what a deleted run left`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let store = test.store
      try await store.runs.begin("42")
      try await store.kv(.run("42")).putMany((0..<1_100).map { Put("k\($0)", 1) })
      try await store.kv(Namespace("run:42:a")).putMany((0..<20).map { Put("k\($0)", 1) })
      try await store.runs.delete("42")
      let upkeep = Upkeep(store: store)
      let events = try await store.changes.made {
        while try await upkeep.slice() > 0 {}
      }
      #expect(events.isEmpty)
      let rows = try await store.engine.read(
        Step(Statement("SELECT (SELECT COUNT(*) FROM kv) + (SELECT COUNT(*) FROM namespaces)")))
      #expect(rows.rows == [[.integer(0)]])
    }
  }

  /// Goal: who writes while a run is deleted either wrote before and is gone with it, or is
  /// refused.
  ///
  /// Method: writers and one deletion at once, over two nodes; afterwards nothing is there, and no
  /// write came after the deletion in the feed.
  @Test(arguments: Engines.available)
  func `no late writer brings a deleted run back`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let nodes = [test.store, try await test.openAnother()]
      for round in 0..<5 {
        let id = "run-\(round)"
        try await test.store.runs.begin(id)
        try await test.store.kv(.run(id)).put("first", 1)
        let cursor = try await test.store.changes.cursor()
        try await withThrowingTaskGroup(of: Void.self) { group in
          for task in 0..<6 {
            group.addTask {
              for number in 0..<6 {
                let kv = nodes[task % 2].kv(try Namespace("run:\(id):\(number % 3)"))
                let error = await refusal { try await kv.put("k\(task)-\(number)", 1) }
                #expect(error == nil || error?.code == .invalidState)
              }
            }
          }
          group.addTask { try await nodes[round % 2].runs.delete(id) }
          try await group.waitForAll()
        }
        let events = try await test.store.changes.all(since: cursor)
        #expect(events.last?.operation == "delete", "round \(round)")
        #expect(try await test.store.namespaces.list().items.isEmpty)
      }
    }
  }

  /// Goal: nothing of a deleted run's namespaces stays: neither for verify nor in the way of a
  /// clear above.
  ///
  /// Method: one run whose only key was deleted, one whose only key has expired and was not swept.
  @Test(arguments: Engines.available)
  func `a deleted run leaves no namespace`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let store = test.store
      for id in ["emptied", "expired"] { try await store.runs.begin(id) }
      try await store.kv(.run("emptied")).put("k", 1)
      try await store.kv(.run("emptied")).delete("k")
      try await store.kv(.run("expired")).put("k", 1, ttl: .seconds(1))
      time.advance(by: .seconds(2))
      for id in ["emptied", "expired"] { try await store.runs.delete(id) }
      #expect(try await store.verify().problems.isEmpty)
      let events = try await store.changes.made { () async throws in try await store.sweep() }
      #expect(events.isEmpty)
      try await store.kv(Namespace("run:other")).put("k", 1)
      #expect(try await store.kv(Namespace("run")).clear(below: true) == 1)
    }
  }

  /// Goal: deleting a run of which only the numbers of deleted files are left is a deletion.
  @Test(arguments: Engines.available)
  func `the numbers of deleted files go with their run`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let store = test.store
      try await store.files(.run("x")).save("f", [1])
      try await store.files(.run("x")).delete("f")
      try await store.runs.delete("x")
      await expectRefusal(.invalidState) { try await store.files(.run("x")).save("f", [2]) }
    }
  }

  /// Goal: tags count as what they are: a row each.
  @Test(arguments: Engines.available)
  func `tags count towards the limit of a transaction`(on engine: TestEngine) async throws {
    var options = StoreOptions.testing()
    options.limits.transactionOperationsMax = 10
    try await withStore(on: engine, options: options) { test in
      let tags = (0..<10).map { "t\($0)" }
      await expectRefusal(.tooLarge) { try await test.store.runs.begin("a", tags: tags) }
      try await test.store.runs.begin("a", tags: Array(tags.dropLast()))
      await expectRefusal(.tooLarge) { try await test.store.runs.update("a", tags: tags) }
    }
  }
}
