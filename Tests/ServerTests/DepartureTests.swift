import Holdfast
import HoldfastEngine
import HoldfastTesting
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import Testing

@testable import HoldfastServer

/// Long work for a client that has left.
@Suite(.timeLimit(.minutes(2))) struct DepartureTests {
  /// Goal: a check of the whole audit log ends when nobody waits for it any more.
  ///
  /// Method: the check is held after some of many pages of records while the client leaves. The
  /// store's own log says that it was broken off; one that is waited for comes to its end.
  @Test(arguments: ["GET", "POST"])
  func `a check of the audit log ends when the client leaves`(_ method: String) async throws {
    let log = CapturedLog()
    let hold = Hold()
    var options = StoreOptions.testing()
    options.logger = log.logger
    options.probe = { (point: ProbePoint) throws(StoreError) in
      if point == .statement { hold.visit() }
    }
    try await withServer(store: options) { server in
      defer { hold.open() }
      let entries = (0..<2_000).map { AuditEntry(action: "a", subject: "\($0)") }
      for _ in 0..<3 { try await server.store.audit.record(entries) }
      hold.begin(after: 20)
      try await server.leave(method, "/v1/audit/verify") { await hold.isHolding() }
      hold.open()
      var told: String?
      while told == nil {
        await Task.yield()
        told = log.lines.first { $0.contains("audit.verify") }
      }
      #expect(told?.contains("operation failed") == true)
      let sound = try await server.send(method, "/v1/audit/verify")
      #expect(sound.status == 200 && sound.body["valid"] == true)
    }
  }

  /// Goal: retention that was begun over HTTP stops between two slices when the client leaves; what
  /// it has removed is recorded, and the rest is there.
  ///
  /// Method: many slices' worth of finished tasks; the run is held after the first, until the
  /// client has left.
  @Test(arguments: Engines.available)
  func `retention stops when the client leaves`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    let hold = Hold()
    let commits = NIOLockedValueBox(0)
    var options = StoreOptions.testing(time: time)
    options.probe = { (point: ProbePoint) throws(StoreError) in
      if point == .afterCommit { commits.withLockedValue { $0 += 1 } }
      // The feed is looked at first, in a commit of its own.
      if point == .beforeCommit, commits.withLockedValue(\.self) >= 2 { hold.visit() }
    }
    try await withServer(on: engine, store: options) { server in
      defer { hold.open() }
      let store = server.store
      for _ in 0..<6 {
        try await store.transaction { tx in
          for _ in 0..<500 { try tx.tasks.save(TaskDraft("work"), status: .completed) }
        }
      }
      let year = RetentionPolicy(keepFor: .seconds(365 * 86_400))
      try await store.retention.setPolicy(year, for: RetentionScope(.changes))
      time.advance(by: .seconds(8 * 86_400))
      let cursor = try await store.changes.cursor()
      let changes = store.changes(since: cursor).makeAsyncIterator()
      commits.withLockedValue { $0 = 0 }
      hold.begin(after: 0)
      try await server.leave("POST", "/v1/retention/run") { await hold.isHolding() }
      hold.open()
      // The run enters the feed with its record, at its end.
      while let change = try await changes.next(isolation: nil), change.kind != "retention" {}
      let record = try await store.audit.list(AuditQuery(action: AuditAction.retentionRun)).items
        .first
      #expect(record?.actor == "root" && record?.details["complete"] == false)
      let left = try await store.tasks.list(TaskQuery(limit: 1, counts: true)).total ?? 0
      #expect(record?.details["tasks"] == .integer(Int64(3_000 - left)))
      #expect(left > 0 && left < 3_000)
      let rest = try await server.send("POST", "/v1/retention/run")
      #expect(
        rest.body["complete"] == true && rest.body["counts"]?["tasks"] == .integer(Int64(left)))
    }
  }
}

/// Holds whoever comes to a point of the engine's, once, from when a test asks for it.
private final class Hold: Sendable {
  private struct State {
    /// How many may still pass; `nil` where nobody is held.
    var passes: Int?
    var isHolding = false
    var isOpen = false
  }

  private let state = Monitor(State())

  /// Lets so many pass, and holds the next one.
  func begin(after passes: Int) { state.change { $0.passes = passes } }

  /// Passes the point, at the latest when it is opened.
  func visit() {
    let isHeld = state.change { state in
      guard let passes = state.passes else { return false }
      state.passes = passes > 0 ? passes - 1 : nil
      state.isHolding = passes == 0
      return passes == 0
    }
    if isHeld { _ = state.wait { $0.isOpen ? () : nil } }
  }

  /// Returns once somebody is held.
  func isHolding() async {
    while !state.withLock({ $0.isHolding }) { await Task.yield() }
  }

  /// Lets go of whoever is held, and holds nobody from now on.
  func open() {
    state.change { state in
      state.passes = nil
      state.isOpen = true
    }
  }
}

extension TestServer {
  /// Sends a request, and leaves without waiting for its answer; returns when the server has seen
  /// that.
  ///
  /// The closure returns when the server has begun to work on the request.
  fileprivate func leave(
    _ method: String, _ target: String, once worked: () async -> Void
  ) async throws {
    try await Wire.with(port: port) { wire in
      try await wire.write(head(method, target, length: method == "POST" ? 0 : nil))
      await worked()
    }
    // A loop looks at its connections before it takes up what it was handed after their end; one
    // that was in the middle of such work does the next time round.
    for _ in 0..<10 {
      for loop in MultiThreadedEventLoopGroup.singleton.makeIterator() {
        try await loop.submit {}.get()
      }
    }
  }
}
