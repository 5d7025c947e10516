import HoldfastCore
import Testing

@Suite struct ApprovalStateTests {
  private static let expiry = Instant(microseconds: 1_000)
  private static let use = Duration.microseconds(500)
  private static let alice = ApprovalDecider("alice")

  /// What can happen to an approval in a test.
  enum Event: String, CaseIterable {
    case approve
    case deny
    case consume
    case expire
  }

  /// A way to each status, with the time of each event.
  private static let ways: [ApprovalStatus: [(Event, Int64)]] = [
    .pending: [], .approved: [(.approve, 100)], .denied: [(.deny, 100)],
    .expired: [(.expire, 1_000)], .consumed: [(.approve, 100), (.consume, 200)],
  ]

  private static func apply(
    _ event: Event, to state: inout ApprovalState, at time: Int64,
    by decider: ApprovalDecider = alice
  ) throws(StoreError) -> Bool {
    let now = Instant(microseconds: time)
    switch event {
    case .approve: return try state.decide(.approve, by: decider, at: now, usableFor: use)
    case .deny: return try state.decide(.deny, by: decider, at: now, usableFor: use)
    case .consume:
      try state.consume(at: now)
      return true
    case .expire: return state.expire(at: now)
    }
  }

  private static func state(_ status: ApprovalStatus) throws -> ApprovalState {
    var state = ApprovalState(expiresAt: expiry)
    for (event, time) in ways[status] ?? [] { _ = try apply(event, to: &state, at: time) }
    #expect(state.status == status)
    return state
  }

  /// Goal: an approval takes the steps that are documented and no others.
  ///
  /// Method: every event in every status, before and at the expiry, by somebody else than who
  /// decided. What is not in the table is refused, and the state stays.
  @Test(arguments: ApprovalStatus.allCases, Event.allCases)
  func `an approval takes only legal steps`(status: ApprovalStatus, event: Event) throws {
    let early: [ApprovalStatus: [Event: ApprovalStatus]] = [
      .pending: [.approve: .approved, .deny: .denied], .approved: [.consume: .consumed],
    ]
    let late: [ApprovalStatus: [Event: ApprovalStatus]] = [
      .pending: [.expire: .expired], .approved: [:],
    ]
    for (time, table) in [(Int64(300), early), (1_000, late)] {
      let before = try Self.state(status)
      var state = before
      var isNew = false
      let error = refusal {
        isNew = try Self.apply(event, to: &state, at: time, by: ApprovalDecider("bob"))
      }
      if let next = table[status]?[event] {
        #expect(error == nil && isNew && state.status == next)
      } else {
        #expect(state == before)
        #expect(event == .expire ? !isNew && error == nil : error?.code == .invalidState)
        if event != .expire {
          let shown = before.status(at: Instant(microseconds: time)).rawValue
          #expect(error?.details["status"] == .string(shown))
        }
      }
    }
  }

  /// Goal: time alone ends an undecided approval, to the microsecond.
  ///
  /// Method: asks and decides at the microsecond before, at the expiry, and after it.
  @Test func `an undecided approval is expired from its expiry on`() throws {
    for (time, status) in [
      (Int64(999), ApprovalStatus.pending), (1_000, .expired), (1_001, .expired),
    ] {
      var state = ApprovalState(expiresAt: Self.expiry)
      #expect(state.status(at: Instant(microseconds: time)) == status)
      let error = refusal { _ = try Self.apply(.approve, to: &state, at: time) }
      #expect((error == nil) == (status == .pending))
    }
    let approved = try Self.state(.approved)
    #expect(approved.status(at: Instant(microseconds: 5_000)) == .approved)
  }

  /// Goal: the same decision by the same person is answered again at any time and changes nothing;
  /// the same by another, or another by the same, is refused.
  ///
  /// Method: every pair of deciders that differ in name or claim, before and after the use.
  @Test func `only the same decision by the same person is answered again`() throws {
    let people = [
      ApprovalDecider("alice"), ApprovalDecider("alice", claim: "for bob"),
      ApprovalDecider("bob"), ApprovalDecider("é"), ApprovalDecider("e\u{301}"),
    ]
    for (one, first) in people.enumerated() {
      for (two, second) in people.enumerated() {
        for decision in ApprovalDecision.allCases {
          var state = ApprovalState(expiresAt: Self.expiry)
          let now = Instant(microseconds: 10)
          let isDecided = try state.decide(.approve, by: first, at: now, usableFor: Self.use)
          #expect(isDecided)
          let decided = state
          let again = refusal {
            let isNew = try state.decide(
              decision, by: second, at: Instant(microseconds: 2_000), usableFor: Self.use)
            #expect(!isNew)
          }
          #expect((again == nil) == (one == two && decision == .approve))
          #expect(state == decided)
        }
      }
    }
    for asksGrant in [false, true] {
      var state = ApprovalState(expiresAt: Self.expiry)
      let now = Instant(microseconds: 10)
      for asksAgain in [asksGrant, asksGrant, !asksGrant] {
        let error = refusal {
          _ = try state.decide(
            .approve, by: Self.alice, asksGrant: asksAgain, at: now, usableFor: Self.use)
        }
        #expect(error?.code == (asksAgain == asksGrant ? nil : .invalidState))
      }
    }
    var used = try Self.state(.consumed)
    let isNew = try Self.apply(.approve, to: &used, at: 5_000)
    #expect(!isNew && used.status == .consumed)
  }

  /// Goal: an approved one can be used until the later of its expiry and a time after the decision,
  /// and once.
  ///
  /// Method: decisions early and late; uses at the last microsecond and at the end.
  @Test func `an approval can be used until the later of two times`() throws {
    for (decided, until) in [(Int64(100), Int64(1_000)), (500, 1_000), (501, 1_001), (999, 1_499)] {
      var state = ApprovalState(expiresAt: Self.expiry)
      _ = try Self.apply(.approve, to: &state, at: decided)
      #expect(state.usableUntil == Instant(microseconds: until))
      var late = state
      let error = refusal { _ = try Self.apply(.consume, to: &late, at: until) }
      #expect(error?.code == .invalidState && late == state)
      _ = try Self.apply(.consume, to: &state, at: until - 1)
      #expect(state.consumedAt == Instant(microseconds: until - 1))
      #expect(refusal { _ = try Self.apply(.consume, to: &state, at: until - 1) } != nil)
    }
  }

  /// Goal: the words on the wire are the names, and only pending is open.
  ///
  /// Method: looks.
  @Test func `an approval's words are the names`() {
    #expect(
      ApprovalStatus.allCases.map(\.rawValue)
        == ["pending", "approved", "denied", "expired", "consumed"])
    #expect(ApprovalStatus.allCases.filter { !$0.isClosed } == [.pending])
    #expect(ApprovalDecision.allCases.map(\.rawValue) == ["approve", "deny"])
    #expect(
      PolicyMode.allCases.map(\.rawValue)
        == ["auto_approve", "notify_then_do", "require_approval", "always_deny"])
    #expect(PolicyMode.allCases.map(\.decision) == [.approve, .approve, nil, .deny])
  }
}

@Suite struct ApprovalScopeTests {
  /// Goal: the digest is the SHA-256 of the canonical form, so that anybody can compute it.
  ///
  /// Method: digests that another program made of the text, which is written out here.
  @Test func `the digest is SHA-256 of the canonical form`() {
    // {"action":"send","caller":null,"parameters":{},"resource":null,"task":null}
    #expect(
      ApprovalScope("send").digest
        == "49f405613dfa8549e4f36eeeef1cfa9a1b9dbbc238c4c00706e144c7e027c615")
    // {"action":"send","caller":"bot","parameters":{"a":[1,1.0],"b":"é"},"resource":"x","task":"t"}
    let full = ApprovalScope(
      "send", resource: "x", parameters: ["b": "é", "a": [1, 1.0]], caller: "bot", task: "t")
    #expect(full.digest == "659e1a7d0c27e1690345acc5f7a05f27790140b309bffe064364dac8d3375100")
  }

  /// Goal: the digest differs with every field and with every difference of a value, and not with
  /// the order of members.
  ///
  /// Method: many scopes, each different from the others in one point.
  @Test func `every difference is another digest`() {
    let scopes = [
      ApprovalScope("a"), ApprovalScope("b"), ApprovalScope("a", resource: ""),
      ApprovalScope("a", resource: "r"), ApprovalScope("a", caller: "r"),
      ApprovalScope("a", task: "r"), ApprovalScope("a", parameters: nil),
      ApprovalScope("a", parameters: ["n": 1]), ApprovalScope("a", parameters: ["n": 1.0]),
      ApprovalScope("a", parameters: ["n": "1"]), ApprovalScope("a", parameters: ["n": nil]),
      ApprovalScope("a", parameters: ["n": .bytes([1])]),
      ApprovalScope("a", parameters: ["n": 9_007_199_254_740_992]),
      ApprovalScope("a", parameters: ["n": 9_007_199_254_740_993]),
      ApprovalScope("a", parameters: ["n": "é"]), ApprovalScope("a", parameters: ["n": "e\u{301}"]),
      ApprovalScope("a", parameters: ["n": 1, "m": 2]),
    ]
    #expect(Set(scopes.map(\.digest)).count == scopes.count)
    #expect(
      ApprovalScope("a", parameters: ["m": 2, "n": 1]).digest
        == ApprovalScope("a", parameters: ["n": 1, "m": 2]).digest)
  }
}
