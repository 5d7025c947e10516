import Holdfast
import HoldfastTesting
import Testing

@Suite(.timeLimit(.minutes(5))) struct CounterTests {
  /// Goal: a missing key counts as 0, and the new integer is returned.
  ///
  /// Method: counts up, down, by nothing and by much.
  @Test(arguments: Engines.available)
  func `a missing counter starts at zero`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let kv = test.store.kv(.global)
      #expect(try await kv.increment("n") == 1)
      #expect(try await kv.increment("n", by: 41) == 42)
      #expect(try await kv.increment("n", by: -50) == -8)
      let same = try await kv.incrementEntry("n", by: 0)
      #expect(same.value == -8)
      #expect(try await kv.getEntry("n")?.version == same.version)
      #expect(try await kv.get("n") == -8)
      #expect(try await kv.increment("m", by: 0) == 0)
      #expect(try await kv.exists("m"))
    }
  }

  /// Goal: an increment keeps expiry and description.
  ///
  /// Method: a counter with both; the version and the update move, the rest stays.
  @Test(arguments: Engines.available)
  func `an increment keeps expiry and description`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let kv = test.store.kv(.global)
      let put = try await kv.put("n", 5, ttl: .seconds(30), description: "visits").entry
      time.advance(by: .seconds(10))
      #expect(try await kv.increment("n") == 6)
      let entry = try #require(try await kv.getEntry("n"))
      #expect(entry.expiresAt == put.expiresAt && entry.description == "visits")
      #expect(entry.createdAt == put.createdAt && entry.updatedAt == time.wallTime())
      #expect(entry.version > put.version)
      time.advance(by: .seconds(20))
      #expect(try await kv.get("n") == nil)
    }
  }

  /// Goal: what is no integer cannot be counted, and an overflow leaves the value.
  ///
  /// Method: each kind of value but an integer; the ends of 64 bits from both sides.
  @Test(arguments: Engines.available)
  func `what cannot be counted stays as it is`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let kv = test.store.kv(.global)
      for value: Value in [1.0, "1", nil, true, [], [:], .bytes([1])] {
        let version = try await kv.put("k", value).entry.version
        await expectRefusal(.invalidState, "\(value)") { try await kv.increment("k") }
        await expectRefusal(.invalidState, "\(value)") { try await kv.increment("k", by: 0) }
        let entry = try await kv.getEntry("k")
        #expect(entry?.version == version && entry?.value == value)
      }
      let ends: [(Value, Int64)] = [
        (.integer(.max), 1), (.integer(.min), -1), (.integer(.max), .max), (-1, .min),
      ]
      for (value, amount) in ends {
        try await kv.put("k", value)
        await expectRefusal(.invalidState) { try await kv.increment("k", by: amount) }
        #expect(try await kv.get("k") == value)
      }
      try await kv.put("k", .integer(.max - 1))
      #expect(try await kv.increment("k") == .max)
      try await kv.put("k", 0)
      #expect(try await kv.increment("k", by: .min) == .min)
    }
  }

  /// Goal: N tasks that count M times each make N·M, and nobody sees a number twice.
  ///
  /// Method: sixteen tasks with twenty-five increments each on one key, half of them through a
  /// second store on the same data.
  @Test(arguments: Engines.available)
  func `no increment is lost and no number comes twice`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let stores = [test.store, try await test.openAnother()]
      let numbers = try await withThrowingTaskGroup(of: [Int64].self) { group in
        for task in 0..<16 {
          let kv = stores[task % 2].kv(.global)
          group.addTask {
            var numbers: [Int64] = []
            for _ in 0..<25 { numbers.append(try await kv.increment("n")) }
            return numbers
          }
        }
        return try await group.reduce(into: []) { $0 += $1 }
      }
      #expect(numbers.sorted() == Array(1...400))
      #expect(try await test.store.kv(.global).get("n") == 400)
    }
  }

  /// Goal: counting inside transactions loses nothing either.
  ///
  /// Method: eight tasks move amounts between counters by read and put; the sum stays, and every
  /// transaction happened.
  @Test(arguments: Engines.available)
  func `transactions that read and write lose nothing`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let kv = test.store.kv(.global)
      try await kv.putMany((0..<4).map { Put("account\($0)", 100) })
      try await withThrowingTaskGroup(of: Void.self) { group in
        for task in 0..<8 {
          group.addTask {
            for round in 0..<10 {
              let from = "account\((task + round) % 4)"
              let to = "account\((task + round * 3 + 1) % 4)"
              try await test.store.transaction { tx in
                let kv = tx.kv(.global)
                let balance = try kv.get(from)?.integerValue ?? 0
                try kv.put(from, .integer(balance - 1))
                try kv.put(to, .integer((try kv.get(to)?.integerValue ?? 0) + 1))
                try kv.increment("transfers")
              }
            }
          }
        }
        try await group.waitForAll()
      }
      #expect(try await kv.get("transfers") == 80)
      let accounts = try await kv.entries(prefix: "account").all()
      #expect(accounts.reduce(0) { $0 + ($1.value?.integerValue ?? 0) } == 400)
    }
  }
}
