import Holdfast
import HoldfastTesting
import Testing

@Suite(.timeLimit(.minutes(5))) struct SnapshotTests {
  /// Goal: what one node has written every node reads at once: no cache and no snapshot is stale.
  ///
  /// Method: three nodes in turn write a number and read it through all others, warm and cold.
  @Test(arguments: Engines.available)
  func `an acknowledged write is read by every node at once`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let nodes = [test.store, try await test.openAnother(), try await test.openAnother()]
      for number in 0..<60 {
        let value = Value.integer(Int64(number))
        try await nodes[number % 3].kv(.global).put("k", value)
        for node in nodes {
          #expect(try await node.kv(.global).get("k") == value)
          #expect(try await node.kv(.global).list().items.count == 1)
        }
        try await nodes[(number + 1) % 3].kv(.global).delete("k")
        for node in nodes { #expect(try await node.kv(.global).get("k") == nil) }
      }
    }
  }

  /// Goal: a batch is seen whole or not at all, by whoever reads meanwhile.
  ///
  /// Method: one task writes the same number under many keys, again and again; readers of two nodes
  /// must find one number under all of them, by getMany, list and a snapshot.
  @Test(arguments: Engines.available)
  func `half a batch is never seen`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let nodes = [test.store, try await test.openAnother()]
      let keys = (0..<20).map { "k\($0)" }
      try await test.store.kv(.global).putMany(keys.map { Put($0, 0) })
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
          for number in 1...40 {
            let value = Value.integer(Int64(number))
            try await nodes[number % 2].kv(.global).putMany(keys.map { Put($0, value) })
          }
        }
        for node in nodes {
          group.addTask {
            for _ in 0..<60 {
              let kv = node.kv(.global)
              let many = try await kv.getMany(keys)
              #expect(Set(many.map { $0?.version }).count == 1)
              let page = try await kv.list(KeyQuery(includesValues: true)).items
              #expect(Set(page.map { $0.value?.integerValue }).count == 1 && page.count == 20)
              let both = try await node.read { tx in
                let kv = tx.kv(.global)
                return [try kv.get("k0"), try kv.get("k19")]
              }
              #expect(both[0] == both[1])
            }
          }
        }
        try await group.waitForAll()
      }
    }
  }
}
