import Holdfast
import HoldfastTesting
import Testing

@Suite(.timeLimit(.minutes(5))) struct ItemTests {
  /// Items that tell who appended them, and where they stand in their append.
  private func batch(_ writer: Int, _ round: Int, _ count: Int) -> [Value] {
    (0..<count).map { place in
      [
        "writer": .integer(Int64(writer)), "round": .integer(Int64(round)),
        "place": .integer(Int64(place)),
      ]
    }
  }

  /// Goal: items come back as they went in, in order, in pages, from a position, and the last ones.
  ///
  /// Method: a conversation of every kind of object; every way to read it.
  @Test(arguments: Engines.available)
  func `items are read in order from anywhere`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let sessions = test.store.sessions
      try await sessions.save(SessionEntry("s"))
      #expect(try await sessions.items(of: "s") == Page(items: [], next: nil))
      #expect(try await sessions.items(of: "s", ItemQuery(last: 3)).items.isEmpty)
      let strange: [Value] = [
        [:], ["$bytes": "kept"], ["b": .bytes([0, 255])], ["d": .double(-0.0), "n": nil],
        ["role": "user", "content": [["type": "text", "text": "é\u{0}😀"]]],
      ]
      let first = try await sessions.append(strange, to: "s")
      #expect(first.positions == [1, 2, 3, 4, 5] && first.itemCount == 5)
      let numbered = (6...12).map { Value.object(["n": .integer(Int64($0))]) }
      #expect(try await sessions.append(numbered, to: "s").positions == Array(6...12))
      let all = try await test.restart().sessions.items(of: "s").items
      #expect(all.map(\.position) == Array(1...12))
      #expect(zip(all.map(\.item), strange + numbered).allSatisfy { $0.isIdentical(to: $1) })
      #expect(all.allSatisfy { $0.createdAt == time.wallTime() })
      func positions(_ query: ItemQuery) async throws -> [Int64] {
        try await test.store.sessions.items(of: "s", query).items.map(\.position)
      }
      #expect(try await positions(ItemQuery(last: 3)) == [10, 11, 12])
      #expect(try await positions(ItemQuery(last: 12)) == Array(1...12))
      #expect(try await positions(ItemQuery(last: 5_000)) == Array(1...12))
      #expect(try await positions(ItemQuery(from: 9)) == [9, 10, 11, 12])
      #expect(try await positions(ItemQuery(from: 0, limit: 2)) == [1, 2])
      #expect(try await positions(ItemQuery(from: 13)).isEmpty)
      #expect(try await positions(ItemQuery(last: 3, from: 12)) == [12])
      #expect(try await positions(ItemQuery(last: 4, limit: 2)) == [9, 10])
      #expect(try await positions(ItemQuery(last: 4, after: "10", limit: 2)) == [11, 12])
      #expect(try await positions(ItemQuery(after: "99")).isEmpty)
      for limit in [1, 5, 12, 13] {
        var query = ItemQuery(limit: limit)
        var read: [SessionItem] = []
        repeat {
          let page = try await test.store.sessions.items(of: "s", query)
          read += page.items
          query.after = page.next
        } while query.after != nil
        #expect(read == all)
      }
      #expect(try await test.store.sessions.count("s") == 12)
    }
  }

  /// Goal: pop takes the last item, clear all; no position ever comes twice, not after a pop and an
  /// append, not after a clear, not after a restart.
  ///
  /// Method: both between appends.
  @Test(arguments: Engines.available)
  func `no position comes twice`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let sessions = test.store.sessions
      try await sessions.save(SessionEntry("s"))
      let empty = try await sessions.pop("s")
      #expect(empty.item == nil && empty.itemCount == 0)
      try await sessions.append([["n": 1], ["n": 2], ["n": 3]], to: "s")
      let popped = try await sessions.pop("s")
      #expect(popped.item?.position == 3 && popped.item?.item == ["n": 3])
      #expect(popped.itemCount == 2)
      #expect(try await sessions.append([["n": 4]], to: "s").positions == [4])
      #expect(try await sessions.pop("s").item?.position == 4)
      #expect(try await sessions.pop("s").item?.position == 2)
      #expect(try await sessions.items(of: "s").items.map(\.position) == [1])
      let again = try await test.restart().sessions
      #expect(try await again.append([["n": 5], ["n": 6]], to: "s").positions == [5, 6])
      #expect(try await again.items(of: "s").items.map(\.position) == [1, 5, 6])
      #expect(try await again.items(of: "s", ItemQuery(last: 2)).items.map(\.position) == [5, 6])
      let cleared = try await again.clear("s")
      #expect(cleared.removed == 3)
      #expect(try await again.count("s") == 0)
      #expect(try await again.pop("s").item == nil)
      #expect(try await again.clear("s").removed == 0)
      #expect(try await again.items(of: "s", ItemQuery(from: 1)).items.isEmpty)
      #expect(try await again.append([["n": 7]], to: "s").positions == [7])
      #expect(try await again.items(of: "s").items.map(\.position) == [7])
      let session = try #require(try await again.get("s"))
      #expect(session.itemCount == 1 && session.nextPosition == 8)
    }
  }

  /// Goal: an append that was rolled back leaves no item and no gap in the positions.
  ///
  /// Method: transactions that fail after an append, one caught append among them.
  @Test(arguments: Engines.available)
  func `an append rolled back leaves no gap`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let store = test.store
      try await store.sessions.save(SessionEntry("s"))
      try await store.sessions.append([["n": 1]], to: "s")
      await #expect(throws: OwnError(number: 7)) {
        try await store.transaction { tx in
          try tx.sessions.append([["n": 2], ["n": 3]], to: "s")
          try tx.sessions.pop("s")
          throw OwnError(number: 7)
        }
      }
      try await store.transaction { tx in
        try tx.sessions.append([["n": 2]], to: "s")
        do { try tx.sessions.append([["n": 3], 4], to: "s") } catch let error as StoreError {
          #expect(error.code == .invalid)
        }
        try tx.sessions.append([["n": 3]], to: "s")
        #expect(try tx.sessions.items(of: "s").items.map(\.position) == [1, 2, 3])
      }
      #expect(try await store.sessions.items(of: "s").items.map(\.position) == [1, 2, 3])
      let key = WriteSettings.idempotent("once")
      let once = try await store.sessions.append([["n": 4]], to: "s", with: key)
      #expect(try await store.sessions.append([["n": 4]], to: "s", with: key) == once)
      await expectRefusal(.conflict) {
        try await store.sessions.append([["n": 5]], to: "s", with: key)
      }
      #expect(try await store.sessions.count("s") == 4)
    }
  }

  /// Goal: appenders at once lose nothing, share no position and never stand inside each other's
  /// append; none of them fails, and on PostgreSQL none has to run again.
  ///
  /// Method: eight appenders on two nodes, batches of several sizes; afterwards every batch stands
  /// together, each writer's in its order. The database is the test's own, for others' transactions
  /// would make these run again.
  @Test(arguments: Engines.available)
  func `eight appenders at once lose nothing`(on engine: TestEngine) async throws {
    try await withOwnServer(on: engine, stores: 2) { nodes in
      try await nodes[0].sessions.save(SessionEntry("s"))
      let before = try await retries(of: nodes)
      try await withThrowingTaskGroup(of: Void.self) { group in
        for writer in 0..<8 {
          group.addTask {
            for round in 0..<12 {
              let items = batch(writer, round, round % 4 + 1)
              let appended = try await nodes[writer % 2].sessions.append(items, to: "s")
              #expect(appended.positions.count == items.count)
              let first = try #require(appended.positions.first)
              #expect(appended.positions == Array(first..<first + Int64(items.count)))
            }
          }
        }
        try await group.waitForAll()
      }
      #expect(try await retries(of: nodes) - before < 5)
      let items = try await nodes[1].sessions.items(of: "s", ItemQuery(limit: 1_000)).items
      #expect(items.map(\.position) == Array(1...240))
      var rounds = Array(repeating: 0, count: 8)
      var place = items.startIndex
      while place < items.endIndex {
        let writer = Int(try #require(items[place].item["writer"]?.integerValue))
        let expected = batch(writer, rounds[writer], rounds[writer] % 4 + 1)
        let end = min(place + expected.count, items.endIndex)
        #expect(items[place..<end].map(\.item) == expected)
        rounds[writer] += 1
        place = end
      }
      #expect(rounds == Array(repeating: 12, count: 8))
    }
  }

  /// How often transactions had to run again.
  private func retries(of nodes: [Store]) async throws -> Int64 {
    var sum: Int64 = 0
    for node in nodes {
      sum += try await node.health().details["retries"]?.integerValue ?? 0
    }
    return sum
  }

  /// Goal: whoever appends, pops and clears at once gets through, and what each was told is true.
  ///
  /// Method: appenders and poppers on two nodes; what was appended is what is left and what was
  /// popped, each once.
  @Test(arguments: Engines.available)
  func `appends and pops at once add up`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let nodes = [test.store, try await test.openAnother()]
      try await nodes[0].sessions.save(SessionEntry("s"))
      let popped = try await withThrowingTaskGroup(of: [Int64].self) { group in
        for writer in 0..<6 {
          group.addTask {
            var taken: [Int64] = []
            for round in 0..<10 {
              if writer % 2 == 0 {
                try await nodes[round % 2].sessions.append(batch(writer, round, 2), to: "s")
              } else if let item = try await nodes[round % 2].sessions.pop("s").item {
                taken.append(item.position)
              }
            }
            return taken
          }
        }
        return try await group.reduce(into: []) { $0 += $1 }
      }
      let left = try await nodes[0].sessions.items(of: "s").items.map(\.position)
      #expect((popped + left).sorted() == Array(1...60))
      #expect(try await nodes[1].sessions.count("s") == left.count)
    }
  }

  /// Goal: clearing and deleting cost one step however many items there are; nobody sees an item
  /// meanwhile, upkeep removes them in slices, and a session of the same name begins anew.
  ///
  /// Method: long conversations; what is read before and after upkeep; rows in the table.
  @Test(arguments: Engines.available)
  func `upkeep removes what was cleared`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let store = test.store
      let sessions = store.sessions
      let many = (0..<1_200).map { Value.object(["n": .integer(Int64($0))]) }
      for id in ["cleared", "deleted", "kept"] {
        try await sessions.save(SessionEntry(id))
        try await sessions.append(many, to: id)
      }
      try await sessions.clear("cleared")
      try await sessions.delete("deleted")
      try await sessions.append([["n": 1]], to: "cleared")
      try await sessions.save(SessionEntry("deleted"))
      for sweeps in [false, true] {
        if sweeps {
          let upkeep = Upkeep(store: store)
          let events = try await store.changes.made {
            while try await upkeep.slice() > 0 {}
          }
          #expect(events.isEmpty)
        }
        #expect(try await sessions.items(of: "cleared").items.map(\.position) == [1_201])
        #expect(try await sessions.items(of: "deleted").items.isEmpty)
        #expect(try await sessions.count("kept") == 1_200)
        #expect(try await store.verify().isValid)
      }
      #expect(try await store.rows(of: "session_items") == 1_201)
      #expect(try await store.rows(of: "session_clearings") == 0)
      #expect(try await sessions.append([["n": 1]], to: "deleted").positions == [1])
      try await sessions.clear("deleted")
      #expect(try await store.rows(of: "session_items") == 1_201)
    }
  }

  /// Goal: a page of long items ends early, and the next one goes on.
  ///
  /// Method: items of 100 kB under a small bound, read from the start and from the end.
  @Test(arguments: Engines.available)
  func `a page of long items ends early`(on engine: TestEngine) async throws {
    var options = StoreOptions.testing()
    options.limits.pageBytesMax = 250_000
    try await withStore(on: engine, options: options) { test in
      let sessions = test.store.sessions
      try await sessions.save(SessionEntry("s"))
      let item: Value = ["text": .string(String(repeating: "x", count: 100_000))]
      try await sessions.append(Array(repeating: item, count: 5), to: "s")
      let page = try await sessions.items(of: "s")
      #expect(page.items.map(\.position) == [1, 2, 3] && page.next == "3")
      let last = try await sessions.items(of: "s", ItemQuery(last: 4))
      #expect(last.items.map(\.position) == [2, 3, 4] && last.next == "4")
      let rest = try await sessions.items(of: "s", ItemQuery(last: 4, after: last.next))
      #expect(rest.items.map(\.position) == [5] && rest.next == nil)
    }
  }

  /// Goal: each item of an append is an operation of its transaction, and its bytes count.
  ///
  /// Method: appends at the limits and one past them.
  @Test(arguments: Engines.available)
  func `an append keeps the limits of a transaction`(on engine: TestEngine) async throws {
    var options = StoreOptions.testing()
    options.limits.transactionOperationsMax = 20
    options.limits.transactionBytesMax = 1_000
    options.limits.valueBytesMax = 500
    try await withStore(on: engine, options: options) { test in
      let sessions = test.store.sessions
      try await sessions.save(SessionEntry("s"))
      try await sessions.append(Array(repeating: [:], count: 20), to: "s")
      await expectRefusal(.tooLarge) {
        try await sessions.append(Array(repeating: [:], count: 21), to: "s")
      }
      let text = Value.string(String(repeating: "x", count: 400))
      try await sessions.append([["t": text], ["t": text]], to: "s")
      await expectRefusal(.tooLarge) {
        try await sessions.append([["t": text], ["t": text], ["t": text]], to: "s")
      }
      let long = Value.string(String(repeating: "x", count: 500))
      await expectRefusal(.tooLarge) { try await sessions.append([["t": long]], to: "s") }
      #expect(try await sessions.get("s")?.nextPosition == 23)
    }
  }
}
