import Holdfast
import HoldfastTesting
import NIOConcurrencyHelpers
import Testing

@Suite(.timeLimit(.minutes(5))) struct TransactionTests {
  /// Goal: all of a transaction is kept, over all primitives, in one version.
  ///
  /// Method: keys, a clear, a run and a bot in one body; everything bears its revision.
  @Test(arguments: Engines.available)
  func `all of a transaction is kept in one version`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let store = test.store
      try await store.kv(.bot("7")).put("old", 1)
      let cursor = try await store.changes.cursor()
      let version = try await store.transaction { tx in
        try tx.namespaces.clear(.bot("7"))
        let version = try tx.kv(.run("42")).put("a", 1).entry.version
        try tx.runs.begin("42")
        try tx.bots.create("7", slug: "seven")
        try tx.kv(.global).increment("n")
        return version
      }
      #expect(try await store.kv(.run("42")).getEntry("a")?.version == version)
      #expect(try await store.kv(.global).getEntry("n")?.version == version)
      #expect(try await store.runs.get("42")?.version == version)
      #expect(try await store.bots.get("7")?.version == version)
      #expect(try await store.kv(.bot("7")).count() == 0)
      let events = try await store.changes.all(since: cursor)
      #expect(events.map(\.revision) == Array(repeating: version, count: 5))
      #expect(Set(events.map(\.time)).count == 1)
      #expect(
        events.map(\.summary) == ["clear bot:7", "put a", "begin 42", "create 7", "put n"])
    }
  }

  /// Goal: a transaction that throws leaves no trace in any primitive nor in the feed, and what it
  /// threw comes out unchanged.
  ///
  /// Method: the same kinds of writes and the removal of what was there, then an error of one's
  /// own.
  @Test(arguments: Engines.available)
  func `a transaction that throws leaves no trace`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let store = test.store
      let kept = try await store.kv(.global).put("kept", 1, description: "here").entry
      let run = try await store.runs.begin("old", tags: ["x"])
      let events = try await store.changes.made {
        await #expect(throws: OwnError(number: 42)) {
          try await store.transaction { tx in
            try tx.kv(.global).put("kept", 2, ttl: .seconds(1), description: "")
            try tx.kv(.global).delete("kept")
            try tx.kv(Namespace("new:one")).putMany([Put("a", 1), Put("b", 2)])
            try tx.runs.begin("new")
            try tx.runs.complete("old")
            try tx.runs.delete("old")
            try tx.bots.create("7", slug: "seven")
            try tx.namespaces.clear(.global)
            throw OwnError(number: 42)
          }
        }
      }
      #expect(events.isEmpty)
      #expect(try await store.kv(.global).getEntry("kept") == kept)
      #expect(try await store.runs.get("old") == run)
      #expect(try await store.runs.list(RunQuery(tag: "x")).items == [run])
      #expect(try await store.runs.get("new") == nil)
      #expect(try await store.bots.get("7") == nil)
      #expect(try await store.namespaces.list().items.map(\.namespace) == [.global])
      try await store.runs.begin("new")
      try await store.bots.create("7", slug: "seven")
    }
  }

  /// Goal: inside a transaction one reads one's own writes and deletes, by every read.
  ///
  /// Method: writes and reads in turn; outside nothing is seen until the end.
  @Test(arguments: Engines.available)
  func `a transaction reads its own writes`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let store = test.store
      try await store.kv(.global).putMany([Put("a", 1), Put("b", 2)])
      let checks = try await store.transaction { tx -> [Bool] in
        let kv = tx.kv(.global)
        var checks: [Bool] = []
        try kv.put("c", 3)
        try kv.delete("a")
        checks.append(try kv.get("a") == nil && kv.get("c") == 3)
        checks.append(try !kv.exists("a") && kv.count() == 2)
        checks.append(try kv.list().items.map(\.key) == ["b", "c"])
        checks.append(try kv.getMany(["a", "b", "c"]).map { $0?.value } == [nil, 2, 3])
        checks.append(try kv.increment("c") == 4 && kv.increment("c") == 5)
        checks.append(try kv.put("a", 6, if: .absent).isNew)
        checks.append(try kv.expire("a", after: .seconds(1)).expiresAt != nil)
        checks.append(try kv.getEntry("a")?.expiresAt != nil)
        let run = try tx.runs.begin("42", tags: ["t"])
        checks.append(try tx.runs.get("42") == run)
        checks.append(try tx.runs.list(RunQuery(tag: "t")).items == [run])
        checks.append(try tx.runs.complete("42").status == .completed)
        checks.append(try tx.runs.counts()[.completed] == 1)
        let bot = try tx.bots.create("7", slug: "seven")
        checks.append(try tx.bots.get(slug: "seven") == bot)
        checks.append(try tx.bots.delete("7") && tx.bots.get("7") == nil)
        checks.append(try tx.namespaces.list().items.map(\.namespace) == [.global])
        return checks
      }
      #expect(checks.allSatisfy { $0 }, "\(checks)")
      #expect(checks.count == 15)
    }
  }

  /// Goal: what Holdfast itself decides may be caught, and the body goes on: the operation that was
  /// refused left nothing, the others are kept.
  ///
  /// Method: every kind of refusal, caught, among writes that succeed.
  @Test(arguments: Engines.available)
  func `a refusal may be caught and the body goes on`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let store = test.store
      try await store.kv(.global).put("k", "text")
      try await store.runs.begin("42")
      let codes = try await store.transaction { tx -> [StoreError.Code] in
        var codes: [StoreError.Code] = []
        func attempt(_ call: () throws(StoreError) -> Void) {
          do throws(StoreError) { try call() } catch { codes.append(error.code) }
        }
        try tx.kv(.global).put("first", 1)
        attempt { () throws(StoreError) in try tx.kv(.global).put("k", 2, if: .absent) }
        attempt { () throws(StoreError) in try tx.kv(.global).persist("missing") }
        attempt { () throws(StoreError) in try tx.kv(.global).put("", 1) }
        attempt { () throws(StoreError) in try tx.kv(.global).increment("k") }
        attempt { () throws(StoreError) in try tx.runs.begin("42") }
        attempt { () throws(StoreError) in try tx.runs.begin("43", parent: "missing") }
        attempt { () throws(StoreError) in try tx.runs.resume("42") }
        attempt { () throws(StoreError) in
          try tx.kv(.global).putMany([Put("half", 1), Put("k", 1, if: .version(.max))])
        }
        attempt { () throws(StoreError) in try tx.bots.update("missing", name: "x") }
        try tx.kv(.global).put("last", 1)
        return codes
      }
      #expect(
        codes == [
          .conflict, .notFound, .invalid, .invalidState, .conflict, .notFound, .invalidState,
          .conflict, .notFound,
        ])
      #expect(try await store.kv(.global).keys().all() == ["first", "k", "last"])
      #expect(try await store.kv(.global).get("k") == "text")
      #expect(try await store.runs.list().items.map(\.id) == ["42"])
    }
  }

  /// Goal: `fenced` may be caught as well: what was refused changed nothing, and the rest is kept.
  ///
  /// Method: a worker whose task was taken and a caller with an old probe write between two puts.
  @Test(arguments: Engines.available)
  func `a fenced call may be caught and the body goes on`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let store = test.store
      try await store.tasks.enqueue("a")
      let old = try #require(try await store.tasks.claim(lease: .seconds(30)).first)
      time.advance(by: .seconds(30))
      let task = try #require(try await store.tasks.claim().first).record
      let (id, token, now) = (old.id, old.token, time.wallTime())
      let provider = try await store.providers.put(
        "p",
        health: ProviderHealth(
          circuit: try Circuit(
            status: .halfOpen, consecutiveFailures: 3, consecutiveSuccesses: 1,
            opening: try Circuit.Opening.stored(at: now, wait: .seconds(30), count: 1),
            probe: Circuit.Probe(token: 17, expiresAt: now + .seconds(60)))))
      let cursor = try await store.changes.cursor()
      let codes = try await store.transaction { tx -> [StoreError.Code] in
        var codes: [StoreError.Code] = []
        func attempt(_ call: () throws(StoreError) -> Void) {
          do throws(StoreError) { try call() } catch { codes.append(error.code) }
        }
        try tx.kv(.global).put("first", 1)
        attempt { () throws(StoreError) in try tx.tasks.complete(id, result: 1, token: token) }
        attempt { () throws(StoreError) in
          try tx.tasks.recordStep("s", of: id, result: 1, token: token)
        }
        attempt { () throws(StoreError) in try tx.providers.success("p", probe: 16) }
        try tx.kv(.global).put("last", 1)
        return codes
      }
      #expect(codes == [.fenced, .fenced, .fenced])
      #expect(
        try await store.changes.all(since: cursor).map(\.summary) == ["put first", "put last"])
      #expect(try await store.kv(.global).keys().all() == ["first", "last"])
      #expect(try await store.tasks.get(id) == task)
      #expect(try await store.tasks.steps(id).isEmpty)
      #expect(try await store.providers.get("p") == provider)
    }
  }

  /// Goal: a refusal that is not caught ends the transaction and comes out as it is.
  ///
  /// Method: a write, then a failing condition.
  @Test(arguments: Engines.available)
  func `a refusal that is not caught ends the transaction`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      try await test.store.kv(.global).put("k", 1)
      await expectRefusal(.conflict) {
        try await test.store.transaction { tx in
          try tx.kv(.global).put("other", 1)
          try tx.kv(.global).put("k", 2, if: .absent)
        }
      }
      #expect(try await test.store.kv(.global).keys().all() == ["k"])
    }
  }

  /// Carries a transaction out of its body, which only a test would do.
  ///
  /// Unchecked: the box is filled on one thread and read after that has ended.
  private final class Leak: @unchecked Sendable {
    var transaction: Transaction?
  }

  /// Goal: a transaction used after its body ended is `invalid_state`, reads and writes alike.
  ///
  /// Method: carries one out, of a commit, of a throw and of a read.
  @Test(arguments: Engines.available)
  func `a transaction used after its body is refused`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let leak = Leak()
      func expectEnded() throws {
        let transaction = try #require(leak.transaction)
        let read = #expect(throws: StoreError.self) { try transaction.kv(.global).get("k") }
        let write = #expect(throws: StoreError.self) { try transaction.kv(.global).put("k", 1) }
        let run = #expect(throws: StoreError.self) { try transaction.runs.list() }
        #expect(
          [read, write, run].map { $0?.code } == [.invalidState, .invalidState, .invalidState])
      }
      try await test.store.transaction { tx in leak.transaction = tx }
      try expectEnded()
      _ = try? await test.store.transaction { tx in
        leak.transaction = tx
        throw OwnError(number: 1)
      }
      try expectEnded()
      try await test.store.read { tx in leak.transaction = tx }
      try expectEnded()
      #expect(try await test.store.kv(.global).count() == 0)
    }
  }

  /// Goal: `store.read` gives several reads one snapshot, and nothing can be written in it.
  ///
  /// Method: reads a pair that writers always change together; and tries each kind of write.
  @Test(arguments: Engines.available)
  func `a read is one snapshot`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let store = test.store
      try await store.kv(.global).putMany([Put("a", 0), Put("b", 0)])
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<2 {
          group.addTask {
            for _ in 0..<40 {
              try await store.transaction { tx in
                try tx.kv(.global).increment("a")
                try tx.kv(.global).increment("b")
              }
            }
          }
          group.addTask {
            for _ in 0..<100 {
              let isEqual = try await store.read { tx in
                let first = try tx.kv(.global).get("a")
                return try tx.kv(.global).get("b") == first
              }
              #expect(isEqual)
            }
          }
        }
        try await group.waitForAll()
      }
      let writes: [@Sendable (Transaction) throws -> Void] = [
        { try $0.kv(.global).put("k", 1) }, { try $0.kv(.global).delete("a") },
        { try $0.kv(.global).increment("a") }, { try $0.runs.begin("42") },
        { try $0.bots.create(slug: "s") }, { try $0.namespaces.clear(.global) },
      ]
      for write in writes {
        await expectRefusal(.invalidState) { try await store.read { tx in try write(tx) } }
      }
      #expect(try await store.kv(.global).get("a") == 80)
    }
  }

  /// Goal: `kv.transaction` is a transaction bound to its namespace.
  ///
  /// Method: writes two keys, and throws once.
  @Test(arguments: Engines.available)
  func `a transaction of a namespace is bound to it`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let kv = test.store.kv(.run("42"))
      let sum = try await kv.transaction { kv in
        try kv.put("a", 1)
        return try kv.increment("n", by: 5) + kv.increment("n")
      }
      #expect(sum == 11)
      await #expect(throws: OwnError(number: 2)) {
        try await kv.transaction { kv in
          try kv.put("b", 1)
          throw OwnError(number: 2)
        }
      }
      #expect(try await kv.keys().all() == ["a", "n"])
      #expect(try await test.store.namespaces.list().items.map(\.namespace) == [.run("42")])
    }
  }

  /// Goal: bodies of one moment disturb no neighbour: one that throws leaves the others whole.
  ///
  /// Method: sixty bodies at once, every third of which throws after it has written.
  @Test(arguments: Engines.available)
  func `a body that throws disturbs no neighbour`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { (test) async throws in
      let store = test.store
      await withTaskGroup(of: Void.self) { group in
        for number in 0..<60 {
          group.addTask {
            do {
              try await store.transaction { tx in
                try tx.kv(.global).put("a\(number)", 1)
                try tx.kv(.global).increment("done")
                if number % 3 == 0 { throw OwnError(number: number) }
                try tx.kv(.global).put("b\(number)", 1)
              }
              #expect(number % 3 != 0)
            } catch {
              #expect(error as? OwnError == OwnError(number: number))
            }
          }
        }
      }
      let kv = store.kv(.global)
      #expect(try await kv.get("done") == 40)
      let expected = (0..<60).filter { $0 % 3 != 0 }.count
      #expect(try await kv.count(prefix: "a") == expected)
      #expect(try await kv.count(prefix: "b") == expected)
    }
  }
}
