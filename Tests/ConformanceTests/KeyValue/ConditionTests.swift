import Holdfast
import HoldfastTesting
import Testing

@Suite(.timeLimit(.minutes(5))) struct ConditionTests {
  /// Goal: a condition that holds lets the write happen; one that fails is a `conflict` that tells
  /// the current version and changes nothing.
  ///
  /// Method: each condition against a missing key and against one that is there.
  @Test(arguments: Engines.available)
  func `a failing condition is a conflict that changes nothing`(
    on engine: TestEngine
  ) async throws {
    try await withStore(on: engine) { test in
      let kv = test.store.kv(.global)
      for condition: Condition in [.version(1), .version(0), .version(-1), .value(nil), .value(1)] {
        let error = await expectRefusal(.conflict, "\(condition)") {
          try await kv.put("k", 1, if: condition)
        }
        #expect(error?.details["version"] == .null)
      }
      #expect(try await kv.count() == 0)
      let entry = try await kv.put("k", "value", description: "about", if: .absent).entry
      let failing: [Condition] = [
        .absent, .version(entry.version - 1), .version(entry.version + 1), .version(0),
        .version(.max), .version(.min), .value("other"), .value(nil),
      ]
      let events = try await test.store.changes.made {
        for condition in failing {
          let error = await expectRefusal(.conflict, "\(condition)") {
            try await kv.put("k", "new", ttl: .seconds(1), description: "new", if: condition)
          }
          #expect(error?.details["version"] == .integer(entry.version))
        }
      }
      #expect(events.isEmpty)
      #expect(try await kv.getEntry("k") == entry)
      let next = try await kv.put("k", "second", if: .version(entry.version)).entry
      #expect(try await kv.put("k", "third", if: .value("second")).entry.version > next.version)
      await expectRefusal(.conflict) { try await kv.put("k", 4, if: .version(next.version)) }
    }
  }

  /// Goal: conditions work inside transactions and batches as outside.
  ///
  /// Method: the same conditions inside a transaction, also on what it wrote itself, and in
  /// `putMany`, where one failing entry stops all and is named.
  @Test(arguments: Engines.available)
  func `conditions hold inside transactions and batches`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let kv = test.store.kv(.global)
      try await test.store.transaction { tx in
        let put = try tx.kv(.global).put("k", 1, if: .absent)
        try tx.kv(.global).put("k", 2, if: .version(put.entry.version))
        try tx.kv(.global).put("k", 3, if: .value(2))
      }
      #expect(try await kv.get("k") == 3)
      let error = await expectRefusal(.conflict) {
        try await kv.putMany([Put("a", 1, if: .absent), Put("k", 4, if: .absent), Put("b", 1)])
      }
      #expect(error?.details["index"] == 1)
      #expect(try await kv.keys().all() == ["k"])
      try await kv.putMany([Put("a", 1, if: .absent), Put("k", 4, if: .value(3))])
      #expect(try await kv.getMany(["a", "k"]).map { $0?.value } == [1, 4])
    }
  }

  /// Goal: of many who put with `absent` exactly one wins, and of many with one version too.
  ///
  /// Method: twenty tasks at once for either; the losers get `conflict`, and the value is the
  /// winner's.
  @Test(arguments: Engines.available)
  func `of many who compare and set exactly one wins`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let kv = test.store.kv(.global)
      var condition = Condition.absent
      for round in 0..<3 {
        let winners = await withTaskGroup(of: Int?.self) { [condition] group in
          for task in 0..<20 {
            group.addTask {
              let value = Value.integer(Int64(round * 100 + task))
              let error = await refusal { try await kv.put("k", value, if: condition) }
              if let error { #expect(error.code == .conflict) }
              return error == nil ? task : nil
            }
          }
          return await group.reduce(into: [Int]()) { if let task = $1 { $0.append(task) } }
        }
        let winner = try #require(winners.first)
        #expect(winners.count == 1)
        #expect(try await kv.get("k") == .integer(Int64(round * 100 + winner)))
        condition = .version(try #require(try await kv.getEntry("k")).version)
      }
    }
  }
}
