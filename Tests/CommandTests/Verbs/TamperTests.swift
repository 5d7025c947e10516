import Foundation
import Holdfast
import HoldfastEngine
import HoldfastTesting
import Testing

/// What somebody does to the audit log behind the store's back, and what `audit verify` says of it.
///
/// The log has two chains of six records each.
private struct Deed: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let statements: [String]
  let sentences: [String]

  init(_ name: String, _ statements: [String], finds sentences: String...) {
    testDescription = name
    self.statements = statements
    self.sentences = sentences
  }

  /// Makes room for a record in front of number 4 of chain 1.
  private static let shift = [
    "UPDATE audit_log SET number = number + 100 WHERE chain = 1 AND number >= 4",
    "UPDATE audit_log SET number = number - 99 WHERE chain = 1 AND number >= 104",
  ]

  /// Puts a copy of record 3 of chain 1 behind it.
  private static let copy = """
    INSERT INTO audit_log (chain, number, time, actor, action, subject, details, previous, mac)
    SELECT chain, 4, time, actor, action, subject, details, previous, mac
    FROM audit_log WHERE chain = 1 AND number = 3
    """

  static let all = [
    Deed(
      "edited", ["UPDATE audit_log SET subject = 'x' WHERE chain = 1 AND number = 3"],
      finds: "Audit chain 1, record 3: edited."),
    Deed(
      "removed", ["DELETE FROM audit_log WHERE chain = 2 AND number = 2"],
      finds: "Audit chain 2, record 2: removed."),
    Deed(
      "inserted",
      shift + [
        copy,
        "UPDATE audit_log SET subject = 'forged', "
          + "previous = (SELECT mac FROM audit_log WHERE chain = 1 AND number = 3), "
          + "mac = (SELECT seal FROM audit_chains WHERE chain = 2) "
          + "WHERE chain = 1 AND number = 4",
      ], finds: "Audit chain 1, record 4: inserted."),
    Deed(
      "reordered",
      [
        "UPDATE audit_log SET number = 103 WHERE chain = 1 AND number = 3",
        "UPDATE audit_log SET number = 3 WHERE chain = 1 AND number = 4",
        "UPDATE audit_log SET number = 4 WHERE chain = 1 AND number = 103",
      ], finds: "Audit chain 1, record 3: moved from another place of its chain."),
    Deed(
      "duplicated", shift + [copy], finds: "Audit chain 1, record 4: there twice."),
    Deed(
      "truncated", ["DELETE FROM audit_log WHERE chain = 1 AND number >= 5"],
      finds: "Audit chain 1, record 5: cut off from here on."),
    Deed(
      "head edited",
      [
        "DELETE FROM audit_log WHERE chain = 1 AND number >= 5",
        "UPDATE audit_chains SET number = 4, "
          + "mac = (SELECT mac FROM audit_log WHERE chain = 1 AND number = 4) WHERE chain = 1",
      ], finds: "Audit chain 1, record 4: the head of the chain was edited."),
    Deed(
      "swapped between chains",
      [
        "UPDATE audit_log SET chain = 99 WHERE chain = 1 AND number = 3",
        "UPDATE audit_log SET chain = 1 WHERE chain = 2 AND number = 3",
        "UPDATE audit_log SET chain = 2 WHERE chain = 99",
      ], finds: "Audit chain 1, record 3: moved from another chain.",
      "Audit chain 2, record 3: moved from another chain."),
  ]
}

/// Each kind of tampering, as `holdfast audit verify` finds it.
@Suite(.timeLimit(.minutes(5))) struct TamperVerbs {
  private static let key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
  private let keyed = ["HOLDFAST_MASTER_KEY": Self.key]

  /// Opens the store in one session, as the only one who writes to it.
  private func open(_ place: Place, _ body: (Store) async throws -> Void) async throws {
    var options = StoreOptions.testing()
    options.poolConnectionsMax = 1
    options.masterKey = try MasterKey(base64: Self.key)
    let store = try await Store.open(StoreLocation(place.store), options: options)
    try await body(store)
    await store.close()
  }

  /// Adds records to a chain.
  private func fill(_ place: Place, _ chain: Int64, _ count: Int) async throws {
    try await open(place) { store in
      try await store.engine.write(WriteOptions()) { $0.notes["audit.chain"] = chain }
      for number in 0..<count {
        try await store.audit.record(AuditEntry(action: "a", subject: "s\(number)"))
      }
    }
  }

  private func tamper(_ place: Place, _ statements: [String]) async throws {
    try await open(place) { store in
      for text in statements {
        _ = try await store.engine.write(WriteOptions(), [Step(Statement(text))])
      }
    }
  }

  /// Runs `audit verify`, on paper and as JSON, and compares what it finds.
  private func verify(
    _ place: Place, _ arguments: String..., finds sentences: [String],
    sourceLocation: SourceLocation = #_sourceLocation
  ) async throws {
    let all = ["audit", "verify"] + arguments
    let environment = keyed.merging(["HOLDFAST_STORE": place.store]) { $1 }
    func run(_ more: [String]) async throws -> Tool.Outcome {
      try await Tool.run(
        .holdfast, all + more, input: nil, environment: environment, folder: place.folder)
    }
    let found = try await run([])
    let expected = sentences.isEmpty ? ["valid\t12 records"] : ["invalid"] + sentences
    #expect(found.lines == expected, sourceLocation: sourceLocation)
    #expect(found.code == (sentences.isEmpty ? 0 : 74), sourceLocation: sourceLocation)
    let json = try await run(["--json"])
    #expect(json.code == found.code, sourceLocation: sourceLocation)
    let valid = #""valid":\#(sentences.isEmpty)"#
    #expect(json.output.contains(valid), sourceLocation: sourceLocation)
    for sentence in sentences {
      #expect(json.output.contains(sentence), sourceLocation: sourceLocation)
    }
  }

  /// Goal: each kind of tampering is found by the command, which names the chain, the first bad
  /// record and what happened to it, and exits 74; with an anchor as without.
  ///
  /// Method: two chains of six records under a key, found sound; each deed in raw SQL.
  @Test(arguments: Engines.available, Deed.all)
  private func `tampering is found and named`(on engine: TestEngine, deed: Deed) async throws {
    let place = try await Place(engine)
    for chain: Int64 in [1, 2] { try await fill(place, chain, 6) }
    let anchor = try place.file(
      "anchor.json", try await place.done("audit", "anchor", environment: keyed))
    try await verify(place, finds: [])
    try await verify(place, "--anchor", anchor, finds: [])
    try await tamper(place, deed.statements)
    try await verify(place, finds: deed.sentences)
    try await verify(place, "--anchor", anchor, finds: deed.sentences)
  }

  /// Goal: a whole database that is set back to an older copy of itself is found with an anchor,
  /// and with nothing else.
  ///
  /// Method: the file of a closed store is copied, the log goes on, an anchor is taken, and the
  /// copy is put in the file's place.
  @Test func `a whole database rolled back is found against an anchor`() async throws {
    let place = try await Place()
    for chain: Int64 in [1, 2] { try await fill(place, chain, 6) }
    let copy = place.folder + "/copy.db"
    try FileManager.default.copyItem(atPath: place.store, toPath: copy)
    try await fill(place, 2, 3)
    let anchor = try place.file(
      "anchor.json", try await place.done("audit", "anchor", environment: keyed))
    for suffix in ["", "-wal", "-shm"] {
      try? FileManager.default.removeItem(atPath: place.store + suffix)
    }
    try FileManager.default.moveItem(atPath: copy, toPath: place.store)
    try await verify(place, finds: [])
    try await verify(
      place, "--anchor", anchor,
      finds: ["Audit chain 2, record 7: set back to an older state than the anchor's."])
  }
}
