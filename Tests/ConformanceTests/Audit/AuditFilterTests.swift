import Holdfast
import HoldfastTesting
import Testing

@Suite(.timeLimit(.minutes(5))) struct AuditFilterTests {
  /// Goal: whatever a record may hold, a list can be asked for, and nothing longer.
  ///
  /// Method: a letter whose id is nearly as long as ids may be, and a record whose fields are all
  /// as long as they may be; a list by each field, and by one byte more.
  @Test(arguments: Engines.available)
  func `a record is found by every field however long`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let store = test.store
      let id = String(repeating: "i", count: 250)
      try await store.deadLetters.save(DeadLetterEntry(id, source: "mail", message: 1))
      try await store.deadLetters.resolve(id)
      let ofLetter = try await store.audit.list(AuditQuery(subject: "dead_letter:\(id)"))
      #expect(ofLetter.items.map(\.action) == ["dead_letter.resolve"])

      let name = String(repeating: "n", count: 256)
      let text = String(repeating: "t", count: 1_024)
      try await store.audit.record(
        AuditEntry(
          actor: name, action: name, subject: text, bot: id, run: id, memory: text, result: "all"))
      let queries = [
        AuditQuery(actor: name), AuditQuery(action: name), AuditQuery(subject: text),
        AuditQuery(bot: id), AuditQuery(memory: text), AuditQuery(run: id),
      ]
      for query in queries {
        #expect(try await store.audit.list(query).items.map(\.result) == ["all"])
      }
      for query in [AuditQuery(actor: name + "n"), AuditQuery(action: name + "n")] {
        await expectRefusal(.invalid) { try await store.audit.list(query) }
      }
      for query in [AuditQuery(subject: text + "t"), AuditQuery(memory: text + "t")] {
        await expectRefusal(.tooLarge) { try await store.audit.list(query) }
      }
    }
  }
}
