import Holdfast
import HoldfastTesting
import Logging
import NIOConcurrencyHelpers
import Testing

/// Keeps every log line with all its metadata.
private final class LogCollector: Sendable {
  let lines = NIOLockedValueBox<[String]>([])

  struct Handler: LogHandler {
    let collector: LogCollector
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.trace

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
      let all = metadata.merging(event.metadata ?? [:]) { $1 }
      collector.lines.withLockedValue { $0.append("\(event.level) \(event.message) \(all)") }
    }
  }
}

@Suite(.timeLimit(.minutes(5))) struct SecrecyTests {
  /// Goal: values never appear in logs, errors or change events.
  ///
  /// Method: writes, reads and refusals of every kind with a telling value, at the most talkative
  /// level; looks for it everywhere.
  @Test(arguments: Engines.available)
  func `values never appear in logs errors or events`(on engine: TestEngine) async throws {
    let collector = LogCollector()
    let faults = FaultInjection()
    var options = StoreOptions.testing()
    options.logger = Logger(label: "test") { _ in LogCollector.Handler(collector: collector) }
    options.inject(faults)
    let secret = "s3cret-value"
    try await withStore(on: engine, options: options) { test in
      let kv = test.store.kv(.global)
      let cursor = try await test.store.changes.cursor()
      try await kv.put("k", .string(secret), description: secret, with: .idempotent("key"))
      _ = try await kv.get("k")
      var errors: [StoreError?] = []
      errors.append(await refusal { try await kv.put("k", .string(secret), if: .absent) })
      errors.append(await refusal { try await kv.put("k", 1, if: .value(.string(secret + "x"))) })
      errors.append(await refusal { try await kv.increment("k") })
      errors.append(await refusal { try await kv.get("k", as: Int.self) })
      errors.append(
        await refusal { try await kv.put("k", .string(secret), with: .idempotent("key")) })
      errors.append(
        await refusal {
          try await kv.put("k", .string(secret), description: secret + "\0")
        })
      errors.append(
        await refusal { try await test.store.runs.begin("42", metadata: .string(secret)) })
      faults.fail(.statement, with: StoreError(.internal, "Injected."))
      errors.append(await refusal { try await kv.put("k", .string(secret)) })
      faults.clear()
      for error in errors {
        let error = try #require(error)
        let told = "\(error) \(error.details) \(String(describing: error.cause))"
        #expect(!told.contains(secret), "\(error.code)")
      }
      for event in try await test.store.changes.all(since: cursor) {
        #expect(!"\(event)".contains(secret))
      }
      let lines = collector.lines.withLockedValue(\.self)
      #expect(lines.contains { $0.contains("kv.put") })
      #expect(lines.allSatisfy { !$0.contains(secret) })
    }
  }

  /// Goal: what tasks, sessions, letters, approvals, the audit log, files and providers hold never
  /// appears in logs, errors or change events either.
  ///
  /// Method: a telling text wherever a caller can put one, at the most talkative level; then
  /// refusals and a fault with it.
  @Test(arguments: Engines.available)
  func `what primitives hold never appears`(on engine: TestEngine) async throws {
    let collector = LogCollector()
    let faults = FaultInjection()
    var options = StoreOptions.testing()
    options.logger = Logger(label: "test") { _ in LogCollector.Handler(collector: collector) }
    options.inject(faults)
    let secret = "s3cret-value"
    try await withStore(on: engine, options: options) { test in
      let store = test.store
      let cursor = try await store.changes.cursor()
      try await Self.work(on: store, secret)
      try await Self.keep(on: store, secret)
      var errors = await Self.refusals(on: store, secret)
      faults.fail(.statement, with: StoreError(.internal, "Injected."))
      errors.append(
        await refusal { try await store.sessions.append([["text": .string(secret)]], to: "s") })
      faults.clear()
      for (place, error) in errors.enumerated() {
        let error = try #require(error, "refusal \(place)")
        let told = "\(error) \(error.details) \(String(describing: error.cause))"
        #expect(!told.contains(secret), "\(told)")
      }
      let events = try await store.changes.all(since: cursor)
      #expect(!events.isEmpty && events.allSatisfy { !"\($0)".contains(secret) })
      let lines = collector.lines.withLockedValue(\.self)
      for name in ["tasks.step", "sessions.append", "dead_letters.save", "approvals.request"] {
        #expect(lines.contains { $0.contains(name) }, "\(name)")
      }
      #expect(lines.allSatisfy { !$0.contains(secret) })
    }
  }

  /// A task's life, with the text in its parameters, progress, step, result and error.
  private static func work(on store: Store, _ secret: String) async throws {
    let value: Value = ["to": .string(secret)]
    try await store.tasks.enqueue("send", parameters: value, with: .idempotent("task"))
    let task = try #require(try await store.tasks.claim().first)
    try await task.progress(value)
    let kept: String = try await task.step("charge") { secret }
    #expect(kept == secret)
    try await task.complete(value)
    try await store.tasks.enqueue("spend", parameters: value)
    let other = try #require(try await store.tasks.claim().first)
    try await other.fail(secret, retry: .never)
    #expect(try await store.deadLetters.list().items.count == 1)
  }

  /// The text in what is kept of sessions, letters, approvals, files, audit and providers.
  private static func keep(on store: Store, _ secret: String) async throws {
    let value: Value = ["to": .string(secret)]
    try await store.sessions.save(SessionEntry("s", data: value))
    try await store.sessions.append([value], to: "s")
    _ = try await store.sessions.items(of: "s")
    try await store.threads.upsert(channel: "c", thread: "t", sessionKey: "s", data: value)
    try await store.deadLetters.save(
      DeadLetterEntry("d", source: "mail", message: value, error: secret))
    try await store.deadLetters.redrive("d", message: .string(secret))
    try await store.deadLetters.resolve("d", reason: secret)
    try await store.approvals.request(ApprovalRequest("act", parameters: value, id: "a"))
    try await store.approvals.decide("a", .approve, reason: secret)
    try await store.audit.record(
      AuditEntry(action: "a", result: secret, details: value), with: .idempotent("audit"))
    try await store.files(.global).save("f", Array(secret.utf8), with: .idempotent("file"))
    _ = try await store.files(.global).read("f")
    try await store.providers.put("p")
    try await store.providers.failure("p", error: secret)
    try await store.bots.create("b", slug: "b", metadata: value)
  }

  /// What is refused although, or because, the text is in it.
  private static func refusals(on store: Store, _ secret: String) async -> [StoreError?] {
    let value: Value = ["to": .string(secret)]
    return [
      await refusal {
        try await store.tasks.enqueue(
          "send", parameters: ["of": .string(secret)], with: .idempotent("task"))
      },
      await refusal { try await store.tasks.complete("none", result: value, token: 9) },
      await refusal { try await store.tasks.fail("none", error: secret) },
      await refusal { try await store.tasks.progress("none", value) },
      await refusal { try await store.sessions.append([.string(secret)], to: "s") },
      await refusal { try await store.sessions.append([value], to: "none") },
      await refusal {
        try await store.deadLetters.save(DeadLetterEntry("d", source: "mail", message: value))
      },
      await refusal { try await store.deadLetters.resolve("none", reason: secret) },
      await refusal {
        try await store.approvals.consume("a", ApprovalScope("act", parameters: value, caller: "x"))
      },
      await refusal {
        try await store.approvals.request(ApprovalRequest("act", parameters: value, id: "a"))
      },
      await refusal {
        try await store.audit.record(AuditEntry(action: "a", details: .string(secret)))
      },
      await refusal {
        try await store.files(.global).save("new", Array(secret.utf8), mustExist: true)
      },
      await refusal {
        try await store.files(.global).save(
          "f", Array("\(secret)2".utf8), with: .idempotent("file"))
      },
      await refusal { try await store.providers.failure("none", error: secret) },
    ]
  }
}
