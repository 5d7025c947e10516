import Holdfast
import HoldfastTesting
import Testing

@Suite(.timeLimit(.minutes(5))) struct AuditKeyTests {
  @Test(arguments: Engines.available)
  func `a store with a master key opens with no other`(on engine: TestEngine) async throws {
    let key = try MasterKey.test(1)
    try await withStore(on: engine, options: .oneSession(key: key)) { test in
      try await test.store.fill(1, 2)
      var other = StoreOptions.testing()
      await expectRefusal(.unauthenticated) { try await test.openAnother(other) }
      other.masterKey = try .test(2)
      await expectRefusal(.unauthenticated) { try await test.openAnother(other) }
      try await test.restart()
      try await test.store.fill(1, 1)
      let found = try await test.store.audit.verify()
      #expect(found.isValid && found.isKeyed && found.records == 3)
    }
  }

  /// Goal: a store that gets its key later keeps what it has written, fixed as it stood then.
  @Test(arguments: Engines.available)
  func `a store may get its master key later`(on engine: TestEngine) async throws {
    let key = try MasterKey.test()
    try await withSpoiltStore(on: engine, options: .oneSession()) { plain, place in
      try await plain.fill(1, 3)
      try await plain.fill(2, 2)
      let anchor = try await plain.audit.anchor()
      let keyed = try await Store.open(place.location, options: .oneSession(key: key))
      #expect(try await keyed.faults(against: anchor).isEmpty)
      await expectRefusal(.unauthenticated) {
        try await plain.audit.record(AuditEntry(action: "a"))
      }
      try await keyed.fill(1, 2)
      try await keyed.fill(3, 2)
      let found = try await keyed.audit.verify(against: anchor)
      #expect(found.isValid && found.isKeyed && found.records == 9 && found.chains == 3)
      // What was written without a key can no longer be forged either.
      try await keyed.tamper(["UPDATE audit_log SET result = 'x' WHERE chain = 1 AND number = 2"])
      #expect(try await keyed.faults() == ["1:2 edited"])
      try await keyed.tamper(["DELETE FROM audit_checkpoints WHERE chain = 2"])
      // Those of the second chain seem sealed otherwise now, so what became of them is a guess.
      let faults = try await keyed.faults()
      #expect(faults.count == 2)
      #expect(faults.last?.hasPrefix("2:1 ") == true)
      await keyed.close()
    }
  }

  /// Goal: two openers that both bring the key make one.
  @Test(arguments: Engines.available)
  func `two openers at once make one key`(on engine: TestEngine) async throws {
    let options = try StoreOptions.oneSession(key: .test())
    try await withSpoiltStore(on: engine, options: .testing()) { _, place in
      async let one = Store.open(place.location, options: options)
      async let two = Store.open(place.location, options: options)
      let stores = try await [one, two]
      for store in stores { try await store.audit.record(AuditEntry(action: "a")) }
      for store in stores {
        #expect(try await store.audit.verify().isValid)
        #expect(try await store.audit.list().items.count == 2)
        await store.close()
      }
    }
  }

  @Test func `a master key is 32 bytes and never prints itself`() async throws {
    let bytes = [UInt8](0..<32)
    let text = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
    var options = StoreOptions.testing()
    options.masterKey = try MasterKey(base64: " \(text)\n")
    for shown in [
      "\(options)", String(reflecting: options), "\(String(describing: options.masterKey))",
    ] {
      #expect(!shown.contains("SymmetricKey") && !shown.contains("0, 1, 2, 3"))
    }
    var dumped = ""
    dump(options.masterKey, to: &dumped)
    #expect(!dumped.contains("3"))
    _ = try MasterKey(bytes: bytes)
    for count in [0, 16, 31, 33] {
      await expectRefusal(.invalid) { try MasterKey(bytes: [UInt8](repeating: 1, count: count)) }
    }
    for text in ["", "AAEC", "not base64", text + "AA"] {
      await expectRefusal(.invalid) { try MasterKey(base64: text) }
    }
  }
}
