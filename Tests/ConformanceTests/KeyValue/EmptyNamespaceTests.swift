import HoldfastEngine
import HoldfastTesting
import NIOConcurrencyHelpers
import Testing

@testable import Holdfast

/// What becomes of namespaces when their last key has gone.
@Suite(.timeLimit(.minutes(5))) struct EmptyNamespaceTests {
  /// Goal: a namespace whose last key expired or was deleted leaves nothing in the database, and
  /// nobody sees that it goes.
  ///
  /// Method: one of each and one with a key, and two rounds of upkeep; then keys are put again.
  @Test(arguments: Engines.available)
  func `a namespace without keys leaves no row`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let store = test.store
      try await store.kv(.bot("expired")).put("k", 1, ttl: .seconds(1))
      try await store.kv(.bot("deleted")).put("k", 1)
      try await store.kv(.bot("deleted")).delete("k")
      try await store.kv(.bot("kept")).put("k", 1)
      time.advance(by: .seconds(1))
      let upkeep = Upkeep(store: store)
      let events = try await store.changes.made {
        for _ in 0..<2 { _ = await upkeep.pass(slicesMax: 100) }
      }
      #expect(events == ["expired k"])
      #expect(try await store.number("SELECT COUNT(*) FROM namespaces") == 1)
      try await store.kv(.bot("deleted")).put("k", 2)
      #expect(try await store.kv(.bot("deleted")).get("k") == 2)
      #expect(try await store.kv(.bot("kept")).get("k") == 1)
      #expect(try await store.namespaces.list().items.count == 2)
    }
  }

  /// Goal: the namespaces are looked through once an hour, not with every pass.
  ///
  /// Method: a namespace that becomes empty after the first pass stays until the hour is over.
  @Test(arguments: Engines.available)
  func `empty namespaces are looked for once an hour`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let store = test.store
      let upkeep = Upkeep(store: store)
      _ = await upkeep.pass(slicesMax: 100)
      try await store.kv(.bot("7")).put("k", 1)
      try await store.kv(.bot("7")).delete("k")
      for _ in 0..<2 { _ = await upkeep.pass(slicesMax: 100) }
      #expect(try await store.number("SELECT COUNT(*) FROM namespaces") == 1)
      time.advance(by: .seconds(3_600))
      for _ in 0..<2 { _ = await upkeep.pass(slicesMax: 100) }
      #expect(try await store.number("SELECT COUNT(*) FROM namespaces") == 0)
    }
  }

  /// Goal: a page of the walk costs what it looks at, and not what the store holds.
  ///
  /// Method: the plan where the database knows how much there is.
  @Test(arguments: Engines.available)
  func `a page of the walk reads one key a namespace`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      try await test.store.transaction { tx in
        for number in 0..<200 {
          for key in ["a", "b", "c"] { try tx.kv(.bot("\(number)")).put(key, 1) }
        }
      }
      if engine == .postgres { try await test.store.tamper("ANALYZE kv, namespaces") }
      try await expectIndexed(UpkeepSQL.namespaces, [.integer(0), .integer(10)], on: test.store)
    }
  }

  /// Goal: a key that is being put into an empty namespace keeps it, and its own.
  ///
  /// Method: a body has put a key and is held open, while another node, which has seen the
  /// namespace empty, retires it: that waits at the door.
  @Test func `a put that is under way keeps its namespace`() async throws {
    let namespace = Namespace.bot("7")
    try await withStore(on: .postgres) { test in
      let store = test.store
      let other = try await test.openAnother()
      try await store.kv(namespace).put("first", 1)
      try await store.kv(namespace).delete("first")
      let number = try await store.number("SELECT id FROM namespaces")
      let (begun, hasBegun) = AsyncStream.makeStream(of: Void.self)
      let mayEnd = ConditionLock(value: false)
      async let put = store.transaction { tx in
        let version = try tx.kv(namespace).put("k", 1).entry.version
        hasBegun.finish()
        mayEnd.lock(whenValue: true)
        mayEnd.unlock()
        return version
      }
      for await _ in begun {}
      let isOver = NIOLockedValueBox(false)
      let retiring = Task {
        defer { isOver.withLockedValue { $0 = true } }
        try await other.change(Operation.upkeepNamespaces) { tx in
          try tx.namespaces.retire([number], behind: Int(NamespaceDoor.number(of: namespace)))
        }
      }
      // Whoever does not wait at the door is through by then.
      for _ in 0..<200 where !isOver.withLockedValue(\.self) {
        _ = try? await other.number("SELECT 1")
      }
      #expect(!isOver.withLockedValue { $0 })
      mayEnd.lock()
      mayEnd.unlock(withValue: true)
      #expect(try await put > 0)
      try await retiring.value
      try await store.sweep()
      #expect(try await store.kv(namespace).get("k") == 1)
      #expect(
        try await store.number("SELECT COUNT(*) FROM namespaces WHERE cleared_at IS NULL") == 1)
    }
  }
}
