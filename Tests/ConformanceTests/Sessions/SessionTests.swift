import Holdfast
import HoldfastTesting
import Testing

@Suite(.timeLimit(.minutes(5))) struct SessionTests {
  /// Goal: who may see some sessions only gets the one of a thread that was used last among them.
  ///
  /// Method: sessions of several runs on one thread; asks as somebody who sees one run, and none.
  @Test(arguments: Engines.available)
  func `a hidden session hides no other of its thread`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let sessions = test.store.sessions
      for (id, run) in [("old", "own"), ("new", "own"), ("hidden", "other"), ("free", nil)] {
        try await sessions.save(SessionEntry(id, run: run, channel: "c", thread: "t"))
        time.advance(by: .seconds(1))
      }
      let own = Namespace.run("own")
      let found = try await sessions.getByThread(channel: "c", thread: "t") { $0 == own }
      #expect(found?.id == "new")
      #expect(try await sessions.getByThread(channel: "c", thread: "t") { _ in false } == nil)
      #expect(try await sessions.getByThread(channel: "c", thread: "t")?.id == "free")
    }
  }

  /// Goal: a session is kept with what it was given; an id is made where none is given.
  ///
  /// Method: saves one with everything and one with nothing; reads back, also after a restart.
  @Test(arguments: Engines.available)
  func `a session is kept with what it was given`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    let options = StoreOptions.testing(time: time, ids: SeededIDSource(seed: 7))
    try await withStore(on: engine, options: options) { test in
      let sessions = test.store.sessions
      let saved = try await sessions.save(
        SessionEntry(
          "s: 1/é", run: "42", channel: "slack", thread: "17.5", user: "u1",
          data: ["lang": "de", "n": [1, nil]]))
      let session = saved.session
      #expect(saved.isNew && session.id == "s: 1/é" && session.run == "42")
      #expect(session.channel == "slack" && session.thread == "17.5" && session.user == "u1")
      #expect(session.data == ["lang": "de", "n": [1, nil]] && session.itemCount == 0)
      #expect(session.nextPosition == 1 && session.createdAt == time.wallTime())
      #expect(session.lastUsedAt == session.createdAt)
      let plain = try await sessions.save(SessionEntry()).session
      #expect(plain.id.utf8.count == 36 && plain.data == [:] && plain.version > session.version)
      #expect(plain.run == nil && plain.channel == nil && plain.thread == nil && plain.user == nil)
      #expect(try await sessions.get("s: 1/é") == session)
      #expect(try await test.restart().sessions.get("s: 1/é") == session)
      #expect(try await test.store.sessions.get("missing") == nil)
    }
  }

  /// Goal: a second save replaces what it names, keeps creation, items and run, and is a use.
  ///
  /// Method: saves over a session with items, with and without the run, and with another run.
  @Test(arguments: Engines.available)
  func `a second save keeps creation items and run`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let sessions = test.store.sessions
      let first = try await sessions.save(
        SessionEntry("s", run: "42", channel: "slack", thread: "1", user: "u", data: ["a": 1]))
      try await sessions.append([["n": 1]], to: "s")
      time.advance(by: .seconds(1))
      let second = try await sessions.save(SessionEntry("s", channel: "mail", data: .null))
      #expect(!second.isNew && second.session.run == "42" && second.session.channel == "mail")
      #expect(second.session.thread == nil && second.session.user == nil)
      #expect(second.session.data == .null && second.session.itemCount == 1)
      #expect(second.session.createdAt == first.session.createdAt)
      #expect(second.session.lastUsedAt == time.wallTime())
      #expect(try await sessions.save(SessionEntry("s", run: "42")).session.run == "42")
      let before = try await sessions.get("s")
      await expectRefusal(.invalidState) { try await sessions.save(SessionEntry("s", run: "43")) }
      try await sessions.save(SessionEntry("free"))
      await expectRefusal(.invalidState) {
        try await sessions.save(SessionEntry("free", run: "42"))
      }
      #expect(try await sessions.get("s") == before)
    }
  }

  /// Goal: a session is found by exactly its channel and thread; of two the one last used.
  ///
  /// Method: sessions that almost fit; touches, appends and saves change which was used last, also
  /// within one microsecond and one transaction.
  @Test(arguments: Engines.available)
  func `of two sessions of a thread the one last used is found`(
    on engine: TestEngine
  ) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let sessions = test.store.sessions
      @Sendable func found() async throws -> String? {
        try await sessions.getByThread(channel: "slack", thread: "17")?.id
      }
      #expect(try await found() == nil)
      for (id, channel, thread) in [
        ("upper", "Slack", "17"), ("long", "slack", "170"), ("swapped", "17", "slack"),
        ("half", "slack", nil), ("other half", nil, "17"),
      ] {
        try await sessions.save(SessionEntry(id, channel: channel, thread: thread))
      }
      #expect(try await found() == nil)
      try await sessions.save(SessionEntry("a", channel: "slack", thread: "17"))
      #expect(try await found() == "a")
      try await sessions.save(SessionEntry("b", channel: "slack", thread: "17"))
      #expect(try await found() == "b")
      try await sessions.touch("a")
      #expect(try await found() == "a")
      time.advance(by: .seconds(1))
      try await sessions.append([["n": 1]], to: "b")
      #expect(try await found() == "b")
      try await sessions.save(SessionEntry("a", channel: "slack", thread: "17"))
      #expect(try await found() == "a")
      for last in [("a", "b"), ("b", "a")] {
        try await test.store.transaction { tx in
          try tx.sessions.touch(last.0)
          try tx.sessions.touch(last.1)
        }
        #expect(try await found() == last.1)
      }
      try await sessions.append([["n": 1]], to: "a")
      let uses: [@Sendable (Transaction, String) throws -> Void] = [
        { try $0.sessions.append([["n": 1]], to: $1) }, { try $0.sessions.pop($1) },
        { try $0.sessions.clear($1) },
        { try $0.sessions.save(SessionEntry($1, channel: "slack", thread: "17")) },
      ]
      for use in uses {
        try await test.store.transaction { tx in
          try tx.sessions.touch("b")
          try use(tx, "a")
        }
        #expect(try await found() == "a")
        try await test.store.transaction { tx in
          try tx.sessions.touch("a")
          try tx.sessions.touch("b")
        }
      }
      try await sessions.delete("a")
      #expect(try await found() == "b")
      try await sessions.save(SessionEntry("b", channel: "mail", thread: "17"))
      #expect(try await found() == nil)
    }
  }

  /// Goal: a touch notes the use and nothing else; a missing session is `not_found`.
  ///
  /// Method: touches after some time.
  @Test(arguments: Engines.available)
  func `a touch notes the use`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let sessions = test.store.sessions
      let saved = try await sessions.save(SessionEntry("s", user: "u", data: ["a": 1])).session
      time.advance(by: .seconds(3))
      let touched = try await sessions.touch("s")
      #expect(touched.lastUsedAt == time.wallTime() && touched.createdAt == saved.createdAt)
      #expect(touched.data == saved.data && touched.user == "u")
      #expect(touched.version > saved.version)
      #expect(try await sessions.get("s") == touched)
      await expectRefusal(.notFound) { try await sessions.touch("missing") }
      #expect(try await sessions.get("missing") == nil)
    }
  }

  /// Goal: what cannot be is refused and leaves nothing; what is missing is said to be.
  ///
  /// Method: each kind of bad input; the feed stays silent.
  @Test(arguments: Engines.available)
  func `bad input is refused and leaves nothing`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let sessions = test.store.sessions
      try await sessions.save(SessionEntry("s"))
      let long = String(repeating: "i", count: 257)
      let events = try await test.store.changes.made { () async throws in
        for bad in ["", ".", "..", "a\u{0}", long] {
          let entries = [
            SessionEntry(bad), SessionEntry(run: bad), SessionEntry(channel: bad),
            SessionEntry(thread: bad), SessionEntry(user: bad),
          ]
          for entry in entries { await expectRefusal(.invalid) { try await sessions.save(entry) } }
          await expectRefusal(.invalid) { try await sessions.get(bad) }
          await expectRefusal(.invalid) { try await sessions.touch(bad) }
          await expectRefusal(.invalid) { try await sessions.delete(bad) }
          await expectRefusal(.invalid) { try await sessions.append([[:]], to: bad) }
          await expectRefusal(.invalid) { try await sessions.append([], to: bad) }
          await expectRefusal(.invalid) { try await sessions.items(of: bad) }
          await expectRefusal(.invalid) { try await sessions.pop(bad) }
          await expectRefusal(.invalid) { try await sessions.clear(bad) }
          await expectRefusal(.invalid) { try await sessions.count(bad) }
          await expectRefusal(.invalid) {
            try await sessions.getByThread(channel: bad, thread: "t")
          }
          await expectRefusal(.invalid) {
            try await sessions.getByThread(channel: "c", thread: bad)
          }
          await expectRefusal(.invalid) { try await sessions.list(SessionQuery(channel: bad)) }
          await expectRefusal(.invalid) { try await sessions.list(SessionQuery(user: bad)) }
          await expectRefusal(.invalid) { try await sessions.list(SessionQuery(run: bad)) }
        }
        for item: Value in [nil, 1, "text", [], .bytes([1])] {
          let error = await expectRefusal(.invalid) {
            try await sessions.append([["n": 1], item], to: "s")
          }
          #expect(error?.details["index"] == 1)
        }
        await expectRefusal(.notFound) { try await sessions.append([["n": 1]], to: "missing") }
        await expectRefusal(.notFound) { try await sessions.append([], to: "missing") }
        await expectRefusal(.notFound) { try await sessions.items(of: "missing") }
        await expectRefusal(.notFound) { try await sessions.pop("missing") }
        await expectRefusal(.notFound) { try await sessions.clear("missing") }
        await expectRefusal(.notFound) { try await sessions.count("missing") }
        #expect(try await !sessions.delete("missing"))
        for after in ["x", "-1", "0", "01", ""] {
          await expectRefusal(.invalid) {
            try await sessions.items(of: "s", ItemQuery(after: after))
          }
        }
        await expectRefusal(.invalid) { try await sessions.items(of: "s", ItemQuery(last: 0)) }
        await expectRefusal(.invalid) { try await sessions.items(of: "s", ItemQuery(limit: 0)) }
        await expectRefusal(.invalid) {
          try await sessions.items(of: "s", ItemQuery(limit: 1_001))
        }
        await expectRefusal(.invalid) { try await sessions.list(SessionQuery(after: "x")) }
        await expectRefusal(.invalid) { try await sessions.list(SessionQuery(limit: 0)) }
      }
      #expect(events.isEmpty)
      #expect(try await sessions.append([["n": 1]], to: "s").positions == [1])
    }
  }

  /// Goal: sessions are listed by run, channel, user and time, the newest first, in pages.
  ///
  /// Method: sessions of every kind, several in one microsecond; every query against a filter over
  /// an array, in pages of every size.
  @Test(arguments: Engines.available)
  func `sessions are listed by run channel user and time`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let sessions = test.store.sessions
      var all: [SessionContext] = []
      for number in 0..<15 {
        if number % 3 == 0 { time.advance(by: .seconds(1)) }
        let entry = SessionEntry(
          "s\(number)", run: number < 7 ? "42" : nil, channel: number % 2 == 0 ? "slack" : nil,
          thread: "t\(number)", user: number % 3 == 0 ? "u1" : "u2")
        all.insert(try await sessions.save(entry).session, at: 0)
      }
      let middle = all[7].createdAt
      let queries = [
        SessionQuery(), SessionQuery(run: "42"), SessionQuery(run: "none"),
        SessionQuery(channel: "slack"), SessionQuery(channel: "none"), SessionQuery(user: "u1"),
        SessionQuery(run: "42", channel: "slack", user: "u2"),
        SessionQuery(channel: "slack", user: "u1"), SessionQuery(since: middle),
        SessionQuery(until: middle), SessionQuery(since: middle, until: middle),
        SessionQuery(user: "u2", since: middle, until: middle + .seconds(2)),
        SessionQuery(run: "42", until: middle),
      ]
      for query in queries {
        let expected = all.filter { session in
          (query.run.map { $0 == session.run } ?? true)
            && (query.channel.map { $0 == session.channel } ?? true)
            && (query.user.map { $0 == session.user } ?? true)
            && (query.since.map { session.createdAt >= $0 } ?? true)
            && (query.until.map { session.createdAt < $0 } ?? true)
        }
        for limit in [1, 2, 5, 1_000] {
          var query = query
          query.limit = limit
          var listed: [SessionContext] = []
          repeat {
            let page = try await sessions.list(query)
            #expect(page.items.count <= limit)
            listed += page.items
            query.after = page.next
          } while query.after != nil
          #expect(listed == expected, "\(query)")
        }
      }
    }
  }

  /// Goal: every change of a session is in the feed, under the run's namespace.
  ///
  /// Method: a session goes through its life; what changes nothing leaves no event.
  @Test(arguments: Engines.available)
  func `every change is in the feed`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let sessions = test.store.sessions
      let cursor = try await test.store.changes.cursor()
      try await sessions.save(SessionEntry("s", run: "42"))
      try await sessions.touch("s")
      try await sessions.pop("s")
      try await sessions.clear("s")
      try await sessions.append([], to: "s")
      let appended = try await sessions.append([["n": 1], ["n": 2]], to: "s")
      try await sessions.pop("s")
      try await sessions.clear("s")
      try await sessions.delete("s")
      try await sessions.delete("s")
      let events = try await test.store.changes.all(since: cursor)
      #expect(
        events.map { "\($0.kind) \($0.operation)" } == [
          "session save", "session touch", "item append", "item pop", "item clear",
          "session delete",
        ])
      #expect(events.allSatisfy { $0.namespace == "run:42" && $0.subject == "s" })
      #expect(events[2].revision == appended.version)
    }
  }

  /// Goal: a session under an archived run is readable and no more; under a deleted one it is gone,
  /// its items with it, and none can be saved.
  ///
  /// Method: every write at each; upkeep then takes the items.
  @Test(arguments: Engines.available)
  func `sessions follow their run`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let store = test.store
      let sessions = store.sessions
      try await store.runs.begin("42")
      try await sessions.save(SessionEntry("s", run: "42", channel: "c", thread: "t"))
      try await sessions.append([["n": 1]], to: "s")
      try await sessions.save(SessionEntry("free"))
      try await sessions.append([["n": 1]], to: "free")
      try await store.runs.apply(.archive, to: "42")
      let session = try await sessions.get("s")
      let events = try await store.changes.made { () async throws in
        await expectRefusal(.invalidState) { try await sessions.save(SessionEntry("s")) }
        await expectRefusal(.invalidState) { try await sessions.save(SessionEntry(run: "42")) }
        await expectRefusal(.invalidState) { try await sessions.touch("s") }
        await expectRefusal(.invalidState) { try await sessions.append([["n": 2]], to: "s") }
        await expectRefusal(.invalidState) { try await sessions.pop("s") }
        await expectRefusal(.invalidState) { try await sessions.clear("s") }
        await expectRefusal(.invalidState) { try await sessions.delete("s") }
      }
      #expect(events.isEmpty)
      #expect(try await sessions.get("s") == session)
      #expect(try await sessions.items(of: "s").items.map(\.position) == [1])
      try await store.runs.delete("42")
      #expect(try await sessions.get("s") == nil)
      #expect(try await sessions.getByThread(channel: "c", thread: "t") == nil)
      #expect(try await sessions.list().items.map(\.id) == ["free"])
      await expectRefusal(.notFound) { try await sessions.items(of: "s") }
      await expectRefusal(.invalidState) {
        try await sessions.save(SessionEntry("s", run: "42"))
      }
      try await store.sweep()
      #expect(try await store.rows(of: "session_items") == 1)
      try await sessions.save(SessionEntry("late", run: "never begun"))
      try await store.runs.delete("never begun")
      #expect(try await sessions.get("late") == nil)
    }
  }
}
