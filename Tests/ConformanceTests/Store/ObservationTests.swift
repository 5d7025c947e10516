import Holdfast
import HoldfastTesting
import Metrics
import NIOConcurrencyHelpers
import Testing
import Tracing

/// Keeps what is measured, by the name and dimensions of each metric.
private final class RecordingMetrics: MetricsFactory {
  private final class Metric: CounterHandler, RecorderHandler, TimerHandler {
    private let name: String
    private let owner: RecordingMetrics

    init(_ name: String, _ owner: RecordingMetrics) {
      self.name = name
      self.owner = owner
    }

    func increment(by amount: Int64) { owner.note(amount, name) }
    func record(_ value: Int64) { owner.note(value, name) }
    func record(_ value: Double) { owner.note(Int64(value), name) }
    func recordNanoseconds(_ duration: Int64) { owner.note(duration, name) }
    func reset() {}
  }

  private let values = NIOLockedValueBox<[String: [Int64]]>([:])

  /// What each metric was told, by its kind, label and dimensions.
  var recorded: [String: [Int64]] { values.withLockedValue(\.self) }

  private func note(_ value: Int64, _ name: String) {
    values.withLockedValue { $0[name, default: []].append(value) }
  }

  private func metric(
    _ kind: String, _ label: String, _ dimensions: [(String, String)]
  ) -> Metric {
    let words = [kind, label] + dimensions.map { "\($0.0)=\($0.1)" }
    return Metric(words.joined(separator: " "), self)
  }

  func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
    metric("counter", label, dimensions)
  }

  func makeRecorder(
    label: String, dimensions: [(String, String)], aggregate: Bool
  ) -> any RecorderHandler {
    metric("recorder", label, dimensions)
  }

  func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
    metric("timer", label, dimensions)
  }

  func destroyCounter(_ handler: any CounterHandler) {}
  func destroyRecorder(_ handler: any RecorderHandler) {}
  func destroyTimer(_ handler: any TimerHandler) {}
}

/// Keeps all that is said to spans, their names first.
private final class RecordingTracer: Tracer {
  typealias Span = RecordingSpan

  private let kept = NIOLockedValueBox<[String]>([])

  var lines: [String] { kept.withLockedValue(\.self) }

  private func note(_ line: String) { kept.withLockedValue { $0.append(line) } }

  func startSpan<Instant: TracerInstant>(
    _ operationName: String, context: @autoclosure () -> InstrumentationContext,
    ofKind kind: SpanKind, at instant: @autoclosure () -> Instant, function: String,
    file fileID: String, line: UInt
  ) -> RecordingSpan {
    note(operationName)
    return RecordingSpan(context: context(), note: { [self] line in note(line) })
  }

  func forceFlush() {}

  func inject<Carrier, Inject: Injector>(
    _ context: InstrumentationContext, into carrier: inout Carrier, using injector: Inject
  ) where Carrier == Inject.Carrier {}

  func extract<Carrier, Extract: Extractor>(
    _ carrier: Carrier, into context: inout InstrumentationContext, using extractor: Extract
  ) where Carrier == Extract.Carrier {}
}

private struct RecordingSpan: Tracing.Span {
  let context: InstrumentationContext
  let note: @Sendable (String) -> Void

  var isRecording: Bool { true }

  var operationName: String {
    get { "" }
    nonmutating set { note(newValue) }
  }

  var attributes: SpanAttributes {
    get { [:] }
    nonmutating set { note("\(newValue)") }
  }

  func setStatus(_ status: SpanStatus) { note("\(status)") }
  func addLink(_ link: SpanLink) { note("\(link)") }
  func addEvent(_ event: SpanEvent) { note("\(event)") }

  func recordError<Instant: TracerInstant>(
    _ error: any Error, attributes: SpanAttributes, at instant: @autoclosure () -> Instant
  ) {
    note("\(error) \(attributes)")
  }

  func end<Instant: TracerInstant>(at instant: @autoclosure () -> Instant) {}
}

/// What the process of the test below does: metrics and tracing can be set up once a process only.
private enum ObservedProcess {
  static func live() async throws {
    let (metrics, tracer) = (RecordingMetrics(), RecordingTracer())
    MetricsSystem.bootstrap(metrics)
    InstrumentationSystem.bootstrap(tracer)
    let secret = "s3cret-value"
    try await withStore(on: .sqlite) { test in try await work(test.store, .string(secret)) }
    let recorded = metrics.recorded
    for (operation, count) in [
      ("kv.put", 2), ("kv.get", 2), ("kv.increment", 1), ("tasks.enqueue", 1), ("runs.apply", 1),
      ("audit.record", 1),
    ] {
      let times = recorded["timer holdfast_operation_duration operation=\(operation)"]
      try #require(times?.count == count, "\(operation)")
      try #require(times?.allSatisfy { $0 >= 0 } == true, "\(operation)")
    }
    let errors = recorded.filter { $0.key.contains("holdfast_operation_errors") }
    let label = "counter holdfast_operation_errors operation"
    try #require(
      errors == [
        "\(label)=kv.put code=conflict": [1], "\(label)=kv.increment code=invalid_state": [1],
        "\(label)=runs.apply code=not_found": [1],
      ])
    let names = tracer.lines
    for name in ["kv.put", "kv.increment", "tasks.enqueue", "runs.apply", "audit.record"] {
      try #require(names.contains(name), "\(name)")
    }
    try #require(recorded.keys.allSatisfy { !$0.contains(secret) })
    try #require(names.allSatisfy { !$0.contains(secret) })
  }

  private static func work(_ store: Store, _ secret: Value) async throws {
    let kv = store.kv(.global)
    try await kv.put("k", secret)
    _ = try await kv.get("k")
    _ = try await kv.get("missing")
    try await store.tasks.enqueue("send", parameters: ["to": secret])
    try await store.audit.record(AuditEntry(action: "a", details: ["to": secret]))
    await expectRefusal(.conflict) { try await kv.put("k", secret, if: .absent) }
    await expectRefusal(.invalidState) { try await kv.increment("k") }
    await expectRefusal(.notFound) { try await store.runs.apply(.complete, to: "none") }
  }
}

@Suite(.timeLimit(.minutes(5))) struct ObservationTests {
  /// Goal: each operation has a timer and a counter for each code that it failed with, under names
  /// that do not change, and a span; none of them holds a value.
  ///
  /// Method: a process of its own, whose metrics and spans are kept, works on a store with a
  /// telling value and is refused three times.
  @Test func `operations are measured and traced without values`() async {
    await #expect(processExitsWith: .success) { try await ObservedProcess.live() }
  }
}
