import Holdfast
import HoldfastTesting
import NIOConcurrencyHelpers
import Testing

/// Writers overlap on PostgreSQL alone: one begins, others commit, and only then it goes on.
@Suite(.timeLimit(.minutes(5))) struct OverlapTests {
  private static let namespace = Namespace.bot("7")

  /// What came of a body that others overtook in the middle.
  private struct Overtaken {
    /// How often it ran.
    let runs: Int
    /// Its version of what it wrote last.
    let version: Int64
    /// What the feed says since it began, of everything but its first put.
    let events: [Change]
  }

  /// Runs a body that begins, by a read or by a put of `first`, lets others do something when it
  /// has, the first time, and then does its own.
  private func overtake(
    _ test: TestStore, writesFirst: Bool = false,
    _ own: @escaping @Sendable (Transaction) throws -> Int64,
    by others: @Sendable (Store) async throws -> Void
  ) async throws -> Overtaken {
    let other = try await test.openAnother()
    let begin = try await test.store.changes.cursor()
    let (begun, hasBegun) = AsyncStream.makeStream(of: Void.self)
    let isDone = ConditionLock(value: false)
    let runs = NIOLockedValueBox(0)
    async let body = test.store.transaction { tx in
      if writesFirst {
        try tx.kv(.global).put("first", 1)
      } else {
        _ = try tx.kv(.global).exists("first")
      }
      let run = runs.withLockedValue { runs in
        runs += 1
        return runs
      }
      if run == 1 {
        hasBegun.finish()
        isDone.lock(whenValue: true)
        isDone.unlock()
      }
      return try own(tx)
    }
    for await _ in begun {}
    var failure: (any Error)?
    do { try await others(other) } catch { failure = error }
    isDone.lock()
    isDone.unlock(withValue: true)
    if let failure { throw failure }
    let version = try await body
    let events = try await test.store.changes.all(since: begin).filter { $0.subject != "first" }
    return Overtaken(runs: runs.withLockedValue(\.self), version: version, events: events)
  }

  private func sweep(_ store: Store) async throws {
    let upkeep = Upkeep(store: store)
    while try await upkeep.slice() > 0 {}
  }

  private static func keys(_ store: Store) async throws -> [String] {
    try await store.kv(namespace).keys().all()
  }

  /// Fills a namespace with more than a clear looks at, later than what has begun: so what that
  /// puts lies on no page that the clear reads, in either index, and the pages meet nobody's eye.
  private func fill(
    _ store: Store, _ namespace: Namespace = namespace, later time: ManualTimeSource
  ) async throws {
    let long = String(repeating: "x", count: 100)
    for letter in ["a", "z"] {
      time.advance(by: .seconds(1))
      try await store.kv(namespace).putMany((0..<1_200).map { Put("\(letter)\($0)\(long)", 1) })
    }
  }

  /// Goal: the versions of a key never go back, whoever removes it in between, and the feed tells
  /// the order that the store's state has.
  ///
  /// Method: a body draws its revision; another node deletes the key, or makes it and removes it
  /// again, by a delete or by its expiry; only then the body puts it.
  @Test(arguments: ["delete", "put and delete", "put and expire"])
  func `a put of a key that was removed meanwhile runs again`(_ way: String) async throws {
    let time = ManualTimeSource()
    try await withStore(on: .postgres, options: .testing(time: time)) { test in
      try await test.store.kv(.global).put(way == "delete" ? "k" : "another", 1)
      let came = try await overtake(test, writesFirst: true) { tx in
        try tx.kv(.global).put("k", 2).entry.version
      } by: { other in
        let kv = other.kv(.global)
        if way != "delete" { try await kv.put("k", 3, ttl: .seconds(1)) }
        if way == "put and expire" {
          time.advance(by: .seconds(1))
          try await sweep(other)
        } else {
          try await kv.delete("k")
        }
      }
      #expect(came.runs == 2)
      let removal = way == "put and expire" ? "expired" : "delete"
      let made = way == "delete" ? [] : ["put"]
      #expect(came.events.map(\.operation) == made + [removal, "put"])
      #expect(came.events.last?.revision == came.version)
      #expect(came.events.map(\.revision) == came.events.map(\.revision).sorted())
      #expect(try await test.store.kv(.global).getEntry("k")?.version == came.version)
    }
  }

  /// Goal: a delete that began before a clear tells the feed of no key that somebody has put since.
  ///
  /// Method: a body that began before the clear deletes, alone or among others, a key that was put
  /// again behind it.
  @Test(arguments: [false, true])
  func `a delete in a namespace that was cleared meanwhile runs again`(
    isOneOfMany: Bool
  ) async throws {
    let time = ManualTimeSource()
    try await withStore(on: .postgres, options: .testing(time: time)) { test in
      try await test.store.kv(Self.namespace).put("k", 1)
      try await fill(test.store, later: time)
      let came = try await overtake(test) { tx in
        let kv = tx.kv(Self.namespace)
        if isOneOfMany { try kv.deleteMany(["k", "none"]) } else { try kv.delete("k") }
        return 0
      } by: { other in
        try await other.namespaces.clear(Self.namespace)
        try await other.kv(Self.namespace).put("k", 2)
      }
      #expect(came.runs == 2)
      #expect(came.events.map(\.operation) == ["clear", "put", "delete"])
      #expect(try await Self.keys(test.store) == [])
    }
  }

  /// Goal: a put and a clear that both succeeded leave what one order of them leaves, the feed
  /// tells that order, and no row is left over.
  ///
  /// Method: a body that began before the clear puts after it: at once, and when upkeep has
  /// removed the namespace's row too.
  @Test(arguments: [false, true])
  func `a put of a namespace that was cleared meanwhile runs again`(
    isSwept: Bool
  ) async throws {
    let time = ManualTimeSource()
    try await withStore(on: .postgres, options: .testing(time: time)) { test in
      try await fill(test.store, later: time)
      let came = try await overtake(test) { tx in
        try tx.kv(Self.namespace).put("k", 2).entry.version
      } by: { other in
        try await fill(other, later: time)
        try await other.namespaces.clear(Self.namespace)
        guard isSwept else { return }
        try await sweep(other)
      }
      #expect(came.runs == 2)
      #expect(came.events.map(\.operation).suffix(2) == ["clear", "put"])
      #expect(try await Self.keys(test.store) == ["k"])
      time.advance(by: .seconds(60))
      try await sweep(test.store)
      #expect(try await test.store.rows(of: "kv") == 1)
    }
  }

  /// Goal: the same for a new expiry, and for a run and a bot that are deleted.
  ///
  /// Method: as above; what comes too late is refused, or begins a new namespace.
  @Test func `what else is cleared is cleared for late writers too`() async throws {
    let time = ManualTimeSource()
    try await withStore(on: .postgres, options: .testing(time: time)) { test in
      let store = test.store
      try await store.kv(Self.namespace).put("stays", 1)
      await expectRefusal(.notFound) {
        _ = try await overtake(test) { tx in
          try tx.kv(Self.namespace).expire("stays", after: .seconds(9)).version
        } by: { other in
          try await fill(other, later: time)
          try await other.namespaces.clear(Self.namespace)
        }
      }
      try await fill(store, later: time)
      let came = try await overtake(test) { tx in
        try tx.kv(Self.namespace).put("k", 2).entry.version
      } by: { other in
        try await fill(other, later: time)
        try await other.bots.delete("7")
      }
      #expect(came.events.map(\.operation).suffix(2) == ["delete", "put"])
      #expect(try await Self.keys(store) == ["k"])
      let run = Namespace.run("9")
      try await fill(store, run, later: time)
      await expectRefusal(.invalidState) {
        _ = try await overtake(test) { tx in
          try tx.kv(run).put("k", 2).entry.version
        } by: { other in
          try await fill(other, run, later: time)
          try await other.runs.delete("9")
        }
      }
    }
  }

  /// Goal: a clear inside a body is as exact: what others put before it is in its order.
  ///
  /// Method: the body has written when another puts; then it clears, the namespace or all below.
  @Test(arguments: [false, true])
  func `a clear in a body that others overtook runs again`(below: Bool) async throws {
    let time = ManualTimeSource()
    try await withStore(on: .postgres, options: .testing(time: time)) { test in
      try await test.store.kv(.global).put("first", 0)
      try await fill(test.store, later: time)
      let came = try await overtake(test, writesFirst: true) { tx in
        let namespace = try below ? Namespace("bot") : Self.namespace
        return Int64(try tx.namespaces.clear(namespace, below: below))
      } by: { other in
        try await other.kv(Self.namespace).put("k", 2)
        try await fill(other, later: time)
      }
      #expect(came.runs == 2)
      #expect(came.version == 1)
      #expect(came.events.map(\.operation).suffix(1) == ["clear"])
      #expect(try await test.store.kv(Self.namespace).count() == 0)
    }
  }

  /// Goal: a clear comes through however many put, and the feed ends with what is there.
  ///
  /// Method: writers and clears at once over two nodes; the feed, played back, gives the keys.
  @Test(arguments: Engines.available)
  func `the feed played back gives the keys`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let nodes = [test.store, try await test.openAnother()]
      let begin = try await test.store.changes.cursor()
      try await fill(test.store, later: time)
      try await withThrowingTaskGroup(of: Void.self) { group in
        for writer in 0..<6 {
          group.addTask {
            for number in 0..<60 {
              try await nodes[writer % 2].kv(Self.namespace).put("w\(writer)-\(number % 7)", 1)
            }
          }
        }
        group.addTask {
          for _ in 0..<8 { try await nodes[1].namespaces.clear(Self.namespace) }
        }
        try await group.waitForAll()
      }
      var keys: Set<String> = []
      for event in try await test.store.changes.all(since: begin) {
        switch event.operation {
        case "put": if let key = event.subject { keys.insert(key) }
        case "clear": keys = []
        default: Issue.record("an event that nobody made: \(event.operation)")
        }
      }
      #expect(try await Self.keys(test.store) == keys.sorted())
      try await sweep(test.store)
    }
  }
}
