import Holdfast
import HoldfastTesting
import Testing

/// What sessions should hold, kept in the plainest way.
private struct SessionModel {
  struct Session: Equatable {
    var channel: String?
    var thread: String?
    var data: Value
    var items: [Int64: Value] = [:]
    var next: Int64 = 1
    var created: Instant
    var used: Instant
    /// Raised by each write, so that of two uses in one microsecond the later is known.
    var order: Int
  }

  struct Thread: Equatable {
    var key: String
    var created: Instant
    var lastMessage: Instant
  }

  var sessions: [String: Session] = [:]
  /// The threads by channel and name.
  var threads: [[String]: Thread] = [:]
  private var clock = 0

  mutating func tick() -> Int {
    clock += 1
    return clock
  }

  mutating func use(_ id: String, at now: Instant) {
    let order = tick()
    sessions[id]?.used = now
    sessions[id]?.order = order
  }

  func lastUsed(channel: String, thread: String) -> String? {
    sessions.filter { $0.value.channel == channel && $0.value.thread == thread }
      .max { ($0.value.used, $0.value.order) < ($1.value.used, $1.value.order) }?.key
  }
}

/// Random operations on a store and on the model, compared after each.
struct SessionWalk: Walk {
  var store: Store
  private let time: ManualTimeSource
  private var generator: SeededGenerator
  private var model = SessionModel()

  private var now: Instant { time.wallTime() }
  private let ids = ["a", "b", "é", "s/1"]

  init(_ store: Store, _ time: ManualTimeSource, seed: UInt64) {
    self.store = store
    self.time = time
    generator = SeededGenerator(seed: seed)
  }

  /// Does one thing on both sides; what it did, for the message of a failure.
  mutating func step() async throws -> String {
    let id = generator.pick(ids)
    switch generator.next() % 14 {
    case 12, 13: return try await stepThread(id)
    case 0, 1: return try await save(id)
    case 2: return try await touch(id)
    case 3...6: return try await append(id)
    case 7, 8: return try await pop(id)
    case 9 where generator.next() % 3 == 0: return try await clear(id)
    case 10 where generator.next() % 4 == 0:
      #expect(try await store.sessions.delete(id) == (model.sessions[id] != nil))
      model.sessions[id] = nil
      return "delete \(id)"
    case 11:
      try await store.sweep()
      return "sweep"
    default:
      time.advance(by: .microseconds(Int(generator.next() % 3)))
      return "advance"
    }
  }

  private mutating func save(_ id: String) async throws -> String {
    let entry = SessionEntry(
      id, channel: generator.pick([nil, "c", "d"]), thread: generator.pick([nil, "1", "2"]),
      data: .integer(Int64(generator.next() % 9)))
    let saved = try await store.sessions.save(entry)
    #expect(saved.isNew == (model.sessions[id] == nil))
    var session =
      model.sessions[id]
      ?? SessionModel.Session(data: .null, created: now, used: now, order: 0)
    session.channel = entry.channel
    session.thread = entry.thread
    session.data = entry.data
    model.sessions[id] = session
    model.use(id, at: now)
    return "save \(entry)"
  }

  private mutating func touch(_ id: String) async throws -> String {
    let code = await refusal { try await store.sessions.touch(id) }?.code
    #expect(code == (model.sessions[id] == nil ? .notFound : nil))
    model.use(id, at: now)
    return "touch \(id)"
  }

  private mutating func append(_ id: String) async throws -> String {
    let items = (0..<generator.next() % 4).map { _ in
      Value.object(["n": .integer(Int64(generator.next() % 100))])
    }
    // Some appends are rolled back, or hold what is no item: neither may leave a trace.
    let fails = generator.next() % 6 == 0
    let isBad = generator.next() % 8 == 0
    let given = isBad ? items + [.null] : items
    do {
      let appended = try await store.transaction { tx in
        let appended = try tx.sessions.append(given, to: id)
        if fails { throw OwnError(number: 0) }
        return appended
      }
      let next = try #require(model.sessions[id]?.next)
      #expect(!isBad && appended.positions == Array(next..<next + Int64(items.count)))
      for (position, item) in zip(appended.positions, items) {
        model.sessions[id]?.items[position] = item
      }
      model.sessions[id]?.next = next + Int64(items.count)
      if !items.isEmpty { model.use(id, at: now) }
    } catch let error as StoreError {
      #expect(error.code == (isBad ? .invalid : .notFound))
      #expect(isBad || model.sessions[id] == nil)
    } catch is OwnError {
      #expect(fails && !isBad && model.sessions[id] != nil)
    }
    return "append \(given.count) to \(id), fails \(fails)"
  }

  private mutating func pop(_ id: String) async throws -> String {
    switch try await outcome({ try await store.sessions.pop(id) }) {
    case .success(let popped):
      let last = model.sessions[id]?.items.keys.max()
      #expect(popped.item?.position == last)
      if let last {
        #expect(popped.item?.item == model.sessions[id]?.items[last])
        model.sessions[id]?.items[last] = nil
        model.use(id, at: now)
      }
    case .failure(let error):
      #expect(error.code == .notFound && model.sessions[id] == nil)
    }
    return "pop \(id)"
  }

  private mutating func clear(_ id: String) async throws -> String {
    switch try await outcome({ try await store.sessions.clear(id) }) {
    case .success(let cleared):
      #expect(cleared.removed == model.sessions[id]?.items.count)
      if cleared.removed > 0 {
        model.sessions[id]?.items = [:]
        model.use(id, at: now)
      }
    case .failure(let error):
      #expect(error.code == .notFound && model.sessions[id] == nil)
    }
    return "clear \(id)"
  }

  private mutating func stepThread(_ id: String) async throws -> String {
    let place = [generator.pick(["c", "d"]), generator.pick(["1", "2"])]
    let (channel, thread) = (place[0], place[1])
    let old = model.threads[place]
    switch generator.next() % 5 {
    case 0, 1:
      let result = try await store.threads.upsert(
        channel: channel, thread: thread, sessionKey: id)
      #expect(result.isNew == (old == nil))
      model.threads[place] = SessionModel.Thread(
        key: id, created: old?.created ?? now, lastMessage: now)
      return "upsert thread \(place)"
    case 2, 3:
      let code = await refusal {
        try await store.threads.touch(channel: channel, thread: thread)
      }?.code
      #expect(code == (old == nil ? .notFound : nil))
      let now = now
      model.threads[place]?.lastMessage = now
      return "touch thread \(place)"
    default:
      #expect(try await store.threads.delete(channel: channel, thread: thread) == (old != nil))
      model.threads[place] = nil
      return "delete thread \(place)"
    }
  }

  private func compareThreads(_ doing: Comment) async throws {
    let threads = try await store.threads.list().items
    let seen = threads.map { thread in
      (
        [thread.channel, thread.thread],
        SessionModel.Thread(
          key: thread.sessionKey, created: thread.createdAt, lastMessage: thread.lastMessageAt)
      )
    }
    #expect(seen.count == model.threads.count, doing)
    #expect(Dictionary(seen) { $1 } == model.threads, doing)
  }

  /// Compares everything that the store shows with the model.
  mutating func compare(_ doing: Comment) async throws {
    #expect(try await store.sessions.list().items.count == model.sessions.count, doing)
    let last = Int(generator.next() % 5) + 1
    for id in ids {
      let session = try await store.sessions.get(id)
      let expected = model.sessions[id]
      #expect((session == nil) == (expected == nil), doing)
      guard let session, let expected else { continue }
      #expect(session.channel == expected.channel && session.thread == expected.thread, doing)
      #expect(session.data == expected.data && session.createdAt == expected.created, doing)
      #expect(session.lastUsedAt == expected.used, doing)
      #expect(session.itemCount == expected.items.count, doing)
      #expect(session.nextPosition == expected.next, doing)
      let items = try await store.sessions.items(of: id, ItemQuery(limit: 1_000)).items
      let positions = expected.items.keys.sorted()
      #expect(items.map(\.position) == positions, doing)
      #expect(items.map(\.item) == positions.map { expected.items[$0] }, doing)
      let tail = try await store.sessions.items(of: id, ItemQuery(last: last)).items
      #expect(tail == Array(items.suffix(last)), doing)
    }
    for (channel, thread) in [("c", "1"), ("c", "2"), ("d", "1")] {
      let found = try await store.sessions.getByThread(channel: channel, thread: thread)
      #expect(found?.id == model.lastUsed(channel: channel, thread: thread), doing)
    }
    try await compareThreads(doing)
  }
}

@Suite(.timeLimit(.minutes(5))) struct SessionModelTests {
  /// Goal: whatever is done in whatever order, sessions hold what plain dictionaries would, also
  /// when the store is closed and opened again in the middle.
  ///
  /// Method: random saves, touches, appends, rollbacks, pops, clears, deletions, threads, sweeps
  /// and moves of the clock, from printed seeds, compared with a model after each step.
  @Test(arguments: Engines.available, [(1, false), (2, true), (3, true)] as [(UInt64, Bool)])
  func `sessions do what a plain model does`(
    on engine: TestEngine, walk: (number: UInt64, restarts: Bool)
  ) async throws {
    let seed = 0x5EED_5000 + walk.number
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      var model = SessionWalk(test.store, time, seed: seed)
      try await model.go(160, on: test, seed: seed) { walk.restarts && $0 == 80 }
    }
  }
}
