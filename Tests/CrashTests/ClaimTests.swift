import Holdfast
import HoldfastTesting
import Testing

extension CrashTests {
  /// Workers in many processes at one queue.
  @Suite struct ClaimTests {
    /// Where the workers meet.
    enum Place: String, CaseIterable, Sendable {
      case sqlite
      case postgres
    }

    private static let children = 5
    private static let workers = 10
    private static let count = 10_000

    /// Goal: of many workers in many processes, exactly one holds each task.
    ///
    /// Method: five processes with ten workers each are let go at once at ten thousand tasks, which
    /// they claim up to fifty at a time and complete; what they were given is counted task by task.
    @Test(arguments: Place.allCases)
    func `fifty workers hold each task exactly once`(at place: Place) async throws {
      try await Self.withStore(at: place) { store, location in
        try await Self.enqueue(store)
        // The limits of time are long: on a loaded machine fifty workers wait for each other.
        let children = try (0..<Self.children).map { number in
          try Child(
            "claim", location,
            ["workers=\(Self.workers)", "limit=50", "child=\(number)", "body=30000", "wait=60000"])
        }
        for child in children { try await child.wait(for: "ready") }
        let clock = ContinuousClock()
        let start = clock.now
        for child in children { child.tell("begin") }
        var score = ClaimScore()
        for child in children { try await score.add(child) }
        let time = clock.now - start
        #expect(score.holders.count == Self.count)
        #expect(score.holders.values.allSatisfy { $0 == 1 })
        #expect(score.shares.count { $0 > 0 } > 1, "several processes took part")
        try await Self.expectDone(store, score)
        Surroundings.figures(
          "\(place), \(Self.children * Self.workers) workers, \(Self.count) tasks: "
            + "\(Int(time / .milliseconds(1))) ms, \(score)")
      }
    }

    /// A thousand at a time, so that no transaction outlasts its limit on a slow machine.
    private static func enqueue(_ store: Store) async throws {
      for first in stride(from: 0, to: count, by: 1_000) {
        try await store.tasks.enqueueMany(
          (first..<first + 1_000).map { number in
            var draft = TaskDraft("count", queue: "work")
            draft.id = String(number)
            return draft
          })
      }
    }

    /// Every task is completed by its first claim, under the token that its worker was given.
    private static func expectDone(_ store: Store, _ score: ClaimScore) async throws {
      var query = TaskQuery(status: .completed, order: .oldest, limit: 1_000)
      var done = 0
      repeat {
        let page = try await store.tasks.list(query)
        done += page.items.count
        for task in page.items where task.attempt != 1 || task.fencingToken != score.tokens[task.id]
        {
          Issue.record("task \(task.id) was claimed \(task.attempt) times")
        }
        query.after = page.next
      } while query.after != nil
      #expect(done == count)
      #expect(try await store.verify().problems == [])
    }

    /// Goal: a worker that slept while its lease ran out and another took its task can do nothing
    /// to it any more.
    ///
    /// Method: a process that holds a task for a second is stopped; another worker waits until it
    /// may have the task; the process goes on and tries a heartbeat, a step, an end and a failure.
    @Test(arguments: Place.allCases)
    func `a paused worker is fenced in all that it does`(at place: Place) async throws {
      try await Self.withStore(at: place) { store, location in
        try await store.tasks.enqueue("charge", queue: "work")
        let sleeper = try Child("claim", location)
        try await sleeper.wait(for: "ready")
        sleeper.tell("hold")
        let held = try await sleeper.wait(for: "holding").split(separator: " ").map(String.init)
        // Who answers may still hold SQLite's turn for a moment; a write of another waits for that.
        try await store.kv(.global).put("turn", 1)
        sleeper.pause()
        let claimed = try await store.tasks.claim(
          from: ["work"], lease: .seconds(600), owner: "awake", wait: .seconds(60))
        sleeper.resume()
        let task = try #require(claimed.first)
        #expect(task.id == held.first)
        #expect(Int64(held.last ?? "").map { $0 < task.token } == true, "tokens grow")
        sleeper.tell("use")
        for what in ["heartbeat", "step", "complete", "fail"] {
          #expect(try await sleeper.wait(for: "used") == "\(what) fenced")
        }
        try await sleeper.wait(for: "closed")
        let record = try #require(try await store.tasks.get(task.id))
        #expect(record.status == .running)
        #expect(record.leaseOwner == "awake")
        #expect(record.fencingToken == task.token)
        #expect(try await store.tasks.steps(task.id).isEmpty)
        #expect(try await task.complete("in time").result == "in time")
      }
    }

    private static func withStore(
      at place: Place, _ body: (Store, String) async throws -> Void
    ) async throws {
      let scratch = try Scratch()
      let location =
        switch place {
        case .sqlite: scratch.store
        case .postgres: try await PrivatePostgres.shared.freshURL()
        }
      var options = StoreOptions()
      options.runsUpkeep = false
      let store = try await Store.open(StoreLocation(location), options: options)
      try await body(store, location)
      await store.close()
    }
  }
}

/// What children of mode `claim` were given, added up.
struct ClaimScore: CustomStringConvertible {
  /// By task: how often it was given to somebody.
  private(set) var holders: [String: Int] = [:]
  /// By task: the token under which it was given last.
  private(set) var tokens: [String: Int64] = [:]
  /// By process: how many tasks it was given.
  private(set) var shares: [Int] = []
  private var claims = 0
  private var longest = 0

  /// Reads a child to its end.
  mutating func add(_ child: Child) async throws {
    shares.append(0)
    while let line = await child.next() { take(line) }
    #expect(child.ending?.status == 0, "a child ended with \(String(describing: child.ending))")
  }

  private mutating func take(_ line: String) {
    let words = line.split(separator: " ").map(String.init)
    switch words.first {
    case "claimed":
      for word in words.dropFirst() {
        let parts = word.split(separator: ":").map(String.init)
        holders[parts[0], default: 0] += 1
        tokens[parts[0]] = parts.last.flatMap { Int64($0) }
        shares[shares.count - 1] += 1
      }
    case "finished":
      claims += Int(words[1]) ?? 0
      longest = max(longest, Int(words[2]) ?? 0)
    case "failed": Issue.record("a child said: \(line)")
    default: break
    }
  }

  var description: String {
    "\(claims) claims, the longest \(longest / 1_000) ms; by process \(shares)"
  }
}
