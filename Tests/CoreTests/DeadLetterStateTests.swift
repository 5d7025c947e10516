import HoldfastCore
import Testing

@Suite struct DeadLetterStateTests {
  private static let now = Instant(microseconds: 500)
  private static let later = Instant(microseconds: 900)

  /// A state that stands somewhere.
  private func state(_ status: DeadLetterStatus) throws -> DeadLetterState {
    var state = DeadLetterState(nextRetryAt: Instant(microseconds: 100))
    switch status {
    case .open: break
    case .givenUp: try state.retryFailed(next: nil, at: Instant(microseconds: 200))
    case .resolved: try state.resolve(at: Instant(microseconds: 300))
    }
    return state
  }

  /// Goal: a try that failed is counted; without a next one the letter is given up, and only an
  /// open letter has tries.
  ///
  /// Method: both kinds of failure in every status.
  @Test(arguments: DeadLetterStatus.allCases, [nil, later])
  func `a failed try is counted or gives the letter up`(
    status: DeadLetterStatus, next: Instant?
  ) throws {
    let before = try state(status)
    var state = before
    let error = refusal { try state.retryFailed(next: next, at: Self.now) }
    guard status == .open else {
      #expect(error?.code == .invalidState && error?.details["status"] == .string(status.rawValue))
      #expect(state == before)
      return
    }
    #expect(error == nil && state.retryCount == before.retryCount + 1)
    #expect(state.status == (next == nil ? .givenUp : .open))
    #expect(state.nextRetryAt == next && state.givenUpAt == (next == nil ? Self.now : nil))
    #expect(state.resolvedAt == nil)
  }

  /// Goal: what is not resolved can be resolved, redriven and moved; what is resolved never
  /// changes.
  ///
  /// Method: each step in every status.
  @Test(arguments: DeadLetterStatus.allCases)
  func `a resolved letter never changes again`(status: DeadLetterStatus) throws {
    let before = try state(status)
    var resolved = before
    var redriven = before
    var moved = before
    guard status != .resolved else {
      #expect(refusal { try resolved.resolve(at: Self.now) }?.code == .invalidState)
      #expect(refusal { try redriven.redrive(at: Self.now) }?.code == .invalidState)
      #expect(refusal { try moved.reschedule(Self.later) }?.code == .invalidState)
      #expect(refusal { try moved.checkChangeable() }?.code == .invalidState)
      #expect(resolved == before && redriven == before && moved == before)
      return
    }
    try resolved.resolve(at: Self.now)
    #expect(resolved.status == .resolved && resolved.resolvedAt == Self.now)
    #expect(resolved.nextRetryAt == nil && resolved.givenUpAt == before.givenUpAt)
    try redriven.redrive(at: Self.now)
    #expect(redriven == DeadLetterState(nextRetryAt: Self.now))
    try moved.reschedule(Self.later)
    #expect(moved.status == status)
    #expect(moved.nextRetryAt == (status == .open ? Self.later : nil))
  }

  /// Goal: a spent task's letter is given up from the start.
  ///
  /// Method: looks.
  @Test func `a letter may be given up from the start`() {
    let state = DeadLetterState(givenUpAfter: 5, at: Self.now)
    #expect(state.status == .givenUp && state.retryCount == 5 && state.givenUpAt == Self.now)
    #expect(state.nextRetryAt == nil && state.resolvedAt == nil)
    #expect(DeadLetterStatus.allCases.map(\.rawValue) == ["open", "given_up", "resolved"])
  }

  /// Goal: tries come from one minute to one hour apart, and there are ten.
  ///
  /// Method: the longest delay after each number of tries, and what comes after the last.
  @Test func `ten tries from a minute to an hour apart`() {
    let retries = DeadLetterRetries()
    let minutes = (0..<10).map { tries in
      retries.next(after: tries, at: Self.now, chance: 1).map { ($0 - Self.now) / 60 }
    }
    #expect(
      minutes == [1, 2, 4, 8, 16, 32, 60, 60, 60, 60].map { .seconds($0) })
    #expect(retries.next(after: 10, at: Self.now, chance: 1) == nil)
    #expect(retries.next(after: 11, at: Self.now, chance: 0) == nil)
    #expect(retries.next(after: 3, at: Self.now, chance: 0) == Self.now)
  }
}

@Suite struct BackOffTests {
  /// Goal: the bound doubles with each attempt up to the cap, however many there are.
  ///
  /// Method: the bounds of many attempts, and of bases and caps that leave nothing.
  @Test func `the bound doubles up to the cap`() {
    let backOff = BackOff(base: .seconds(1), cap: .seconds(3_600))
    #expect((1...4).map { backOff.bound(attempt: $0) } == [1, 2, 4, 8].map { .seconds($0) })
    for attempt in [13, 64, 1_000, .max] {
      #expect(backOff.bound(attempt: attempt) == .seconds(3_600))
    }
    #expect(backOff.bound(attempt: 0) == .seconds(1))
    #expect(BackOff(base: .zero, cap: .seconds(9)).bound(attempt: .max) == .zero)
    #expect(BackOff(base: .seconds(9), cap: .seconds(2)).bound(attempt: 1) == .seconds(2))
    #expect(BackOff(base: .seconds(-1), cap: .seconds(2)).bound(attempt: 3) == .zero)
  }

  /// Goal: the delay lies evenly between zero and the bound, and nowhere else.
  ///
  /// Method: chances from below zero to above one.
  @Test func `the delay is full jitter`() {
    let backOff = BackOff(base: .seconds(8), cap: .seconds(3_600))
    let delays = [-1, 0, 0.25, 0.5, 1, 2].map { backOff.delay(attempt: 1, chance: $0) }
    #expect(delays == [0, 0, 2, 4, 8, 8].map { .seconds($0) })
  }
}
