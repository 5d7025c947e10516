import Holdfast
import HoldfastTesting
import NIOConcurrencyHelpers
import Testing

@Suite(.timeLimit(.minutes(5))) struct SerializableTests {
  /// Goal: no write skew: of two who each read what the other writes, one must see the other.
  ///
  /// Method: two doctors on call, each goes off call if the other is on; many rounds at once, over
  /// two nodes. In no round may both have gone.
  @Test(arguments: Engines.available)
  func `there is no write skew`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let nodes = [test.store, try await test.openAnother()]
      for round in 0..<25 {
        let kv = test.store.kv(try Namespace("round:\(round)"))
        try await kv.putMany([Put("alice", true), Put("bob", true)])
        try await withThrowingTaskGroup(of: Void.self) { group in
          for (place, (me, other)) in [("alice", "bob"), ("bob", "alice")].enumerated() {
            group.addTask {
              try await nodes[place].transaction { tx in
                let kv = tx.kv(kv.namespace)
                if try kv.get(other) == true { try kv.put(me, false) }
              }
            }
          }
          try await group.waitForAll()
        }
        let onCall = try await kv.getMany(["alice", "bob"]).filter { $0?.value == true }
        #expect(onCall.count == 1, "round \(round)")
      }
    }
  }

  /// Goal: no phantoms: who counts and then adds has counted all that was there before.
  ///
  /// Method: tasks that count the keys of a prefix and add one under the count as its name,
  /// `absent` unasked; were a phantom possible two would take one number.
  @Test(arguments: Engines.available)
  func `there are no phantoms`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let nodes = [test.store, try await test.openAnother()]
      let numbers = try await withThrowingTaskGroup(of: Int.self) { group in
        for task in 0..<24 {
          group.addTask {
            try await nodes[task % 2].transaction { tx in
              let kv = tx.kv(.global)
              let count = try kv.count(prefix: "item-")
              try kv.put("item-\(count)-\(task)", .integer(Int64(count)))
              return count
            }
          }
        }
        return try await group.reduce(into: [Int]()) { $0.append($1) }
      }
      #expect(numbers.sorted() == Array(0..<24))
    }
  }

  /// Goal: a bound over a list holds: a seat is never given twice, whichever way it is asked for.
  ///
  /// Method: tasks begin a run only while fewer than five have the tag, by a list; at most five
  /// begin.
  @Test(arguments: Engines.available)
  func `a bound over a list of runs holds`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let nodes = [test.store, try await test.openAnother()]
      let begun = try await withThrowingTaskGroup(of: Bool.self) { group in
        for task in 0..<16 {
          group.addTask {
            try await nodes[task % 2].transaction { tx in
              guard try tx.runs.list(RunQuery(tag: "seat")).items.count < 5 else { return false }
              try tx.runs.begin("run-\(task)", tags: ["seat"])
              return true
            }
          }
        }
        return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
      }
      #expect(begun == 5)
      #expect(try await test.store.runs.list(RunQuery(tag: "seat")).items.count == 5)
    }
  }

  /// Goal: two who would both be first are not: a missing key is read, then made, once.
  ///
  /// Method: tasks that get and, where nothing is there, put their own name; all must return one
  /// name.
  @Test(arguments: Engines.available)
  func `a missing key is made once`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let nodes = [test.store, try await test.openAnother()]
      for round in 0..<8 {
        let key = "leader-\(round)"
        let names = try await withThrowingTaskGroup(of: Value?.self) { group in
          for task in 0..<8 {
            group.addTask {
              try await nodes[task % 2].transaction { tx in
                let kv = tx.kv(.global)
                if let leader = try kv.get(key) { return leader }
                try kv.put(key, .integer(Int64(task)))
                return try kv.get(key)
              }
            }
          }
          return try await group.reduce(into: [Value?]()) { $0.append($1) }
        }
        let leader = try await test.store.kv(.global).get(key)
        #expect(leader != nil && names.allSatisfy { $0 == leader })
      }
    }
  }

  /// Goal: a clear and a put at once leave either the put or nothing, never a key of before.
  ///
  /// Method: clears and puts of two nodes at once; what remains was put after the last clear that
  /// the feed shows.
  @Test(arguments: Engines.available)
  func `a clear takes all that was there before it`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let nodes = [test.store, try await test.openAnother()]
      let cursor = try await test.store.changes.cursor()
      try await withThrowingTaskGroup(of: Void.self) { group in
        for task in 0..<4 {
          group.addTask {
            let kv = nodes[task % 2].kv(.global)
            for number in 0..<20 { try await kv.put("k\(task)-\(number)", 1) }
          }
        }
        group.addTask {
          for number in 0..<10 { try await nodes[number % 2].kv(.global).clear() }
        }
        try await group.waitForAll()
      }
      var expected: Set<String> = []
      for event in try await test.store.changes.all(since: cursor) {
        if event.operation == "clear" { expected = [] }
        if event.operation == "put", let key = event.subject { expected.insert(key) }
      }
      #expect(try await Set(test.store.kv(.global).keys().all()) == expected)
    }
  }
}
