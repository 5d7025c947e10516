import CrashWriter
import Holdfast
import Testing

/// What the writers were told is written, and whether a store has exactly that.
///
/// Invariants that are checked: what was acknowledged is there, whole; at most one step a task is
/// there that was not acknowledged, and it is whole too; nothing else is there; the feed has exactly
/// the events of what is there, each once.
struct Ledger {
  private let tasks: Int
  /// By task: how many steps were acknowledged.
  private(set) var acknowledged: [Int]
  /// By task: how many steps were found by the last check.
  private var found: [Int]
  private var cursor: ChangeCursor?
  /// How often writers were told each error.
  private(set) var errors: [String: Int] = [:]

  init(tasks: Int) {
    self.tasks = tasks
    acknowledged = Array(repeating: 0, count: tasks)
    found = acknowledged
  }

  /// How many steps were acknowledged in all.
  var count: Int { acknowledged.reduce(0, +) }

  /// Notes where the feed of an empty store begins.
  mutating func begin(_ store: Store) async throws { cursor = try await store.changes.cursor() }

  /// Takes note of a line of a writer's.
  ///
  /// - Returns: Whether it acknowledged something.
  @discardableResult
  mutating func take(_ line: String) -> Bool {
    let words = line.split(separator: " ")
    switch words.first {
    case "ack":
      guard words.count == 3, let task = Int(words[1]), let index = Int(words[2]) else { break }
      #expect(index == acknowledged[task], "a task's acknowledgements come in order")
      acknowledged[task] = index + 1
      return true
    case "error":
      errors[words.last.map(String.init) ?? "?", default: 0] += 1
    case "fault", "failed": Issue.record("a writer said: \(line)")
    default: break
    }
    return false
  }

  /// Looks at a store that nobody writes to.
  ///
  /// - Parameter isFull: Whether to look at all steps again, and not only at what is new.
  mutating func check(_ store: Store, isFull: Bool = false) async throws {
    let events = try await newEvents(store)
    var expected: [String: Int] = [:]
    for task in 0..<tasks {
      let count = try await countOf(task, store)
      let least = acknowledged[task]
      #expect(count >= least, "task \(task): acknowledged \(least), found \(count)")
      #expect(count <= least + 1, "task \(task): acknowledged \(least), found \(count)")
      let first = isFull ? 0 : found[task]
      for index in first..<max(first, count) {
        let step = WorkloadStep(task: task, index: index)
        let problem = try await look(at: step, store)
        #expect(problem == nil, "task \(task), step \(index): \(problem ?? "")")
      }
      for index in found[task]..<max(found[task], count) {
        for name in Self.events(task, index) { expected[name, default: 0] += 1 }
      }
      // What was written and not acknowledged is taken over: the next life goes on behind it.
      acknowledged[task] = count
      found[task] = count
    }
    let differing = Set(events.keys).union(expected.keys)
      .filter { events[$0] != expected[$0] }.sorted()
    #expect(differing.isEmpty, "the feed has another number of \(differing.prefix(5))")
    #expect(try await store.verify().problems == [])
    #expect(try await !store.kv(WorkloadStep.second(0)).exists("ghost"))
  }

  private func countOf(_ task: Int, _ store: Store) async throws -> Int {
    switch WorkloadKind(task: task) {
    case .puts: return try await store.kv(WorkloadKind.puts(task)).count()
    case .steps, .increments:
      let count = try await store.kv(.global).get(WorkloadStep.counter(task))
      return Int(count?.integerValue ?? 0)
    }
  }

  /// Looks whether a step is there as a whole.
  ///
  /// - Returns: What is wrong with it.
  private func look(at step: WorkloadStep, _ store: Store) async throws -> String? {
    switch WorkloadKind(task: step.task) {
    case .increments: return nil
    case .puts:
      let value = try await store.kv(WorkloadKind.puts(step.task)).get("p:\(step.index)")
      return value == step.value ? nil : "the value is not what was put"
    case .steps: break
    }
    let first = store.kv(.run(step.runID))
    let second = try store.kv(WorkloadStep.second(step.task))
    let a = try await first.getEntry("a:\(step.index)")
    let b = try await first.getEntry("b:\(step.index)")
    let c = try await second.getEntry("c:\(step.index)")
    guard let a, let b, let c else { return "one of its keys is missing" }
    guard a.version == b.version, b.version == c.version else { return "its versions differ" }
    guard a.value == step.value, b.value == step.value, c.value == step.value else {
      return "a value is not what was put"
    }
    guard let run = try await store.runs.get(step.runID) else { return "its run is missing" }
    // Where it is the run's last step so far, the run is as the step left it.
    if run.version == a.version, run.status != step.status { return "its run is \(run.status)" }
    return nil
  }

  /// How often each event came into the feed since the last check.
  private mutating func newEvents(_ store: Store) async throws -> [String: Int] {
    guard var place = cursor else { return [:] }
    var events: [String: Int] = [:]
    while true {
      let page = try await store.changes.page(since: place)
      for change in page.items {
        events["\(change.kind) \(change.namespace) \(change.subject ?? "-")", default: 0] += 1
      }
      place = page.next
      if page.items.isEmpty { break }
    }
    cursor = place
    return events
  }

  /// The events that a step leaves.
  private static func events(_ task: Int, _ index: Int) -> Set<String> {
    switch WorkloadKind(task: task) {
    case .steps: WorkloadStep(task: task, index: index).events
    case .puts: ["kv crash:p\(task) p:\(index)"]
    case .increments: ["kv global \(WorkloadStep.counter(task))"]
    }
  }
}
