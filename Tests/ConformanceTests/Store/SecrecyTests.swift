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
}
