import Holdfast
import HoldfastEngine
import HoldfastTesting
import Testing

/// The verbs of the audit log.
@Suite(.timeLimit(.minutes(5))) struct AuditVerbs {
  /// Does something to the store that only somebody with an SQL tool does.
  private func tamper(_ place: Place, _ statements: String...) async throws {
    var options = StoreOptions.testing()
    options.masterKey = try MasterKey(base64: Self.key)
    let store = try await Store.open(StoreLocation(place.store), options: options)
    for text in statements {
      _ = try await store.engine.write(WriteOptions(), [Step(Statement(text))])
    }
    await store.close()
  }

  private static let key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
  private let keyed = ["HOLDFAST_MASTER_KEY": Self.key]

  @Test(arguments: Engines.available)
  func `records are added and listed`(on engine: TestEngine) async throws {
    let place = try await Place(engine)
    let made = try await place.done(
      "audit", "record", "refund.pay", "--subject", "order:7", "--run", "42", "--result", "paid",
      "--details", #"{"sum":5}"#, "--by", "boss")
    #expect(made.contains("action\trefund.pay\n") && made.contains("actor\tlocal:"))
    try await place.done("audit", "record", "memory.share", "--bot", "b", "--memory", "m")
    let id = try #require(made.split(separator: "\n").first { $0.hasPrefix("id\t") }).dropFirst(3)
    #expect(try await place.done("audit", "get", String(id)) == made)
    #expect(try await place.holdfast("audit", "get", "1:999").code == 66)
    #expect(try await place.holdfast("audit", "list").lines.count == 2)
    #expect(try await place.holdfast("audit", "list", "--run", "42").lines.count == 1)
    #expect(try await place.holdfast("audit", "list", "--memory", "m").lines.count == 1)
    #expect(try await place.holdfast("audit", "list", "--actor", "nobody").lines.isEmpty)
    #expect(try await place.holdfast("audit", "record", "").code == 64)
    #expect(try await place.holdfast("audit", "record", "a", "--details", "5").code == 64)
  }

  /// Goal: whoever changes the log behind the store's back is named by `audit verify`.
  @Test(arguments: Engines.available)
  func `tampering is found by the command`(on engine: TestEngine) async throws {
    let place = try await Place(engine)
    for number in 1...5 {
      try await place.done("audit", "record", "step.\(number)", environment: keyed)
    }
    let sound = try await place.holdfast("audit", "verify", environment: keyed)
    #expect(sound.code == 0 && sound.output == "valid\t5 records\n" && sound.errors.isEmpty)
    for (deed, undo, reason) in [
      (
        "UPDATE audit_log SET action = 'step.9' WHERE number = 3",
        "UPDATE audit_log SET action = 'step.3' WHERE number = 3", "record 3: edited"
      ),
      (
        "UPDATE audit_log SET number = 9 WHERE number = 2",
        "UPDATE audit_log SET number = 2 WHERE number = 9", "record 2: removed"
      ),
      (
        "UPDATE audit_chains SET number = 7 WHERE chain = 1",
        "UPDATE audit_chains SET number = 5 WHERE chain = 1", "head of the chain was edited"
      ),
      ("DELETE FROM audit_log WHERE number > 3", "SELECT 1", "record 4: cut off"),
    ] {
      try await tamper(place, deed)
      let found = try await place.holdfast("audit", "verify", environment: keyed)
      #expect(found.code == 74 && found.output.contains(reason), "\(found.output)")
      let json = try await place.holdfast("audit", "verify", "--json", environment: keyed)
      #expect(json.code == 74 && json.output.contains(#""valid":false"#))
      try await tamper(place, undo)
    }
    #expect(try await place.holdfast("verify", environment: keyed).code == 74)
  }

  /// Goal: a store that is set back to an older state is found with an anchor.
  @Test(arguments: Engines.available)
  func `a store set back is found with an anchor`(on engine: TestEngine) async throws {
    let place = try await Place(engine)
    for _ in 0..<2 { try await place.done("audit", "record", "a", environment: keyed) }
    try await tamper(
      place, "CREATE TABLE old_log AS SELECT * FROM audit_log",
      "CREATE TABLE old_chains AS SELECT * FROM audit_chains")
    try await place.done("audit", "record", "a", environment: keyed)
    let anchor = try await place.done("audit", "anchor", environment: keyed)
    let file = try place.file("anchor.json", anchor)
    try await place.done("audit", "verify", "--anchor", file, environment: keyed)
    try await place.done(
      "audit", "verify", "--anchor", "-", input: anchor, environment: keyed)
    try await tamper(
      place, "DELETE FROM audit_log", "DELETE FROM audit_chains",
      "INSERT INTO audit_log SELECT * FROM old_log",
      "INSERT INTO audit_chains SELECT * FROM old_chains")
    #expect(try await place.holdfast("audit", "verify", environment: keyed).code == 0)
    let found = try await place.holdfast(
      "audit", "verify", "--anchor", file, environment: keyed)
    #expect(found.code == 74 && found.output.contains("record 3: set back"))
    let nonsense = try place.file("nonsense.json", "{}")
    let refused = try await place.holdfast(
      "audit", "verify", "--anchor", nonsense, environment: keyed)
    #expect(refused.code == 64)
  }

  @Test func `a store with a master key opens with no other`() async throws {
    let place = try await Place()
    try await place.done("audit", "record", "a", environment: keyed)
    #expect(try await place.holdfast("audit", "list").code == 77)
    for key in ["nonsense", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="] {
      let refused = try await place.holdfast(
        "audit", "list", environment: ["HOLDFAST_MASTER_KEY": key])
      #expect(refused.code == 77 && !refused.errors.contains(key))
    }
    let plain = try await Place()
    try await plain.done("audit", "record", "a")
    let verified = try await plain.holdfast("audit", "verify")
    #expect(verified.code == 0 && verified.errors.contains("can forge the audit log"))
  }
}
