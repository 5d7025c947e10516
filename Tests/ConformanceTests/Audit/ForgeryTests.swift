import HoldfastEngine
import HoldfastTesting
import Testing

@testable import Holdfast

/// Deeds of forgers who know how a record is sealed.
@Suite(.timeLimit(.minutes(5))) struct ForgeryTests {
  private static let keep = [
    "CREATE TABLE kept_log AS SELECT * FROM audit_log",
    "CREATE TABLE kept_chains AS SELECT * FROM audit_chains",
  ]
  private static let setBack = [
    "DELETE FROM audit_log", "DELETE FROM audit_chains",
    "INSERT INTO audit_log SELECT * FROM kept_log",
    "INSERT INTO audit_chains SELECT * FROM kept_chains",
  ]

  /// Goal: no column of a record can be changed unseen.
  ///
  /// Method: each column by itself in the middle of a chain, put back afterwards.
  @Test(arguments: Engines.available, [true, false])
  func `every column of a record is sealed`(on engine: TestEngine, isKeyed: Bool) async throws {
    let key = isKeyed ? try MasterKey.test() : nil
    try await withSpoiltStore(on: engine, options: .oneSession(key: key)) { store, _ in
      try await store.fill(1, 3)
      try await store.tamper(Self.keep)
      let changes = [
        "time = time + 1", "imported_at = 1", "actor = 'x'", "by = 'x'", "action = 'x'",
        "subject = NULL", "bot = 'x'", "run = 'x'", "memory = 'x'", "result = ''",
        "details = '{}'",
      ]
      for change in changes {
        try await store.tamper(["UPDATE audit_log SET \(change) WHERE number = 2"])
        #expect(try await store.faults() == ["1:2 edited"], "\(change)")
        try await store.tamper(Self.setBack)
        #expect(try await store.faults().isEmpty, "\(change)")
      }
    }
  }

  /// Goal: a record that is genuine elsewhere is found where it does not belong.
  ///
  /// Method: the log is set back and goes on along another way; then the record of the first way
  /// takes the place of the second's, and the one behind it is made to name it.
  @Test(arguments: Engines.available)
  func `a genuine record of another past is found`(on engine: TestEngine) async throws {
    try await withSpoiltStore(on: engine, options: .oneSession(key: .test())) { store, _ in
      try await store.fill(1, 3)
      try await store.tamper(Self.keep)
      try await store.fill(1, 1, "first")
      try await store.tamper(
        ["CREATE TABLE other AS SELECT * FROM audit_log WHERE number = 4"] + Self.setBack)
      try await store.fill(1, 2, "second")
      #expect(try await store.faults().isEmpty)
      try await store.tamper([
        "DELETE FROM audit_log WHERE number = 4", "INSERT INTO audit_log SELECT * FROM other",
        "UPDATE audit_log SET previous = (SELECT mac FROM other) WHERE number = 5",
      ])
      #expect(try await store.faults() == ["1:5 edited"])
    }
  }

  /// Goal: without a key, who edits a record and seals it anew is found by the record behind it.
  @Test(arguments: Engines.available)
  func `a record that was sealed anew is found`(on engine: TestEngine) async throws {
    try await withSpoiltStore(on: engine, options: .oneSession()) { store, _ in
      try await store.fill(1, 4)
      try await store.tamper(["UPDATE audit_log SET result = 'ok' WHERE number = 2"])
      let edited = try #require(try await store.audit.get(chain: 1, number: 2))
      let previous = try await store.engine.read(
        Step(Statement("SELECT previous FROM audit_log WHERE number = 2"))
      ).rows.first?.first?.blob
      let mac = AuditSealing.plain.seal(edited, after: try #require(previous))
      try await store.tamper("UPDATE audit_log SET mac = $1 WHERE number = 2", [.blob(mac)])
      #expect(try await store.faults().map { $0.prefix(4) } == ["1:3 "])
    }
  }

  /// Goal: a log that was cut before the store got its key is sound with it too, and its cut is
  /// sealed.
  ///
  /// Method: records and a cut without a key; the store is opened with one, goes on, and is cut
  /// again; then somebody moves the cut.
  @Test(arguments: Engines.available)
  func `a cut log gets its key`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withSpoiltStore(on: engine, options: .oneSession(time: time)) { store, place in
      try await store.fill(1, 3)
      time.advance(by: .seconds(1))
      try await store.fill(1, 2)
      let bound = time.wallTime()
      let cut = try await store.transaction { try $0.audit.cut(before: bound, limit: 10) }
      #expect(cut == 3)
      await store.close()

      let options = try StoreOptions.oneSession(time: time, key: .test())
      let keyed = try await Store.open(place.location, options: options)
      let found = try await keyed.audit.verify()
      #expect(found.isValid && found.isKeyed && found.records == 2)
      try await keyed.fill(1, 2)
      #expect(try await keyed.faults().isEmpty)
      try await keyed.tamper(["UPDATE audit_checkpoints SET number = 4 WHERE kind = 'cut'"])
      #expect(try await keyed.faults().map { $0.hasSuffix("checkpoint_edited") } == [true])
      await keyed.close()
    }
  }

  /// Goal: a log that was changed before the store got its key does not get one.
  @Test(arguments: Engines.available)
  func `a log that was changed gets no key`(on engine: TestEngine) async throws {
    try await withSpoiltStore(on: engine, options: .oneSession()) { store, place in
      try await store.fill(1, 3)
      try await store.tamper(["UPDATE audit_chains SET number = 2 WHERE chain = 1"])
      await store.close()
      let options = try StoreOptions.oneSession(key: .test())
      await expectRefusal(.corrupt) { try await Store.open(place.location, options: options) }
      let plain = try await Store.open(place.location, options: .oneSession())
      #expect(try await plain.faults() == ["1:3 head_edited"])
      await plain.close()
    }
  }
}
