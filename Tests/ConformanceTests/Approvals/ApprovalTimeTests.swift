import Holdfast
import HoldfastTesting
import Testing

/// What time does to approvals, and how decisions are waited for.
@Suite(.timeLimit(.minutes(5))) struct ApprovalTimeTests {
  /// Goal: expiry is exact: from that microsecond on an undecided approval reads as expired
  /// everywhere, and no decision lands, whether upkeep has noted it or not.
  ///
  /// Method: looks and decides a microsecond before, at the time, before and after the sweep.
  @Test(arguments: Engines.available)
  func `an undecided approval expires to the microsecond`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let approvals = test.store.approvals
      let request = ApprovalRequest("a", caller: "bot", run: "r", ttl: .seconds(60))
      let early = try await approvals.request(request)
      let late = try await approvals.request(request)
      time.advance(by: .seconds(60) - .microseconds(1))
      #expect(try await approvals.get(late.id)?.status == .pending)
      #expect(try await approvals.list(.pending).items.map(\.id) == [late.id, early.id])
      try await approvals.decide(early.id, .approve)
      time.advance(by: .microseconds(1))
      func isExpired(_ version: Int64) async throws {
        let read = try #require(try await approvals.get(late.id))
        #expect(read.status == .expired && read.decision == nil && read.version == version)
        #expect(try await approvals.list(.pending).items.isEmpty)
        #expect(try await approvals.list(ApprovalQuery(status: .expired)).items == [read])
        for query in [
          ApprovalQuery(status: .pending, caller: "bot"), ApprovalQuery(status: .pending, run: "r"),
        ] {
          #expect(try await approvals.list(query).items.isEmpty)
        }
        for query in [
          ApprovalQuery(status: .expired, caller: "bot"), ApprovalQuery(status: .expired, run: "r"),
        ] {
          #expect(try await approvals.list(query).items == [read])
        }
        #expect(try await approvals.wait(late.id, atMost: .seconds(60)) == read)
        for decision in ApprovalDecision.allCases {
          let error = await expectRefusal(.invalidState) {
            try await approvals.decide(late.id, decision)
          }
          #expect(error?.details["status"] == "expired")
        }
        await expectRefusal(.invalidState) { try await approvals.consume(late.id, request.scope) }
      }
      try await isExpired(late.version)
      let events = try await test.store.changes.told { () async throws in
        let upkeep = Upkeep(store: test.store)
        #expect(try await upkeep.slice() == 1)
        #expect(try await upkeep.slice() == 0)
      }
      #expect(events == ["expired \(late.id)"])
      let swept = try #require(try await approvals.get(late.id))
      #expect(swept.version > late.version && swept.history.last?.event == "expire")
      #expect(swept.history.last?.by == "upkeep")
      try await isExpired(swept.version)
      #expect(try await approvals.get(early.id)?.status == .approved)
    }
  }

  /// Goal: the sweep goes in slices, each approval once, however many sweep.
  ///
  /// Method: many due ones and some that are not; two nodes sweep at once.
  @Test(arguments: Engines.available)
  func `the sweep notes each expired approval once`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      try await test.store.transaction { tx in
        for number in 0..<120 {
          try tx.approvals.request(ApprovalRequest("a", ttl: .seconds(1), id: "due \(number)"))
        }
        try tx.approvals.request(ApprovalRequest("a", ttl: .seconds(9), id: "later"))
      }
      time.advance(by: .seconds(1))
      let other = try await test.openAnother()
      let events = try await test.store.changes.told { () async throws in
        let first = try await test.store.transaction { try $0.approvals.expireDue(limit: 7) }
        #expect(first == 7)
        try await withThrowingTaskGroup(of: Void.self) { group in
          for store in [test.store, other] {
            group.addTask { while try await Upkeep(store: store).slice() > 0 {} }
          }
          try await group.waitForAll()
        }
        // The node that had no lease left the rest to the other one, which may have ended first.
        time.advance(by: .seconds(0))
        while try await test.store.transaction({ try $0.approvals.expireDue(limit: 50) }) > 0 {}
      }
      #expect(Set(events) == Set((0..<120).map { "expired due \($0)" }) && events.count == 120)
      #expect(try await test.store.approvals.list(.pending).items.map(\.id) == ["later"])
    }
  }

  /// Goal: `expired(maxAge:)` gives what nobody decided and was requested at least so long ago, the
  /// oldest first.
  ///
  /// Method: requests at different times, some decided, some noted as expired; pages of one.
  @Test(arguments: Engines.available)
  func `expired gives the undecided ones by age`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let approvals = test.store.approvals
      for number in 0..<6 {
        try await approvals.request(
          ApprovalRequest("a", ttl: .seconds(number == 1 ? 5 : 3_600), id: "\(number)"))
        if number % 3 != 0 { time.advance(by: .seconds(10)) }
      }
      // Requested at 0, 0, 10, 20, 20, 30; the clock says 40.
      try await approvals.decide("2", .deny)
      try await approvals.decide("4", .approve)
      _ = try await test.store.transaction { try $0.approvals.expireDue(limit: 10) }
      for (age, ids) in [
        (Duration.seconds(40), ["0", "1"]), (.seconds(40) + .microseconds(1), []),
        (.seconds(20), ["0", "1", "3"]), (.milliseconds(1), ["0", "1", "3", "5"]),
      ] {
        #expect(try await approvals.expired(maxAge: age).items.map(\.id) == ids)
        var listed: [String] = []
        var cursor: String?
        repeat {
          let page = try await approvals.expired(maxAge: age, after: cursor, limit: 1)
          listed += page.items.map(\.id)
          cursor = page.next
        } while cursor != nil
        #expect(listed == ids)
      }
    }
  }

  /// Goal: a wait returns as soon as an approval is decided, on whatever node that is.
  ///
  /// Method: waits on one store, decides, denies and deletes on another one on the same database.
  /// The clock stands still, so nothing but the decision can end the wait.
  @Test(arguments: Engines.available)
  func `a wait ends with the decision of another node`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let waiting = test.store
      let deciding = try await test.openAnother()
      for decision in ApprovalDecision.allCases {
        let asked = try await deciding.approvals.request(ApprovalRequest("a", run: "r"))
        let wait = Task { try await waiting.approvals.wait(asked.id, atMost: .seconds(600)) }
        try await waiting.isWatched()
        // Events of others do not end it.
        try await deciding.kv(.run("r")).put("k", 1)
        try await deciding.approvals.request(ApprovalRequest("b", run: "r"))
        let decided = try await deciding.approvals.decide(asked.id, decision, by: "alice")
        #expect(try await wait.value == decided)
      }
      let asked = try await deciding.approvals.request(ApprovalRequest("a"))
      let wait = Task { try await waiting.approvals.wait(asked.id, atMost: .seconds(600)) }
      try await waiting.isWatched()
      try await deciding.approvals.delete(asked.id)
      await expectRefusal(.notFound) { try await wait.value }
      let owned = try await deciding.approvals.request(ApprovalRequest("a", run: "r"))
      let lost = Task { try await waiting.approvals.wait(owned.id, atMost: .seconds(600)) }
      try await waiting.isWatched()
      try await deciding.runs.delete("r")
      await expectRefusal(.notFound) { try await lost.value }
    }
  }

  /// Goal: a decision that came before the wait ends it at once, also after a restart, and many may
  /// wait for one decision.
  ///
  /// Method: decides, then waits; restarts and waits; fifty wait at once.
  @Test(arguments: Engines.available)
  func `a wait misses no decision`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let first = try await test.store.approvals.request(ApprovalRequest("a"))
      let second = try await test.store.approvals.request(ApprovalRequest("b"))
      let decided = try await test.store.approvals.decide(first.id, .approve)
      #expect(try await test.store.approvals.wait(first.id, atMost: .seconds(60)) == decided)
      let store = try await test.restart()
      #expect(try await store.approvals.wait(first.id, atMost: .seconds(60)) == decided)
      let waits = (0..<50).map { _ in
        Task { try await store.approvals.wait(second.id, atMost: .seconds(240)) }
      }
      let denied = try await store.approvals.decide(second.id, .deny)
      for wait in waits { #expect(try await wait.value == denied) }
    }
  }

  /// Goal: a wait ends when its time is over, when the approval's is, and when it is cancelled.
  ///
  /// Method: a clock moved by hand to just before each end, and to it.
  @Test(arguments: Engines.available)
  func `a wait ends in time`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let approvals = test.store.approvals
      let asked = try await approvals.request(ApprovalRequest("a", ttl: .seconds(3)))
      #expect(try await approvals.wait(asked.id, atMost: .zero) == asked)
      #expect(try await approvals.wait(asked.id, atMost: .seconds(-1)) == asked)
      let short = Task { try await approvals.wait(asked.id, atMost: .seconds(2)) }
      try await test.store.isWatched()
      let long = Task { try await approvals.wait(asked.id, atMost: .seconds(600)) }
      let cancelled = Task { try await approvals.wait(asked.id, atMost: .seconds(600)) }
      // Three who wait, and the feed's own reader.
      try await time.sleepers(atLeast: 4)
      cancelled.cancel()
      #expect(try await cancelled.value == asked)
      time.advance(by: .seconds(2))
      #expect(try await short.value == asked)
      time.advance(by: .seconds(1) - .microseconds(1))
      time.advance(by: .microseconds(1))
      #expect(try await long.value.status == .expired)
    }
  }

  /// Goal: what happens to others moves neither end of a wait, and a wait tells how the approval
  /// stands at its end.
  ///
  /// Method: events of the same namespace at each step of the clock, up to the approval's expiry.
  @Test(arguments: Engines.available)
  func `a wait is not drawn out by events of others`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let store = test.store
      let asked = try await store.approvals.request(
        ApprovalRequest("a", run: "r", ttl: .seconds(30)))
      let wait = Task { try await store.approvals.wait(asked.id, atMost: .seconds(40)) }
      try await store.isWatched()
      for second in 1..<30 {
        time.advance(by: .seconds(1))
        try await store.kv(.run("r")).put("k", .integer(Int64(second)))
        try await store.isWatched()
      }
      time.advance(by: .seconds(1))
      #expect(try await wait.value.status == .expired)
      #expect(time.monotonicTime() == .seconds(30))
    }
  }
}

extension Store {
  /// Waits until somebody watches this store's feed, and so has taken its cursor and its look.
  fileprivate func isWatched() async throws {
    let time = try #require(context.time as? ManualTimeSource)
    // The feed's reader and whoever waits both sleep on the clock.
    try await time.sleepers(atLeast: 2)
  }
}
