import Holdfast
import HoldfastTesting
import Testing

/// Random operations on dead letters and on a plain dictionary, compared after each.
struct DeadLetterWalk: Walk {
  private struct Letter: Equatable {
    var source: String
    var message: Value
    var status: DeadLetterStatus
    var tries = 0
    var next: Instant?
    var events: [String] = []
  }

  var store: Store
  private let time: ManualTimeSource
  private var generator: SeededGenerator
  private var model: [String: Letter] = [:]

  private var now: Instant { time.wallTime() }
  private let ids = ["a", "b", "c", "d", "e"]

  init(_ store: Store, _ time: ManualTimeSource, seed: UInt64) {
    self.store = store
    self.time = time
    generator = SeededGenerator(seed: seed)
  }

  /// Does one thing on both sides; what it did, for the message of a failure.
  mutating func step() async throws -> String {
    let id = generator.pick(ids)
    let letters = store.deadLetters
    let next = now + .microseconds(Int(generator.next() % 4))
    switch generator.next() % 8 {
    case 0, 1: return try await save(id, next)
    case 2, 3:
      let isLast = generator.next() % 4 == 0
      let code = await refusal {
        try await letters.retryFailed(id, next: isLast ? nil : next)
      }?.code
      #expect(code == refused(id) { $0 == .open })
      if code == nil {
        model[id]?.tries += 1
        model[id]?.next = isLast ? nil : next
        model[id]?.status = isLast ? .givenUp : .open
        model[id]?.events.append(isLast ? "give_up" : "retry_failed")
      }
      return "retryFailed \(id), last \(isLast)"
    case 4 where generator.next() % 3 == 0:
      let code = await refusal { try await letters.resolve(id) }?.code
      #expect(code == refused(id) { $0 != .resolved })
      if code == nil {
        model[id]?.status = .resolved
        model[id]?.next = nil
        model[id]?.events.append("resolve")
      }
      return "resolve \(id)"
    case 5: return try await redrive(id)
    case 6:
      let source = generator.pick(["slack", "mail"])
      let count = try await letters.redriveAll(DeadLetterQuery(source: source, limit: 2))
      let meant = model.filter { $0.value.source == source && $0.value.status != .resolved }
      #expect(count == meant.count)
      for id in meant.keys { redriven(id, nil) }
      return "redriveAll \(source)"
    default:
      time.advance(by: .microseconds(Int(generator.next() % 3)))
      return "advance"
    }
  }

  /// The code with which a step is refused that is possible in some states only.
  private func refused(
    _ id: String, unless isPossible: (DeadLetterStatus) -> Bool
  ) -> StoreError.Code? {
    guard let letter = model[id] else { return .notFound }
    return isPossible(letter.status) ? nil : .invalidState
  }

  private mutating func redriven(_ id: String, _ message: Value?) {
    let now = now
    if let message { model[id]?.message = message }
    model[id]?.status = .open
    model[id]?.tries = 0
    model[id]?.next = now
    model[id]?.events.append("redrive")
  }

  private mutating func redrive(_ id: String) async throws -> String {
    let message: Value? =
      generator.next() % 2 == 0 ? .integer(Int64(generator.next() % 9)) : Value?.none
    let letters = store.deadLetters
    let code = await refusal { try await letters.redrive(id, message: message) }?.code
    let refused = refused(id) { $0 != .resolved }
    if refused == nil, model[id]?.source == "task:9" {
      // There is no such task, and a task's parameters are no plain number.
      #expect(code == (message == nil ? .notFound : .invalid))
      return "redrive task \(id)"
    }
    #expect(code == refused)
    if code == nil { redriven(id, message) }
    return "redrive \(id)"
  }

  private mutating func save(_ id: String, _ next: Instant) async throws -> String {
    let source = generator.pick(["slack", "mail", "task:9"])
    let message = Value.integer(Int64(generator.next() % 9))
    let entry = DeadLetterEntry(id, source: source, message: message, nextRetryAt: next)
    let letters = store.deadLetters
    let code = await refusal { try await letters.save(entry) }?.code
    if var letter = model[id] {
      // A task's letter neither is replaced nor replaces another.
      let isRefused = letter.status == .resolved || [letter.source, source].contains("task:9")
      #expect(code == (isRefused ? .invalidState : nil))
      guard code == nil else { return "save over \(id), refused" }
      letter.source = source
      letter.message = message
      if letter.status == .open { letter.next = next }
      letter.events.append("save")
      model[id] = letter
    } else {
      #expect(code == nil)
      let isTask = source == "task:9"
      model[id] = Letter(
        source: source, message: message, status: isTask ? .givenUp : .open,
        next: isTask ? nil : next)
    }
    return "save \(entry)"
  }

  /// Compares everything that the store shows with the model.
  func compare(_ doing: Comment) async throws {
    let letters = try await store.deadLetters.list().items
    #expect(letters.count == model.count, doing)
    for letter in letters {
      let shown = Letter(
        source: letter.source, message: letter.message, status: letter.status,
        tries: letter.retryCount, next: letter.nextRetryAt,
        events: letter.history.map(\.action))
      #expect(shown == model[letter.id], doing)
    }
    let due = model.filter { $0.value.next.map { $0 <= now } ?? false }
    let retryable = try await store.deadLetters.retryable()
    #expect(Set(retryable.map(\.id)) == Set(due.keys), doing)
    let times = retryable.compactMap(\.nextRetryAt)
    #expect(times == times.sorted(), doing)
    for status in DeadLetterStatus.allCases {
      let page = try await store.deadLetters.list(DeadLetterQuery(status: status))
      #expect(page.items.count == model.count { $0.value.status == status }, doing)
    }
  }
}

@Suite(.timeLimit(.minutes(5))) struct DeadLetterModelTests {
  /// Goal: whatever is done in whatever order, letters stand where a plain dictionary would have
  /// them, also when the store is closed and opened again in the middle.
  ///
  /// Method: random saves, failures, resolutions, redrives and moves of the clock, from printed
  /// seeds, compared with a model after each step.
  @Test(arguments: Engines.available, [(1, false), (2, true)] as [(UInt64, Bool)])
  func `letters do what a plain model does`(
    on engine: TestEngine, walk: (number: UInt64, restarts: Bool)
  ) async throws {
    let seed = 0x5EED_6000 + walk.number
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      var letters = DeadLetterWalk(test.store, time, seed: seed)
      try await letters.go(150, on: test, seed: seed) { walk.restarts && $0 == 75 }
    }
  }
}
