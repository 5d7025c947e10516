import Holdfast
import HoldfastTesting
import Testing

@Suite(.timeLimit(.minutes(5))) struct ThreadTests {
  /// Goal: a thread session says which session a thread is talking to; a second upsert replaces key
  /// and data and keeps the creation; a touch notes the last message.
  ///
  /// Method: each of them as time passes; reads back, also after a restart.
  @Test(arguments: Engines.available)
  func `a thread session is upserted and touched`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let threads = test.store.threads
      let start = time.wallTime()
      let made = try await threads.upsert(
        channel: "slack", thread: "17.5", sessionKey: "s1", data: ["lang": "de"])
      #expect(made.isNew && made.thread.sessionKey == "s1" && made.thread.data == ["lang": "de"])
      #expect(made.thread.createdAt == start && made.thread.lastMessageAt == start)
      time.advance(by: .seconds(1))
      let replaced = try await threads.upsert(channel: "slack", thread: "17.5", sessionKey: "s2")
      #expect(!replaced.isNew && replaced.thread.sessionKey == "s2")
      #expect(replaced.thread.data == [:] && replaced.thread.createdAt == start)
      #expect(replaced.thread.lastMessageAt == start + .seconds(1))
      time.advance(by: .seconds(1))
      let touched = try await threads.touch(channel: "slack", thread: "17.5")
      #expect(touched.lastMessageAt == start + .seconds(2) && touched.sessionKey == "s2")
      #expect(touched.version > replaced.thread.version)
      let again = try await test.restart().threads
      #expect(try await again.get(channel: "slack", thread: "17.5") == touched)
      #expect(try await again.get(channel: "Slack", thread: "17.5") == nil)
      #expect(try await again.get(channel: "17.5", thread: "slack") == nil)
      await expectRefusal(.notFound) { try await again.touch(channel: "slack", thread: "17") }
      #expect(try await again.delete(channel: "slack", thread: "17.5"))
      #expect(try await !again.delete(channel: "slack", thread: "17.5"))
      #expect(try await again.get(channel: "slack", thread: "17.5") == nil)
      let new = try await again.upsert(channel: "slack", thread: "17.5", sessionKey: "s3")
      #expect(new.isNew && new.thread.createdAt == time.wallTime())
    }
  }

  /// Goal: thread sessions are listed in the order of channels and threads, in pages.
  ///
  /// Method: names whose order a locale would change; every channel, pages of every size.
  @Test(arguments: Engines.available)
  func `thread sessions are listed in order`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let threads = test.store.threads
      let names = ["B", "a", "a:b", "z\\", "é", "\u{10FFFF}"]
      for channel in names.reversed() {
        for thread in ["2", "10", "ä", "Z"] {
          try await threads.upsert(channel: channel, thread: thread, sessionKey: "s")
        }
      }
      let expected = names.flatMap { channel in
        ["10", "2", "Z", "ä"].map { [channel, $0] }
      }
      func listed(_ channel: String?, _ limit: Int) async throws -> [[String]] {
        var after: String?
        var listed: [[String]] = []
        repeat {
          let page = try await threads.list(channel: channel, after: after, limit: limit)
          #expect(page.items.count <= limit)
          listed += page.items.map { [$0.channel, $0.thread] }
          after = page.next
        } while after != nil
        return listed
      }
      for limit in [1, 3, 4, 1_000] {
        #expect(try await listed(nil, limit) == expected)
        for channel in names {
          #expect(try await listed(channel, limit) == expected.filter { $0[0] == channel })
        }
        #expect(try await listed("none", limit).isEmpty)
      }
      let cursor = try await threads.list(channel: "a", limit: 2).next
      for other in ["B", "é"] {
        await expectRefusal(.invalid, reason: "cursor", "\(other)") {
          try await threads.list(channel: other, after: cursor)
        }
      }
    }
  }

  /// Goal: what cannot be is refused and leaves nothing.
  ///
  /// Method: each kind of bad input; the feed stays silent.
  @Test(arguments: Engines.available)
  func `bad input is refused and leaves nothing`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let threads = test.store.threads
      let events = try await test.store.changes.made { () async throws in
        for bad in ["", ".", "..", "a\u{0}", String(repeating: "i", count: 257)] {
          for (channel, thread, key) in [(bad, "t", "k"), ("c", bad, "k"), ("c", "t", bad)] {
            await expectRefusal(.invalid) {
              try await threads.upsert(channel: channel, thread: thread, sessionKey: key)
            }
          }
          await expectRefusal(.invalid) { try await threads.get(channel: bad, thread: "t") }
          await expectRefusal(.invalid) { try await threads.touch(channel: "c", thread: bad) }
          await expectRefusal(.invalid) { try await threads.delete(channel: "c", thread: bad) }
          await expectRefusal(.invalid) { try await threads.list(channel: bad) }
        }
        for after in ["x", "", "dC4xLjE"] {
          await expectRefusal(.invalid) { try await threads.list(after: after) }
        }
        await expectRefusal(.invalid) { try await threads.list(limit: 0) }
        await expectRefusal(.notFound) { try await threads.touch(channel: "c", thread: "t") }
      }
      #expect(events.isEmpty)
      #expect(try await threads.list().items.isEmpty)
    }
  }

  /// Goal: every change of a thread session is in the feed, in `global`, with both names.
  ///
  /// Method: its life, with a colon in the channel; what changes nothing leaves no event.
  @Test(arguments: Engines.available)
  func `every change is in the feed`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let threads = test.store.threads
      let cursor = try await test.store.changes.cursor()
      try await threads.upsert(channel: "a:b", thread: "c\\d", sessionKey: "s")
      try await threads.touch(channel: "a:b", thread: "c\\d")
      let last = try await threads.upsert(channel: "a:b", thread: "c\\d", sessionKey: "s")
      try await threads.delete(channel: "a:b", thread: "c\\d")
      try await threads.delete(channel: "a:b", thread: "c\\d")
      let events = try await test.store.changes.all(since: cursor)
      #expect(events.map(\.operation) == ["upsert", "touch", "upsert", "delete"])
      #expect(events.allSatisfy { $0.kind == "thread" && $0.namespace == "global" })
      #expect(events.allSatisfy { $0.subject == #"a\:b:c\\d"# })
      #expect(events[2].revision == last.thread.version)
    }
  }

  /// Goal: a thread session commits with the rest of its transaction or not at all.
  ///
  /// Method: a session, an item and its thread in one body, once with an error at the end.
  @Test(arguments: Engines.available)
  func `a conversation begins in one transaction`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let store = test.store
      for fails in [true, false] {
        do {
          try await store.transaction { tx in
            let session = try tx.sessions.save(SessionEntry("s", run: "42")).session
            try tx.sessions.append([["role": "user"]], to: session.id)
            try tx.threads.upsert(channel: "c", thread: "t", sessionKey: session.id)
            try tx.kv(.run("42")).put("plan", 1)
            try tx.audit.record(AuditEntry(action: "plan.begin", run: "42"))
            if fails { throw OwnError(number: 1) }
          }
          #expect(!fails)
        } catch is OwnError {
          #expect(fails)
        }
        #expect(try await store.sessions.get("s")?.itemCount == (fails ? nil : 1))
        #expect(
          try await store.threads.get(channel: "c", thread: "t")?.sessionKey
            == (fails ? nil : "s"))
        #expect(try await store.kv(.run("42")).exists("plan") == !fails)
      }
    }
  }
}
