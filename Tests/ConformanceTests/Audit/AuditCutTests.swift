import Holdfast
import HoldfastTesting
import Testing

@Suite(.timeLimit(.minutes(5))) struct AuditCutTests {
  private func cut(
    _ store: Store, before: Instant, limit: Int = 1_000
  ) async throws -> Int {
    try await store.transaction { tx in try tx.audit.cut(before: before, limit: limit) }
  }

  /// Goal: what retention leaves still verifies, and so do the anchors of before.
  @Test(arguments: Engines.available)
  func `chains are cut at the front and still verify`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    let options = try StoreOptions.oneSession(time: time, key: .test())
    try await withStore(on: engine, options: options) { test in
      let store = test.store
      var anchors: [AuditAnchor] = []
      for _ in 0..<4 {
        try await store.fill(1, 3)
        try await store.fill(2, 2)
        anchors.append(try await store.audit.anchor())
        time.advance(by: .seconds(10))
      }
      let middle = time.wallTime() + .seconds(-20)
      let before = middle
      let planned = try await store.read { tx in try tx.audit.countCut(before: before) }
      #expect(planned == 10)
      var slices: [Int] = []
      while let count = try? await cut(store, before: middle, limit: 4), count > 0 {
        slices.append(count)
      }
      #expect(slices.reduce(0, +) == 10 && slices.allSatisfy { $0 <= 4 })
      #expect(try await cut(store, before: middle) == 0)
      #expect(try await store.audit.list().items.count == 10)
      for anchor in anchors { #expect(try await store.faults(against: anchor).isEmpty) }

      // A whole chain may go; it goes on where it was.
      let end = time.wallTime()
      #expect(try await cut(store, before: end) == 10)
      #expect(try await store.audit.list().items.isEmpty)
      for anchor in anchors { #expect(try await store.faults(against: anchor).isEmpty) }
      try await store.fill(1, 1)
      #expect(try await store.audit.list().items.map(\.number) == [13])
      try await test.restart()
      let found = try await test.store.audit.verify(against: anchors[3])
      #expect(found.isValid && found.records == 1)
    }
  }

  @Test(arguments: Engines.available)
  func `imported records count from their import`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .oneSession(time: time)) { test in
      let store = test.store
      let old = time.wallTime() + .seconds(-1_000)
      var entry = AuditEntry(action: "a")
      entry.importedTime = old
      let record = try await store.audit.record(entry)
      #expect(record.time == old && record.importedAt == time.wallTime())
      #expect(try await cut(store, before: time.wallTime()) == 0)
      time.advance(by: .seconds(1))
      #expect(try await cut(store, before: time.wallTime()) == 1)
    }
  }

  /// Goal: an anchor that is older than what retention left is not passed over in silence.
  ///
  /// Method: an anchor at a cut and one between two; the log is cut past both.
  @Test(arguments: Engines.available)
  func `an anchor that was cut away is told`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    let options = try StoreOptions.oneSession(time: time, key: .test())
    try await withSpoiltStore(on: engine, options: options) { store, _ in
      try await store.fill(1, 2)
      let kept = try await store.audit.anchor()
      time.advance(by: .seconds(1))
      #expect(try await cut(store, before: time.wallTime()) == 2)
      try await store.fill(1, 2)
      let passed = try await store.audit.anchor()
      try await store.fill(1, 1)
      #expect(try await store.audit.verify(against: passed).passed.isEmpty)
      time.advance(by: .seconds(1))
      #expect(try await cut(store, before: time.wallTime()) == 3)
      let result = try await store.audit.verify(against: passed)
      #expect(result.isValid && result.passed == [1])
      #expect(result.warning?.contains("chain 1") == true)
      let compared = try await store.audit.verify(against: kept)
      #expect(compared.isValid && compared.passed.isEmpty && compared.warning == nil)
    }
  }

  /// Goal: retention destroys no evidence.
  @Test(arguments: Engines.available)
  func `records that were changed are not cut`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    let options = try StoreOptions.oneSession(time: time, key: .test())
    try await withSpoiltStore(on: engine, options: options) { store, _ in
      try await store.fill(1, 4)
      try await store.tamper(["UPDATE audit_log SET actor = 'x' WHERE number = 2"])
      time.advance(by: .seconds(1))
      await expectRefusal(.corrupt) { try await cut(store, before: time.wallTime()) }
      #expect(try await store.audit.list().items.count == 4)
    }
  }

  /// Goal: nobody passes off a removal as retention's.
  @Test(arguments: Engines.available)
  func `checkpoints that were changed are found`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    let options = try StoreOptions.oneSession(time: time, key: .test())
    try await withSpoiltStore(on: engine, options: options) { store, _ in
      try await store.fill(1, 3)
      time.advance(by: .seconds(1))
      #expect(try await cut(store, before: time.wallTime()) == 3)
      try await store.fill(1, 3)
      #expect(try await store.faults().isEmpty)
      try await store.tamper([
        "DELETE FROM audit_log WHERE number = 4",
        "UPDATE audit_checkpoints SET number = 4, "
          + "mac = (SELECT previous FROM audit_log WHERE number = 5)",
      ])
      #expect(try await store.faults() == ["1:0 checkpoint_edited"])
      try await store.tamper(["DELETE FROM audit_checkpoints"])
      #expect(try await store.faults() == ["1:1 removed"])
    }
  }

  @Test(arguments: Engines.available)
  func `a cut refuses a limit that cannot be`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      for limit in [0, -1, 1_001] {
        await expectRefusal(.invalid) {
          try await cut(test.store, before: Instant(microseconds: 0), limit: limit)
        }
      }
    }
  }

  /// Goal: a cut enters the feed once, with the number up to which a chain went.
  ///
  /// Method: a cut of some records, and of none.
  @Test(arguments: Engines.available)
  func `a cut enters the feed`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .oneSession(time: time)) { test in
      let store = test.store
      try await store.fill(1, 3)
      time.advance(by: .seconds(1))
      let bound = time.wallTime()
      try await store.fill(1, 1)
      let cursor = try await store.changes.cursor()
      #expect(try await cut(store, before: bound) == 3)
      #expect(try await cut(store, before: bound) == 0)
      let events = try await store.changes.all(since: cursor)
      #expect(events.map(\.summary) == ["cut 1:3"])
      #expect(events.allSatisfy { $0.kind == "audit" && $0.namespace == "global" })
    }
  }

  /// Goal: a chain that was changed holds up no other.
  ///
  /// Method: two chains, the first with an edited record.
  @Test(arguments: Engines.available)
  func `one changed chain holds up no other`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    let options = try StoreOptions.oneSession(time: time, key: .test())
    try await withSpoiltStore(on: engine, options: options) { store, _ in
      try await store.fill(1, 3)
      try await store.fill(2, 3)
      try await store.tamper(["UPDATE audit_log SET actor = 'x' WHERE chain = 1 AND number = 2"])
      time.advance(by: .seconds(1))
      let bound = time.wallTime()
      #expect(try await cut(store, before: bound) == 3)
      let error = await expectRefusal(.corrupt) { try await cut(store, before: bound) }
      #expect(error?.details["chain"] == 1)
      #expect(try await store.audit.list().items.map(\.chain) == [1, 1, 1])
    }
  }
}
