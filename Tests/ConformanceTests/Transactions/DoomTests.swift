import Holdfast
import HoldfastTesting
import Testing

@Suite(.timeLimit(.minutes(5))) struct DoomTests {
  private func faulty() -> (FaultInjection, StoreOptions) {
    let faults = FaultInjection()
    var options = StoreOptions.testing()
    options.inject(faults)
    return (faults, options)
  }

  /// Goal: any error but a refusal dooms the transaction, even where the body swallows it.
  ///
  /// Method: lets a statement in the middle of a body fail; the body catches the error and writes on.
  @Test(arguments: Engines.available)
  func `an error of the database dooms the transaction`(on engine: TestEngine) async throws {
    let (faults, options) = faulty()
    try await withStore(on: engine, options: options) { test in
      let store = test.store
      try await store.kv(.global).put("k", 0)
      let broken = StoreError(.unavailable, "The connection is gone.")
      let events = try await store.changes.made {
        let error = await expectRefusal(.unavailable) {
          try await store.transaction { tx in
            try tx.kv(.global).put("before", 1)
            faults.fail(.statement, with: broken)
            let failed = try? tx.kv(.global).put("k", 1)
            faults.clear()
            #expect(failed == nil)
            // Doomed: what comes now must not be kept either, whether it is refused or not.
            _ = try? tx.kv(.global).put("after", 1)
          }
        }
        #expect(error?.message == broken.message)
      }
      #expect(events.isEmpty)
      #expect(try await store.kv(.global).entries().all().map(\.value) == [0])
      try await store.kv(.global).put("k", 2)
      #expect(try await store.kv(.global).get("k") == 2)
    }
  }

  /// Goal: a failure at any statement of any write leaves nothing, and the store works on.
  ///
  /// Method: lets the first, second, … statement of each write fail until the write succeeds.
  @Test(arguments: Engines.available)
  func `a failure at any statement leaves nothing`(on engine: TestEngine) async throws {
    let (faults, options) = faulty()
    try await withStore(on: engine, options: options) { test in
      let store = test.store
      let writes: [(String, @Sendable () async throws -> Void)] = [
        ("put", { try await store.kv(Namespace("fresh:1")).put("k", 1) }),
        ("increment", { try await store.kv(.global).increment("n") }),
        ("begin", { try await store.runs.begin("42", tags: ["a", "b"]) }),
        ("create", { try await store.bots.create("7", slug: "seven") }),
        ("idempotent", { try await store.kv(.global).put("i", 1, with: .idempotent("key")) }),
        (
          "transaction",
          {
            try await store.transaction { tx in
              try tx.kv(.global).put("a", 1)
              try tx.runs.complete("42")
              try tx.namespaces.clear(Namespace("fresh:1"))
            }
          }
        ),
        ("delete", { try await store.runs.delete("42") }),
      ]
      for (name, write) in writes {
        var failures = 0
        var isDone = false
        while !isDone {
          let events = try await store.changes.made {
            faults.fail(.statement, after: failures, with: StoreError(.unavailable, "Injected."))
            switch try await outcome(write) {
            case .success: isDone = true
            case .failure(let error):
              #expect(error.code == .unavailable, "\(name)")
              failures += 1
            }
            faults.clear()
          }
          #expect(events.isEmpty == !isDone, "\(name) with \(failures) failures")
          try #require(failures < 100, "\(name)")
        }
        #expect(failures > 0, "\(name)")
      }
    }
  }

  /// Goal: a COMMIT that fails is no success: nothing is there, and the error says at most that it
  /// cannot know.
  ///
  /// Method: lets the point of the COMMIT fail, however often it is tried again.
  @Test(arguments: Engines.available)
  func `a commit that fails leaves nothing`(on engine: TestEngine) async throws {
    let (faults, options) = faulty()
    try await withStore(on: engine, options: options) { test in
      let kv = test.store.kv(.global)
      try await kv.put("k", 1)
      faults.fail(.beforeCommit, times: 1_000, with: StoreError(.unavailable, "Injected."))
      let events = try await test.store.changes.made {
        let put = await refusal { try await kv.put("k", 2) }
        let transaction = await refusal {
          try await test.store.transaction { tx in try tx.kv(.global).put("k", 3) }
        }
        for error in [put, transaction] {
          #expect([.unavailable, .uncertain].contains(error?.code))
        }
      }
      faults.clear()
      #expect(events.isEmpty)
      #expect(try await kv.get("k") == 1)
      #expect(try await kv.put("k", 4).entry.value == 4)
    }
  }

  /// Goal: a body past its time limit gets `unavailable` at its next operation, and nothing is kept.
  ///
  /// Method: the clock moves past the limit inside a body; at the limit it may still write.
  @Test(arguments: Engines.available)
  func `a body past its time limit is unavailable`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    var options = StoreOptions.testing(time: time)
    options.bodyTimeMax = .seconds(2)
    try await withStore(on: engine, options: options) { test in
      try await test.store.transaction { tx in
        try tx.kv(.global).put("k", 1)
        time.advance(by: .seconds(2))
        try tx.kv(.global).put("l", 1)
      }
      await expectRefusal(.unavailable) {
        try await test.store.transaction { tx in
          try tx.kv(.global).put("m", 1)
          time.advance(by: .milliseconds(2_001))
          try tx.kv(.global).put("n", 1)
        }
      }
      await expectRefusal(.unavailable, "swallowed") {
        try await test.store.transaction { tx in
          try tx.kv(.global).put("m", 1)
          time.advance(by: .milliseconds(2_001))
          _ = try? tx.kv(.global).put("n", 1)
        }
      }
      #expect(try await test.store.kv(.global).keys().all() == ["k", "l"])
    }
  }

  /// Goal: a transaction holds so many operations and not one more.
  ///
  /// Method: exactly the limit, one past it, a batch that straddles it; a refusal that the body
  /// swallows dooms the transaction.
  @Test(arguments: Engines.available)
  func `a transaction keeps its limit of operations`(on engine: TestEngine) async throws {
    var options = StoreOptions.testing()
    options.limits.transactionOperationsMax = 20
    try await withStore(on: engine, options: options) { test in
      let kv = test.store.kv(.global)
      let write: @Sendable (Transaction, Int) throws -> Void = { tx, count in
        for number in 0..<count { try tx.kv(.global).put("k\(number)", 1) }
      }
      try await test.store.transaction { tx in try write(tx, 20) }
      #expect(try await kv.count() == 20)
      try await kv.clear()
      let error = await expectRefusal(.tooLarge) {
        try await test.store.transaction { tx in try write(tx, 21) }
      }
      #expect(error?.details["operations_max"] == 20)
      await expectRefusal(.tooLarge) {
        try await test.store.transaction { tx in
          try write(tx, 10)
          try tx.kv(.global).putMany((0..<11).map { Put("m\($0)", 1) })
        }
      }
      await expectRefusal(.tooLarge, "swallowed") {
        try await test.store.transaction { tx in
          try write(tx, 20)
          _ = try? tx.kv(.global).put("one more", 1)
        }
      }
      #expect(try await kv.count() == 0)
      // A clear and a run's deletion are one operation each, however much they take away.
      try await test.store.transaction { tx in
        try write(tx, 18)
        try tx.namespaces.clear(.global)
        try tx.runs.begin("42")
      }
      #expect(try await kv.count() == 0)
    }
  }

  /// Goal: a transaction writes so many bytes and not one more.
  ///
  /// Method: keys, values and descriptions that fill the limit exactly, and a byte more.
  @Test(arguments: Engines.available)
  func `a transaction keeps its limit of bytes`(on engine: TestEngine) async throws {
    var options = StoreOptions.testing()
    options.limits.transactionBytesMax = 1_000
    try await withStore(on: engine, options: options) { test in
      // A key of 10 bytes, 488 bytes of JSON with its quotes, 2 of description: half the limit.
      let fill: @Sendable (Transaction, Int) throws -> Void = { tx, surplus in
        for number in 0..<2 {
          let value = String(repeating: "v", count: 486 + number * surplus)
          try tx.kv(.global).put(
            "key-00000\(number)", .string(value), description: "dd")
        }
      }
      try await test.store.transaction { tx in try fill(tx, 0) }
      await expectRefusal(.tooLarge) {
        try await test.store.transaction { tx in try fill(tx, 1) }
      }
      await expectRefusal(.tooLarge) {
        try await test.store.kv(.global).put("k", .string(String(repeating: "v", count: 998)))
      }
      #expect(try await test.store.kv(.global).count() == 2)
    }
  }
}
