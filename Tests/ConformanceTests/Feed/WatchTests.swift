import Holdfast
import HoldfastTesting
import Testing

@Suite(.timeLimit(.minutes(5))) struct WatchTests {
  /// Goal: a watch gives every later change of its prefix once, in order, with the version.
  ///
  /// Method: watches from a cursor while keys inside and outside of the prefix are written.
  @Test(arguments: Engines.available)
  func `a watch gives each change of its prefix once`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let kv = test.store.kv(.global)
      try await kv.put("task/0", "before")
      let cursor = try await test.store.changes.cursor()
      let versions = [
        try await kv.put("task/1", 1).entry.version,
        try await kv.put("task/2", 1).entry.version,
        try await kv.put("task/1", 2).entry.version,
      ]
      try await kv.put("other", 1)
      try await kv.delete("task/2")
      try await test.store.kv(.run("42")).put("task/1", 1)
      try await kv.put("task/3", 1)
      let events = try await kv.watch(prefix: "task/", since: cursor).next(5)
      #expect(
        events.map(\.summary)
          == ["put task/1", "put task/2", "put task/1", "delete task/2", "put task/3"])
      #expect(events.prefix(3).map(\.revision) == versions)
      #expect(events.allSatisfy { $0.kind == "kv" && $0.namespace == "global" })
    }
  }

  /// Goal: a watch waits for what is written later, also by another node.
  ///
  /// Method: begins to watch, then puts through the same and through another store.
  @Test(arguments: Engines.available)
  func `a watch waits for what comes, from whomever`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let other = try await test.openAnother()
      let cursor = try await test.store.changes.cursor()
      async let watched = test.store.kv(.global).watch(since: cursor).next(40)
      for number in 0..<20 {
        try await test.store.kv(.global).put("a\(number)", 1)
        try await other.kv(.global).put("b\(number)", 1)
      }
      let subjects = try await watched.map(\.subject)
      #expect(subjects.filter { $0?.hasPrefix("a") == true } == (0..<20).map { "a\($0)" })
      #expect(subjects.filter { $0?.hasPrefix("b") == true } == (0..<20).map { "b\($0)" })
    }
  }

  /// Goal: a watch resumes from any event's cursor, also as text, also after a restart: nothing
  /// twice, nothing missed.
  ///
  /// Method: many changes, several in one transaction; goes on from each of them.
  @Test(arguments: Engines.available)
  func `a watch resumes from any event`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let kv = test.store.kv(.global)
      let begin = try await test.store.changes.cursor()
      try await kv.put("a", 1)
      try await kv.putMany([Put("b", 1), Put("c", 1), Put("d", 1)])
      try await kv.delete("c")
      try await kv.put("e", 1)
      let all = try await kv.watch(since: begin).next(6)
      #expect(all.count == 6)
      let store = try await test.restart()
      for (place, event) in all.enumerated() {
        let cursor = try ChangeCursor(event.cursor.description)
        #expect(cursor == event.cursor)
        let rest = try await store.kv(.global).watch(since: cursor).next(5 - place)
        #expect(rest == Array(all[(place + 1)...]))
        #expect(try await store.changes.all(since: cursor) == rest)
      }
    }
  }

  /// Goal: first the cursor, then the read, then the watch: nothing is missed.
  ///
  /// Method: takes the cursor, and reads, while four tasks write; what the read showed and what the
  /// watch gave must together be all that was written.
  @Test(arguments: Engines.available)
  func `cursor then read then watch misses nothing`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let kv = test.store.kv(.global)
      try await withThrowingTaskGroup(of: Void.self) { group in
        for task in 0..<4 {
          group.addTask {
            for number in 0..<40 { try await kv.put("\(task)-\(number)", 1) }
          }
        }
        let cursor = try await test.store.changes.cursor()
        let read = try await kv.keys().all()
        try await group.waitForAll()
        try await kv.put("end", 1)
        var seen = Set(read)
        var events: [String] = []
        for try await event in kv.watch(since: cursor) {
          if event.subject == "end" { break }
          events.append(event.subject ?? "")
        }
        seen.formUnion(events)
        #expect(seen.count == 160)
        #expect(Set(events).count == events.count)
      }
    }
  }

  /// Goal: a watcher sees every change once, in an order that agrees with every key's versions.
  ///
  /// Method: eight tasks over two nodes put, delete and count a few keys; two watchers follow.
  @Test(arguments: Engines.available)
  func `the order of the feed agrees with the versions of each key`(
    on engine: TestEngine
  ) async throws {
    try await withStore(on: engine) { test in
      let nodes = [test.store, try await test.openAnother()]
      let cursor = try await test.store.changes.cursor()
      let written = try await withThrowingTaskGroup(of: [Int64].self) { group in
        for task in 0..<8 {
          group.addTask {
            var generator = SeededGenerator(seed: UInt64(task))
            let kv = nodes[task % 2].kv(.global)
            var versions: [Int64] = []
            for _ in 0..<30 {
              let key = "k\(generator.next() % 5)"
              switch generator.next() % 3 {
              case 0: versions.append(try await kv.put(key, 1).entry.version)
              case 1: versions.append(try await kv.incrementEntry("n").version)
              default: versions += try await kv.putMany([Put(key, 2)]).map(\.entry.version)
              }
            }
            return versions
          }
        }
        return try await group.reduce(into: []) { $0 += $1 }
      }
      for node in nodes {
        let events = try await node.kv(.global).watch(since: cursor).next(240)
        #expect(events.map(\.revision).sorted() == written.sorted())
        for (key, changes) in Dictionary(grouping: events, by: \.subject) {
          let revisions = changes.map(\.revision)
          #expect(revisions == revisions.sorted(), "\(key ?? "")")
        }
      }
    }
  }

  /// Goal: what takes a whole namespace away reaches its watchers: a clear of it, a clear with
  /// `below` and a run's deletion those below too; and nobody else.
  ///
  /// Method: watchers at several places of a tree, with prefixes; looks at what each would get.
  @Test(arguments: Engines.available)
  func `a clear reaches every watcher below it`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let store = test.store
      let names = ["run:42", "run:42:a", "run:42:a:b", "run:420", "global"]
      for name in names { try await store.kv(Namespace(name)).put("k", 1) }
      let cursor = try await store.changes.cursor()
      try await store.kv(Namespace("run:42:a")).clear()
      try await store.kv(.run("42")).clear(below: true)
      try await store.kv(.run("42")).put("k", 1)
      try await store.runs.delete("42")
      try await store.kv(Namespace("run:420")).put("end", 1)
      var seen: [String: [String]] = [:]
      for name in names {
        let filter = ChangeFilter(namespace: try Namespace(name), prefix: "x", kind: "kv")
        seen[name] = try await store.changes.all(since: cursor, filter: filter).map {
          "\($0.operation) \($0.namespace)"
        }
      }
      #expect(
        seen == [
          "run:42": ["clear run:42", "delete run:42"],
          "run:42:a": ["clear run:42:a", "clear run:42", "delete run:42"],
          "run:42:a:b": ["clear run:42", "delete run:42"], "run:420": [], "global": [],
        ])
    }
  }

  /// Goal: every mutation of every primitive reaches the feed, with kind, namespace and verb.
  ///
  /// Method: one of each of runs and bots.
  @Test(arguments: Engines.available)
  func `runs and bots reach the feed`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let store = test.store
      let cursor = try await store.changes.cursor()
      try await store.runs.begin("42")
      try await store.runs.update("42", tags: ["x"])
      for event: RunEvent in [.pause, .resume, .fail, .archive] {
        try await store.runs.apply(event, to: "42")
      }
      try await store.runs.delete("42")
      try await store.bots.create("7", slug: "seven")
      try await store.bots.update("7", name: "Seven")
      try await store.bots.delete("7")
      let events = try await store.changes.all(since: cursor)
      #expect(
        events.map { "\($0.kind) \($0.operation) \($0.namespace) \($0.subject ?? "")" } == [
          "run begin run:42 42", "run update run:42 42", "run pause run:42 42",
          "run resume run:42 42", "run fail run:42 42", "run archive run:42 42",
          "run delete run:42 42", "bot create bot:7 7", "bot update bot:7 7", "bot delete bot:7 7",
        ])
      #expect(events.map(\.revision) == events.map(\.revision).sorted())
      #expect(
        try await store.changes.all(since: cursor, filter: ChangeFilter(kind: "bot")).count == 3)
      let ofRun = ChangeFilter(namespace: .run("42"), kind: "run")
      #expect(try await store.changes.all(since: cursor, filter: ofRun).count == 7)
    }
  }

  /// Goal: tokens are in the feed as everything else is, and never with a secret.
  ///
  /// Method: one is made and revoked, and revoked again, which changes nothing.
  @Test(arguments: Engines.available)
  func `the feed tells of tokens`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let store = test.store
      let cursor = try await store.changes.cursor()
      let secret = try await store.tokens.create("t", role: .agent).secret
      #expect(try await store.tokens.revoke("t"))
      #expect(try await !store.tokens.revoke("t"))
      let events = try await store.changes.all(
        since: cursor, filter: ChangeFilter(kind: "token"))
      #expect(events.map(\.summary) == ["create t", "revoke t"])
      #expect(events.allSatisfy { $0.kind == "token" && $0.namespace == "global" && !$0.below })
      #expect(!"\(events)".contains(secret))
    }
  }

  /// Goal: a cursor of another store, and what is no cursor, is refused.
  ///
  /// Method: texts of all kinds, and the cursor of a second, separate store.
  @Test(arguments: Engines.available)
  func `a cursor from elsewhere is refused`(on engine: TestEngine) async throws {
    for text in ["", "x", "a.b.c", "a.1.2.3.4", ".1.2.3", "a.-1.2.3", "a.1.2.é", "\0"] {
      #expect(throws: StoreError.self, "\(text.debugDescription)") { try ChangeCursor(text) }
    }
    let foreign = try await withStore(on: engine) { test in
      try await test.store.kv(.global).put("k", 1)
      return try await test.store.changes.cursor()
    }
    try await withStore(on: engine) { test in
      await expectRefusal(.trimmed) { try await test.store.changes.page(since: foreign) }
      await expectRefusal(.trimmed) {
        try await test.store.kv(.global).watch(since: foreign).next(1)
      }
    }
  }

  /// Goal: a watch ends when its task is cancelled, and with `closed` when the store closes.
  ///
  /// Method: watchers that wait; one is cancelled, then the store is closed.
  @Test(arguments: Engines.available)
  func `a watch ends when cancelled or closed`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let store = test.store
      let cursor = try await store.changes.cursor()
      try await store.kv(.global).put("first", 1)
      let (begun, beginning) = AsyncStream.makeStream(of: Void.self)
      let watch = { @Sendable () async throws -> Int in
        var count = 0
        for try await _ in store.changes(since: cursor) {
          count += 1
          beginning.yield()
        }
        return count
      }
      let cancelled = Task { try await watch() }
      let closed = Task { try await watch() }
      var started = 0
      for await _ in begun {
        started += 1
        if started == 2 { break }
      }
      cancelled.cancel()
      #expect(try await cancelled.value == 1)
      await test.closeAll()
      await expectRefusal(.closed) { try await closed.value }
    }
  }

  /// Goal: a slow watcher that begins far back catches up through the database and misses nothing.
  ///
  /// Method: more changes than one read of the feed takes, watched from the beginning.
  @Test(arguments: Engines.available)
  func `a watcher far behind catches up`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let kv = test.store.kv(.global)
      let cursor = try await test.store.changes.cursor()
      for part in 0..<3 {
        try await kv.putMany((0..<700).map { Put("k\(part * 1_000 + $0 + 10_000)", 1) })
      }
      async let live = kv.watch(since: cursor).next(2_110)
      for number in 0..<10 { try await kv.put("end\(number)", 1) }
      let subjects = try await live.map(\.subject)
      #expect(Set(subjects).count == 2_110)
      #expect(subjects.suffix(10) == (0..<10).map { "end\($0)" }[...])
    }
  }
}
