import HoldfastCore
import Testing

@Suite struct RunStateTests {
  /// What each event makes of each status; what is not here is refused.
  static let steps: [RunStatus: [RunEvent: RunStatus]] = [
    .active: [
      .complete: .completed, .fail: .failed, .cancel: .cancelled, .pause: .paused,
      .archive: .archived,
    ],
    .paused: [.resume: .active, .cancel: .cancelled, .archive: .archived],
    .completed: [.archive: .archived],
    .failed: [.archive: .archived],
    .cancelled: [.archive: .archived],
    .archived: [:],
  ]

  /// Goal: a run takes the steps that are documented and no others.
  ///
  /// Method: every event in every status, with and without an earlier time of completion.
  @Test(arguments: RunStatus.allCases, RunEvent.allCases)
  func `a run takes only legal steps`(status: RunStatus, event: RunEvent) throws {
    let now = Instant(microseconds: 500)
    for earlier in [nil, Instant(microseconds: 100)] {
      let before = RunState(status: status, completedAt: earlier)
      var state = before
      let error = refusal { try state.apply(event, at: now) }
      guard let next = Self.steps[status]?[event] else {
        #expect(error?.code == .invalidState)
        #expect(
          error?.details == ["from": .string(status.rawValue), "event": .string(event.rawValue)])
        #expect(state == before)
        continue
      }
      #expect(error == nil)
      #expect(state == RunState(status: next, completedAt: next.isFinished ? now : earlier))
    }
  }

  /// Goal: a new run is active, and the words on the wire are the names.
  ///
  /// Method: looks.
  @Test func `a new run is active`() {
    #expect(RunState() == RunState(status: .active, completedAt: nil))
    #expect(RunStatus.allCases.filter(\.isFinished) == [.completed, .failed, .cancelled])
    #expect(RunStatus.allCases.filter { !$0.isWritable } == [.archived])
    #expect(
      RunStatus.allCases.map(\.rawValue)
        == ["active", "paused", "completed", "failed", "cancelled", "archived"])
  }
}

@Suite struct RoleTests {
  /// Goal: each role may do what those before it may, and no more.
  ///
  /// Method: every pair.
  @Test func `roles stand in order`() {
    let roles: [Role] = [.reader, .agent, .operator, .admin]
    #expect(Role.allCases == roles)
    #expect(roles.map(\.rawValue) == ["reader", "agent", "operator", "admin"])
    for (rank, role) in roles.enumerated() {
      for (neededRank, needed) in roles.enumerated() {
        #expect(role.allows(needed) == (rank >= neededRank))
        #expect((role < needed) == (rank < neededRank))
      }
    }
  }
}
