import Holdfast
import HoldfastTesting
import Testing

@Suite(.timeLimit(.minutes(5))) struct BotTests {
  /// Goal: a bot has id, slug, name and metadata; what is left out is made or taken from the slug.
  ///
  /// Method: creates with everything and with the least; reads by id and slug, also after a restart.
  @Test(arguments: Engines.available)
  func `a bot is created with what it was given`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let bots = test.store.bots
      let bot = try await bots.create("7", slug: "seven", name: "Séven", metadata: ["model": "x"])
      #expect(bot.id == "7" && bot.slug == "seven" && bot.name == "Séven")
      #expect(bot.metadata == ["model": "x"])
      #expect(bot.createdAt == time.wallTime() && bot.updatedAt == bot.createdAt)
      let least = try await bots.create(slug: "least")
      #expect(least.id.utf8.count == 36 && least.name == "least" && least.metadata == [:])
      #expect(least.version > bot.version)
      #expect(try await bots.get("7") == bot)
      #expect(try await bots.get(slug: "seven") == bot)
      #expect(try await bots.get("missing") == nil)
      #expect(try await bots.get(slug: "missing") == nil)
      #expect(try await test.restart().bots.get("7") == bot)
    }
  }

  /// Goal: ids and slugs are unique, and what cannot be is refused.
  ///
  /// Method: duplicates of either, at creation and at update, and bad fields; nothing may change.
  @Test(arguments: Engines.available)
  func `ids and slugs are unique`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let bots = test.store.bots
      let seven = try await bots.create("7", slug: "seven")
      let eight = try await bots.create("8", slug: "eight")
      let events = try await test.store.changes.made { () async throws in
        await expectRefusal(.conflict) { try await bots.create("7", slug: "other") }
        await expectRefusal(.conflict) { try await bots.create("9", slug: "seven") }
        await expectRefusal(.conflict) { try await bots.update("8", slug: "seven") }
        await expectRefusal(.notFound) { try await bots.update("missing", name: "x") }
        for bad in ["", ".", "..", "a\u{0}", String(repeating: "i", count: 257)] {
          await expectRefusal(.invalid) { try await bots.create(bad, slug: "fine") }
          await expectRefusal(.invalid) { try await bots.create("fine", slug: bad) }
          await expectRefusal(.invalid) { try await bots.update("7", slug: bad) }
          await expectRefusal(.invalid) { try await bots.get(bad) }
          await expectRefusal(.invalid) { try await bots.get(slug: bad) }
          await expectRefusal(.invalid) { try await bots.delete(bad) }
        }
        await expectRefusal(.invalid) { try await bots.create(slug: "s", name: "a\u{0}") }
        await expectRefusal(.invalid) { try await bots.create(slug: "s", metadata: [1]) }
        await expectRefusal(.invalid) { try await bots.update("7", metadata: "text") }
      }
      #expect(events.isEmpty)
      #expect(try await bots.list().items == [eight, seven])
    }
  }

  /// Goal: an update replaces what it names, its own slug included; the rest stays.
  ///
  /// Method: each field alone; the old slug is free afterwards.
  @Test(arguments: Engines.available)
  func `an update replaces what it names`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let bots = test.store.bots
      let first = try await bots.create("7", slug: "seven", name: "Seven", metadata: ["a": 1])
      time.advance(by: .seconds(1))
      let named = try await bots.update("7", name: "Sieben")
      #expect(named.name == "Sieben" && named.slug == "seven" && named.metadata == ["a": 1])
      #expect(named.createdAt == first.createdAt && named.updatedAt == time.wallTime())
      #expect(named.version > first.version)
      #expect(try await bots.update("7", slug: "seven").slug == "seven")
      #expect(try await bots.update("7", slug: "sieben", metadata: [:]).metadata == [:])
      #expect(try await bots.get(slug: "seven") == nil)
      try await bots.create("8", slug: "seven")
      #expect(try await bots.get(slug: "sieben")?.id == "7")
    }
  }

  /// Goal: bots are listed in the order of their slugs, in pages.
  ///
  /// Method: slugs that sort by bytes, in pages of every size.
  @Test(arguments: Engines.available)
  func `bots are listed by slug`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let slugs = ["b", "a", "B", "é", "aa", "z"]
      for slug in slugs { try await test.store.bots.create(slug: slug) }
      let sorted = slugs.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
      for limit in [1, 2, 4, 6, 100] {
        var listed: [String] = []
        var after: String?
        repeat {
          let page = try await test.store.bots.list(after: after, limit: limit)
          #expect(page.items.count <= limit)
          listed += page.items.map(\.slug)
          after = page.next
        } while after != nil
        #expect(listed == sorted)
      }
    }
  }

  /// Goal: `bot:ID` may be written before the bot is created, and the keys stay when it is.
  ///
  /// Method: keys first, then the bot.
  @Test(arguments: Engines.available)
  func `a bot's keys may come before the bot`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      try await test.store.kv(.bot("7")).put("memory", "early")
      try await test.store.bots.create("7", slug: "seven")
      #expect(try await test.store.kv(.bot("7")).get("memory") == "early")
    }
  }

  /// Goal: deleting a bot clears its keys and nothing else; it can be created anew, without the old
  /// keys.
  ///
  /// Method: keys of two bots; deletes one, a bot of keys alone, and a missing one.
  @Test(arguments: Engines.available)
  func `deleting a bot clears its keys`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let store = test.store
      try await store.bots.create("7", slug: "seven")
      for name in ["bot:7", "bot:7:notes", "bot:70", "run:7", "bot:8"] {
        try await store.kv(Namespace(name)).put("k", 1)
      }
      let cursor = try await store.changes.cursor()
      #expect(try await store.bots.delete("7"))
      let events = try await store.changes.all(since: cursor)
      #expect(events.map(\.summary) == ["delete 7"] && events.map(\.below) == [true])
      #expect(try await store.bots.get("7") == nil)
      let names = try await store.namespaces.list().items.map(\.namespace.text)
      #expect(names == ["bot:70", "bot:8", "run:7"])
      let nothing = try await store.changes.made { () async throws in
        #expect(try await store.bots.delete("7") == false)
        #expect(try await store.bots.delete("missing") == false)
      }
      #expect(nothing.isEmpty)
      #expect(try await store.bots.delete("8"))
      try await store.bots.create("7", slug: "seven")
      #expect(try await store.kv(.bot("7")).count() == 0)
      #expect(try await store.kv(.bot("7")).put("k", 2).isNew)
    }
  }
}
