import Holdfast
import HoldfastTesting
import NIOConcurrencyHelpers
import Testing

@Suite(.timeLimit(.minutes(5))) struct IdempotencyTests {
  /// Goal: the same key with the same request returns the first answer and writes nothing.
  ///
  /// Method: each write twice with its key; in between the thing is changed, so that an answer made
  /// anew would differ. After a restart the answer is still the first.
  @Test(arguments: Engines.available)
  func `the same request gives the first answer`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      typealias Call = @Sendable (Store) async throws -> String
      let calls: [(String, Call)] = [
        (
          "put",
          { "\(try await $0.kv(.global).put("a", 1, ttl: .seconds(99), with: .idempotent("1")))" }
        ),
        (
          "putMany",
          {
            let puts = [Put("b", 1), Put("b", 2), Put("c", nil, description: "about")]
            return "\(try await $0.kv(.global).putMany(puts, with: .idempotent("2")))"
          }
        ),
        (
          "increment",
          { "\(try await $0.kv(.global).incrementEntry("n", by: 5, with: .idempotent("3")))" }
        ),
        (
          "expire",
          {
            let kv = $0.kv(.global)
            return "\(try await kv.expire("b", after: .seconds(50), with: .idempotent("4")))"
          }
        ),
        ("persist", { "\(try await $0.kv(.global).persist("b", with: .idempotent("5")))" }),
        ("delete", { "\(try await $0.kv(.global).delete("c", with: .idempotent("6")))" }),
        (
          "deleteMany",
          { "\(try await $0.kv(.global).deleteMany(["a", "x"], with: .idempotent("7")))" }
        ),
        ("begin", { "\(try await $0.runs.begin(tags: ["t"], with: .idempotent("8")))" }),
        ("create", { "\(try await $0.bots.create(slug: "seven", with: .idempotent("9")))" }),
        ("clear", { "\(try await $0.kv(.global).clear(with: .idempotent("10")))" }),
      ]
      var answers: [String] = []
      for (name, call) in calls {
        let first = try await call(test.store)
        time.advance(by: .seconds(1))
        try await test.store.kv(.global).put("noise", "changed")
        let again = try await test.store.changes.made {
          #expect(try await call(test.store) == first, "\(name)")
          _ = try await call(test.store)
        }
        #expect(again.isEmpty, "\(name)")
        answers.append(first)
      }
      let store = try await test.restart()
      for ((name, call), answer) in zip(calls, answers) {
        #expect(try await call(store) == answer, "\(name) after a restart")
      }
    }
  }

  /// Goal: the same key with another request is a `conflict` that changes nothing.
  ///
  /// Method: one key, then requests that differ in each argument and in the operation.
  @Test(arguments: Engines.available)
  func `another request with the key is a conflict`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let kv = test.store.kv(.global)
      let key = WriteSettings.idempotent("key")
      try await kv.put("k", 1, ttl: .seconds(60), description: "about", with: key)
      let others: [@Sendable () async throws -> Void] = [
        { try await kv.put("k", 2, ttl: .seconds(60), description: "about", with: key) },
        { try await kv.put("k", 1.0, ttl: .seconds(60), description: "about", with: key) },
        { try await kv.put("l", 1, ttl: .seconds(60), description: "about", with: key) },
        { try await kv.put("k", 1, ttl: .seconds(61), description: "about", with: key) },
        { try await kv.put("k", 1, description: "about", with: key) },
        { try await kv.put("k", 1, ttl: .seconds(60), description: "", with: key) },
        { try await kv.put("k", 1, ttl: .seconds(60), with: key) },
        {
          try await kv.put(
            "k", 1, ttl: .seconds(60), description: "about", if: .absent, with: key)
        },
        {
          try await test.store.kv(.run("1")).put(
            "k", 1, ttl: .seconds(60), description: "about", with: key)
        },
        { try await kv.increment("k", with: key) }, { try await kv.delete("k", with: key) },
        { try await test.store.runs.begin("k", with: key) },
        { _ = try await test.store.transaction(idempotencyKey: "key") { _ in 1 } },
      ]
      let events = try await test.store.changes.made { () async throws in
        for other in others { await expectRefusal(.conflict) { try await other() } }
      }
      #expect(events.isEmpty)
      let same = try await kv.put("k", 1, ttl: .seconds(60), description: "about", with: key)
      #expect(try await kv.getEntry("k") == same.entry)
    }
  }

  /// Goal: a failed write leaves no key: it may be tried again.
  ///
  /// Method: writes that fail by a refusal, by their own error and by the database; then the same
  /// again, when it can succeed.
  @Test(arguments: Engines.available)
  func `a failed write leaves no key`(on engine: TestEngine) async throws {
    let faults = FaultInjection()
    var options = StoreOptions.testing()
    options.inject(faults)
    try await withStore(on: engine, options: options) { test in
      let kv = test.store.kv(.global)
      try await kv.put("k", 1)
      let key = WriteSettings.idempotent("key")
      await expectRefusal(.conflict) { try await kv.put("k", 2, if: .absent, with: key) }
      try await kv.delete("k")
      #expect(try await kv.put("k", 2, if: .absent, with: key).isNew)
      // Now that it succeeded it answers again although the key is there.
      #expect(try await kv.put("k", 2, if: .absent, with: key).isNew)

      let fails = NIOLockedValueBox(true)
      let transact = {
        try await test.store.transaction(idempotencyKey: "tx") { tx in
          try tx.kv(.global).increment("n")
          if fails.withLockedValue({ $0 }) { throw OwnError(number: 1) }
          return "done"
        }
      }
      await #expect(throws: OwnError(number: 1)) { try await transact() }
      fails.withLockedValue { $0 = false }
      #expect(try await transact() == "done")
      #expect(try await transact() == "done")
      #expect(try await kv.get("n") == 1)

      faults.fail(.beforeCommit, times: 1_000, with: StoreError(.unavailable, "Injected."))
      let error = await refusal { try await kv.increment("m", with: .idempotent("m")) }
      #expect([.unavailable, .uncertain].contains(error?.code))
      faults.clear()
      #expect(try await kv.increment("m", with: .idempotent("m")) == 1)
    }
  }

  /// Goal: two at once: one waits for the other, one writes, both get the same answer.
  ///
  /// Method: sixteen calls at once with one key over two nodes, several rounds, for a single write
  /// and for a transaction.
  @Test(arguments: Engines.available)
  func `of many at once one writes and all get its answer`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let nodes = [test.store, try await test.openAnother()]
      for round in 0..<5 {
        let answers = try await withThrowingTaskGroup(of: String.self) { group in
          for task in 0..<16 {
            let store = nodes[task % 2]
            group.addTask {
              let settings = WriteSettings.idempotent("increment-\(round)")
              return "\(try await store.kv(.global).incrementEntry("n", with: settings))"
            }
            group.addTask {
              let number = try await store.transaction(idempotencyKey: "body-\(round)") { tx in
                try tx.kv(.global).increment("m")
              }
              return "transaction \(number)"
            }
          }
          return try await group.reduce(into: Set<String>()) { $0.insert($1) }
        }
        #expect(answers.count == 2, "\(answers)")
      }
      #expect(try await test.store.kv(.global).getMany(["n", "m"]).map { $0?.value } == [5, 5])
    }
  }

  /// Goal: the key of a transaction alone says that it is the same; its result is any `Codable`.
  ///
  /// Method: the same key with another body; results of several kinds.
  @Test(arguments: Engines.available)
  func `a transaction is the same by its key alone`(on engine: TestEngine) async throws {
    struct Answer: Codable, Equatable { var names: [String], count: Int?, inner: [String: Double] }
    try await withStore(on: engine) { test in
      let store = test.store
      let answer = Answer(names: ["a", "é"], count: nil, inner: ["x": 1.5])
      let first = try await store.transaction(idempotencyKey: "k") { tx in
        try tx.kv(.global).put("a", 1)
        return answer
      }
      let second = try await store.transaction(idempotencyKey: "k") { tx in
        try tx.kv(.global).put("b", 1)
        return Answer(names: [], count: 1, inner: [:])
      }
      #expect(first == answer && second == answer)
      #expect(try await store.kv(.global).keys().all() == ["a"])
      let none: Int? = try await store.transaction(idempotencyKey: "none") { _ in Int?.none }
      let still: Int? = try await store.transaction(idempotencyKey: "none") { _ in Int?.some(1) }
      #expect(none == nil && still == nil)
    }
  }

  /// Goal: a key belongs to the token that sent it: two who happen upon one key do not meet.
  ///
  /// Method: the same key for two owners and for the store itself, with different requests.
  @Test(arguments: Engines.available)
  func `a key belongs to its owner`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let kv = test.store.kv(.global)
      for (place, owner) in ["", "alice", "bob"].enumerated() {
        var settings = WriteSettings.idempotent("key")
        settings.owner = owner
        for _ in 0..<2 { try await kv.put("k\(place)", .string(owner), with: settings) }
      }
      #expect(try await kv.keys().all() == ["k0", "k1", "k2"])
    }
  }

  /// Goal: a key is 1 to 256 bytes and holds no NUL.
  ///
  /// Method: keys at the bounds and past them, for a write and for a transaction.
  @Test(arguments: Engines.available)
  func `a bad idempotency key is refused`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let kv = test.store.kv(.global)
      for key in ["", String(repeating: "k", count: 257), "a\u{0}"] {
        await expectRefusal(.invalid) { try await kv.put("k", 1, with: .idempotent(key)) }
        await expectRefusal(.invalid) {
          try await test.store.transaction(idempotencyKey: key) { _ in 1 }
        }
      }
      let longest = WriteSettings.idempotent(String(repeating: "k", count: 256))
      try await kv.increment("k", with: longest)
      #expect(try await kv.increment("k", with: longest) == 1)
    }
  }

  /// Goal: whatever could be answered once can be answered again.
  ///
  /// Method: a value that nests as deep as may be, whose answer nests deeper.
  @Test(arguments: Engines.available)
  func `a deep answer is given again`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let kv = test.store.kv(.global)
      let value = (0..<128).reduce(Value.integer(1)) { inner, _ in .array([inner]) }
      let first = try await kv.put("deep", value, with: .idempotent("k"))
      #expect(try await kv.put("deep", value, with: .idempotent("k")) == first)
    }
  }

  /// Goal: one record and a list of one are two requests.
  @Test(arguments: Engines.available)
  func `one record is not a list of one`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let audit = test.store.audit
      try await audit.record(AuditEntry(action: "a"), with: .idempotent("k"))
      await expectRefusal(.conflict) {
        try await audit.record([AuditEntry(action: "a")], with: .idempotent("k"))
      }
    }
  }
}
