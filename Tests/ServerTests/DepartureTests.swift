import Holdfast
import HoldfastTesting
import Testing

@testable import HoldfastServer

/// Long work for a client that has left.
@Suite(.timeLimit(.minutes(2))) struct DepartureTests {
  /// Goal: a check of the whole audit log ends when nobody waits for it any more.
  ///
  /// Method: a log that takes a while, and clients that ask and leave at once. The store's own log
  /// says that the check was broken off; one that is waited for comes to its end.
  @Test(arguments: ["GET", "POST"])
  func `a check of the audit log ends when the client leaves`(_ method: String) async throws {
    let log = CapturedLog()
    var options = StoreOptions.testing()
    options.logger = log.logger
    try await withServer(store: options) { server in
      let entries = (0..<2_000).map { AuditEntry(action: "a", subject: "\($0)") }
      for _ in 0..<5 { try await server.store.audit.record(entries) }
      try await server.leave(method, "/v1/audit/verify")
      await log.line(containing: "operation failed", "audit.verify")
      let sound = try await server.send(method, "/v1/audit/verify")
      #expect(sound.status == 200 && sound.body["valid"] == true)
    }
  }

  /// Goal: retention that was begun over HTTP stops between two slices when the client leaves; what
  /// it has removed is recorded, and the rest is there.
  ///
  /// Method: many slices' worth of finished tasks, and a client that leaves at once.
  @Test(arguments: Engines.available)
  func `retention stops when the client leaves`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withServer(on: engine, store: .testing(time: time)) { server in
      let store = server.store
      for _ in 0..<6 {
        try await store.transaction { tx in
          for _ in 0..<500 { try tx.tasks.save(TaskDraft("work"), status: .completed) }
        }
      }
      time.advance(by: .seconds(8 * 86_400))
      try await server.leave("POST", "/v1/retention/run")
      var record: AuditRecord?
      while record == nil {
        await Task.yield()
        record = try await store.audit.list(AuditQuery(action: AuditAction.retentionRun)).items
          .first
      }
      #expect(record?.actor == "root" && record?.details["complete"] == false)
      let left = try await store.tasks.list(TaskQuery(limit: 1, counts: true)).total ?? 0
      #expect(record?.details["tasks"] == .integer(Int64(3_000 - left)))
      #expect(left > 0)
      let rest = try await server.send("POST", "/v1/retention/run")
      #expect(
        rest.body["complete"] == true && rest.body["counts"]?["tasks"] == .integer(Int64(left)))
    }
  }
}

extension TestServer {
  /// Sends a request, and leaves without waiting for its answer.
  fileprivate func leave(_ method: String, _ target: String) async throws {
    try await Wire.with(port: port) { wire in
      try await wire.write(head(method, target, length: method == "POST" ? 0 : nil))
    }
  }
}

extension CapturedLog {
  /// Waits for a line that holds all of some words.
  fileprivate func line(containing words: String...) async {
    while !lines.contains(where: { line in words.allSatisfy { line.contains($0) } }) {
      await Task.yield()
    }
  }
}
