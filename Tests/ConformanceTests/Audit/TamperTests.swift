import Holdfast
import HoldfastTesting
import Testing

/// What somebody did behind the store's back, and what verify must say of it.
///
/// The log has two chains of six records each.
private struct Deed: Sendable, CustomTestStringConvertible {
  let name: String
  let statements: [String]
  let faults: [String]

  var testDescription: String { name }

  init(_ name: String, _ statements: [String], finds faults: String...) {
    self.name = name
    self.statements = statements
    self.faults = faults
  }

  /// Makes room for a record in front of number 4 of chain 1.
  static let shift = [
    "UPDATE audit_log SET number = number + 100 WHERE chain = 1 AND number >= 4",
    "UPDATE audit_log SET number = number - 99 WHERE chain = 1 AND number >= 104",
  ]

  static func copy(number: String, mac: String) -> String {
    """
    INSERT INTO audit_log (chain, number, time, actor, action, subject, details, previous, mac)
    SELECT chain, \(number), time, actor, action, subject, details, previous, \(mac)
    FROM audit_log WHERE chain = 1 AND number = 3
    """
  }

  static let all = [
    Deed(
      "a result edited", ["UPDATE audit_log SET result = 'ok' WHERE chain = 1 AND number = 3"],
      finds: "1:3 edited"),
    Deed(
      "an actor edited", ["UPDATE audit_log SET actor = 'x' WHERE chain = 2 AND number = 6"],
      finds: "2:6 edited"),
    Deed(
      "details edited",
      ["UPDATE audit_log SET details = '{\"n\":9}' WHERE chain = 1 AND number = 1"],
      finds: "1:1 edited"),
    Deed(
      "details made unreadable",
      ["UPDATE audit_log SET details = '{' WHERE chain = 1 AND number = 2"], finds: "1:2 edited"),
    Deed(
      "a time edited", ["UPDATE audit_log SET time = time + 1 WHERE chain = 1 AND number = 4"],
      finds: "1:4 edited"),
    Deed(
      "a seal edited",
      ["UPDATE audit_log SET mac = previous WHERE chain = 1 AND number = 1"], finds: "1:1 edited"),
    Deed(
      "a record edited in each chain", ["UPDATE audit_log SET subject = 'x' WHERE number = 5"],
      finds: "1:5 edited", "2:5 edited"),
    Deed(
      "a record removed", ["DELETE FROM audit_log WHERE chain = 1 AND number = 3"],
      finds: "1:3 removed"),
    Deed(
      "the first record removed", ["DELETE FROM audit_log WHERE chain = 1 AND number = 1"],
      finds: "1:1 removed"),
    Deed(
      "a record inserted",
      shift + [
        copy(number: "4", mac: "previous").replacing(
          "details, previous, previous", with: "details, mac, previous"),
        "UPDATE audit_log SET mac = (SELECT seal FROM audit_chains WHERE chain = 2) "
          + "WHERE chain = 1 AND number = 4",
      ], finds: "1:4 inserted"),
    Deed(
      "a record added at the end",
      [
        copy(number: "7", mac: "previous"),
        "UPDATE audit_log SET "
          + "previous = (SELECT mac FROM audit_log WHERE chain = 1 AND number = 6), "
          + "mac = (SELECT seal FROM audit_chains WHERE chain = 2) WHERE chain = 1 AND number = 7",
      ], finds: "1:7 inserted"),
    Deed(
      "records reordered",
      [
        "UPDATE audit_log SET number = 103 WHERE chain = 1 AND number = 3",
        "UPDATE audit_log SET number = 3 WHERE chain = 1 AND number = 4",
        "UPDATE audit_log SET number = 4 WHERE chain = 1 AND number = 103",
      ], finds: "1:3 reordered"),
    Deed(
      "a record duplicated", shift + [copy(number: "4", mac: "mac")], finds: "1:4 duplicated"),
    Deed(
      "a record duplicated at the end", [copy(number: "7", mac: "mac")],
      finds: "1:7 duplicated"),
    Deed(
      "the end cut off", ["DELETE FROM audit_log WHERE chain = 1 AND number >= 5"],
      finds: "1:5 cut_off"),
    Deed(
      "a whole chain's records removed", ["DELETE FROM audit_log WHERE chain = 2"],
      finds: "2:1 cut_off"),
    Deed(
      "the end cut off and the head edited to match",
      [
        "DELETE FROM audit_log WHERE chain = 1 AND number >= 5",
        "UPDATE audit_chains SET number = 4, "
          + "mac = (SELECT mac FROM audit_log WHERE chain = 1 AND number = 4) WHERE chain = 1",
      ], finds: "1:4 head_edited"),
    Deed(
      "a head's number edited", ["UPDATE audit_chains SET number = 9 WHERE chain = 2"],
      finds: "2:6 head_edited"),
    Deed(
      "a record swapped between chains",
      [
        "UPDATE audit_log SET chain = 99 WHERE chain = 1 AND number = 3",
        "UPDATE audit_log SET chain = 1 WHERE chain = 2 AND number = 3",
        "UPDATE audit_log SET chain = 2 WHERE chain = 99",
      ], finds: "1:3 swapped", "2:3 swapped"),
    Deed(
      "the first records swapped between chains",
      [
        "UPDATE audit_log SET chain = 99 WHERE chain = 1 AND number = 1",
        "UPDATE audit_log SET chain = 1 WHERE chain = 2 AND number = 1",
        "UPDATE audit_log SET chain = 2 WHERE chain = 99",
      ], finds: "1:1 swapped", "2:1 swapped"),
    Deed(
      "a chain dropped",
      ["DELETE FROM audit_log WHERE chain = 2", "DELETE FROM audit_chains WHERE chain = 2"],
      finds: "2:0 chain_dropped"),
    Deed(
      "a chain dropped from the register too",
      [
        "DELETE FROM audit_log WHERE chain = 2", "DELETE FROM audit_chains WHERE chain = 2",
        "UPDATE audit_chains SET number = 1 WHERE chain = 0",
      ], finds: "0:0 register_edited"),
    Deed(
      "everything removed", ["DELETE FROM audit_log", "DELETE FROM audit_chains"],
      finds: "0:0 register_edited"),
    Deed(
      "a chain added",
      [
        copy(number: "1", mac: "mac").replacing("SELECT chain, 1", with: "SELECT 3, 1")
      ], finds: "3:1 inserted"),
  ]
}

@Suite(.timeLimit(.minutes(5))) struct TamperTests {
  /// Goal: whoever changes the log behind the store's back is found, and the first bad record of
  /// each chain is named with what happened to it.
  ///
  /// Method: two chains of six records, sealed with a key; each deed is done in raw SQL; verify
  /// must be content before and name the deed afterwards, by itself and as part of the store's.
  @Test(arguments: Engines.available, Deed.all)
  private func `tampering is found and named`(on engine: TestEngine, deed: Deed) async throws {
    try await withSpoiltStore(on: engine, options: .oneSession(key: .test())) { store, _ in
      try await store.fill(1, 6)
      try await store.fill(2, 6)
      let before = try await store.audit.verify()
      #expect(before.isValid && before.records == 12 && before.chains == 2)
      #expect(before.isKeyed && before.warning == nil)
      try await store.tamper(deed.statements)
      #expect(try await store.faults() == deed.faults)
      let sentences = try await store.audit.verify().faults.map(\.sentence)
      #expect(try await store.verify().problems == sentences)
    }
  }

  /// Goal: without a key the same deeds are found, unless the forger makes new seals; verify says
  /// what that is worth.
  @Test(arguments: Engines.available)
  func `without a master key verify says who can forge the log`(
    on engine: TestEngine
  ) async throws {
    try await withSpoiltStore(on: engine, options: .oneSession()) { store, _ in
      try await store.fill(1, 3)
      let sound = try await store.audit.verify()
      #expect(sound.isValid && !sound.isKeyed && sound.warning?.contains("forge") == true)
      try await store.tamper(["DELETE FROM audit_log WHERE number = 2"])
      #expect(try await store.faults() == ["1:2 removed"])
    }
  }

  /// Goal: a database that is set back to an older state of itself, sound in itself, is found with
  /// an anchor, however it went on since.
  @Test(arguments: Engines.available, [true, false])
  func `a database set back is found with an anchor`(
    on engine: TestEngine, isKeyed: Bool
  ) async throws {
    let key = isKeyed ? try MasterKey.test() : nil
    try await withSpoiltStore(on: engine, options: .oneSession(key: key)) { store, _ in
      try await store.fill(1, 3)
      let early = try await store.audit.anchor()
      try await store.tamper([
        "CREATE TABLE old_log AS SELECT * FROM audit_log",
        "CREATE TABLE old_chains AS SELECT * FROM audit_chains",
      ])
      try await store.fill(1, 2)
      try await store.fill(2, 1)
      let late = try await store.audit.anchor()
      #expect(try await store.faults(against: early).isEmpty)
      #expect(try await store.faults(against: late).isEmpty)
      #expect(try AuditAnchor(json: late.json) == late)

      try await store.tamper([
        "DELETE FROM audit_log", "DELETE FROM audit_chains",
        "INSERT INTO audit_log SELECT * FROM old_log",
        "INSERT INTO audit_chains SELECT * FROM old_chains",
      ])
      #expect(try await store.faults().isEmpty)
      #expect(try await store.faults(against: early).isEmpty)
      #expect(try await store.faults(against: late) == ["1:4 rolled_back", "2:1 rolled_back"])

      // It grows past the anchor again, along another way.
      try await store.fill(1, 4, "other")
      try await store.fill(2, 3, "other")
      #expect(try await store.faults().isEmpty)
      #expect(try await store.faults(against: late) == ["1:5 rolled_back", "2:1 rolled_back"])
    }
  }

  @Test(arguments: Engines.available)
  func `an anchor that was edited or is of another store is found`(
    on engine: TestEngine
  ) async throws {
    let options = try StoreOptions.oneSession(key: .test())
    try await withSpoiltStore(on: engine, options: options) { store, _ in
      try await store.fill(1, 2)
      let anchor = try await store.audit.anchor()
      var json = try #require(anchor.json.objectValue)
      json["time"] = "2020-01-01T00:00:00.000000Z"
      let edited = try AuditAnchor(json: .object(json))
      #expect(try await store.faults(against: edited) == ["0:0 anchor_edited"])
      json["time"] = nil
      await expectRefusal(.invalid) { try AuditAnchor(json: .object(json)) }
      for nonsense: Value in [nil, 1, [:], ["chains": []], "anchor"] {
        await expectRefusal(.invalid) { try AuditAnchor(json: nonsense) }
      }
      try await withSpoiltStore(on: engine, options: options) { other, _ in
        for count in 0...3 {
          if count > 0 { try await other.fill(1, 1, "other") }
          #expect(try await other.faults(against: anchor) == ["0:0 another_store"], "\(count)")
        }
      }
    }
  }

  /// Goal: what an operation refuses after it has written dooms the transaction, as what the
  /// database refuses does: else a deed is kept of which the audit log knows nothing.
  ///
  /// Method: the head of the chain is edited; a body cancels a task and swallows the error.
  @Test(arguments: Engines.available)
  func `a deed that cannot be recorded is not done`(on engine: TestEngine) async throws {
    try await withSpoiltStore(on: engine, options: .oneSession(key: .test())) { store, _ in
      try await store.fill(1, 2)
      let task = try await store.tasks.enqueue("work").task
      try await store.tamper(["UPDATE audit_chains SET number = 1 WHERE chain = 1"])
      let events = try await store.changes.made {
        await expectRefusal(.corrupt) {
          try await store.transaction { tx in
            try tx.kv(.global).put("before", 1)
            let swallowed = #expect(throws: StoreError.self) { try tx.tasks.cancel(task.id) }
            #expect(swallowed?.code == .corrupt)
          }
        }
      }
      #expect(events.isEmpty)
      #expect(try await store.tasks.get(task.id) == task)
    }
  }

  /// Goal: nothing is written behind a head that was changed, or the next record would make the
  /// forger's row genuine.
  @Test(arguments: Engines.available)
  func `nothing is recorded behind a head that was changed`(on engine: TestEngine) async throws {
    try await withSpoiltStore(on: engine, options: .oneSession(key: .test())) { store, _ in
      try await store.fill(1, 4)
      try await store.tamper([
        "DELETE FROM audit_log WHERE number = 4",
        "UPDATE audit_chains SET number = 3, "
          + "mac = (SELECT mac FROM audit_log WHERE number = 3) WHERE chain = 1",
      ])
      await expectRefusal(.corrupt) { try await store.audit.record(AuditEntry(action: "a")) }
      await expectRefusal(.corrupt) { try await store.audit.anchor() }
      await expectRefusal(.corrupt) {
        try await store.transaction { tx in
          try tx.audit.cut(before: Instant(microseconds: .max), limit: 10)
        }
      }
      #expect(try await store.faults() == ["1:3 head_edited"])
    }
  }
}
