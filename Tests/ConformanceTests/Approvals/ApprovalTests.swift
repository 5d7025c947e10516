import Holdfast
import HoldfastTesting
import Testing

@Suite(.timeLimit(.minutes(5))) struct ApprovalTests {
  /// Goal: an approval keeps what was asked for, and waits for a decision for an hour unless its
  /// request says otherwise.
  ///
  /// Method: requests with everything and with nothing; reads back before and after a restart.
  @Test(arguments: Engines.available)
  func `an approval keeps what was asked for`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    let options = StoreOptions.testing(time: time, ids: SeededIDSource(seed: 7))
    try await withStore(on: engine, options: options) { test in
      let approvals = test.store.approvals
      let plain = try await approvals.request(ApprovalRequest("send_email"))
      #expect(plain.id.utf8.count == 36 && plain.status == .pending)
      #expect(plain.permission == "send_email" && plain.parameters == [:])
      #expect(plain.task == nil && plain.run == nil && plain.caller == nil)
      #expect(plain.resource == nil && plain.channel == nil && plain.thread == nil)
      #expect(plain.decision == nil && plain.decidedBy == nil && plain.by == nil)
      #expect(plain.reason == nil && plain.policy == nil && plain.grant == nil)
      #expect(plain.decidedAt == nil && plain.usableUntil == nil && plain.consumedAt == nil)
      #expect(plain.requestedAt == time.wallTime())
      #expect(plain.expiresAt == time.wallTime() + .seconds(3_600))
      #expect(plain.digest == ApprovalScope("send_email").digest)
      #expect(
        plain.history == [ApprovalEvent("request", at: time.wallTime(), by: "library")])
      let request = ApprovalRequest(
        "delete account", resource: "account/é", parameters: ["force": true, "n": [1, 1.0, nil]],
        caller: "bot-7", permission: "accounts", run: "42", channel: "slack", thread: "t/1",
        ttl: .milliseconds(1), id: "my approval/1")
      let full = try await approvals.request(request)
      #expect(full.id == "my approval/1" && full.scope == request.scope && full.run == "42")
      #expect(full.permission == "accounts" && full.channel == "slack" && full.thread == "t/1")
      #expect(full.parameters.isIdentical(to: request.scope.parameters))
      #expect(full.expiresAt == time.wallTime() + .milliseconds(1))
      #expect(full.version > plain.version && full.digest == request.scope.digest)
      #expect(try await approvals.get(full.id) == full)
      #expect(try await approvals.get("missing") == nil)
      let restarted = try await test.restart().approvals
      #expect(try await restarted.get(full.id) == full)
      #expect(try await restarted.get(plain.id) == plain)
    }
  }

  /// Goal: a request that cannot be leaves nothing.
  ///
  /// Method: each of them; the feed and the list stay as they were.
  @Test(arguments: Engines.available)
  func `a request that cannot be leaves nothing`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let approvals = test.store.approvals
      let first = try await approvals.request(ApprovalRequest("a", id: "1"))
      let events = try await test.store.changes.made { () async throws in
        await expectRefusal(.conflict) {
          try await approvals.request(ApprovalRequest("b", id: "1"))
        }
        for bad in ["", ".", "..", "a\u{0}", String(repeating: "i", count: 257)] {
          await expectRefusal(.invalid) { try await approvals.request(ApprovalRequest(bad)) }
          await expectRefusal(.invalid) {
            try await approvals.request(ApprovalRequest("a", caller: bad))
          }
          await expectRefusal(.invalid) {
            try await approvals.request(ApprovalRequest("a", permission: bad))
          }
          await expectRefusal(.invalid) {
            try await approvals.request(ApprovalRequest("a", task: bad))
          }
          await expectRefusal(.invalid) {
            try await approvals.request(ApprovalRequest("a", run: bad))
          }
          await expectRefusal(.invalid) {
            try await approvals.request(ApprovalRequest("a", channel: bad))
          }
          await expectRefusal(.invalid) {
            try await approvals.request(ApprovalRequest("a", thread: bad))
          }
          await expectRefusal(.invalid) {
            try await approvals.request(ApprovalRequest("a", id: bad))
          }
          await expectRefusal(.invalid) { try await approvals.get(bad) }
          await expectRefusal(.invalid) { try await approvals.decide(bad, .approve) }
          await expectRefusal(.invalid) { try await approvals.decide("1", .approve, by: bad) }
          await expectRefusal(.invalid) { try await approvals.consume(bad, first.scope) }
          await expectRefusal(.invalid) { try await approvals.delete(bad) }
          await expectRefusal(.invalid) { try await approvals.wait(bad, atMost: .zero) }
          await expectRefusal(.invalid) { try await approvals.list(ApprovalQuery(caller: bad)) }
        }
        await expectRefusal(.invalid) {
          try await approvals.request(ApprovalRequest("a", resource: "a\u{0}"))
        }
        await expectRefusal(.tooLarge) {
          try await approvals.request(
            ApprovalRequest("a", resource: String(repeating: "r", count: 4_097)))
        }
        await expectRefusal(.invalid) {
          try await approvals.decide("1", .deny, reason: "because\u{0}")
        }
        for ttl in [Duration.zero, .seconds(-1), .seconds(3_650 * 86_400 + 1)] {
          await expectRefusal(.invalid) {
            try await approvals.request(ApprovalRequest("a", ttl: ttl))
          }
          await expectRefusal(.invalid) { try await approvals.expired(maxAge: ttl) }
        }
        await expectRefusal(.notFound) { try await approvals.decide("missing", .deny) }
        await expectRefusal(.notFound) { try await approvals.consume("missing", first.scope) }
        await expectRefusal(.notFound) { try await approvals.wait("missing", atMost: .zero) }
        #expect(try await !approvals.delete("missing"))
        await expectRefusal(.invalid) { try await approvals.list(ApprovalQuery(limit: 0)) }
        await expectRefusal(.invalid) { try await approvals.list(ApprovalQuery(after: "x")) }
      }
      #expect(events.isEmpty)
      #expect(try await approvals.list().items == [first])
    }
  }

  /// Goal: a second decision is `invalid_state`, the same decision by the same person is answered
  /// again, and history is kept.
  ///
  /// Method: approves and denies; repeats both as the same and as another person.
  @Test(arguments: Engines.available)
  func `an approval is decided once`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let approvals = test.store.approvals
      let request = ApprovalRequest("a", run: "r")
      for decision in ApprovalDecision.allCases {
        let asked = try await approvals.request(request)
        time.advance(by: .seconds(60))
        let events = try await test.store.changes.told { () async throws in
          let decided = try await approvals.decide(
            asked.id, decision, by: "alice", reason: "I looked")
          #expect(decided.status == (decision == .approve ? .approved : .denied))
          #expect(decided.decision == decision && decided.decidedBy == "alice")
          #expect(decided.reason == "I looked" && decided.decidedAt == time.wallTime())
          #expect(decided.version > asked.version && decided.by == nil)
          let until = asked.requestedAt + .seconds(3_600)
          #expect(decided.usableUntil == (decision == .approve ? until : nil))
          #expect(
            decided.history == [
              ApprovalEvent("request", at: asked.requestedAt, by: "library"),
              ApprovalEvent(
                decision.rawValue, at: time.wallTime(), by: "alice", reason: "I looked"),
            ])
          time.advance(by: .seconds(7_200))
          let again = try await approvals.decide(asked.id, decision, by: "alice", reason: "other")
          #expect(again == decided)
          for other in ApprovalDecision.allCases {
            let error = await expectRefusal(.invalidState) {
              try await approvals.decide(asked.id, other, by: "bob")
            }
            #expect(error?.details["approval"] == .string(asked.id))
          }
          await expectRefusal(.invalidState) {
            try await approvals.decide(
              asked.id, decision == .approve ? .deny : .approve, by: "alice")
          }
          #expect(try await approvals.get(asked.id) == decided)
        }
        #expect(events == ["decide \(asked.id)"])
      }
    }
  }

  /// Goal: of two who decide at once one is heard, and the other is told.
  ///
  /// Method: pairs of opposite decisions from two nodes, many times.
  @Test(arguments: Engines.available)
  func `two who decide at once make one decision`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let other = try await test.openAnother()
      for _ in 0..<10 {
        let asked = try await test.store.approvals.request(ApprovalRequest("a"))
        let stores = [test.store, other]
        let outcomes = try await withThrowingTaskGroup(
          of: Result<Approval, StoreError>.self
        ) { group in
          for (number, decision) in ApprovalDecision.allCases.enumerated() {
            let store = stores[number]
            group.addTask {
              try await outcome {
                try await store.approvals.decide(asked.id, decision, by: "person \(number)")
              }
            }
          }
          return try await group.reduce(into: []) { $0.append($1) }
        }
        let heard = outcomes.compactMap { try? $0.get() }
        #expect(heard.count == 1)
        for case .failure(let error) in outcomes { #expect(error.code == .invalidState) }
        #expect(try await other.approvals.get(asked.id) == heard.first)
      }
    }
  }

  /// Goal: of a hundred who use an approval at once exactly one does.
  ///
  /// Method: a hundred calls from two nodes.
  @Test(arguments: Engines.available)
  func `of a hundred consumers one uses the approval`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let request = ApprovalRequest("a", parameters: ["n": 1])
      let asked = try await test.store.approvals.request(request)
      try await test.store.approvals.decide(asked.id, .approve)
      let other = try await test.openAnother()
      let outcomes = try await withThrowingTaskGroup(
        of: Result<Approval, StoreError>.self
      ) { group in
        for number in 0..<100 {
          let store = number % 2 == 0 ? test.store : other
          group.addTask {
            try await outcome { try await store.approvals.consume(asked.id, request.scope) }
          }
        }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      let used = outcomes.compactMap { try? $0.get() }
      #expect(used.count == 1 && used.first?.status == .consumed)
      for case .failure(let error) in outcomes { #expect(error.code == .invalidState) }
      #expect(try await test.store.approvals.get(asked.id) == used.first)
    }
  }

  /// Goal: an approval is used for exactly what was approved: anything else is a `conflict`.
  ///
  /// Method: scopes that differ in one field each, on a pending and on an approved one; then the
  /// right one, and once more.
  @Test(arguments: Engines.available)
  func `an approval is good for exactly its action`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let approvals = test.store.approvals
      let request = ApprovalRequest(
        "send", resource: "mail", parameters: ["to": ["a"], "n": 1], caller: "bot")
      let asked = try await approvals.request(request)
      let others: [(inout ApprovalScope) -> Void] = [
        { $0.action = "Send" }, { $0.resource = nil }, { $0.resource = "mail " },
        { $0.caller = nil }, { $0.caller = "Bot" }, { $0.task = "t" }, { $0.parameters = [:] },
        { $0.parameters = ["to": ["a"], "n": 1.0] }, { $0.parameters = ["to": ["b"], "n": 1] },
        { $0.parameters = ["to": ["a"], "n": 1, "bcc": nil] },
      ]
      func tryOthers() async throws {
        for change in others {
          var scope = request.scope
          change(&scope)
          let wrong = scope
          await expectRefusal(.conflict) { try await approvals.consume(asked.id, wrong) }
        }
      }
      try await tryOthers()
      await expectRefusal(.invalidState) { try await approvals.consume(asked.id, request.scope) }
      try await approvals.decide(asked.id, .approve, by: "alice")
      let events = try await test.store.changes.told { () async throws in
        try await tryOthers()
        time.advance(by: .seconds(1))
        var reordered = request.scope
        reordered.parameters = ["n": 1, "to": ["a"]]
        let used = try await approvals.consume(asked.id, reordered)
        #expect(used.status == .consumed && used.consumedAt == time.wallTime())
        #expect(used.decision == .approve && used.decidedBy == "alice")
        #expect(used.history.map(\.event) == ["request", "approve", "consume"])
        await expectRefusal(.invalidState) { try await approvals.consume(asked.id, request.scope) }
        try await tryOthers()
        #expect(try await approvals.decide(asked.id, .approve, by: "alice") == used)
        #expect(try await approvals.get(asked.id) == used)
      }
      #expect(events == ["consume \(asked.id)"])
      let denied = try await approvals.request(request)
      try await approvals.decide(denied.id, .deny)
      await expectRefusal(.invalidState) { try await approvals.consume(denied.id, request.scope) }
    }
  }

  /// Goal: an approved one can be used until the later of its expiry and 15 minutes after the
  /// decision.
  ///
  /// Method: decisions early and late; uses at the last microsecond and one after it.
  @Test(arguments: Engines.available)
  func `an approval can be used in time only`(on engine: TestEngine) async throws {
    let time = ManualTimeSource()
    try await withStore(on: engine, options: .testing(time: time)) { test in
      let approvals = test.store.approvals
      // Requested for 20 minutes: decided after 1, its expiry is later; after 19, 15 minutes are.
      for (decidedAfter, usableFor) in [(60, 1_200 - 60), (1_140, 900)] {
        for isLate in [false, true] {
          let request = ApprovalRequest("a", ttl: .seconds(1_200))
          let asked = try await approvals.request(request)
          time.advance(by: .seconds(decidedAfter))
          let decided = try await approvals.decide(asked.id, .approve)
          #expect(decided.usableUntil == time.wallTime() + .seconds(usableFor))
          time.advance(by: .seconds(usableFor) - .microseconds(isLate ? 0 : 1))
          if isLate {
            await expectRefusal(.invalidState) {
              try await approvals.consume(asked.id, request.scope)
            }
            #expect(try await approvals.get(asked.id)?.status == .approved)
          } else {
            #expect(try await approvals.consume(asked.id, request.scope).status == .consumed)
          }
        }
      }
    }
  }

  /// Goal: approvals take part in transactions: all of it happens, or nothing.
  ///
  /// Method: a request, a decision and a key in one transaction that throws, then in one that does
  /// not; what Holdfast itself refuses may be caught inside.
  @Test(arguments: Engines.available)
  func `an approval takes part in a transaction`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let store = test.store
      let events = try await store.changes.made { () async throws in
        await #expect(throws: OwnError(number: 1)) {
          try await store.transaction { tx in
            try tx.approvals.request(ApprovalRequest("a", id: "1"))
            try tx.approvals.decide("1", .approve)
            try tx.policies.set("p", .autoApprove)
            throw OwnError(number: 1)
          }
        }
      }
      #expect(events.isEmpty)
      #expect(try await store.approvals.get("1") == nil)
      #expect(try await store.policies.get("p") == nil)
      try await store.transaction { tx in
        try tx.approvals.request(ApprovalRequest("a", id: "1"))
        try tx.approvals.decide("1", .approve)
        #expect(throws: StoreError.self) { try tx.approvals.decide("1", .deny) }
        try tx.kv(.global).put("k", 1)
        try tx.approvals.consume("1", ApprovalScope("a"))
      }
      #expect(try await store.approvals.get("1")?.status == .consumed)
      #expect(try await store.kv(.global).get("k") == 1)
    }
  }

  /// Goal: a write with an idempotency key is done once and answered again.
  ///
  /// Method: requests, decides and consumes twice with one key each; another request with the key
  /// is a `conflict`.
  @Test(arguments: Engines.available)
  func `a repeated call is answered again`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let approvals = test.store.approvals
      let request = ApprovalRequest("a", parameters: ["n": 1])
      let asked = try await approvals.request(request, with: .idempotent("ask"))
      #expect(try await approvals.request(request, with: .idempotent("ask")) == asked)
      await expectRefusal(.conflict) {
        try await approvals.request(ApprovalRequest("b"), with: .idempotent("ask"))
      }
      try await approvals.decide(asked.id, .approve, by: "alice", with: .idempotent("decide"))
      let used = try await approvals.consume(
        asked.id, request.scope, with: .idempotent("consume"))
      let again = try await approvals.consume(
        asked.id, request.scope, with: .idempotent("consume"))
      #expect(again == used)
      #expect(try await approvals.list().items.count == 1)
    }
  }

  /// Goal: a deleted approval is gone for good, and its identifier is free.
  ///
  /// Method: deletes a pending, a denied and a used one.
  @Test(arguments: Engines.available)
  func `a deleted approval is gone`(on engine: TestEngine) async throws {
    try await withStore(on: engine) { test in
      let approvals = test.store.approvals
      for decision in [nil, ApprovalDecision.approve, .deny] {
        try await approvals.request(ApprovalRequest("a", id: "1"))
        if let decision { try await approvals.decide("1", decision) }
        let events = try await test.store.changes.told { () async throws in
          #expect(try await approvals.delete("1"))
          #expect(try await !approvals.delete("1"))
        }
        #expect(events == ["delete 1"])
        #expect(try await approvals.get("1") == nil)
        #expect(try await approvals.list().items.isEmpty)
        await expectRefusal(.notFound) { try await approvals.decide("1", .approve) }
      }
    }
  }
}
