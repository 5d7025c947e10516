import Holdfast
import HoldfastTesting
import Testing

@Suite(.timeLimit(.minutes(5))) struct NamespaceTests {
  /// Goal: a namespace has 1 to 8 segments, none empty, at most 256 bytes, no NUL, no reserved
  /// word.
  ///
  /// Method: texts and segments at and past every bound; each refusal names its reason.
  @Test func `a namespace keeps its form`() throws {
    #expect(try Namespace("run:42") == .run("42"))
    #expect(try Namespace("bot:7") == .bot("7"))
    #expect(try Namespace("global") == .global)
    #expect(try Namespace(#"a\:b:c\\d"#).segments == ["a:b", #"c\d"#])
    #expect(try Namespace(segments: ["a:b", #"c\d"#]).text == #"a\:b:c\\d"#)
    #expect(Namespace.run("a:b").text == #"run:a\:b"#)
    #expect(try Namespace("1:2:3:4:5:6:7:8").segments.count == 8)
    #expect(try Namespace(String(repeating: "n", count: 256)).text.utf8.count == 256)
    let bad = [
      ("", "empty"), (":", "empty_segment"), ("a:", "empty_segment"), (":a", "empty_segment"),
      ("a::b", "empty_segment"), (#"a\b"#, "escape"), (#"a\"#, "escape"), ("a\u{0}", "nul"),
      (String(repeating: "n", count: 257), "too_long"), ("1:2:3:4:5:6:7:8:9", "too_many_segments"),
      ("_holdfast", "reserved"), ("_holdfast:x", "reserved"), ("_holdfastx", "reserved"),
    ]
    for (text, reason) in bad {
      let error = #expect(throws: StoreError.self, "\(text)") { try Namespace(text) }
      #expect(error?.code == .invalid && error?.details["reason"] == .string(reason), "\(text)")
    }
  }

  /// Goal: the longest and the deepest namespaces work as any other.
  ///
  /// Method: 256 bytes, 8 segments, and segments that need escapes: put, list, clear.
  @Test(arguments: Engines.available)
  func `the longest and the deepest namespaces work`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let longest = try Namespace(String(repeating: "é", count: 128))
      let deepest = try Namespace("1:2:3:4:5:6:7:8")
      let escaped = try Namespace(segments: ["a:b", "c\\d", "::", "\\"])
      for namespace in [longest, deepest, escaped] {
        let kv = test.store.kv(namespace)
        try await kv.put("k", 1)
        #expect(try await kv.get("k") == 1)
        let listed = try await test.store.namespaces.list(NamespaceQuery(prefix: namespace))
        #expect(listed.items.map(\.namespace) == [namespace])
        #expect(listed.items.first?.namespace.segments == namespace.segments)
      }
      let above = try await test.store.namespaces.list(NamespaceQuery(prefix: Namespace("1:2")))
      #expect(above.items.map(\.namespace) == [deepest])
      #expect(try await test.store.kv(Namespace("1")).clear(below: true) == 1)
      #expect(try await test.store.kv(escaped).clear() == 1)
      #expect(try await test.store.namespaces.list().items.map(\.namespace) == [longest])
    }
  }

  /// Goal: the id of a run or a bot that no namespace can hold is refused by the operation.
  ///
  /// Method: ids that are empty, too long or hold NUL; every kind of call.
  @Test(arguments: Engines.available)
  func `a namespace that cannot be is refused by every operation`(
    on engine: TestEngine
  ) async throws {
    try await withStore(on: engine) { (test) async throws in
      for id in ["", String(repeating: "i", count: 300), "a\u{0}"] {
        for namespace in [Namespace.run(id), .bot(id)] {
          let kv = test.store.kv(namespace)
          await expectRefusal(.invalid) { try await kv.get("k") }
          await expectRefusal(.invalid) { try await kv.getMany(["k"]) }
          await expectRefusal(.invalid) { try await kv.put("k", 1) }
          await expectRefusal(.invalid) { try await kv.delete("k") }
          await expectRefusal(.invalid) { try await kv.increment("k") }
          await expectRefusal(.invalid) { try await kv.list() }
          await expectRefusal(.invalid) { try await kv.count() }
          await expectRefusal(.invalid) { try await kv.clear() }
          await expectRefusal(.invalid) { try await kv.clear(below: true) }
          await expectRefusal(.invalid) {
            try await test.store.namespaces.list(NamespaceQuery(prefix: namespace))
          }
        }
      }
      #expect(try await test.store.namespaces.list().items.isEmpty)
    }
  }

  /// Goal: namespaces come into being with their first key and are listed while they hold one.
  ///
  /// Method: puts, deletes, expires and clears keys, and lists in between.
  @Test(arguments: Engines.available)
  func `namespaces are those that hold a key`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let store = test.store
      func names() async throws -> [String] {
        try await store.namespaces.list().items.map(\.namespace.text)
      }
      #expect(try await names().isEmpty)
      try await store.kv(.global).put("k", 1)
      try await store.kv(.run("42")).put("k", 1, ttl: .seconds(1))
      try await store.kv(.bot("7")).put("k", 1)
      #expect(try await names() == ["bot:7", "global", "run:42"])
      time.advance(by: .seconds(1))
      #expect(try await names() == ["bot:7", "global"])
      try await store.kv(.bot("7")).delete("k")
      #expect(try await names() == ["global"])
      try await store.kv(.global).clear()
      #expect(try await names().isEmpty)
      try await store.kv(.run("42")).increment("k")
      #expect(try await names() == ["run:42"])
    }
  }

  /// Goal: namespaces are listed by prefix and depth, in pages, counted when asked for.
  ///
  /// Method: a tree with names that sort near each other; every query in pages of every size.
  @Test(arguments: Engines.available)
  func `namespaces are listed by prefix and depth`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let store = test.store
      let tree = [
        "users", "users:u1", "users:u1:memories", "users:u1:notes:old", "users:u2", "users-old",
        "users:u10", "user", "usersx:u1", #"users\:u1"#, "global", "users:u1-x",
      ]
      for (number, text) in tree.enumerated() {
        let puts = (0...number).map { Put("k\($0)", 1) }
        try await store.kv(Namespace(text)).putMany(puts)
      }
      func listed(_ query: NamespaceQuery) async throws -> [String: Int?] {
        var found: [String: Int?] = [:]
        var sizes: Set<Int> = []
        for limit in [1, 2, 3, 100] {
          var query = query
          query.limit = limit
          var order: [ListedNamespace] = []
          repeat {
            let page = try await store.namespaces.list(query)
            #expect(page.items.count <= limit)
            order += page.items
            query.after = page.next
          } while query.after != nil
          sizes.insert(order.count)
          #expect(Set(order.map(\.namespace)).count == order.count)
          let texts = order.map { $0.namespace.text + ":" }
          #expect(texts == texts.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) })
          found = Dictionary(uniqueKeysWithValues: order.map { ($0.namespace.text, $0.count) })
        }
        #expect(sizes.count == 1)
        return found
      }
      #expect(try await Set(listed(NamespaceQuery()).keys) == Set(tree))
      let counted = try await listed(NamespaceQuery(counts: true))
      for (number, text) in tree.enumerated() { #expect(counted[text] == .some(number + 1)) }
      let users = try Namespace("users")
      #expect(
        try await Set(listed(NamespaceQuery(prefix: users)).keys) == [
          "users", "users:u1", "users:u1:memories", "users:u1:notes:old", "users:u2", "users:u10",
          "users:u1-x",
        ])
      #expect(
        try await listed(NamespaceQuery(prefix: users, depth: 2, counts: true)) == [
          "users": 1, "users:u1": 2 + 3 + 4, "users:u2": 5, "users:u10": 7, "users:u1-x": 12,
        ])
      #expect(
        try await listed(NamespaceQuery(depth: 1, counts: true)) == [
          "users": 1 + 2 + 3 + 4 + 5 + 7 + 12, "users-old": 6, "user": 8, "usersx": 9,
          #"users\:u1"#: 10, "global": 11,
        ])
      #expect(try await listed(NamespaceQuery(prefix: Namespace("none"))).isEmpty)
    }
  }

  /// Goal: a query that cannot be is refused.
  ///
  /// Method: depths out of range and a cursor that is no namespace.
  @Test(arguments: Engines.available)
  func `bad depths and cursors are refused`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      for depth in [0, -1, 9, .max] {
        await expectRefusal(.invalid) {
          try await test.store.namespaces.list(NamespaceQuery(depth: depth))
        }
      }
      for after in ["", "a::b", "a\u{0}"] {
        await expectRefusal(.invalid) {
          try await test.store.namespaces.list(NamespaceQuery(after: after))
        }
      }
    }
  }

  /// Goal: a clear removes the keys of exactly this namespace, or with `below` those under it too,
  /// and nothing else.
  ///
  /// Method: a tree; clears at several places; what else is there (runs, bots, neighbours) stays.
  @Test(arguments: Engines.available)
  func `a clear removes keys and nothing else`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let store = test.store
      let tree = ["run:42", "run:42:a", "run:42:a:b", "run:4", "run:420", "run", "global"]
      try await store.runs.begin("42")
      try await store.bots.create("7", slug: "seven")
      for text in tree { try await store.kv(Namespace(text)).putMany([Put("a", 1), Put("b", 2)]) }
      func left() async throws -> Set<String> {
        Set(try await store.namespaces.list().items.map(\.namespace.text))
      }
      let one = try await store.changes.made { try await store.kv(Namespace("run:42:a")).clear() }
      #expect(one == ["clear run:42:a"])
      #expect(try await left() == Set(tree).subtracting(["run:42:a"]))
      try await store.kv(Namespace("run:42:a")).put("k", 1)
      let cursor = try await store.changes.cursor()
      #expect(try await store.kv(.run("42")).clear(below: true) == 3)
      let events = try await store.changes.all(since: cursor)
      #expect(events.map(\.summary) == ["clear run:42"])
      #expect(events.map(\.below) == [true] && events.map(\.subject) == [nil])
      #expect(try await left() == ["run:4", "run:420", "run", "global"])
      #expect(try await store.kv(.run("42")).clear(below: true) == 0)
      #expect(try await store.runs.get("42")?.status == .active)
      #expect(try await store.bots.get("7") != nil)
      #expect(try await store.kv(.run("42")).put("a", "new").isNew)
      #expect(try await store.kv(.run("42")).get("b") == nil)
    }
  }

  /// Goal: what a run holds besides keys outlives a clear of its namespace.
  ///
  /// Method: one of each primitive under a run, a clear with all below, and everything as it was.
  @Test(arguments: Engines.available)
  func `a clear leaves all that is no key`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let store = test.store
      try await store.runs.begin("42")
      for text in ["run:42", "run:42:sub"] { try await store.kv(Namespace(text)).put("k", 1) }
      try await store.files(.run("42")).save("f", [1, 2])
      try await store.sessions.save(SessionEntry("s", run: "42"))
      try await store.sessions.append([["n": 1]], to: "s")
      try await store.tasks.enqueue(
        draft {
          $0.id = "t"
          $0.run = "42"
        })
      try await store.deadLetters.save(
        DeadLetterEntry("d", source: "mail", message: 1, run: "42"))
      try await store.approvals.request(ApprovalRequest("a", run: "42", id: "a"))
      func held() async throws -> [String] {
        [
          String(describing: try await store.files(.run("42")).get("f")),
          String(describing: try await store.files(.run("42")).read("f")),
          String(describing: try await store.sessions.get("s")),
          String(describing: try await store.sessions.items(of: "s").items),
          String(describing: try await store.tasks.get("t")),
          String(describing: try await store.deadLetters.get("d")),
          String(describing: try await store.approvals.get("a")),
          String(describing: try await store.runs.get("42")),
        ]
      }
      let before = try await held()
      #expect(!before.contains("nil") && !before.contains("[]"))
      let events = try await store.changes.made {
        try await store.kv(.run("42")).clear(below: true)
      }
      #expect(events == ["clear run:42"])
      #expect(try await store.namespaces.list().items.isEmpty)
      #expect(try await held() == before)
    }
  }

  /// Goal: a clear inside a transaction is seen by it, and undone with it.
  ///
  /// Method: clears, reads and puts in one body, once committed and once thrown away.
  @Test(arguments: Engines.available)
  func `a clear is part of its transaction`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let kv = test.store.kv(.global)
      try await kv.putMany([Put("a", 1), Put("b", 2)])
      await #expect(throws: OwnError(number: 1)) {
        try await test.store.transaction { tx in
          try tx.namespaces.clear(.global)
          try tx.kv(.global).put("c", 3)
          throw OwnError(number: 1)
        }
      }
      #expect(try await kv.keys().all() == ["a", "b"])
      let inside = try await test.store.transaction { tx in
        try tx.kv(.global).put("c", 3)
        try tx.namespaces.clear(.global)
        let count = try tx.kv(.global).count()
        try tx.kv(.global).put("a", 4, if: .absent)
        return count
      }
      #expect(inside == 0)
      #expect(try await kv.entries().all().map(\.value) == [4])
    }
  }
}
