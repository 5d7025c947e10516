import HoldfastEngine
import HoldfastTesting
import Testing

@testable import Holdfast

@Suite(.timeLimit(.minutes(5))) struct RetentionBoundTests {
  /// A bound of one kind, on all of its records or on those of one run.
  struct Bounding: Sendable, CustomTestStringConvertible {
    let kind: RetentionKind
    let isBySize: Bool
    let isOfRun: Bool

    var testDescription: String {
      "\(kind.rawValue), \(isBySize ? "bytes" : "number")\(isOfRun ? ", one run" : "")"
    }

    var scope: RetentionScope { RetentionScope(kind, in: isOfRun ? .run("a") : nil) }

    /// Two of the rows fit, and a third does not.
    var policy: RetentionPolicy {
      guard isBySize else { return RetentionPolicy(keepLast: 2) }
      switch kind {
      case .grants: return RetentionPolicy(bytesMax: 700)
      case .changes: return RetentionPolicy(bytesMax: 2_500)
      default: return RetentionPolicy(bytesMax: 25_000)
      }
    }

    static let all: [Bounding] = {
      var all: [Bounding] = []
      for kind in RetentionKind.allCases
      where ![.conversations, .idempotency, .files].contains(kind) {
        for isBySize in [false, true] {
          all.append(Bounding(kind: kind, isBySize: isBySize, isOfRun: false))
          guard kind.isPerNamespace else { continue }
          all.append(Bounding(kind: kind, isBySize: isBySize, isOfRun: true))
        }
      }
      return all
    }()
  }

  /// Ten thousand bytes in half as many characters: sizes are counted in bytes.
  private static let content: Value = ["text": .string(String(repeating: "\u{E9}", count: 5_000))]

  /// Adds a record that is at its end already, of a name that ``names(of:in:)`` finds again.
  private static func add(
    _ name: String, _ kind: RetentionKind, run: String?, to store: Store
  ) async throws {
    switch kind {
    case .tasks:
      try await store.tasks.save(
        TaskDraft(name, parameters: content, run: run), status: .completed)
    case .approvals:
      try await store.approvals.request(
        ApprovalRequest(name, parameters: content, run: run, id: name))
      try await store.approvals.decide(name, .deny)
    case .grants:
      let task = try await store.tasks.enqueue(name, run: run).task.id
      try await store.approvals.request(ApprovalRequest(name, task: task, run: run, id: name))
      try await store.approvals.decide(name, .approve, grant: true)
    case .sessions: try await store.sessions.save(SessionEntry(name, run: run, data: content))
    case .threads:
      try await store.threads.upsert(
        channel: "c", thread: name, sessionKey: "none", data: content)
    case .deadLetters:
      try await store.deadLetters.save(
        DeadLetterEntry(name, source: "mail", message: content, run: run))
      try await store.deadLetters.resolve(name)
    case .audit: try await store.audit.record(AuditEntry(action: name, details: content))
    case .changes:
      // The key makes the row long: an event holds nothing else.
      let key = name + "-" + String(repeating: "x", count: 1_000)
      try await store.kv(.global).put(key, 1)
    case .conversations, .idempotency, .files: break
    }
  }

  /// The names of the records that are there.
  private static func names(
    of kind: RetentionKind, in store: Store
  ) async throws -> Set<String> {
    let names: [String] =
      switch kind {
      case .tasks: try await store.tasks.list().items.map(\.command)
      case .approvals: try await store.approvals.list().items.map(\.id)
      case .grants:
        try await store.grants.list(GrantQuery(includesEnded: true)).items.map(\.permission)
      case .sessions: try await store.sessions.list().items.map(\.id)
      case .threads: try await store.threads.list().items.map(\.thread)
      case .deadLetters: try await store.deadLetters.list().items.map(\.id)
      case .audit: try await store.audit.list().items.map(\.action)
      case .changes:
        try await store.engine.read(Step(keyEvents)).rows.compactMap { row in
          row.first?.text.map { String($0.prefix { $0 != "-" }) }
        }
      case .conversations, .idempotency, .files: []
      }
    // The log tells of the policy and of the run too.
    return Set(names.filter { $0.hasPrefix("n") || $0.hasPrefix("other") })
  }

  private static let keyEvents = Statement("SELECT subject FROM changes WHERE kind = 'kv'")

  /// Goal: a bound of number or of size keeps the newest of each kind, in general and of one run,
  /// whose policy leaves others alone; a dry run says beforehand how many go.
  ///
  /// Method: five equal rows a second apart under a bound that two of them fill; beside the rows of
  /// a run with a policy of its own as many others.
  @Test(arguments: Engines.available, Bounding.all)
  func `a bound keeps the newest`(on engine: TestEngine, bounding: Bounding) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let (store, kind) = (test.store, bounding.kind)
      try await store.retention.setPolicy(bounding.policy, for: bounding.scope)
      for number in 1...5 {
        time.advance(by: .seconds(1))
        let run = bounding.isOfRun || number.isMultiple(of: 2) ? "a" : nil
        try await Self.add("n\(number)", kind, run: run, to: store)
        if bounding.isOfRun { try await Self.add("other\(number)", kind, run: nil, to: store) }
      }
      // Only a grant whose time is over goes.
      time.advance(by: .seconds(3_600))
      let dry = try await store.retention.run(dryRun: true)
      let report = try await store.retention.run()
      #expect(dry.counts == report.counts)
      // Of the feed one row more stays than the bound asks for.
      let oldest = kind == .changes ? 3 : 4
      #expect(report.counts[kind, default: 0] >= oldest - 1)
      let others = bounding.isOfRun ? (1...5).map { "other\($0)" } : []
      let left = try await Self.names(of: kind, in: store)
      #expect(left == Set((oldest...5).map { "n\($0)" } + others))
    }
  }
}
