import Holdfast
import HoldfastTesting
import Testing

@Suite(.timeLimit(.minutes(5))) struct RunTests {
  /// Goal: a run begins active, with what it was given; an id is made where none is given.
  ///
  /// Method: begins with everything and with nothing; reads back before and after a restart.
  @Test(arguments: Engines.available)
  func `a run begins active with what it was given`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    let options = StoreOptions.testing(time: time, ids: SeededIDSource(seed: 7))
    try await withStore(on: engine, options: options) { test in
      let runs = test.store.runs
      let parent = try await runs.begin()
      #expect(parent.id.utf8.count == 36)
      #expect(parent.tags.isEmpty && parent.metadata == [:] && parent.parent == nil)
      time.advance(by: .seconds(1))
      let run = try await runs.begin(
        "run: 42/é", parent: parent.id, tags: ["b", "a", "b"], metadata: ["k": [1, nil]])
      #expect(run.id == "run: 42/é" && run.status == .active && run.parent == parent.id)
      #expect(run.tags == ["b", "a"] && run.metadata == ["k": [1, nil]])
      #expect(run.error == nil && run.completedAt == nil)
      #expect(run.createdAt == time.wallTime() && run.updatedAt == run.createdAt)
      #expect(run.version > parent.version)
      #expect(try await runs.get("run: 42/é") == run)
      #expect(try await test.restart().runs.get("run: 42/é") == run)
      #expect(try await test.store.runs.get("missing") == nil)
    }
  }

  /// Goal: a duplicate is a `conflict`, an unknown parent `not_found`, and bad arguments `invalid`.
  ///
  /// Method: each of them; nothing may be left behind.
  @Test(arguments: Engines.available)
  func `a run that cannot begin leaves nothing`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let runs = test.store.runs
      let run = try await runs.begin("42", tags: ["x"])
      let events = try await test.store.changes.made { () async throws in
        await expectRefusal(.conflict) { try await runs.begin("42", tags: ["y"]) }
        await expectRefusal(.notFound) { try await runs.begin("43", parent: "missing") }
        await expectRefusal(.notFound) { try await runs.begin("43", parent: "43") }
        for id in ["", ".", "..", "a\u{0}", String(repeating: "i", count: 257)] {
          await expectRefusal(.invalid) { try await runs.begin(id) }
          await expectRefusal(.invalid) { try await runs.get(id) }
          await expectRefusal(.invalid) { try await runs.begin("43", tags: ["fine", id]) }
          await expectRefusal(.invalid) { try await runs.apply(.complete, to: id) }
          await expectRefusal(.invalid) { try await runs.delete(id) }
          let parent = await refusal { try await runs.begin("43", parent: id) }
          #expect([.invalid, .notFound].contains(parent?.code))
        }
        for metadata: Value in [nil, 1, "text", []] {
          await expectRefusal(.invalid) { try await runs.begin("43", metadata: metadata) }
          await expectRefusal(.invalid) { try await runs.update("42", metadata: metadata) }
        }
        await expectRefusal(.notFound) { try await runs.update("missing", tags: []) }
        await expectRefusal(.notFound) { try await runs.apply(.pause, to: "missing") }
        await expectRefusal(.notFound) { try await runs.delete("missing") }
        await expectRefusal(.invalid) {
          try await runs.apply(.fail, to: "42", error: "bad\u{0}")
        }
      }
      #expect(events.isEmpty)
      #expect(try await runs.list().items == [run])
      #expect(try await runs.list(RunQuery(tag: "y")).items.isEmpty)
    }
  }

  /// Goal: the whole table of states: every step that is allowed leads where it should, every other
  /// is `invalid_state` and changes nothing; finishing sets `completed`.
  ///
  /// Method: every event at every state, on a fresh run that was led there.
  @Test(arguments: Engines.available)
  func `every step of a run is allowed or refused as the table says`(
    on engine: TestEngine
  ) async throws {
    let ways: [RunStatus: [RunEvent]] = [
      .active: [], .paused: [.pause], .completed: [.complete], .failed: [.fail],
      .cancelled: [.cancel], .archived: [.archive],
    ]
    let allowed: [RunStatus: [RunEvent: RunStatus]] = [
      .active: [
        .complete: .completed, .fail: .failed, .cancel: .cancelled, .pause: .paused,
        .archive: .archived,
      ],
      .paused: [.resume: .active, .cancel: .cancelled, .archive: .archived],
      .completed: [.archive: .archived], .failed: [.archive: .archived],
      .cancelled: [.archive: .archived], .archived: [:],
    ]
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let runs = test.store.runs
      for status in RunStatus.allCases {
        for event in RunEvent.allCases {
          let id = "\(status)-\(event)"
          try await runs.begin(id)
          for step in ways[status] ?? [] { try await runs.apply(step, to: id) }
          let before = try #require(try await runs.get(id))
          #expect(before.status == status)
          time.advance(by: .seconds(1))
          if let next = allowed[status]?[event] {
            let after = try await runs.apply(event, to: id)
            #expect(after.status == next, "\(id)")
            #expect(after.version > before.version && after.updatedAt == time.wallTime())
            #expect(after.createdAt == before.createdAt)
            let finished: Instant? = next.isFinished ? time.wallTime() : before.completedAt
            #expect(after.completedAt == finished, "\(id)")
            #expect(try await runs.get(id) == after)
          } else {
            await expectRefusal(.invalidState, "\(id)") { try await runs.apply(event, to: id) }
            #expect(try await runs.get(id) == before)
          }
        }
      }
    }
  }

  /// Goal: a failed run keeps its error, also when it is archived.
  ///
  /// Method: fails with an error, archives; errors given with other steps are not kept.
  @Test(arguments: Engines.available)
  func `a failed run keeps its error`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let runs = test.store.runs
      try await runs.begin("42")
      try await runs.apply(.pause, to: "42", error: "not kept")
      #expect(try await runs.apply(.resume, to: "42").error == nil)
      #expect(try await runs.apply(.fail, to: "42", error: "no money").error == "no money")
      let archived = try await runs.apply(.archive, to: "42")
      #expect(archived.error == "no money" && archived.completedAt != nil)
      try await runs.begin("43")
      #expect(try await runs.apply(.fail, to: "43").error == nil)
    }
  }

  /// Goal: tags and metadata are replaced, what is left out stays, and lists by tag follow.
  ///
  /// Method: updates one, the other, and both.
  @Test(arguments: Engines.available)
  func `an update replaces what it names`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let runs = test.store.runs
      try await runs.begin("42", tags: ["a", "b"], metadata: ["m": 1])
      let tagged = try await runs.update("42", tags: ["b", "c"])
      #expect(tagged.tags == ["b", "c"] && tagged.metadata == ["m": 1])
      let noted = try await runs.update("42", metadata: ["n": 2])
      #expect(noted.tags == ["b", "c"] && noted.metadata == ["n": 2])
      #expect(noted.version > tagged.version)
      for (tag, count) in [("a", 0), ("b", 1), ("c", 1)] {
        #expect(try await runs.list(RunQuery(tag: tag)).items.count == count)
      }
      #expect(try await runs.update("42", tags: []).tags.isEmpty)
      #expect(try await runs.list(RunQuery(tag: "b")).items.isEmpty)
    }
  }

  /// Goal: runs are listed by status, tag, parent and time, newest first, archived ones only when
  /// asked for, in pages; and counted by status.
  ///
  /// Method: runs of every kind, several in one microsecond; every query against a filter over an
  /// array, in pages of every size.
  @Test(arguments: Engines.available)
  func `runs are listed by status tag parent and time`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let runs = test.store.runs
      try await runs.begin("root")
      var all: [Run] = []
      for number in 0..<18 {
        if number % 3 == 0 { time.advance(by: .seconds(1)) }
        let tags = ["even", "third", "all"].filter {
          $0 == "all" || ($0 == "even" && number % 2 == 0) || ($0 == "third" && number % 3 == 0)
        }
        let id = "run-\(number)"
        try await runs.begin(id, parent: number < 9 ? "root" : nil, tags: tags)
        if number % 4 == 1 { try await runs.apply(.complete, to: id) }
        if number % 4 == 2 { try await runs.apply(.archive, to: id) }
        if number % 4 == 3 { try await runs.apply(.pause, to: id) }
        all.insert(try #require(try await runs.get(id)), at: 0)
      }
      all.append(try #require(try await runs.get("root")))
      let middle = all[9].createdAt
      let queries =
        RunStatus.allCases.map { RunQuery(status: $0) } + [
          RunQuery(), RunQuery(includesArchived: true), RunQuery(tag: "even"),
          RunQuery(tag: "none"),
          RunQuery(tag: "all", includesArchived: true), RunQuery(status: .archived, tag: "even"),
          RunQuery(status: .active, tag: "third", parent: "root"), RunQuery(parent: "root"),
          RunQuery(parent: "missing"), RunQuery(since: middle), RunQuery(until: middle),
          RunQuery(tag: "all", since: middle, until: middle + .seconds(2)),
          RunQuery(status: .paused, until: middle), RunQuery(parent: "root", since: middle),
          RunQuery(parent: "root", until: middle, includesArchived: true),
          RunQuery(since: middle, until: middle),
        ]
      for query in queries {
        let expected = all.filter { run in
          (query.status.map { $0 == run.status }
            ?? (run.status != .archived || query.includesArchived))
            && (query.tag.map(run.tags.contains) ?? true)
            && (query.parent.map { $0 == run.parent } ?? true)
            && (query.since.map { run.createdAt >= $0 } ?? true)
            && (query.until.map { run.createdAt < $0 } ?? true)
        }
        for limit in [1, 2, 5, 1_000] {
          var query = query
          query.limit = limit
          var listed: [Run] = []
          repeat {
            let page = try await runs.list(query)
            #expect(page.items.count <= limit)
            listed += page.items
            query.after = page.next
          } while query.after != nil
          #expect(listed.map(\.id) == expected.map(\.id), "\(query)")
          #expect(listed == expected)
        }
      }
      let counts = try await runs.counts()
      #expect(
        counts == [.active: 6, .completed: 5, .archived: 4, .paused: 4, .failed: 0, .cancelled: 0])
    }
  }

  /// Goal: a filter that cannot match because it cannot be is refused or finds nothing, on both
  /// databases alike.
  ///
  /// Method: NUL in a tag and in a parent.
  @Test(arguments: Engines.available)
  func `a filter with NUL is refused`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      await expectRefusal(.invalid) { try await test.store.runs.list(RunQuery(tag: "a\0")) }
      await expectRefusal(.invalid) { try await test.store.runs.list(RunQuery(parent: "a\0")) }
      await expectRefusal(.invalid) { try await test.store.bots.list(after: "a\0") }
    }
  }
}
